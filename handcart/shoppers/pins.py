"""Unlock a shopper's device with a PIN, and change the PIN.

Each uses several transactions, because hashing takes longer than a transaction may last.
"""

from handcart.core.db import Database, Tx, Unavailable
from handcart.shoppers import ops, queries
from handcart.shoppers.errors import DeviceEnded, PinWrong
from handcart.shoppers.models import Person
from handcart.sign_in import devices, limits, passwords, sessions
from handcart.sign_in import ops as sign_ins
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.limits import Counted
from handcart.sign_in.models import SHOPPER
from handcart.staff import audit


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
    left = await database.write(devices.count_pin, device_id)
    if left is None:
        raise DeviceEnded
    pin_hash = await database.read(queries.pin_hash, person.id)
    try:
        _, counted = await sign_ins.verify(
            database,
            SHOPPER,
            [pin_hash] if pin_hash else [],
            pin,
            email=str(person.id),
            address=address,
            is_known_device=False,
        )
    except Unavailable:  # nothing was tried
        await database.write(devices.uncount_pin, device_id)
        raise
    except SignInRefused as refused:
        if refused.retry_after:
            await database.write(devices.uncount_pin, device_id)
            raise
        if left:
            raise PinWrong(left) from None
        await database.write(sessions.end_one, SHOPPER, person.id, device_id)
        raise DeviceEnded from None
    assert pin_hash is not None
    return pin_hash, counted


async def _unlock(tx: Tx, person: Person, device_id: int, counted: Counted, old_hash: str, new_hash: str) -> None:
    await limits.uncount(tx, counted)
    # The PIN may have been changed, or the device ended, during the check.
    if not await ops.replace_pin(tx, person.id, old_hash, new_hash) or not await devices.unlock(tx, device_id):
        raise DeviceEnded


async def _change(tx: Tx, person: Person, device_id: int, counted: Counted, old_hash: str, new_hash: str) -> None:
    await _unlock(tx, person, device_id, counted, old_hash, new_hash)
    await devices.lock_all(tx, SHOPPER, person.id, besides=device_id)
    await audit.record(tx, queries.actor(person), "change_pin", f"shopper/{person.id}")
