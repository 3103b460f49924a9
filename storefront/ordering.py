"""Place and update orders at the platform."""

from handcart_client import AsyncClient, Order, OrderUser

from storefront.carts import Placed
from storefront.catalog import order_items
from storefront.samples import Customer


async def create(platform: AsyncClient, customer: Customer, placed: Placed, birthday: str | None) -> Order:
    """Place an order for the held time. It has its own id, so that a repeated request places only one order.

    https://docs.instacart.com/connect/api/fulfillment/delivery/create_order, .../pickup/create_order
    """
    cart = placed.cart
    assert cart.store is not None
    assert cart.slot is not None
    user = OrderUser(phone_number=customer.phone_number, birthday=birthday)
    if not cart.is_delivery:
        return await platform.orders.create_pickup(
            customer.user_id,
            order_id=placed.order_id,
            service_option_hold_id=cart.slot.hold_id,
            location_code=cart.store.location_code,
            items=order_items(cart.counts),
            user=user,
        )
    return await platform.orders.create_delivery(
        customer.user_id,
        order_id=placed.order_id,
        service_option_hold_id=cart.slot.hold_id,
        location_code=cart.store.location_code,
        address=cart.address,
        items=order_items(cart.counts),
        user=user,
        initial_tip_cents=placed.tip_cents,
    )


async def change(platform: AsyncClient, customer: Customer, placed: Placed) -> Order:
    """Update items and tip of an order to those of `placed`.

    https://docs.instacart.com/connect/api/fulfillment/delivery/update_order
    """
    items = order_items(placed.cart.counts)
    if not placed.cart.is_delivery:
        return await platform.orders.update(customer.user_id, placed.order_id, items=items)
    return await platform.orders.update(
        customer.user_id, placed.order_id, items=items, initial_tip_cents=placed.tip_cents
    )
