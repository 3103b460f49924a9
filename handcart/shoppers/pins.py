"""Unlock a shopper's device with a PIN, and change the PIN.

Each uses several transactions, because hashing takes longer than a transaction may last.
"""

from handcart.core.db import Database, Tx, Unavailable
from handcart.shoppers import ops, queries
from handcart.shoppers.errors import DeviceEnded, PinWrong
from handcart.shoppers.models import Person
from handcart.sign_in import devices, passwords, sessions
from handcart.sign_in.models import SHOPPER
from handcart.staff import audit
from handcart.staff.models import SYSTEM


async def unlock(database: Database, person: Person, device_id: int, pin: str) -> None:
    """Unlock a device; raises `PinWrong` or `DeviceEnded`."""
    pin_hash = await _check(database, person, device_id, pin)
    newer = await passwords.hash_again(pin_hash, pin)
    await database.write(_unlock, person, device_id, pin_hash, newer or pin_hash)


async def change(database: Database, person: Person, device_id: int, old: str, new_hash: str) -> None:
    """Replace the PIN by one hashed by `sign_in.passwords.hash_new_pin`; other devices are locked.

    Raises as `unlock`.
    """
    pin_hash = await _check(database, person, device_id, old)
    await database.write(_change, person, device_id, pin_hash, new_hash)


async def _check(database: Database, person: Person, device_id: int, pin: str) -> str:
    """The hash that a PIN fits. A wrong PIN stays counted, and the fifth ends the device.

    Only the device is counted: without its cookie nobody can try a PIN, and many shoppers share one address.
    """
    left = await database.write(devices.count_pin, device_id)
    pin_hash = await database.read(queries.pin_hash, person.id)
    if left is not None:  # else as many tries at the same time are not decided yet, or their server has stopped
        try:
            fits = await passwords.verify(pin_hash, pin)
        except Unavailable:  # nothing was tried
            await database.write(devices.uncount_pin, device_id)
            raise
        if fits and pin_hash is not None:
            return pin_hash
        if left:
            raise PinWrong(left)
    await database.write(_end, person, device_id)
    raise DeviceEnded


async def _end(tx: Tx, person: Person, device_id: int) -> None:
    if await sessions.end_one(tx, SHOPPER, person.id, device_id):
        detail = {"device": str(device_id)}
        await audit.record(tx, SYSTEM, "end_device", f"shopper/{person.id}", reason="wrong PINs", detail=detail)


async def _unlock(tx: Tx, person: Person, device_id: int, old_hash: str, new_hash: str) -> None:
    # The PIN may have been changed, or the device ended, during the check.
    if not await ops.replace_pin(tx, person.id, old_hash, new_hash) or not await devices.unlock(tx, device_id):
        raise DeviceEnded


async def _change(tx: Tx, person: Person, device_id: int, old_hash: str, new_hash: str) -> None:
    await _unlock(tx, person, device_id, old_hash, new_hash)
    await devices.lock_all(tx, SHOPPER, person.id, besides=device_id)
    await audit.record(tx, queries.actor(person), "change_pin", f"shopper/{person.id}")
