"""The audiences of sessions, and the result of a sign-in."""

from msgspec import Struct

from handcart.core import clock


class Audience(Struct, frozen=True, kw_only=True):
    """A kind of people with sessions of its own: its cookies, the path to which browsers send them, and lifetimes.

    `cookie` and `device_cookie` are names without the prefix that https adds (`core.web.browser.cookie_name`). The
    device cookie is kept for a year after a sign-in; by it, the browser is known at the next one.
    `idle` and `absolute` are the maximum microseconds without use, and in all. `most_sessions` is the maximum for each
    person, so that nobody can fill the table with sessions of one person.
    """

    name: str
    cookie: str
    device_cookie: str
    path: str
    idle: int
    absolute: int
    most_sessions: int


CUSTOMER = Audience(
    name="customer",
    cookie="handcart",
    device_cookie="handcart_device",
    path="/",
    idle=12 * clock.HOUR,
    absolute=14 * clock.DAY,
    most_sessions=20,
)


class SignedIn(Struct, frozen=True):
    """A started session: its cookie, and the device token by which this browser is known next time."""

    session: str
    device: str
