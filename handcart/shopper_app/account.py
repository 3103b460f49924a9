"""The app's operations about the shopper and the shopper's devices."""

from collections.abc import Sequence

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web.call import Call, Route
from handcart.shopper_app.browser import Device, any_device_in
from handcart.shopper_app.wire import DeviceRef, ListedDevice, Me
from handcart.sign_in import sessions
from handcart.sign_in.models import SHOPPER


async def _me(tx: Tx, call: Call) -> Me:
    """A locked device is told only that it is locked, and whose it is."""
    return await _shown(tx, await any_device_in(tx, call))


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


ROUTES: Sequence[Route] = (Route(method="GET", path="/shopper/api/me", handler=_me, tx="read"),)
