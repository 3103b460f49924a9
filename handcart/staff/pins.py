"""PINs of the operator's people, with which they use the tablets of stores."""

from collections.abc import Sequence

from handcart.core import clock
from handcart.core.db import Database, Tx, Unavailable
from handcart.sign_in import devices, passwords
from handcart.staff import audit, queries, roles
from handcart.staff.errors import StaffPinWrong, TabletLocked, TabletRefused
from handcart.staff.models import Actor, Person

#: After this number of wrong PINs without a right one, a manager must unlock the person's PIN.
MOST_WRONG = 5
#: After this number of wrong PINs, a tablet takes no PIN until it gets a new link.
MOST_WRONG_AT_TABLET = 10


async def choose(tx: Tx, actor: Actor, pin_hash: str) -> None:
    """Set the PIN of the actor, hashed by `sign_in.passwords.hash_new_pin`. A locked PIN stays locked."""
    assert actor.kind == "staff"
    roles.require(actor, "work_in_store", actor.retailer_id, actor.store_number)
    await tx.run(
        "INSERT INTO staff_pins (person_id, pin_hash, wrong_pins, set_at) VALUES ($1, $2, 0, $3)"
        " ON CONFLICT (person_id) DO UPDATE SET pin_hash = $2, set_at = $3",
        *(actor.id, pin_hash, clock.of_process()),
    )
    await tx.run("UPDATE store_tablets SET person_id = NULL WHERE person_id = $1", actor.id)
    await audit.record(tx, actor, "choose_staff_pin", f"staff/{actor.id}", retailer_id=actor.retailer_id)


async def unlock(tx: Tx, actor: Actor, person_id: int) -> Person:
    """Let a person try PINs again, after too many wrong ones. Raises `TabletRefused` if their PIN is not locked."""
    person = await queries.person(tx, person_id)
    roles.require(actor, "change_tablets", *((person.retailer_id, person.store_number) if person else ()))
    unlocked = await tx.run(
        "UPDATE staff_pins SET wrong_pins = 0 WHERE person_id = $1 AND wrong_pins >= $2", person_id, MOST_WRONG
    )
    if person is None or not unlocked:
        raise TabletRefused("not_locked")
    await audit.record(tx, actor, "unlock_staff_pin", f"staff/{person_id}", retailer_id=person.retailer_id)
    return person


async def locked(tx: Tx, retailer_id: int | None, store_number: int | None) -> Sequence[Person]:
    """The open people whose PINs are locked: all, those of a retailer, or those of a store."""
    rows = await tx.all(
        "SELECT p.person_id FROM staff_pins p JOIN staff s ON s.id = p.person_id WHERE p.wrong_pins >= $1"
        " AND s.closed_at IS NULL AND (CAST($2 AS BIGINT) IS NULL OR s.retailer_id = $2)"
        " AND (CAST($3 AS BIGINT) IS NULL OR s.store_number = $3) ORDER BY s.name, s.id LIMIT $4",
        *(MOST_WRONG, retailer_id, store_number, queries.MOST_LISTED),
    )
    found = [await queries.person(tx, row["person_id"]) for row in rows]
    return [one for one in found if one is not None]


async def check(database: Database, device_id: int, person_id: int, pin: str) -> str:
    """The hash that a PIN fits. Raises `StaffPinWrong` and `TabletLocked`.

    A wrong PIN stays counted, at the person and at the tablet. `device_id`: the session of the tablet.

    Uses several transactions, because hashing takes longer than a transaction may last. The caller takes the count
    back (`forgive`) in the transaction that uses the result.
    """
    left = await database.write(_count, device_id, person_id)
    pin_hash = await database.read(_hash, person_id)
    try:
        fits = await passwords.verify(pin_hash, pin)
    except Unavailable:  # nothing was tried
        await database.write(_uncount, device_id, person_id)
        raise
    if pin_hash is None or not fits:
        raise StaffPinWrong(left)
    return pin_hash


async def forgive(tx: Tx, device_id: int, person_id: int, pin_hash: str) -> bool:
    """Forget the wrong PINs of a person whose PIN was right; False if the PIN was changed since.

    The tablet forgets as many, and keeps those of other people: a right PIN opens no way to guess theirs.
    """
    row = await tx.one(
        "SELECT wrong_pins FROM staff_pins WHERE person_id = $1 AND pin_hash = $2 FOR UPDATE", person_id, pin_hash
    )
    if row is None:
        return False
    await tx.run("UPDATE staff_pins SET wrong_pins = 0 WHERE person_id = $1", person_id)
    await devices.uncount_pin(tx, device_id, row["wrong_pins"])
    return True


async def forget(tx: Tx, person_id: int) -> None:
    """Delete the PIN of a person who is closed, and lock the tablets that they use."""
    await tx.run("DELETE FROM staff_pins WHERE person_id = $1", person_id)
    await tx.run("UPDATE store_tablets SET person_id = NULL WHERE person_id = $1", person_id)


async def _count(tx: Tx, device_id: int, person_id: int) -> int:
    """Count a PIN as wrong before it is checked; the number of tries left after it. A refused try counts nowhere.

    The person's row is locked before the tablet's, as in `forgive`.
    """
    row = await tx.one(
        "UPDATE staff_pins SET wrong_pins = wrong_pins + 1 WHERE person_id = $1 AND wrong_pins < $2"
        " RETURNING wrong_pins",
        *(person_id, MOST_WRONG),
    )
    if row is None:
        raise StaffPinWrong(0)
    left_at_tablet = await devices.count_pin(tx, device_id, MOST_WRONG_AT_TABLET)
    if left_at_tablet is None:
        raise TabletLocked
    return min(MOST_WRONG - int(row["wrong_pins"]), left_at_tablet)


async def _uncount(tx: Tx, device_id: int, person_id: int) -> None:
    await tx.run("UPDATE staff_pins SET wrong_pins = wrong_pins - 1 WHERE person_id = $1 AND wrong_pins > 0", person_id)
    await devices.uncount_pin(tx, device_id)


async def _hash(tx: Tx, person_id: int) -> str | None:
    row = await tx.one("SELECT pin_hash FROM staff_pins WHERE person_id = $1", person_id)
    return row["pin_hash"] if row else None
