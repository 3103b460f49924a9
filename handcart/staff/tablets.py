"""Tablets of stores: bound to one store by a one-time link, and used by one person of the store at a time."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from handcart.core import clock, ids
from handcart.core.db import Database, Tx
from handcart.core.errors import Refused
from handcart.sign_in import links, sessions
from handcart.sign_in.models import TABLET, Session
from handcart.staff import audit, pins, queries, roles
from handcart.staff.errors import TabletRefused
from handcart.staff.models import Actor, Person, Tablet, Worker

#: How long the link of a tablet works.
LINK_SECONDS = 15 * 60
#: A tablet locks itself after this time without use.
LOCKS_AFTER = 5 * clock.MINUTE
#: Minimum time between two updates of the time of use.
_TOUCH = 20 * clock.SECOND
MOST_NAME = 60
_PURPOSE = "tablet"
_TABLET = (
    "SELECT id, retailer_id, store_number, name, created_at, joined_at, ended_at, person_id, used_at FROM store_tablets"
)


class Invitation(Struct, frozen=True):
    """The link that binds a device as a tablet, once, until `ends_at` (microseconds)."""

    tablet: Tablet
    url: str
    ends_at: int


async def add(tx: Tx, actor: Actor, retailer_id: int, store_number: int, name: str, issuer: str) -> Invitation:
    """Add a tablet to a store, and make its link. `issuer`: the public URL. Raises `TabletRefused` and `Refused`."""
    roles.require(actor, "change_tablets", retailer_id, store_number)
    name = " ".join(name.split())
    if not name or not name.isprintable() or len(name) > MOST_NAME:
        raise TabletRefused("name")
    tablet_id, now = ids.new_id(), clock.of_process()
    while not await tx.run(
        "INSERT INTO store_tablets (id, retailer_id, store_number, name, created_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING",
        *(tablet_id, retailer_id, store_number, name, now),
    ):
        tablet_id = ids.new_id()
    detail = {"name": name, "store_number": store_number}
    await audit.record(tx, actor, "add_tablet", f"tablet/{tablet_id}", retailer_id=retailer_id, detail=detail)
    return await _invite(tx, tablet_id, issuer)


async def invite(tx: Tx, actor: Actor, tablet_id: int, issuer: str) -> Invitation:
    """Make a new link for a tablet; the device that is bound stays signed in until the link is used."""
    tablet = await _require(tx, actor, tablet_id)
    await audit.record(tx, actor, "link_tablet", f"tablet/{tablet_id}", retailer_id=tablet.retailer_id)
    return await _invite(tx, tablet_id, issuer)


async def end(tx: Tx, actor: Actor, tablet_id: int) -> Tablet:
    """End a tablet: its device is signed out, and its link no longer works. Raises `TabletRefused`."""
    tablet = await _require(tx, actor, tablet_id)
    await tx.run(
        "UPDATE store_tablets SET ended_at = $2, person_id = NULL WHERE id = $1", tablet_id, clock.of_process()
    )
    await sessions.end_all(tx, TABLET, tablet_id)
    await links.end(tx, TABLET, tablet_id)
    await audit.record(tx, actor, "end_tablet", f"tablet/{tablet_id}", retailer_id=tablet.retailer_id)
    return tablet


async def invited(tx: Tx, token: str) -> tuple[Tablet | None, str]:
    """The tablet that a link is for, and the link's state: `open`, `used`, `expired` or `unknown`."""
    link = await links.look(tx, TABLET, _PURPOSE, token)
    if link is None or link.state != "open":
        return None, "unknown" if link is None else link.state
    return await find(tx, link.person_id), link.state


