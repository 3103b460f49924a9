"""Passkeys of shoppers: they unlock a device that is signed in, in place of the PIN."""

from typing import Any

from handcart.core.db import Tx
from handcart.shoppers import queries
from handcart.shoppers.errors import DeviceEnded
from handcart.shoppers.models import Person
from handcart.sign_in import devices, passkeys
from handcart.sign_in.errors import PasskeyRefused
from handcart.sign_in.models import SHOPPER
from handcart.staff import audit


async def add(tx: Tx, person: Person, public_url: str, session: str, response: Any, name: str) -> None:
    """Store a passkey that a shopper's device has made; raises `PasskeyRefused`."""
    made = await passkeys.register(tx, SHOPPER, public_url, session, person.id, response, name)
    detail = {"name": made.name}
    await audit.record(tx, queries.actor(person), "add_passkey", f"shopper/{person.id}", detail=detail)


async def remove(tx: Tx, person: Person, credential_id: str) -> bool:
    """Remove a passkey of a shopper; False if it has been removed already."""
    if not await passkeys.remove(tx, SHOPPER, person.id, credential_id):
        return False
    await audit.record(tx, queries.actor(person), "remove_passkey", f"shopper/{person.id}")
    return True


async def unlock(tx: Tx, person: Person, device_id: int, public_url: str, session: str, response: Any) -> None:
    """Unlock a shopper's device with a passkey of that shopper; raises `PasskeyRefused` or `DeviceEnded`."""
    if await passkeys.authenticate(tx, SHOPPER, public_url, session, response) != person.id:
        raise PasskeyRefused("unknown")
    if not await devices.unlock(tx, device_id):
        raise DeviceEnded
