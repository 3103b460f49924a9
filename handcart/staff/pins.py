"""PINs of the operator's people, with which they use the tablets of stores."""

from collections.abc import Sequence

from handcart.core import clock
from handcart.core.db import Database, Tx, Unavailable
from handcart.sign_in import passwords
from handcart.staff import audit, queries, roles
from handcart.staff.errors import StaffPinWrong, TabletRefused
from handcart.staff.models import Actor, Person

#: After this number of wrong PINs without a right one, a manager must unlock the person's PIN.
MOST_WRONG = 5


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


async def check(database: Database, person_id: int, pin: str) -> str:
    """The hash that a PIN fits. Raises `StaffPinWrong`; a wrong PIN stays counted.

    Uses several transactions, because hashing takes longer than a transaction may last. The caller takes the count
    back (`forgive`) in the transaction that uses the result.
    """
    left = await database.write(_count, person_id)
    pin_hash = await database.read(_hash, person_id)
    if left is None:
        raise StaffPinWrong(0)
    try:
        fits = await passwords.verify(pin_hash, pin)
    except Unavailable:  # nothing was tried
        await database.write(_uncount, person_id)
        raise
    if pin_hash is None or not fits:
        raise StaffPinWrong(left)
    return pin_hash


async def forgive(tx: Tx, person_id: int, pin_hash: str) -> bool:
    """Forget the wrong PINs of a person whose PIN was right; False if the PIN was changed since."""
    return (
        await tx.run("UPDATE staff_pins SET wrong_pins = 0 WHERE person_id = $1 AND pin_hash = $2", person_id, pin_hash)
        > 0
    )


async def forget(tx: Tx, person_id: int) -> None:
    """Delete the PIN of a person who is closed, and lock the tablets that they use."""
    await tx.run("DELETE FROM staff_pins WHERE person_id = $1", person_id)
    await tx.run("UPDATE store_tablets SET person_id = NULL WHERE person_id = $1", person_id)


async def _count(tx: Tx, person_id: int) -> int | None:
    """Count a PIN as wrong before it is checked; the number of tries left after it, None if there was none."""
    row = await tx.one(
        "UPDATE staff_pins SET wrong_pins = wrong_pins + 1 WHERE person_id = $1 AND wrong_pins < $2"
        " RETURNING wrong_pins",
        *(person_id, MOST_WRONG),
    )
    return None if row is None else MOST_WRONG - row["wrong_pins"]


async def _uncount(tx: Tx, person_id: int) -> None:
    await tx.run("UPDATE staff_pins SET wrong_pins = wrong_pins - 1 WHERE person_id = $1 AND wrong_pins > 0", person_id)


async def _hash(tx: Tx, person_id: int) -> str | None:
    row = await tx.one("SELECT pin_hash FROM staff_pins WHERE person_id = $1", person_id)
    return row["pin_hash"] if row else None
