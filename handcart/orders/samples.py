"""Place sample orders: customer, address, cart and time slot are chosen here.

Uses the same operations as the API, so a sample order is like any other.
"""

from msgspec import structs

from handcart.core import ids
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.orders import create, errors
from handcart.orders.create import NewOrder
from handcart.orders.models import CARRIED, DISPATCH, LAST_MILE, PICKUP, Order, OrderDetails
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller, Retailer
from handcart.slots import listing
from handcart.slots import ops as slots
from handcart.slots.listing import Wishes
from handcart.slots.models import Slot
from handcart.stores import items
from handcart.stores import queries as stores
from handcart.stores.carts import OrderItem
from handcart.stores.models import Address, ItemName, Store
from handcart.users import ops as users
from handcart.users.models import User

_FIRST_NAME, _LAST_NAME = "Sample", "Customer"
_PHONE = "+13125550188"
_BIRTHDAY = "1991-03-05"
_LINES = 2
_MOST_STORES = 20


async def customer(tx: Tx, caller: Caller) -> str:
    """Create a sample customer of the caller; returns the id."""
    user = User(f"customer-{ids.new_id()}", _FIRST_NAME, _LAST_NAME, _PHONE, None)
    return (await users.create(tx, caller.isolation_id, user)).user_id


async def place(
    tx: Tx,
    caller: Caller,
    kind: str,
    user_id: str | None,
    *,
    prefix: str = "ORD",
    has_alcohol: bool = False,
    sms_opt_in: bool = True,
    email: str | None = None,
    is_test: bool = False,
) -> Order:
    """Place an order of a kind in the soonest free slot, for an existing user; a dispatch order may have none.

    `prefix`: how the id of the order begins. `email`: where its customer gets mails. `is_test`: it counts in no money
    and no report.
    Raises `no_free_slot`, `nothing_to_sell`, and the errors of the order endpoints if the retailer's settings do not
    allow the sample order.
    """
    retailer = await retailers.retailer(tx, caller.retailer_id)
    order_id = f"{prefix}-{ids.new_id()}"
    slot = await _free_slot(tx, retailer, LAST_MILE if kind == DISPATCH else kind, has_alcohol=has_alcohol)
    details = structs.replace(_details(slot.store, kind), sms_opt_in=sms_opt_in, email=email, is_test=is_test)
    location_code = slot.store.location_code
    unique = order_id.encode()  # a unique fingerprint: the request is never repeated
    if kind == DISPATCH:
        window = (slot.window.starts_at, slot.window.ends_at)
        order = NewOrder(order_id, kind, details, unique, location_code=location_code, window=window)
        return await create.create_dispatch(tx, caller, user_id, order, or_soonest=False)
    assert user_id is not None
    hold = await slots.hold(tx, caller, user_id, slot.id, has_alcohol=has_alcohol)
    if isinstance(hold, ApiError):
        raise hold
    if kind in CARRIED:
        order = NewOrder(order_id, kind, details, unique, hold.id, location_code)
        return await create.create_last_mile(tx, caller, user_id, order)
    cart = await _cart(tx, retailer, has_alcohol=has_alcohol)
    order = NewOrder(order_id, kind, details, unique, hold.id, location_code, cart)
    return await create.create_shopped(tx, caller, user_id, order)


async def _free_slot(tx: Tx, retailer: Retailer, kind: str, *, has_alcohol: bool) -> Slot:
    """The soonest free slot of the first store that has one."""
    fitting = [
        store
        for store in await stores.stores(tx, retailer.id)
        if stores.takes(store, kind) and (store.sells_alcohol or not has_alcohol)
    ]
    for store in fitting[:_MOST_STORES]:
        offered = await listing.offers(tx, retailer, store, kind, Wishes(has_alcohol=has_alcohol))
        for slot in offered.all():
            if not slot.reasons:
                return slot
    raise errors.no_free_slot()


async def _cart(tx: Tx, retailer: Retailer, *, has_alcohol: bool) -> list[OrderItem]:
    found = await items.samples(tx, retailer.id, 1, is_alcohol=True) if has_alcohol else []
    if len(found) < has_alcohol:
        raise errors.nothing_to_sell()
    found += await items.samples(tx, retailer.id, _LINES - len(found))
    if not found:
        raise errors.nothing_to_sell()
    return [OrderItem(str(place), ItemName(rrc=item.rrc), count=2) for place, item in enumerate(found, 1)]


def _details(store: Store, kind: str) -> OrderDetails:
    if kind not in CARRIED:
        address = None if kind == PICKUP else _address(store)
        return OrderDetails(phone_number=_PHONE, birthday=_BIRTHDAY, address=address)
    return OrderDetails(  # the retailer picks it
        first_name=_FIRST_NAME,
        last_name=_LAST_NAME,
        phone_number=_PHONE,
        items_count=3,
        items_weight=4.5,
        address=_address(store),
    )


def _address(store: Store) -> Address:
    """An address next to the store."""
    return Address(
        address_line_1="350 W Oak St",
        city=store.city,
        state=store.region,
        postal_code=store.postal_code,
        latitude=store.point.latitude,
        longitude=store.point.longitude,
    )
