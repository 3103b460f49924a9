"""What customers do about their accounts themselves: sign up, get a new password, change their e-mail address.

Each step is confirmed by a link in a mail, which works once. No answer says whether an e-mail address has an account:
what differs is only the mail, which its owner gets. Somebody who signs up chooses the password after the mail, so that
nobody makes an account for the address of another person.
"""

import re
from urllib.parse import quote

from handcart.accounts import ops
from handcart.accounts.models import Account
from handcart.core import clock, ids, ratelimit
from handcart.core.db import Tx
from handcart.core.ratelimit import Limit
from handcart.core.secret import matches
from handcart.messages import ops as messages
from handcart.messages import texts
from handcart.messages.models import MAIL, Letter
from handcart.sign_in import links, sessions
from handcart.sign_in.models import CUSTOMER, SignedIn

SIGN_UP, NEW_ADDRESS = "sign-up", "new address"
LINK = 24 * clock.HOUR
# Requests that lead to mails: from one customer's network, and of one kind to one address. Beyond the second, no mail
# is sent.
PER_NETWORK = Limit(10, 3600)
PER_ADDRESS = Limit(3, 3600)
# An account that was not confirmed is deleted after this time.
UNCONFIRMED = 7 * clock.DAY
_PLUS = re.compile(r"\+[^@]*@")