async def join(tx: Tx, token: str, old_session: str, device: str) -> str | None:
    """Sign a device in as the tablet of a link; returns its cookie, None if the link no longer works.

    The device that was this tablet before is signed out. `old_session`: the browser's cookie, which ends.
    """
    tablet_id = await links.use(tx, TABLET, _PURPOSE, token)
    if tablet_id is None:
        return None
    tablet = await find(tx, tablet_id)
    assert tablet is not None
    cookie = await sessions.start(tx, TABLET, tablet_id, old_session, device)
    await tx.run(
        "UPDATE store_tablets SET joined_at = $2, person_id = NULL WHERE id = $1", tablet_id, clock.of_process()
    )
    actor = Actor("tablet", tablet_id, tablet.name)
    detail = {"device": device}
    await audit.record(tx, actor, "join_tablet", f"tablet/{tablet_id}", retailer_id=tablet.retailer_id, detail=detail)
    return cookie


async def find(tx: Tx, tablet_id: int) -> Tablet | None:
    """A tablet, also an ended one."""
    row = await tx.one(f"{_TABLET} WHERE id = $1", tablet_id)
    return _tablet(row) if row else None


async def of_cookie(tx: Tx, cookie: str) -> Tablet | None:
    """The tablet whose device has this cookie; None if it has ended."""
    session = await sessions.find(tx, TABLET, cookie)
    found = None if session is None else await find(tx, session.person_id)
    return found if found is not None and found.ended_at is None else None


async def listed(tx: Tx, retailer_id: int | None, store_number: int | None) -> Sequence[Tablet]:
    """The tablets that have not ended, by store and name: all, those of a retailer, or those of a store."""
    rows = await tx.all(
        f"{_TABLET} WHERE ended_at IS NULL AND (CAST($1 AS BIGINT) IS NULL OR retailer_id = $1)"
        " AND (CAST($2 AS BIGINT) IS NULL OR store_number = $2) ORDER BY retailer_id, store_number, name, id LIMIT $3",
        *(retailer_id, store_number, queries.MOST_LISTED * 10),
    )
    return [_tablet(row) for row in rows]


async def workers(tx: Tx, retailer_id: int, store_number: int) -> Sequence[Worker]:
    """The people who may use a store's tablets, by name: its associates, and the managers of its retailer."""
    rows = await tx.all(
        "SELECT s.id, p.wrong_pins FROM staff s LEFT JOIN staff_pins p ON p.person_id = s.id"
        " WHERE s.retailer_id = $1 AND (s.store_number IS NULL OR s.store_number = $2) AND s.closed_at IS NULL"
        " ORDER BY lower(s.name), s.id LIMIT $3",
        *(retailer_id, store_number, queries.MOST_LISTED),
    )
    found: list[Worker] = []
    for row in rows:
        person = await queries.person(tx, row["id"])
        if person is not None and roles.includes(queries.actor(person), "work_in_store"):
            wrong = row["wrong_pins"]
            found.append(Worker(person, wrong is not None, wrong is not None and wrong >= pins.MOST_WRONG))
    return found


async def worker(tx: Tx, tablet: Tablet, person_id: int) -> Worker | None:
    """One of the people who may use a tablet."""
    person = await queries.person(tx, person_id)
    if person is None or not _may_use(person, tablet):
        return None
    row = await tx.one("SELECT wrong_pins FROM staff_pins WHERE person_id = $1", person_id)
    return Worker(person, row is not None, row is not None and row["wrong_pins"] >= pins.MOST_WRONG)


def is_locked(tablet: Tablet) -> bool:
    """Whether nobody uses a tablet, or not for `LOCKS_AFTER`."""
    return tablet.person_id is None or tablet.used_at is None or tablet.used_at <= clock.of_process() - LOCKS_AFTER


async def user(tx: Tx, tablet: Tablet) -> Actor | None:
    """The person who uses a tablet now; None if it is locked, or the person has no role at its store any more."""
    if is_locked(tablet):
        return None
    assert tablet.person_id is not None
    person = await queries.person(tx, tablet.person_id)
    return queries.actor(person) if person is not None and _may_use(person, tablet) else None


async def takes_pins(tx: Tx, tablet: Tablet) -> bool:
    """Whether a tablet takes PINs: not after too many wrong ones, until it gets a new link."""
    device = await _device(tx, tablet)
    return device is None or device.wrong_pins < pins.MOST_WRONG_AT_TABLET


