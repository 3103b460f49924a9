"""How a customer is reached: by which channel, in which language, at which hours.

Channels in this order: web push to browsers that subscribed on the order's page, text messages if the customer allows
them, mail. Text messages need consent (https://docs.instacart.com/connect/fulfillment_guide/concepts/customer_communications):
`user.sms_opt_in` for delivery and pickup, where the default is no; for last mile and dispatch orders the absence of
`customer_sms_opt_out`. A STOP from the number outranks both.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from handcart.accounts import ops as accounts
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web.pages import LOCALES_WITH_SPANISH, choose_locale
from handcart.linking import ops as linking
from handcart.messages import addresses
from handcart.messages import queries as messages
from handcart.messages.models import MAIL, PUSH, SMS, of_order
from handcart.orders.models import Order
from handcart.retailers.models import Retailer
from handcart.stores import queries as stores
from handcart.stores.models import Store
from handcart.users import ops as users
from handcart.users.models import User

# At night, by the clock of the order's store, only urgent messages ring.
NIGHT_FROM, NIGHT_UNTIL = 21, 8


class Way(Struct, frozen=True):
    """A channel with the addresses of one customer: several only for push. `locale`: the customer's language."""

    channel: str
    addresses: Sequence[str]
    locale: str


def recipient(retailer_id: int, order: Order) -> str:
    """The recipient of messages about an order."""
    return of_order(retailer_id, order.order_id)


async def ways(tx: Tx, retailer: Retailer, order: Order, *, rings: bool = True) -> Sequence[Way]:
    """The first channel by which the customer of an order is reached; none if there is none.

    Browsers that have not reported yet that they show messages may be a stranger's, or be silent: the next channel is
    used too. `rings` False: only mail, because push and text messages would wake people.
    """
    locale, found = _locale(order, await _user(tx, order)), []
    if rings:
        browsers = await messages.subscriptions(tx, recipient(retailer.id, order))
        if browsers:
            found.append(Way(PUSH, [str(one.id) for one in browsers], locale))
            if any(one.is_confirmed for one in browsers):
                return found
        number = await sms_number(tx, order)
        if number is not None:
            return [*found, Way(SMS, [number], locale)]
    address = await _mail(tx, order)
    return found if address is None else [*found, Way(MAIL, [address], locale)]


async def number_of(tx: Tx, order: Order) -> str | None:
    """The phone number of an order's customer: the order's own, else the user's."""
    user = None if order.details.phone_number else await _user(tx, order)
    return order.details.phone_number or (None if user is None else user.phone_number)


async def sms_number(tx: Tx, order: Order) -> str | None:
    """The phone number of an order's customer, if the customer allows text messages about it."""
    number = await number_of(tx, order)
    if not order.details.sms_opt_in or number is None or addresses.fault(SMS, number) is not None:
        return None
    return None if await messages.suppression(tx, SMS, number) is not None else number


async def is_first_sms(tx: Tx, to: str) -> bool:
    """Whether a recipient has no text message yet: the first one says how to end them."""
    return not await messages.messages(tx, recipient=to, channel=SMS, limit=1)


async def is_night(tx: Tx, retailer_id: int, order: Order) -> bool:
    """Whether it is an hour at which only urgent messages ring."""
    hour = _local(await store_of(tx, retailer_id, order)).hour
    return hour >= NIGHT_FROM or hour < NIGHT_UNTIL


async def morning(tx: Tx, retailer_id: int, order: Order) -> int:
    """When the night ends, in microseconds."""
    local = _local(await store_of(tx, retailer_id, order))
    day = local + timedelta(days=1) if local.hour >= NIGHT_UNTIL else local
    return int(day.replace(hour=NIGHT_UNTIL, minute=0, second=0, microsecond=0).timestamp()) * clock.SECOND


async def store_of(tx: Tx, retailer_id: int, order: Order) -> Store:
    """The store of an order."""
    store = await stores.store_by_number(tx, retailer_id, order.store_number)
    assert store is not None
    return store


async def _mail(tx: Tx, order: Order) -> str | None:
    """The order's e-mail address, else that of the account that its user has linked; None if mail is unwanted."""
    address = order.details.email
    if address is None and order.user_id is not None:
        account_id = await linking.account_of_user(tx, order.isolation_id, order.user_id)
        account = None if account_id is None else await accounts.by_id(tx, account_id)
        address = None if account is None else account.email
    if address is None or addresses.fault(MAIL, address) is not None:
        return None
    return None if await messages.suppression(tx, MAIL, address) is not None else address


async def _user(tx: Tx, order: Order) -> User | None:
    return None if order.user_id is None else await users.find(tx, order.isolation_id, order.user_id)


def _locale(order: Order, user: User | None) -> str:
    wanted = order.details.locale or (user.locale if user is not None else None)
    return choose_locale(None, wanted, LOCALES_WITH_SPANISH)


def _local(store: Store) -> datetime:
    return datetime.fromtimestamp(clock.now() // clock.SECOND, UTC).astimezone(ZoneInfo(store.time_zone))
