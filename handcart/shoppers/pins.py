"""Unlock a shopper's device with a PIN, and change the PIN.

Each uses several transactions, because hashing takes longer than a transaction may last.
"""

from handcart.core.db import Database, Tx, Unavailable
from handcart.shoppers import ops, queries
from handcart.shoppers.errors import DeviceEnded, PinWrong
from handcart.shoppers.models import Person
from handcart.sign_in import devices, limits, passwords, sessions
from handcart.sign_in.limits import Counted
from handcart.sign_in.models import SHOPPER
from handcart.staff import audit
from handcart.staff.models import SYSTEM


async def unlock(database: Database, person: Person, device_id: int, pin: str, address: str) -> None:
    """Unlock a device; raises `PinWrong`, `DeviceEnded`, or `SignInRefused` if its address has to wait."""
    pin_hash, counted = await _check(database, person, device_id, pin, address)
    newer = await passwords.hash_again(pin_hash, pin)
    await database.write(_unlock, person, device_id, counted, pin_hash, newer or pin_hash)


async def change(database: Database, person: Person, device_id: int, old: str, new_hash: str, address: str) -> None:
    """Replace the PIN by one hashed by `sign_in.passwords.hash_new_pin`; other devices are locked.

    Raises as `unlock`.
    """
    pin_hash, counted = await _check(database, person, device_id, old, address)
    await database.write(_change, person, device_id, counted, pin_hash, new_hash)


async def _check(database: Database, person: Person, device_id: int, pin: str, address: str) -> tuple[str, Counted]:
    """The hash that a PIN fits, and the counted tries. A wrong PIN stays counted, and the fifth ends the device."""
    left, counted = await database.write(_count, person, device_id, address)
    pin_hash = await database.read(queries.pin_hash, person.id)
    if left is not None:  # else as many tries at the same time are not decided yet, or their server has stopped
        try:
            fits = await passwords.verify(pin_hash, pin)
        except Unavailable:  # nothing was tried
            await database.write(_uncount, device_id, counted)
            raise
        if fits and pin_hash is not None:
            return pin_hash, counted
        if left:
            raise PinWrong(left)
    await database.write(_end, person, device_id)
    raise DeviceEnded


async def _count(tx: Tx, person: Person, device_id: int, address: str) -> tuple[int | None, Counted]:
    """Count a try as if it were wrong; returns the number of tries that are left, None if there was none."""
    counted = await limits.count(tx, SHOPPER, str(person.id), address, is_known_device=False)
    return await devices.count_pin(tx, device_id), counted


async def _uncount(tx: Tx, device_id: int, counted: Counted) -> None:
    await limits.uncount(tx, counted)
    await devices.uncount_pin(tx, device_id)


async def _end(tx: Tx, person: Person, device_id: int) -> None:
    if await sessions.end_one(tx, SHOPPER, person.id, device_id):
        detail = {"device": str(device_id)}
        await audit.record(tx, SYSTEM, "end_device", f"shopper/{person.id}", reason="wrong PINs", detail=detail)


async def _unlock(tx: Tx, person: Person, device_id: int, counted: Counted, old_hash: str, new_hash: str) -> None:
    await limits.uncount(tx, counted)
    # The PIN may have been changed, or the device ended, during the check.
    if not await ops.replace_pin(tx, person.id, old_hash, new_hash) or not await devices.unlock(tx, device_id):
        raise DeviceEnded


async def _change(tx: Tx, person: Person, device_id: int, counted: Counted, old_hash: str, new_hash: str) -> None:
    await _unlock(tx, person, device_id, counted, old_hash, new_hash)
    await devices.lock_all(tx, SHOPPER, person.id, besides=device_id)
    await audit.record(tx, queries.actor(person), "change_pin", f"shopper/{person.id}")
