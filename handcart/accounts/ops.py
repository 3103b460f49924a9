"""Create accounts, sign customers in, manage membership periods."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from handcart.accounts.models import Account, Membership, PasswordLink
from handcart.core import clock, ids
from handcart.core.db import Database, Tx
from handcart.core.email import is_address
from handcart.core.errors import Refused
from handcart.core.secret import Keys, matches
from handcart.sign_in import limits, passwords, sessions
from handcart.sign_in import ops as sign_ins
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.limits import Counted
from handcart.sign_in.models import CUSTOMER, SignedIn

_MOST_EMAIL = 254

PASSWORD_LINK = 24 * clock.HOUR
MEMBERSHIP_DAYS = 365
_PASSWORD_TOKEN = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})\.([0-9a-f]{64})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_ACCOUNT = (
    "SELECT id, email, password_hash, organization_id FROM accounts"
    " WHERE closed_at IS NULL AND confirmed_at IS NOT NULL"
)
# Periods that touch or overlap count as one.
_MEMBERSHIP = "SELECT starts_at, ends_at FROM memberships WHERE account_id = $1 ORDER BY starts_at"


async def create(tx: Tx, email: str, password_hash: str, organization_id: int | None = None) -> Account:
    """Create an account with a password hashed by `sign_in.passwords.hash_new`; raises `Refused` if it exists.

    `organization_id`: the organization whose call makes it, if any. Its e-mail address must not be that of another
    account of this organization or of the platform; accounts of other organizations do not matter.
    """
    email = normalized(email)
    account_id = ids.new_id()
    # A sign-up that nobody has confirmed keeps no address.
    await tx.run("DELETE FROM accounts WHERE email = $1 AND confirmed_at IS NULL", email)
    is_taken = await tx.one("SELECT 1 AS taken FROM accounts WHERE email = $1 AND organization_id IS NULL", email)
    made = not is_taken and await tx.run(
        "INSERT INTO accounts (id, email, password_hash, created_at, confirmed_at, organization_id)"
        " VALUES ($1, $2, $3, $4, $4, $5)"
        " ON CONFLICT DO NOTHING",
        account_id,
        email,
        password_hash,
        clock.now(),
        organization_id,
    )
    if not made:
        raise Refused(f"the account {email!r} exists already")
    return Account(account_id, email, password_hash, organization_id)


async def close(tx: Tx, account_id: int) -> None:
    """Close an account: nobody can sign in to it again."""
    await tx.run("UPDATE accounts SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL", account_id, clock.now())
    await sessions.end_all(tx, CUSTOMER, account_id)


async def by_email(tx: Tx, email: str) -> Account:
    """An open account, the platform's if there is one; raises `Refused` if there is none, or if several fit."""
    found = await _by_email(tx, email, None)
    if not found:
        raise Refused(f"there is no account {email!r}")
    if len(found) > 1 and found[0].organization_id is not None:
        raise Refused(f"each of {len(found)} organizations has made an account {email!r}")
    return found[0]


async def find(tx: Tx, email: str, organization_id: int | None = None) -> Account | None:
    """The open account of the platform, or of an organization, with this e-mail address."""
    found = await _by_email(tx, email, organization_id)
    return next((account for account in found if account.organization_id == organization_id), None)


async def _by_email(tx: Tx, email: str, organization_id: int | None) -> Sequence[Account]:
    """All open accounts with an e-mail address: first the organization's, then the platform's, then others."""
    rows = await tx.all(f"{_ACCOUNT} AND email = $1 ORDER BY id", email.strip().lower())
    found = [account for row in rows if (account := _account(row))]
    order = (organization_id, None)
    return sorted(found, key=lambda one: order.index(one.organization_id) if one.organization_id in order else 2)


async def by_id(tx: Tx, account_id: int) -> Account | None:
    """An open account by its id."""
    return _account(await tx.one(f"{_ACCOUNT} AND id = $1", account_id))


async def search(tx: Tx, text: str) -> Sequence[Account]:
    """The open accounts with an id or a whole e-mail address: the platform's first, then those of organizations."""
    number = ids.parse(text)
    if number is None:
        return await _by_email(tx, text, None)
    found = await by_id(tx, number)
    return [] if found is None else [found]


async def lock(tx: Tx, account_id: int) -> bool:
    """Whether the account exists and is open. If so, it is locked: it cannot be closed until this transaction ends."""
    return await tx.one(f"{_ACCOUNT} AND id = $1 FOR UPDATE", account_id) is not None


