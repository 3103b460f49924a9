"""The audiences of sessions, sessions and one-time links, and the result of a sign-in."""

from msgspec import Struct

from handcart.core import clock


class Audience(Struct, frozen=True, kw_only=True):
    """A kind of people with sessions of its own: its cookies, the path to which browsers send them, and lifetimes.

    `cookie` and `device_cookie` are names without the prefix that https adds (`core.web.browser.cookie_name`). The
    device cookie is kept for a year after a sign-in; by it, the browser is known at the next one.
    `idle` and `absolute` are the maximum microseconds without use, and in all. `most_sessions` is the maximum for each
    person, so that nobody can fill the table with sessions of one person. `keeps_cookie`: the browser keeps the
    session's cookie when it is closed.
    """

    name: str
    cookie: str
    device_cookie: str
    path: str
    idle: int
    absolute: int
    most_sessions: int
    keeps_cookie: bool = False


CUSTOMER = Audience(
    name="customer",
    cookie="handcart",
    device_cookie="handcart_device",
    path="/",
    idle=12 * clock.HOUR,
    absolute=14 * clock.DAY,
    most_sessions=20,
)
STAFF = Audience(
    name="staff",
    cookie="handcart_staff",
    device_cookie="handcart_staff_device",
    path="/console",
    idle=12 * clock.HOUR,
    absolute=7 * clock.DAY,
    most_sessions=10,
)
# A shopper's session is a device: it lasts long, and a PIN or a passkey unlocks it.
SHOPPER = Audience(
    name="shopper",
    cookie="handcart_shopper",
    device_cookie="handcart_shopper_device",
    path="/shopper",
    idle=30 * clock.DAY,
    absolute=90 * clock.DAY,
    most_sessions=5,
    keeps_cookie=True,
)
# A store's tablet: the session says which tablet it is; the people at the store unlock it with their PINs.
TABLET = Audience(
    name="tablet",
    cookie="handcart_store",
    device_cookie="handcart_store_device",
    path="/store",
    idle=30 * clock.DAY,
    absolute=365 * clock.DAY,
    most_sessions=1,
    keeps_cookie=True,
)
AUDIENCES = (CUSTOMER, STAFF, SHOPPER, TABLET)


class SignedIn(Struct, frozen=True):
    """A started session: its cookie, and the device token by which this browser is known next time.

    Without a device token, the browser is known only as long as the session lasts.
    """

    session: str
    device: str = ""


class Session(Struct, frozen=True):
    """A session that has not ended. Times are in microseconds.

    `name` says which browser or device it is. `unlocked_at` and `wrong_pins` are of devices with a PIN.
    """

    id: int
    person_id: int
    name: str
    created_at: int
    seen_at: int
    unlocked_at: int | None
    wrong_pins: int


class Link(Struct, frozen=True):
    """A one-time link; `state` is `open`, `used` or `expired`."""

    person_id: int
    state: str


class Passkey(Struct, frozen=True):
    """A passkey of a person. Times are in microseconds; `used_at` is None before the first sign-in with it."""

    credential_id: str
    name: str
    created_at: int
    used_at: int | None
