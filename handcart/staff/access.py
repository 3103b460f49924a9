"""How people get in: sign-in, links, passwords, sessions. What they may do then is in `roles`."""

from typing import Any

from handcart.core.db import Database, Tx
from handcart.core.secret import matches
from handcart.sign_in import limits, links, passkeys, passwords, sessions
from handcart.sign_in import ops as sign_ins
from handcart.sign_in.errors import PasskeyRefused, SignInRefused
from handcart.sign_in.limits import Counted
from handcart.sign_in.models import STAFF, SignedIn
from handcart.staff import audit, ops, queries, roles
from handcart.staff.models import SYSTEM, Actor, Person
from handcart.staff.ops import FIRST_ADMIN, INVITATION, MOST_EMAIL, NEW_PASSWORD

# A link for the first admin is for nobody yet.
_NOBODY = 0
_RECORDED = {INVITATION: "accept_invitation", NEW_PASSWORD: "set_new_password"}


async def sign_in(
    database: Database, *, email: str, password: str, address: str, session: str, device: str, name: str
) -> SignedIn:
    """Check a password and start a session in place of `session`; raises `SignInRefused`.

    `name` says which browser it is. Uses three transactions, because the slow hashing runs between them.
    """
    email = email.strip().lower()
    if not passwords.is_readable(password) or len(email) > MOST_EMAIL:
        raise SignInRefused
    found = await database.read(queries.by_email, email)
    password_hash = "" if found is None else found.password_hash or ""
    _, counted = await sign_ins.verify(
        database,
        STAFF,
        [password_hash] if password_hash else [],
        password,
        email=email,
        address=address,
        is_known_device=bool(password_hash) and matches(device, database.keys.device_token(email, password_hash)),
    )
    assert found is not None
    newer = await passwords.hash_again(password_hash, password)
    return await database.write(_start_after_password, found, newer or password_hash, session, name, counted)


async def check_password(database: Database, person: Person, password: str, address: str) -> None:
    """Check a signed-in person's password again, with the limits of sign-in; raises `SignInRefused`."""
    if not passwords.is_readable(password):
        raise SignInRefused
    _, counted = await sign_ins.verify(
        database,
        STAFF,
        [person.password_hash] if person.password_hash else [],
        password,
        email=person.email,
        address=address,
        is_known_device=True,
    )
    await database.write(limits.uncount, counted)


async def change_password(tx: Tx, actor: Actor, password_hash: str, session: str, name: str) -> SignedIn | None:
    """Set a new password, end all sessions and links of the person, start a session; None if the person is closed."""
    assert actor.kind == "staff"
    assert actor.id is not None
    person = await ops.set_password_hash(tx, actor.id, password_hash)
    if person is None:
        return None
    await audit.record(tx, actor, "change_password", f"staff/{person.id}", retailer_id=person.retailer_id)
    return await _start(tx, person, session, name)


async def choose_password(
    tx: Tx, purpose: str, token: str, password_hash: str, session: str, name: str
) -> SignedIn | None:
    """Set the password of the person whose one-time link this is, and start a session.

    `purpose`: `INVITATION` or `NEW_PASSWORD`. The person's other sessions and links end. Returns None if the link no
    longer works. Of two calls at once, only one succeeds.
    """
    person_id = await links.use(tx, STAFF, purpose, token)
    person = None if person_id is None else await ops.set_password_hash(tx, person_id, password_hash)
    if person is None:
        return None
    operation = _RECORDED[purpose]
    await audit.record(tx, queries.actor(person), operation, f"staff/{person.id}", retailer_id=person.retailer_id)
    return await _start(tx, person, session, name)


async def first_admin_link(tx: Tx) -> str | None:
    """The token of a new link that makes the first admin; older ones end. None if there is an admin."""
    if await queries.has_admin(tx):
        return None
    return await links.make(tx, STAFF, FIRST_ADMIN, _NOBODY, ops.LINK_SECONDS)


