"""The audiences of sessions, and the result of a sign-in."""

from msgspec import Struct

from handcart.core import clock


class Audience(Struct, frozen=True, kw_only=True):
    """A kind of people with sessions of its own: where its cookie is sent, and how long a session lasts.

    `core.web.browser` sets the cookie of customers, by the same name and path; a test compares both. Over https it adds
    the prefix `__Host-` to the name, which browsers accept only with the path `/`.
    `idle` and `absolute` are the maximum microseconds without use, and in all. `most_sessions` is the maximum for each
    person, so that nobody can fill the table with sessions of one person.
    """

    name: str
    cookie: str
    path: str
    idle: int
    absolute: int
    most_sessions: int


CUSTOMER = Audience(
    name="customer",
    cookie="handcart",
    path="/",
    idle=12 * clock.HOUR,
    absolute=14 * clock.DAY,
    most_sessions=20,
)


class SignedIn(Struct, frozen=True):
    """A started session: its cookie, and the device token by which this browser is known next time."""

    session: str
    device: str
