"""Link users to accounts, look links up, unlink."""

from collections.abc import Mapping, Sequence
from typing import Any

from handcart.accounts import ops as accounts
from handcart.accounts import self_service
from handcart.accounts.models import Account, Membership
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.linking import errors
from handcart.linking.models import Link, LinkedAccount
from handcart.messages import queries as messages
from handcart.oauth import tokens
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.users import ops as users

# One statement for the user, the link and the account's periods, because every checkout runs it.
LINK = (
    "SELECT l.account_id, m.starts_at, m.ends_at FROM users u"
    " LEFT JOIN links l ON l.isolation_id = u.isolation_id AND l.user_id = u.user_id"
    " LEFT JOIN memberships m ON m.account_id = l.account_id"
    " WHERE u.isolation_id = $1 AND u.user_id = $2 ORDER BY m.starts_at"
)


async def link(tx: Tx, caller: Caller, user_id: str, linking_token: str) -> None:
    """Link a user to the account of the linking token. Succeeds again for the same user and token."""
    await users.require(tx, caller.isolation_id, user_id)
    claimed = await tokens.claim_linking_token(tx, caller, linking_token)
    if claimed is None or not await accounts.lock(tx, claimed.account_id):
        raise errors.linking_token_invalid()
    there = await tx.one(
        "SELECT account_id, token_hash FROM links WHERE isolation_id = $1 AND user_id = $2",
        caller.isolation_id,
        user_id,
    )
    if claimed.was_used and (there is None or bytes(there["token_hash"]) != claimed.token_hash):
        raise errors.linking_token_invalid()
    if there is not None:
        if there["account_id"] != claimed.account_id:
            raise errors.user_already_linked()
        return
    await _insert(tx, caller, user_id, claimed.account_id, claimed.token_hash)


async def membership(tx: Tx, isolation_id: int, user_id: str) -> Membership:
    """The current membership of the linked account; raises the documented errors."""
    periods = await tx.all(LINK, isolation_id, user_id)
    if not periods:
        raise await users.missing(tx, isolation_id, user_id)
    if periods[0]["account_id"] is None:
        raise errors.user_not_linked()
    return accounts.membership_of([period for period in periods if period["starts_at"] is not None])


async def benefit(tx: Tx, isolation_id: int, user_id: str) -> tuple[int, int] | None:
    """The current membership period (start, end) of a linked user; None if there is none."""
    now = clock.now()
    for period in await tx.all(LINK, isolation_id, user_id):
        if period["starts_at"] is not None and period["starts_at"] <= now < period["ends_at"]:
            return period["starts_at"], period["ends_at"]
    return None


async def unlink(tx: Tx, isolation_id: int, account_id: int, by: str) -> bool:
    """End an account's link and revoke every code and token that could renew it; False if there was no link.

    `by` is recorded in the history.
    """
    await _kill_tokens(tx, isolation_id, account_id)  # first, the order in which `link` locks the two
    row = await tx.one(
        "DELETE FROM links WHERE isolation_id = $1 AND account_id = $2 RETURNING user_id, linked_at",
        isolation_id,
        account_id,
    )
    if row is None:
        return False
    # While the retailer's clock is frozen, the same link may begin twice at the same time.
    await tx.run(
        "INSERT INTO link_history (isolation_id, user_id, account_id, linked_at, unlinked_at, unlinked_by)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (isolation_id, user_id, linked_at) DO UPDATE SET"
        " account_id = excluded.account_id, unlinked_at = excluded.unlinked_at, unlinked_by = excluded.unlinked_by",
        isolation_id,
        row["user_id"],
        account_id,
        row["linked_at"],
        clock.now(),
        by,
    )
    return True


async def unlink_by_operator(tx: Tx, retailer_id: int, *, email: str | None = None, user_id: str | None = None) -> None:
    """End the link of an account or of a user at a retailer; raises `Refused` if there is none."""
    retailer = await retailers.retailer(tx, retailer_id)
    if email is not None:
        account_id: int | None = (await accounts.by_email(tx, email)).id
    else:
        account_id = await account_of_user(tx, retailer.isolation_id, user_id or "")
    if account_id is None or not await unlink(tx, retailer.isolation_id, account_id, "operator"):
        raise Refused(f"{email or user_id} is not linked at {retailer.slug}")


async def close_account(tx: Tx, account_id: int) -> None:
    """Close an account of the platform and end its links everywhere."""
    await accounts.close(tx, account_id)  # first, so that no new link is made in between
    for found in await links_of_account(tx, account_id):
        await unlink(tx, found.isolation_id, account_id, "account closed")