async def signed_in(tx: Tx, cookie: str) -> Account | None:
    """The open account that a session cookie is signed in to."""
    account_id = await sessions.person_of(tx, CUSTOMER, cookie)
    return None if account_id is None else await by_id(tx, account_id)


async def sign_in(
    database: Database,
    organization_id: int | None,
    *,
    email: str,
    password: str,
    address: str,
    session: str,
    device: str,
) -> SignedIn:
    """Check a password and start a session in place of `session`; raises `SignInRefused`.

    If several accounts have this e-mail address, the password decides; if it is right for several, the
    account of `organization_id` is preferred.
    Uses three transactions (read, count the try, start the session), because the slow hashing runs between them.
    """
    email = email.strip().lower()
    if not passwords.is_readable(password) or len(email) > _MOST_EMAIL:
        raise SignInRefused
    found = await database.read(_by_email, email, organization_id)
    right, counted = await sign_ins.verify(
        database,
        CUSTOMER,
        [account.password_hash for account in found],
        password,
        email=email,
        address=address,
        is_known_device=any(
            matches(device, database.keys.device_token(email, account.password_hash)) for account in found
        ),
    )
    account = found[right]
    newer = await passwords.hash_again(account.password_hash, password)
    return await database.write(_start_session, account, session, counted, newer or account.password_hash)


async def check_password(database: Database, account: Account, password: str, address: str) -> None:
    """Check a signed-in customer's password again, with the limits of sign-in; raises `SignInRefused`."""
    if not passwords.is_readable(password):
        raise SignInRefused
    _, counted = await sign_ins.verify(
        database,
        CUSTOMER,
        [account.password_hash],
        password,
        email=account.email,
        address=address,
        is_known_device=True,
    )
    await database.write(limits.uncount, counted)


async def change_password(tx: Tx, account_id: int, password_hash: str, session: str) -> SignedIn:
    """Set a new password, end all sessions and start a new one; browsers known before are no longer known."""
    row = await tx.one(
        "UPDATE accounts SET password_hash = $2 WHERE id = $1 RETURNING email", account_id, password_hash
    )
    assert row is not None
    await sessions.end_all(tx, CUSTOMER, account_id)
    cookie = await sessions.start(tx, CUSTOMER, account_id, session)
    return SignedIn(cookie, tx.keys.device_token(row["email"], password_hash))


def password_token(keys: Keys, account: Account) -> tuple[str, int]:
    """A token that sets a new password for an account without the old one, and its expiry (microseconds).

    It also expires when the password changes, so it works once, and when the e-mail address changes: it may lie in the
    mailbox of the old address.
    """
    ends_at = clock.of_process() + PASSWORD_LINK
    return f"{account.id}.{ends_at}.{_password_mac(keys, account, ends_at)}", ends_at


async def password_link(tx: Tx, account_id: int, issuer: str) -> PasswordLink:
    """A link with which the owner of an account sets a new password; raises `Refused` without `issuer`."""
    if not issuer:
        raise Refused(
            "the public URL is not known: set HANDCART_PUBLIC_URL, or start `handcart serve --public-url URL`"
        )
    account = await by_id(tx, account_id)
    assert account is not None
    token, ends_at = password_token(tx.keys, account)
    return PasswordLink(f"{issuer}/account/new-password/{token}", ends_at)


async def by_password_token(tx: Tx, token: str) -> Account | None:
    """The account whose password a token can set; None if the token was used, has expired, or is invalid."""
    match = _PASSWORD_TOKEN.fullmatch(token)
    account = await by_id(tx, int(match[1])) if match else None
    if match is None or account is None or int(match[2]) <= clock.of_process():
        return None
    return account if matches(match[3], _password_mac(tx.keys, account, int(match[2]))) else None


async def set_password(tx: Tx, token: str, password_hash: str, session: str) -> SignedIn | None:
    """`change_password` with a token; None if the token no longer works. Of two calls at once, only one succeeds."""
    account = await by_password_token(tx, token)
    if account is None or not await _replace_hash(tx, account, password_hash):
        return None
    return await change_password(tx, account.id, password_hash, session)


async def accounts(tx: Tx, after: str, limit: int) -> list[tuple[Account, Membership]]:
    """Open accounts and their memberships, sorted by e-mail address, starting after `after`."""
    rows = await tx.all(f"{_ACCOUNT} AND email > $1 ORDER BY email LIMIT $2", after.strip().lower(), limit)
    found = [account for row in rows if (account := _account(row))]
    return [(account, await membership(tx, account.id)) for account in found]