async def become_first_admin(
    tx: Tx, token: str, email: str, name: str, password_hash: str, session: str, browser: str
) -> SignedIn | None:
    """Make the first admin by the link for it, and start a session; None if the link does not work any more.

    Raises `PersonRefused` for an e-mail address or a name that cannot be taken; the link then still works.
    """
    if await links.use(tx, STAFF, FIRST_ADMIN, token) is None or await queries.has_admin(tx):
        return None
    made = await ops.add(tx, email, name, "operator_admin", None, None)
    person = await ops.set_password_hash(tx, made.id, password_hash)
    assert person is not None
    await audit.record(tx, SYSTEM, "make_first_admin", f"staff/{person.id}")
    return await _start(tx, person, session, browser)


async def sign_in_with_passkey(tx: Tx, public_url: str, response: Any, session: str, name: str) -> SignedIn:
    """Start a session for the person whose passkey made a response; raises `PasskeyRefused`."""
    person = await queries.person(tx, await passkeys.authenticate(tx, STAFF, public_url, session, response))
    if person is None or person.closed_at is not None:
        raise PasskeyRefused("unknown")
    return await _start(tx, person, session, name)


async def add_passkey(tx: Tx, actor: Actor, public_url: str, session: str, response: Any, name: str) -> None:
    """Store a passkey of the signed-in person; raises `PasskeyRefused`."""
    assert actor.kind == "staff"
    assert actor.id is not None
    made = await passkeys.register(tx, STAFF, public_url, session, actor.id, response, name)
    detail = {"name": made.name}
    await audit.record(tx, actor, "add_passkey", f"staff/{actor.id}", retailer_id=actor.retailer_id, detail=detail)


async def remove_passkey(tx: Tx, actor: Actor, person_id: int, credential_id: str) -> bool:
    """Remove a passkey: one's own, or by a role that may change people. False if it has been removed already."""
    person = await _whom(tx, actor, person_id)
    if person is None or not await passkeys.remove(tx, STAFF, person_id, credential_id):
        return False
    await audit.record(tx, actor, "remove_passkey", f"staff/{person_id}", retailer_id=person.retailer_id)
    return True


async def end_session(tx: Tx, actor: Actor, person_id: int, session_id: int) -> bool:
    """End one session of a person: one's own, or by a role that may change people. False if it has ended already."""
    person = await _whom(tx, actor, person_id)
    if person is None or not await sessions.end_one(tx, STAFF, person_id, session_id):
        return False
    await audit.record(tx, actor, "end_session", f"staff/{person_id}", retailer_id=person.retailer_id)
    return True


async def _whom(tx: Tx, actor: Actor, person_id: int) -> Person | None:
    """The person whose browsers and passkeys the actor changes: the actor, or by a role that may change people."""
    person = await queries.person(tx, person_id)
    if person is None or (actor.kind, actor.id) != ("staff", person_id):
        roles.require(actor, "change_staff", *((person.retailer_id, person.store_number) if person else ()))
    return person


async def _start_after_password(
    tx: Tx, person: Person, password_hash: str, old: str, name: str, counted: Counted
) -> SignedIn:
    # The password may have changed, or the person may have been closed, during verification.
    kept = await tx.run(
        "UPDATE staff SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND closed_at IS NULL",
        person.id,
        person.password_hash,
        password_hash,
    )
    if not kept:
        raise SignInRefused
    await limits.uncount(tx, counted)  # only wrong tries stay counted
    cookie = await sessions.start(tx, STAFF, person.id, old, name)
    return SignedIn(cookie, tx.keys.device_token(person.email, password_hash))


async def _start(tx: Tx, person: Person, old: str, name: str) -> SignedIn:
    cookie = await sessions.start(tx, STAFF, person.id, old, name)
    return SignedIn(cookie, tx.keys.device_token(person.email, person.password_hash or ""))
