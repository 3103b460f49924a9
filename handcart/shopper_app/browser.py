"""The device of a call to the app's operations, and its shopper."""

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web.browser import Browser
from handcart.core.web.call import Call
from handcart.shopper_app import errors
from handcart.shoppers import queries as shoppers
from handcart.shoppers.models import Person
from handcart.sign_in import sessions
from handcart.sign_in.models import SHOPPER, Session

#: A device locks itself after this time without use.
LOCKS_AFTER = 12 * clock.HOUR


class Device(Struct, frozen=True):
    """A signed-in device and its shopper; `session_id` is the id of its session. A blocked shopper's are locked."""

    person: Person
    session_id: int
    name: str
    is_locked: bool
    seen_at: int


async def device_of(call: Call) -> Device:
    """The unlocked device that sent a call; records that it is in use.

    Raises 401 `signed_out` or 423 `locked`, and refuses calls by pages of other sites.
    """
    device = _unlocked(await call.app.database.read(any_device_in, call))
    if sessions.needs_touch(device.seen_at):
        await call.app.database.write(sessions.touch, cookie_of(call))
    return device


async def device_in(tx: Tx, call: Call) -> Device:
    """As `device_of`, in the transaction of an operation that writes, so that no ended device can act."""
    device = _unlocked(await any_device_in(tx, call))
    if sessions.needs_touch(device.seen_at):
        await sessions.touch(tx, cookie_of(call))
    return device


async def any_device_in(tx: Tx, call: Call) -> Device:
    """The device that sent a call, also a locked one; records nothing. Raises 401 `signed_out`."""
    browser = Browser(call)
    if call.route is not None and call.route.method != "GET":
        browser.check_origin()
    found = await sessions.find(tx, SHOPPER, cookie_of(call))
    person = None if found is None else await shoppers.person(tx, found.person_id)
    if found is None or person is None or person.closed_at is not None:
        raise errors.signed_out()
    is_locked = _is_locked(found) or person.blocked_at is not None
    return Device(person, found.id, found.name, is_locked, found.seen_at)


def _unlocked(device: Device) -> Device:
    if device.is_locked:
        raise errors.locked()
    return device


def _is_locked(session: Session) -> bool:
    return session.unlocked_at is None or session.seen_at <= clock.of_process() - LOCKS_AFTER


def cookie_of(call: Call) -> str:
    """The session cookie of a call; empty if it has none."""
    return Browser(call).cookie(SHOPPER.cookie, SHOPPER.path)