async def close_own_account(tx: Tx, account: Account, locale: str, brand: str) -> None:
    """Close an account as its owner wishes: its links and membership end, its address is deleted."""
    await close_account(tx, account.id)
    await accounts.end_membership(tx, account.id)
    await self_service.closed(tx, account, locale, brand)


async def exported(tx: Tx, account_id: int) -> Mapping[str, Any]:
    """What is stored about an account, for its owner. Times are in UTC."""
    own = await accounts.facts(tx, account_id)
    past = await tx.all(
        "SELECT linked_at, unlinked_at, unlinked_by FROM link_history WHERE account_id = $1 ORDER BY linked_at",
        account_id,
    )
    return {
        **own,
        "links": [
            {"retailer": one.retailer_slug, "linked_at": clock.to_wire(one.linked_at)}
            for one in await links_of_account(tx, account_id)
        ],
        "past_links": [
            {
                "linked_at": clock.to_wire(row["linked_at"]),
                "unlinked_at": clock.to_wire(row["unlinked_at"]),
                "unlinked_by": row["unlinked_by"],
            }
            for row in past
        ],
        "messages": [
            {"at": clock.to_wire(one.created_at), "subject": one.content.subject, "state": one.state}
            for one in await messages.messages(tx, recipient=f"account/{account_id}")
        ],
    }


async def forget_user(tx: Tx, isolation_id: int, user_id: str) -> None:
    """Delete a user's link and its history."""
    account_id = await account_of_user(tx, isolation_id, user_id)
    if account_id is not None:
        await _kill_tokens(tx, isolation_id, account_id)
        await tx.run("DELETE FROM links WHERE isolation_id = $1 AND user_id = $2", isolation_id, user_id)
    await tx.run("DELETE FROM link_history WHERE isolation_id = $1 AND user_id = $2", isolation_id, user_id)


async def account_of_user(tx: Tx, isolation_id: int, user_id: str) -> int | None:
    """The account that a user is linked to."""
    row = await tx.one("SELECT account_id FROM links WHERE isolation_id = $1 AND user_id = $2", isolation_id, user_id)
    return row["account_id"] if row else None


async def linked_account(tx: Tx, account_id: int) -> LinkedAccount:
    """An open account with its membership and its links."""
    account = await accounts.by_id(tx, account_id)
    assert account is not None
    return LinkedAccount(account, await accounts.membership(tx, account_id), await links_of_account(tx, account_id))


async def links_of_account(tx: Tx, account_id: int) -> Sequence[Link]:
    """The links of an account, newest first."""
    rows = await tx.all(
        "SELECT l.isolation_id, r.slug AS retailer_slug, r.name AS retailer_name, l.user_id, l.linked_at"
        " FROM links l JOIN retailers r ON r.id = l.retailer_id WHERE l.account_id = $1 ORDER BY l.linked_at DESC",
        account_id,
    )
    return [_link(row) for row in rows]


async def is_linked(tx: Tx, account_id: int, client_id: str) -> bool:
    """Whether an account is linked at a client's retailer (or at any banner of a client with several)."""
    row = await tx.one(
        "SELECT 1 AS linked FROM links l JOIN retailers r ON r.id = l.retailer_id JOIN clients c"
        " ON c.organization_id = r.organization_id AND (c.retailer_id IS NULL OR c.retailer_id = r.id)"
        " WHERE l.account_id = $1 AND c.client_id = $2 LIMIT 1",
        account_id,
        client_id,
    )
    return row is not None


async def _insert(tx: Tx, caller: Caller, user_id: str, account_id: int, token_hash: bytes) -> None:
    made = await tx.run(
        "INSERT INTO links (isolation_id, user_id, account_id, retailer_id, token_hash, linked_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        caller.isolation_id,
        user_id,
        account_id,
        caller.retailer_id,
        token_hash,
        clock.now(),
    )
    if made:
        return
    # A concurrent request was first: the user now has another account, or the account another user.
    if await account_of_user(tx, caller.isolation_id, user_id) is not None:
        raise errors.user_already_linked()
    raise errors.account_already_linked()


async def _kill_tokens(tx: Tx, isolation_id: int, account_id: int) -> None:
    row = await tx.one("SELECT organization_id FROM retailers WHERE isolation_id = $1 LIMIT 1", isolation_id)
    assert row is not None
    await tokens.revoke_linking(tx, account_id, row["organization_id"])


def _link(row: Any) -> Link:
    return Link(row["isolation_id"], row["retailer_slug"], row["retailer_name"], row["user_id"], row["linked_at"])
