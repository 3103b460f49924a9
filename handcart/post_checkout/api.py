"""Get an order, how it is handed over, and where it is."""

from collections.abc import Sequence

from handcart.batches import queries as batches
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web.call import Call, Route
from handcart.orders import proof, states
from handcart.orders.models import PICKUP, Order
from handcart.post_checkout import errors
from handcart.post_checkout.endpoints import FIND, PATH, endpoint
from handcart.post_checkout.orders import FULFILLMENT_TYPES, find, workflow_state
from handcart.post_checkout.wire import (
    Coordinates,
    HandlingAddress,
    HandlingResponse,
    HandlingShopper,
    OrderLocationResponse,
    PostCheckoutOrderResponse,
)
from handcart.retailers import ops as retailers
from handcart.stores import postal
from handcart.stores import queries as stores
from handcart.stores.models import Address, Point, Store


async def get_order(tx: Tx, call: Call) -> PostCheckoutOrderResponse:
    order = await find(tx, call)
    batch = await batches.live_of_order(tx, call.caller.retailer_id, order.order_id)
    return PostCheckoutOrderResponse(
        id=order.order_id,
        created_at=clock.to_wire(order.created_at),
        workflow_state=workflow_state(order, batch),
        fulfillment_type=FULFILLMENT_TYPES[order.kind],
        pickup_category="curbside" if order.kind == PICKUP else None,
        window_starts_at=clock.to_wire(order.window_starts_at),
        window_ends_at=clock.to_wire(order.window_ends_at),
    )


async def get_handling(tx: Tx, call: Call) -> HandlingResponse:
    order = await find(tx, call)
    retailer_id = call.caller.retailer_id
    store = await _store(tx, retailer_id, order)
    address, point = await _destination(tx, store, order.details.address)
    rules = (await retailers.retailer(tx, retailer_id)).rules
    is_hidden = rules.shopper_information_removal
    shopper = None if is_hidden else await batches.shopper_of_order(tx, retailer_id, order.order_id)
    return HandlingResponse(
        address=address,
        coordinates=Coordinates(point.latitude, point.longitude),
        shopper=None if shopper is None else HandlingShopper(shopper.first_name),
        instructions=order.details.special_instructions or "",
        leave_unattended=order.leave_unattended,
        alcoholic=order.has_alcohol,
        certified_delivery=await proof.needs_signature(tx, retailer_id, rules, order),
    )


async def get_location(tx: Tx, call: Call) -> OrderLocationResponse:
    """Where the shopper is; a shopper who stands for nobody is at the store, as in `order_location`."""
    order = await find(tx, call)
    retailer_id = call.caller.retailer_id
    if (await retailers.retailer(tx, retailer_id)).rules.shopper_information_removal:
        raise errors.shopper_pii()
    if order.status != states.DELIVERING or order.details.returning is not None:
        return OrderLocationResponse()
    courier = await batches.courier(tx, retailer_id, order.order_id)
    if courier is None or (courier.is_person and courier.point is None):
        return OrderLocationResponse()
    point = courier.point or (await _store(tx, retailer_id, order)).point
    return OrderLocationResponse(Coordinates(point.latitude, point.longitude))


async def _store(tx: Tx, retailer_id: int, order: Order) -> Store:
    store = await stores.store_by_number(tx, retailer_id, order.store_number)
    assert store is not None
    return store


async def _destination(tx: Tx, store: Store, address: Address | None) -> tuple[HandlingAddress, Point]:
    """The customer's address; for an order without one, which is picked up, the store's."""
    if address is None:
        of_store = HandlingAddress(
            address_line_1=store.address_line_1,
            locality=store.city,
            administrative_area=store.region,
            postal_code=store.postal_code,
            country_code=store.country,
        )
        return of_store, store.point
    area = await postal.locate(tx, address.postal_code)
    of_customer = HandlingAddress(
        address_line_1=address.address_line_1,
        address_line_2=address.address_line_2,
        locality=address.city or (area.city if area else None),
        administrative_area=address.state or (area.region if area else None),
        postal_code=address.postal_code,
        country_code="US" if postal.plain(address.postal_code).isdecimal() else "CA",
    )
    return of_customer, await stores.point_of(tx, address) or store.point


ROUTES: Sequence[Route] = (
    endpoint(
        "get_post_checkout_order",
        PATH,
        get_order,
        "Get an order",
        "order/get_order",
        method="GET",
        response=PostCheckoutOrderResponse,
        refusals=FIND,
    ),
    endpoint(
        "get_handling_details",
        f"{PATH}/handling",
        get_handling,
        "Get an order's handling information",
        "order/get_handling_details",
        method="GET",
        response=HandlingResponse,
        refusals=FIND,
    ),
    endpoint(
        "get_order_location",
        f"{PATH}/location",
        get_location,
        "Get an order's location",
        "order/get_order_location",
        method="GET",
        response=OrderLocationResponse,
        refusals=(*FIND, errors.shopper_pii()),
    ),
)