def end_of(text: str, time_zone: str) -> int:
    """Parse the end of a membership: a day (2027-12-31, included) or a time (2027-12-31T23:59:59Z).

    Returns microseconds; a day ends in the given time zone. Raises `Refused`.
    """
    try:
        if _DAY.fullmatch(text):
            after = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(time_zone)) + timedelta(days=1)
            return int(after.timestamp()) * clock.SECOND - 1
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()) * clock.SECOND
    except (ValueError, OverflowError):
        raise Refused(f"{text!r} is not a date: write 2027-12-31, or 2027-12-31T23:59:59Z for a time in UTC") from None


def end_after(days: int | None = None) -> int:
    """The end of a membership of some days from now (microseconds)."""
    return clock.now() + (days or MEMBERSHIP_DAYS) * clock.DAY


async def grant_membership(tx: Tx, account_id: int, ends_at: int, starts_at: int | None = None) -> None:
    """Add a membership period (microseconds); it starts now by default."""
    now = clock.now()
    starts_at = now if starts_at is None else starts_at
    if ends_at <= max(starts_at, now):
        raise Refused("a membership must end after it starts, and in the future")
    await tx.run(
        "INSERT INTO memberships (account_id, starts_at, ends_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (account_id, starts_at) DO UPDATE SET ends_at = excluded.ends_at",
        account_id,
        starts_at,
        ends_at,
    )


async def end_membership(tx: Tx, account_id: int) -> None:
    """End the current membership now, and delete periods that have not started."""
    now = clock.now()
    await tx.run("DELETE FROM memberships WHERE account_id = $1 AND starts_at > $2", account_id, now)
    await tx.run("UPDATE memberships SET ends_at = $2 WHERE account_id = $1 AND ends_at > $2", account_id, now)


async def membership(tx: Tx, account_id: int) -> Membership:
    """The account's current membership."""
    return membership_of(await tx.all(_MEMBERSHIP, account_id))


def membership_of(periods: Any) -> Membership:
    """The current membership, given periods (`starts_at`, `ends_at`) sorted by their start."""
    now = clock.now()
    is_active, ends_at = False, None
    for period in periods:
        if period["starts_at"] > (ends_at if is_active and ends_at is not None else now):
            break
        is_active = is_active or period["starts_at"] <= now < period["ends_at"]
        ends_at = max(ends_at or 0, period["ends_at"])
    return Membership(is_active, ends_at)


async def facts(tx: Tx, account_id: int) -> Mapping[str, Any]:
    """What is stored about an open account, its memberships and sessions, for its owner. Times are in UTC."""
    row = await tx.one("SELECT email, created_at, confirmed_at FROM accounts WHERE id = $1", account_id)
    assert row is not None
    return {
        "email": row["email"],
        "created_at": clock.to_wire(row["created_at"]),
        "confirmed_at": clock.to_wire(row["confirmed_at"]),
        "memberships": [
            {"starts_at": clock.to_wire(one["starts_at"]), "ends_at": clock.to_wire(one["ends_at"])}
            for one in await tx.all(_MEMBERSHIP, account_id)
        ],
        "sessions": [
            {"name": one.name, "created_at": clock.to_wire(one.created_at), "seen_at": clock.to_wire(one.seen_at)}
            for one in await sessions.of_person(tx, CUSTOMER, account_id)
        ],
    }


def normalized(email: str) -> str:
    """An e-mail address in the form that is stored; raises `Refused`."""
    email = email.strip().lower()
    if not is_address(email):
        raise Refused(f"{email!r} is not an e-mail address")
    return email


def _password_mac(keys: Keys, account: Account, ends_at: int) -> str:
    return keys.password_mac(account.id, account.email, ends_at, account.password_hash)


async def _replace_hash(tx: Tx, account: Account, password_hash: str) -> bool:
    """Replace the hash that was read by a new one; False if it has changed since, or the account was closed."""
    changed = await tx.run(
        "UPDATE accounts SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND closed_at IS NULL",
        account.id,
        account.password_hash,
        password_hash,
    )
    return changed > 0


async def _start_session(tx: Tx, account: Account, old: str, counted: Counted, password_hash: str) -> SignedIn:
    # The password may have changed, or the account may have been closed, during verification.
    if not await _replace_hash(tx, account, password_hash):
        raise SignInRefused
    await limits.uncount(tx, counted)  # only wrong tries stay counted
    cookie = await sessions.start(tx, CUSTOMER, account.id, old)
    return SignedIn(cookie, tx.keys.device_token(account.email, password_hash))


def _account(row: Any) -> Account | None:
    return Account(row["id"], row["email"], row["password_hash"], row["organization_id"]) if row else None
