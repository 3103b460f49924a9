"""Invite people, change their roles, replace lost passwords, close people."""

from collections.abc import Mapping
from typing import Any

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.email import is_address
from handcart.retailers import ops as retailers
from handcart.sign_in import links, passkeys, sessions
from handcart.sign_in.models import STAFF
from handcart.staff import audit, pins, queries, roles
from handcart.staff.errors import PersonRefused
from handcart.staff.models import Actor, Invited, Person

MOST_EMAIL = 254
MOST_NAME = 100
MOST_REASON = 500
LINK_SECONDS = 24 * 3600

# Purposes of one-time links.
INVITATION = "invitation"
NEW_PASSWORD = "new-password"  # noqa: S105 (a purpose)
FIRST_ADMIN = "first-admin"


async def invite(
    tx: Tx,
    actor: Actor,
    *,
    email: str,
    name: str,
    role: str,
    retailer_id: int | None = None,
    store_number: int | None = None,
) -> Invited:
    """Add a person, and make the link with which they choose a password. Raises `PersonRefused`."""
    _check_place(role, retailer_id, store_number)
    roles.require(actor, "change_staff", retailer_id, store_number)
    person = await add(tx, email, name, role, retailer_id, store_number)
    await audit.record(
        tx, actor, "invite_staff", _subject(person), retailer_id=retailer_id, detail={"name": person.name, "role": role}
    )
    return Invited(person, INVITATION, await links.make(tx, STAFF, INVITATION, person.id, LINK_SECONDS))


async def link(tx: Tx, actor: Actor, person_id: int) -> Invited:
    """A new link for a person: the invitation again if they have not accepted it, else for a new password.

    Older links of the person end. Raises `PersonRefused` if there is no such open person.
    """
    person = await _lock(tx, person_id)
    _require_change(actor, person)
    purpose = NEW_PASSWORD if person.password_hash else INVITATION
    await audit.record(tx, actor, "make_link", _subject(person), retailer_id=person.retailer_id)
    return Invited(person, purpose, await links.make(tx, STAFF, purpose, person.id, LINK_SECONDS))


async def change_role(
    tx: Tx, actor: Actor, person_id: int, role: str, retailer_id: int | None = None, store_number: int | None = None
) -> Person:
    """Give a person another role, or another place for it. It applies from the next request on.

    The actor must be allowed to change people where the person is now, and where they will be. Raises `PersonRefused`,
    also if nobody would be left who can change people.
    """
    _check_place(role, retailer_id, store_number)
    person = await _lock(tx, person_id)
    _require_change(actor, person)
    roles.require(actor, "change_staff", retailer_id, store_number)
    if role != "operator_admin":
        await _keep_an_admin(tx, person)
    await tx.run(
        "UPDATE staff SET role = $2, retailer_id = $3, store_number = $4 WHERE id = $1",
        person_id,
        role,
        retailer_id,
        store_number,
    )
    changed = await queries.person(tx, person_id)
    assert changed is not None
    detail = {"from": await _role(tx, person), "to": await _role(tx, changed)}
    # A row for each retailer, because each sees only its own.
    there = dict.fromkeys(one for one in (person.retailer_id, retailer_id) if one is not None)
    for one in there or [None]:
        await audit.record(tx, actor, "change_role", _subject(person), retailer_id=one, detail=detail)
    return changed


async def close(tx: Tx, actor: Actor, person_id: int, reason: str | None = None) -> Person:
    """Close a person: sessions, links and passkeys end at once, and they cannot sign in again. Returns the person.

    Raises `PersonRefused` if there is no such open person, or if nobody would be left who can change people.
    """
    person = await _lock(tx, person_id)
    _require_change(actor, person)
    await _keep_an_admin(tx, person)
    await tx.run("UPDATE staff SET closed_at = $2 WHERE id = $1", person_id, clock.of_process())
    await sessions.end_all(tx, STAFF, person_id)
    await links.end(tx, STAFF, person_id)
    await passkeys.remove_all(tx, STAFF, person_id)
    await pins.forget(tx, person_id)
    await audit.record(
        tx, actor, "close_staff", _subject(person), retailer_id=person.retailer_id, reason=reason or None
    )
    return person


async def add(tx: Tx, email: str, name: str, role: str, retailer_id: int | None, store_number: int | None) -> Person:
    """Add a person who has no password yet. Raises `PersonRefused` for an e-mail address or a name."""
    email, name = email.strip().lower(), " ".join(name.split())
    if not is_address(email) or not email.isprintable() or len(email) > MOST_EMAIL:
        raise PersonRefused("email")
    if not name or not name.isprintable() or len(name) > MOST_NAME:
        raise PersonRefused("name")
    while True:
        person_id = ids.new_id()
        made = await tx.run(
            "INSERT INTO staff (id, email, name, role, retailer_id, store_number, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            person_id,
            email,
            name,
            role,
            retailer_id,
            store_number,
            clock.of_process(),
        )
        if made:
            person = await queries.person(tx, person_id)
            assert person is not None
            return person
        if await queries.by_email(tx, email) is not None:
            raise PersonRefused("email_taken")


async def set_password_hash(tx: Tx, person_id: int, password_hash: str) -> Person | None:
    """Set the password of an open person, and end their sessions and links; None if there is no such open person."""
    changed = await tx.run(
        "UPDATE staff SET password_hash = $2 WHERE id = $1 AND closed_at IS NULL", person_id, password_hash
    )
    if not changed:
        return None
    await sessions.end_all(tx, STAFF, person_id)
    await links.end(tx, STAFF, person_id)
    return await queries.person(tx, person_id)


def _require_change(actor: Actor, person: Person) -> None:
    """Raise `forbidden` unless the actor may change this person."""
    roles.require(actor, "change_staff", person.retailer_id, person.store_number)


def _check_place(role: str, retailer_id: int | None, store_number: int | None) -> None:
    """Refuse a role that does not exist, or that needs a retailer or a store and has none, or the other way round."""
    if role not in roles.ROLES:
        raise PersonRefused("role")
    reach = roles.ROLES[role].reach
    if (retailer_id is None) != (reach == "everywhere") or (store_number is None) != (reach != "store"):
        raise PersonRefused(f"place_{reach}")


async def _lock(tx: Tx, person_id: int) -> Person:
    """The open person, locked until the transaction ends. Admins are locked first, always in the same order."""
    await tx.all("SELECT id FROM staff WHERE role = 'operator_admin' AND closed_at IS NULL ORDER BY id FOR UPDATE")
    await tx.one("SELECT id FROM staff WHERE id = $1 FOR UPDATE", person_id)
    person = await queries.person(tx, person_id)
    if person is None or person.closed_at is not None:
        raise PersonRefused("closed")
    return person


async def _keep_an_admin(tx: Tx, person: Person) -> None:
    """Refuse to lose the last admin who can sign in."""
    is_one = person.role == "operator_admin" and person.password_hash is not None
    if is_one and not await queries.has_admin(tx, but=person.id):
        raise PersonRefused("last_admin")


async def _role(tx: Tx, person: Person) -> Mapping[str, Any]:
    """The role of a person and where it counts, for the audit log."""
    retailer = None if person.retailer_id is None else (await retailers.retailer(tx, person.retailer_id)).slug
    given = {"role": person.role, "retailer": retailer, "store_number": person.store_number}
    return {name: value for name, value in given.items() if value is not None}


def _subject(person: Person) -> str:
    return f"staff/{person.id}"
