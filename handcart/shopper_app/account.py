"""The app's operations about the shopper: unlock, lock and sign out the device, PIN, other devices, settings."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.web.body import json_reply
from handcart.core.web.call import Call, Handler, Reply, Route
from handcart.shopper_app import errors
from handcart.shopper_app.browser import Device, any_device_in, device_in, device_of
from handcart.shopper_app.wire import ChangePin, DeviceRef, Done, ListedDevice, Me, Settings, Unlock
from handcart.shoppers import ops, pins, queries
from handcart.shoppers.errors import DeviceEnded, PinWrong, ShopperRefused
from handcart.sign_in import devices, passwords, sessions
from handcart.sign_in.models import SHOPPER
from handcart.sign_in.passwords import PinRefused

# Bodies hold a PIN or a few names.
_MOST_BODY = 4 << 10


async def me(tx: Tx, call: Call) -> Me:
    """The shopper and the device. A locked device is not told of the others."""
    return await _shown(tx, await any_device_in(tx, call))


async def _unlock(call: Call) -> Me:
    """Unlock the device with the PIN."""
    database, body = call.app.database, call.body
    device = await database.read(any_device_in, call)
    if device.person.blocked_at is not None:
        raise errors.blocked()
    await _with_pin(pins.unlock(database, device.person, device.session_id, body.pin))
    return await database.read(me, call)


async def _change_pin(call: Call) -> Done:
    """Replace the PIN; the shopper's other devices are locked."""
    database, body = call.app.database, call.body
    device = await device_of(call)
    try:
        new_hash = await asyncio.to_thread(passwords.hash_new_pin, body.new)
    except PinRefused as refused:
        raise errors.refused_pin(refused.reason) from None
    await _with_pin(pins.change(database, device.person, device.session_id, body.old, new_hash))
    return Done()


async def _lock(tx: Tx, call: Call) -> Done:
    """Lock the device."""
    await devices.lock(tx, (await any_device_in(tx, call)).session_id)
    return Done()


async def _sign_out(tx: Tx, call: Call) -> Reply:
    """End the device, also a locked one; the browser deletes what the app has stored."""
    device = await any_device_in(tx, call)
    with suppress(ShopperRefused):  # it has ended already
        await ops.end_device(tx, queries.actor(device.person), device.person.id, device.session_id)
    return json_reply(Done(), headers=[(b"clear-site-data", b'"cache", "storage"')])


async def _end_device(tx: Tx, call: Call) -> Done:
    """End another device of the shopper."""
    person, device_id = (await device_in(tx, call)).person, ids.parse(call.path["id"])
    try:
        await ops.end_device(tx, queries.actor(person), person.id, device_id or 0)
    except ShopperRefused:
        raise errors.no_device() from None
    return Done()


async def _change_settings(tx: Tx, call: Call) -> Me:
    """Change language and spoken languages."""
    device, body = await device_in(tx, call), call.body
    try:
        await ops.change_settings(tx, device.person, body.locale, body.languages)
    except ShopperRefused as refused:
        raise errors.invalid(str(refused)) from None
    return await me(tx, call)


async def _with_pin(operation: Any) -> None:
    try:
        await operation
    except PinWrong as wrong:
        raise errors.wrong_pin(wrong.left) from None
    except DeviceEnded:
        raise errors.signed_out() from None


async def _shown(tx: Tx, device: Device) -> Me:
    person = device.person
    listed = [] if device.is_locked else await sessions.of_person(tx, SHOPPER, person.id)
    return Me(
        id=str(person.id),
        name=person.name,
        locale=person.locale,
        languages=person.languages,
        skills=person.skills,
        vehicle=person.vehicle,
        device=DeviceRef(str(device.session_id), device.name),
        devices=[
            ListedDevice(str(one.id), one.name, clock.to_wire(one.seen_at), one.id == device.session_id)
            for one in listed
        ],
        is_locked=device.is_locked,
    )


def _post(path: str, handler: Handler, **fields: Any) -> Route:
    return Route(method="POST", path=f"/shopper/api/{path}", handler=handler, most_body=_MOST_BODY, **fields)


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/shopper/api/me", handler=me, tx="read"),
    _post("unlock", _unlock, body=Unlock),
    _post("pin", _change_pin, body=ChangePin),
    _post("lock", _lock, tx="write", body=Done),
    _post("sign-out", _sign_out, tx="write", body=Done),
    _post("devices/{id}/end", _end_device, tx="write", body=Done),
    _post("settings", _change_settings, tx="write", body=Settings),
)
