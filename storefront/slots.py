"""Choose a time: the grid of slots, and the hold of a slot."""

import secrets

from handcart_client import AsyncClient, BadRequest, ConnectError, ServiceOptionHold, ServiceOptions
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from storefront import membership
from storefront.carts import Cart, Slot
from storefront.catalog import order_items
from storefront.grid import grid_of, reason_of
from storefront.pages import cart_of, checked_form, customer_of, keep_cart, leave_notice, redirect, render, shop_of
from storefront.refusals import notice_of, refused_items
from storefront.samples import DELIVERY_FEE_CENTS, Customer
from storefront.users import attach_address, ensure_user


async def slots(request: Request) -> Response:
    """The grid of slots for the cart, or the page that asks for missing information first."""
    customer, cart, platform = customer_of(request), cart_of(request), shop_of(request).platform
    if not cart.units:
        return redirect(request, "/cart")
    if cart.store is None:
        return render(request, "where.html")
    if customer is None:
        return redirect(request, "/sign-in?to=slots")
    if cart.is_delivery and not cart.address_line_1:
        return render(request, "address.html")
    try:
        await ensure_user(platform, customer)
        listed = await list_slots(platform, customer, cart)
    except ConnectError as error:
        return _refused(request, cart, error)
    fee_cents = await delivery_fee_cents(platform, customer, cart)
    return render(
        request,
        "slots.html",
        grid=grid_of(listed.service_options, request.query_params.get("day", "")),
        fee_cents=fee_cents,
        reason_of=reason_of,
        action="/slots",
        back="/cart",
    )


async def address(request: Request) -> Response:
    """Store the delivery address in the form that the platform returns."""
    form = await checked_form(request)
    customer, cart = customer_of(request), cart_of(request)
    if customer is None:
        return redirect(request, "/sign-in?to=slots")
    line = form.get("address_line_1", "").strip()
    try:
        cart.address_line_1 = line and await attach_address(shop_of(request).platform, customer, line, cart.postal_code)
    except ConnectError as error:
        notice = "address_refused" if isinstance(error, BadRequest) else notice_of(error, "address")
        leave_notice(request, notice)
    keep_cart(request, cart)
    return redirect(request, "/slots")


async def hold(request: Request) -> Response:
    """Hold a slot for ten minutes. A new hold replaces the old one."""
    form = await checked_form(request)
    customer, cart = customer_of(request), cart_of(request)
    if customer is None:
        return redirect(request, "/sign-in?to=slots")
    cart.slot = None
    try:
        held = await reserve(shop_of(request).platform, customer, form)
    except ConnectError as error:
        keep_cart(request, cart)
        leave_notice(request, notice_of(error, "hold"))
        return redirect(request, "/slots")
    cart.slot = Slot.held(held, f"SM-{secrets.token_hex(4).upper()}")
    keep_cart(request, cart)
    return redirect(request, "/checkout")


async def list_slots(platform: AsyncClient, customer: Customer, cart: Cart) -> ServiceOptions:
    """https://docs.instacart.com/connect/api/fulfillment/delivery/list_cart_service_options, .../pickup/..."""
    assert cart.store is not None
    items = order_items(cart.counts)
    location_code = cart.store.location_code
    if not cart.is_delivery:
        return await platform.slots.list_pickup(customer.user_id, location_code=location_code, items=items)
    return await platform.slots.list_delivery(
        customer.user_id,
        address=cart.address,
        location_code=location_code,
        items=items,
        with_eta_options=True,
        with_priority_eta_options=True,
    )


async def reserve(platform: AsyncClient, customer: Customer, form: dict[str, str]) -> ServiceOptionHold:
    """https://docs.instacart.com/connect/api/fulfillment/delivery/create_service_option_hold"""
    option = form.get("option", "")
    if not option.isascii() or not option.isdecimal() or len(option) > 16:
        raise HTTPException(400)
    return await platform.slots.reserve(customer.user_id, int(option))


async def delivery_fee_cents(platform: AsyncClient, customer: Customer, cart: Cart) -> int:
    """This customer's current delivery fee. Pickup is free."""
    if not cart.is_delivery or (await membership.verify(platform, customer)).is_active:
        return 0
    return DELIVERY_FEE_CENTS


def _refused(request: Request, cart: Cart, error: ConnectError) -> Response:
    """Redirect to the page on which the customer can solve the problem."""
    notice = notice_of(error, "slots")
    cart.refused = refused_items(error)
    leave_notice(request, notice)
    if notice in ("address_refused", "address_too_far"):
        cart.address_line_1 = ""
        keep_cart(request, cart)
        return redirect(request, "/slots")
    keep_cart(request, cart)
    return redirect(request, "/cart")