class TooMany(Exception):
    """Too many requests came from a network; `seconds` to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__("too many requests")
        self.seconds = seconds


async def sign_up(tx: Tx, email: str, locale: str, brand: str, network: str) -> None:
    """Send a link that makes an account for an address; if it has one, a mail that says so.

    Raises `Refused` for something that is no e-mail address, and `TooMany`.
    """
    email = ops.normalized(email)
    if not await _may_send(tx, "sign_up", email, network):
        return
    account = await ops.find(tx, email)
    if account is not None:
        link = f"{tx.public_url}/account/forgotten?locale={locale}"
        await _send(tx, account.id, email, "sign_up_known", locale, brand, link)
        return
    row = await tx.one(
        "SELECT id FROM accounts WHERE email = $1 AND organization_id IS NULL AND confirmed_at IS NULL", email
    )
    account_id = row["id"] if row is not None else await _begin(tx, email)
    if account_id is None:
        return
    token = await links.make(tx, CUSTOMER, SIGN_UP, account_id, LINK // clock.SECOND)
    link = f"{tx.public_url}/account/sign-up/{token}?locale={locale}"
    await _send(tx, account_id, email, "sign_up", locale, brand, link)


async def invited(tx: Tx, token: str) -> bool:
    """Whether the link of a sign-up works."""
    return await links.find(tx, CUSTOMER, SIGN_UP, token) is not None


async def confirm(tx: Tx, token: str, password_hash: str, session: str) -> SignedIn | None:
    """Make the account of a sign-up and sign in to it; None if the link no longer works."""
    account_id = await links.use(tx, CUSTOMER, SIGN_UP, token)
    if account_id is None:
        return None
    confirmed = await tx.run(
        "UPDATE accounts SET confirmed_at = $2 WHERE id = $1 AND confirmed_at IS NULL AND closed_at IS NULL",
        account_id,
        clock.now(),
    )
    return await ops.change_password(tx, account_id, password_hash, session) if confirmed else None


async def forgotten(tx: Tx, email: str, locale: str, brand: str, network: str) -> None:
    """Send a link for a new password to an address, if it has an account. Raises `Refused` and `TooMany`."""
    email = ops.normalized(email)
    account = await ops.find(tx, email)
    if await _may_send(tx, "forgotten", email, network) and account is not None:
        made = await ops.password_link(tx, account.id, tx.public_url)
        await _send(tx, account.id, email, "password_link", locale, brand, f"{made.url}?locale={locale}")


async def ask_email(tx: Tx, account: Account, email: str, locale: str, brand: str, network: str) -> None:
    """Send a link to a new address of an account; clicked, it becomes the account's. Raises `Refused` and `TooMany`.

    If the address has an account already, nothing is sent.
    """
    email = ops.normalized(email)
    if await _may_send(tx, "email_change", email, network) and not await _is_taken(tx, account, email):
        token = await links.make(tx, CUSTOMER, NEW_ADDRESS, account.id, LINK // clock.SECOND)
        proof = _proof(tx, account, email, token)
        link = f"{tx.public_url}/account/email/{token}.{proof}?{_query(email, locale)}"
        await _send(tx, account.id, email, "email_change", locale, brand, link)


async def change_email(tx: Tx, token: str, email: str, locale: str, brand: str) -> Account | None:
    """Give an account the address that its owner has confirmed; None if the link no longer works.

    The link has worked when the address has changed. All sessions end, and the old address is told.
    """
    account = await by_email_token(tx, token, email)
    if account is None or await _is_taken(tx, account, email):
        return None
    await links.end(tx, CUSTOMER, account.id, NEW_ADDRESS)
    await tx.run("DELETE FROM accounts WHERE email = $1 AND confirmed_at IS NULL", email)
    changed = await tx.run(
        "UPDATE accounts SET email = $2 WHERE id = $1 AND email = $3 AND closed_at IS NULL",
        account.id,
        email,
        account.email,
    )
    if not changed:
        return None
    await sessions.end_all(tx, CUSTOMER, account.id)
    await _send(tx, account.id, account.email, "email_changed", locale, brand, "")
    return await ops.by_id(tx, account.id)


async def by_email_token(tx: Tx, token: str, email: str) -> Account | None:
    """The account of a link for a new address; None if the link was used, has ended, or is not ours."""
    token, _, proof = token.partition(".")
    account_id = await links.find(tx, CUSTOMER, NEW_ADDRESS, token)
    account = None if account_id is None else await ops.by_id(tx, account_id)
    return account if account is not None and matches(proof, _proof(tx, account, email, token)) else None


async def closed(tx: Tx, account: Account, locale: str, brand: str) -> None:
    """Forget the address of an account that its owner has closed, and confirm that to it."""
    await tx.run("UPDATE accounts SET email = $2 WHERE id = $1", account.id, f"{account.id}@closed.invalid")
    await _send(tx, account.id, account.email, "account_closed", locale, brand, "")


async def purge(tx: Tx, most: int) -> int:
    """Delete accounts that nobody confirmed; returns their number."""
    return await tx.run(
        "DELETE FROM accounts WHERE id IN (SELECT id FROM accounts WHERE confirmed_at IS NULL AND created_at < $1"
        " LIMIT $2)",
        clock.now() - UNCONFIRMED,
        most,
    )


async def _begin(tx: Tx, email: str) -> int | None:
    """An account that does not count until it is confirmed; None if another one came first."""
    account_id = ids.new_id()
    made = await tx.run(
        "INSERT INTO accounts (id, email, password_hash, created_at) VALUES ($1, $2, '', $3) ON CONFLICT DO NOTHING",
        account_id,
        email,
        clock.now(),
    )
    return account_id if made else None


async def _is_taken(tx: Tx, account: Account, email: str) -> bool:
    row = await tx.one(
        "SELECT 1 AS taken FROM accounts WHERE email = $1 AND confirmed_at IS NOT NULL"
        " AND (organization_id IS NULL OR organization_id = $2)",
        email,
        account.organization_id,
    )
    return row is not None


async def _may_send(tx: Tx, kind: str, email: str, network: str) -> bool:
    """Count a request; whether its mail may be sent. Raises `TooMany`.

    Each kind has its own limit for an address, so that nobody keeps a link for a new password from its owner by asking
    for other mails. Addresses that differ only after a plus sign are one mailbox.
    """
    for name, customers in ratelimit.networks(network):
        wait = await ratelimit.count(tx, f"account-mail:{name}", Limit(PER_NETWORK.hits * customers, 3600))
        if wait:
            raise TooMany(wait)
    mailbox = _PLUS.sub("@", email)
    return not await ratelimit.count(tx, f"account-mail:{kind}:{tx.keys.hash(mailbox).hex()[:32]}", PER_ADDRESS)


async def _send(tx: Tx, account_id: int, email: str, template: str, locale: str, brand: str, link: str) -> None:
    text = await texts.render(tx, texts.OPERATOR, template, locale, MAIL, {"brand": brand, "link": link})
    await messages.write(
        tx,
        Letter(
            recipient=f"account/{account_id}",
            channel=MAIL,
            address=email,
            template=template,
            locale=locale,
            subject=text.title,
            body=text.text,
        ),
    )


def _proof(tx: Tx, account: Account, email: str, token: str) -> str:
    """Binds a link to the new address, and to the address and the password that the account had."""
    return tx.keys.form_token("new address", token, account.email, account.password_hash, email)


def _query(email: str, locale: str) -> str:
    return f"email={quote(email, safe='')}&locale={locale}"
