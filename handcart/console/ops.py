"""What pages and commands do with people, by the names that they write: slugs, location codes."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from handcart.core.db import Tx
from handcart.core.db.installation import console_url, issuer
from handcart.core.errors import Refused
from handcart.core.settings import Settings
from handcart.core.web import pages
from handcart.retailers import ops as retailers
from handcart.sign_in import passkeys, sessions
from handcart.sign_in.models import STAFF, Passkey, Session
from handcart.staff import ops, queries, roles, tablets
from handcart.staff.errors import PersonRefused, TabletRefused
from handcart.staff.models import Actor, Invited, Person, Tablet
from handcart.stores import queries as stores

# The table of texts that has those of operations.
_OPERATION = "console.operation"


class Where(Struct, frozen=True):
    """A retailer and one of its stores; None: everywhere, or all stores."""

    retailer: str | None
    store: str | None

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.retailer, self.store)))


class Listed(Struct, frozen=True):
    """A person, and where their role counts."""

    person: Person
    where: Where


class ListedTablet(Struct, frozen=True):
    """A tablet, its store, and the person who uses it now."""

    tablet: Tablet
    where: Where
    person: Person | None


class Shown(Struct, frozen=True):
    """A person, where their role counts, and the browsers in which they are signed in, and their passkeys."""

    person: Person
    where: Where
    sessions: Sequence[Session]
    passkeys: Sequence[Passkey]


async def place(tx: Tx, retailer: str | None, store: str | None) -> tuple[int | None, int | None]:
    """The id of a retailer and the number of its store; raises `PersonRefused` if there is none of that name."""
    if not retailer:
        if store:
            raise PersonRefused("place")
        return None, None
    found = await retailers.retailer_by_slug(tx, retailer)
    there = await stores.store(tx, found.id, store) if found and store else None
    if found is None or (store and there is None):
        raise PersonRefused("place")
    return found.id, there.number if there else None


async def where(tx: Tx, retailer_id: int | None, store_number: int | None) -> Where:
    """The slug and the location code of a place."""
    if retailer_id is None:
        return Where(None, None)
    retailer = await retailers.retailer(tx, retailer_id)
    store = None if store_number is None else await stores.store_by_number(tx, retailer_id, store_number)
    return Where(retailer.slug, store.location_code if store else None)


async def retailers_of(tx: Tx, actor: Actor) -> list[str]:
    """The slugs of the retailers that the actor's role counts at."""
    return [one.slug for one in await retailers.retailers(tx) if actor.retailer_id in (None, one.id)]


async def people(
    tx: Tx, actor: Actor, retailer: str | None = None, *, text: str = "", after: str = "", limit: int
) -> list[Listed]:
    """Open people whom the actor may see, by e-mail address: all, or those of a retailer."""
    roles.require(actor, "see_staff", actor.retailer_id, actor.store_number)
    retailer_id = (await retailers.require(tx, retailer)).id if retailer else actor.retailer_id
    found = await queries.people(tx, retailer_id, actor.store_number, text=text, after=after, limit=limit)
    return [Listed(one, await where(tx, one.retailer_id, one.store_number)) for one in found]


async def person(tx: Tx, actor: Actor, person_id: int) -> Shown | None:
    """A person, also one who was closed; None if there is none. Raises `forbidden` for people of other places."""
    found = await queries.person(tx, person_id)
    if found is None:
        roles.require(actor, "see_staff", actor.retailer_id, actor.store_number)
        return None
    roles.require(actor, "see_staff", found.retailer_id, found.store_number)
    return Shown(
        found,
        await where(tx, found.retailer_id, found.store_number),
        await sessions.of_person(tx, STAFF, person_id),
        await passkeys.of_person(tx, STAFF, person_id),
    )


async def invite(
    tx: Tx,
    actor: Actor,
    settings: Settings,
    *,
    email: str,
    name: str,
    role: str,
    retailer: str | None,
    store: str | None,
) -> tuple[Invited, str]:
    """`staff.ops.invite`; returns the invited person and the URL of the link."""
    roles.require(actor, "change_staff", actor.retailer_id, actor.store_number)
    retailer_id, store_number = await place(tx, retailer, store)
    made = await ops.invite(
        tx, actor, email=email, name=name, role=role, retailer_id=retailer_id, store_number=store_number
    )
    return made, made.url(await console_url(tx, settings))


async def make_link(tx: Tx, actor: Actor, person_id: int, settings: Settings) -> tuple[Invited, str]:
    """`staff.ops.link`; returns the person and the URL of the link."""
    made = await ops.link(tx, actor, person_id)
    return made, made.url(await console_url(tx, settings))


async def change_role(
    tx: Tx, actor: Actor, person_id: int, role: str, retailer: str | None, store: str | None
) -> Listed:
    """`staff.ops.change_role`; returns the person with the new role."""
    roles.require(actor, "change_staff", actor.retailer_id, actor.store_number)
    changed = await ops.change_role(tx, actor, person_id, role, *await place(tx, retailer, store))
    return Listed(changed, await where(tx, changed.retailer_id, changed.store_number))


async def add_tablet(
    tx: Tx, actor: Actor, settings: Settings, retailer: str, store: str, name: str
) -> tablets.Invitation:
    """`staff.tablets.add`, for a store given by its retailer's slug and its location code."""
    roles.require(actor, "change_tablets", actor.retailer_id, actor.store_number)
    try:
        retailer_id, store_number = await place(tx, retailer, store)
    except PersonRefused:
        raise TabletRefused("store") from None
    if retailer_id is None or store_number is None:
        raise TabletRefused("store")
    return await tablets.add(tx, actor, retailer_id, store_number, name, await issuer(tx, settings))


async def tablets_of(tx: Tx, actor: Actor, retailer: str | None = None) -> list[ListedTablet]:
    """The tablets that the actor may change: all, or those of a retailer."""
    roles.require(actor, "change_tablets", actor.retailer_id, actor.store_number)
    retailer_id = (await retailers.require(tx, retailer)).id if retailer else actor.retailer_id
    found = []
    for one in await tablets.listed(tx, retailer_id, actor.store_number):
        user = None if tablets.is_locked(one) or one.person_id is None else await queries.person(tx, one.person_id)
        found.append(ListedTablet(one, await where(tx, one.retailer_id, one.store_number), user))
    return found


async def entries(tx: Tx, /, actor: Actor, retailer: str | None = None, **filters: Any) -> Sequence[queries.Entry]:
    """`staff.queries.entries` that the actor may see: all, or those of a retailer. Raises `Refused`."""
    roles.require(actor, "see_audit", actor.retailer_id, actor.store_number)
    retailer_id = (await retailers.require(tx, retailer)).id if retailer else actor.retailer_id
    if actor.retailer_id not in (None, retailer_id):
        raise Refused(f"there is no retailer {retailer!r}")
    return await queries.entries(tx, retailer_id=retailer_id, **filters)


def meaning(locale: str, operation: str) -> str | None:
    """What an operation of the audit log is, in words; None for a command, whose name says it."""
    key = f"{_OPERATION}.{operation}"
    return str(pages.text(locale, key)) if key in pages.texts(locale.partition("-")[0]) else None