async def unlock(database: Database, tablet: Tablet, person_id: int, pin: str) -> bool:
    """Let a person use a tablet by their PIN; False if they may not any more.

    Raises `StaffPinWrong`, and `TabletLocked` after too many wrong PINs on the tablet.
    A wrong PIN of a person who may not use the tablet is not counted.
    """
    device = await database.read(_device, tablet)
    if device is None or await database.read(worker, tablet, person_id) is None:
        return False
    pin_hash = await pins.check(database, device.id, person_id, pin)
    return await database.write(_unlock, tablet, device.id, person_id, pin_hash)


async def lock(tx: Tx, tablet_id: int) -> None:
    """Lock a tablet until a person unlocks it."""
    await tx.run("UPDATE store_tablets SET person_id = NULL WHERE id = $1", tablet_id)


async def touch(tx: Tx, tablet: Tablet) -> None:
    """Record that the person of a tablet uses it."""
    await tx.run(
        "UPDATE store_tablets SET used_at = $3 WHERE id = $1 AND person_id = $2",
        *(tablet.id, tablet.person_id, clock.of_process()),
    )


def needs_touch(tablet: Tablet) -> bool:
    """Whether the time of use is old enough to be written again."""
    return tablet.used_at is None or tablet.used_at < clock.of_process() - _TOUCH


async def _device(tx: Tx, tablet: Tablet) -> Session | None:
    """The session of the device that is a tablet."""
    found = await sessions.of_person(tx, TABLET, tablet.id)
    return found[0] if found else None


async def _unlock(tx: Tx, tablet: Tablet, device_id: int, person_id: int, pin_hash: str) -> bool:
    found = await worker(tx, tablet, person_id)
    # The PIN may have been changed, or the tablet ended, during the check.
    if found is None or not await pins.forgive(tx, device_id, person_id, pin_hash):
        return False
    now = clock.of_process()
    taken = await tx.run(
        "UPDATE store_tablets SET person_id = $2, used_at = $3 WHERE id = $1 AND ended_at IS NULL",
        *(tablet.id, person_id, now),
    )
    if taken:
        detail = {"name": tablet.name}
        await audit.record(
            tx,
            queries.actor(found.person),
            "use_tablet",
            f"tablet/{tablet.id}",
            retailer_id=tablet.retailer_id,
            detail=detail,
        )
    return taken > 0


async def _require(tx: Tx, actor: Actor, tablet_id: int) -> Tablet:
    """A tablet that has not ended and that the actor may change."""
    await tx.one("SELECT id FROM store_tablets WHERE id = $1 FOR UPDATE", tablet_id)
    tablet = await find(tx, tablet_id)
    roles.require(actor, "change_tablets", *((tablet.retailer_id, tablet.store_number) if tablet else ()))
    if tablet is None or tablet.ended_at is not None:
        raise TabletRefused("unknown")
    return tablet


async def _invite(tx: Tx, tablet_id: int, issuer: str) -> Invitation:
    if not issuer:
        raise Refused(
            "the public URL is not known: set HANDCART_PUBLIC_URL, or start `handcart serve --public-url URL`"
        )
    tablet = await find(tx, tablet_id)
    assert tablet is not None
    token = await links.make(tx, TABLET, _PURPOSE, tablet_id, LINK_SECONDS)
    return Invitation(tablet, f"{issuer}/store/join/{token}", clock.of_process() + LINK_SECONDS * clock.SECOND)


def _may_use(person: Person, tablet: Tablet) -> bool:
    is_here = person.retailer_id == tablet.retailer_id and person.store_number in (None, tablet.store_number)
    return is_here and person.closed_at is None and roles.includes(queries.actor(person), "work_in_store")


def _tablet(row: Any) -> Tablet:
    return Tablet(**{name: row[name] for name in Tablet.__struct_fields__})
