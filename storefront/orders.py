"""A customer's orders: how they stand, and what may still be changed."""

import logging
from datetime import datetime
from typing import Any

from handcart_client import ConnectError, Order
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from storefront import ordering, progress
from storefront.carts import Placed, Slot
from storefront.catalog import MOST_OF_ONE, lines
from storefront.checkout import TIPS_CENTS, tip_in
from storefront.grid import grid_of, reason_of
from storefront.pages import (
    cart_of,
    checked_form,
    customer_of,
    keep_cart,
    leave_notice,
    redirect,
    render,
    render_part,
    shop_of,
)
from storefront.refusals import notice_of
from storefront.samples import Customer
from storefront.slots import list_slots, reserve
from storefront.stores import counts_in

log = logging.getLogger(__name__)


async def orders(request: Request) -> Response:
    customer = customer_of(request)
    if customer is None:
        return redirect(request, "/sign-in?to=orders")
    return render(request, "orders.html", orders=shop_of(request).sessions.orders(customer.key))


async def order(request: Request) -> Response:
    """An order as the platform has it at this moment: https://docs.instacart.com/connect/api/fulfillment/delivery/get_order"""
    return render(request, "order.html", **await _standing(request))


async def now(request: Request) -> Response:
    """The part of an order's page that changes as the order goes its way."""
    return render_part(request, "order_now.html", **await _standing(request))


async def change_page(request: Request) -> Response:
    _, placed = _asked(request)
    return render(
        request,
        "change.html",
        placed=placed,
        lines=lines(placed.cart.counts),
        tips=TIPS_CENTS,
        most=MOST_OF_ONE,
    )


async def change(request: Request) -> Response:
    """Other counts, another tip: https://docs.instacart.com/connect/api/fulfillment/delivery/update_order"""
    form = await checked_form(request)
    customer, placed = _asked(request)
    here = f"/orders/{placed.order_id}"
    counts = counts_in(form)
    if not counts:
        leave_notice(request, "nothing_left")
        return redirect(request, f"{here}/change")
    placed.cart.counts = counts
    if placed.cart.is_delivery:
        placed.tip_cents = tip_in(form)
    try:
        await ordering.change(shop_of(request).platform, customer, placed)
    except ConnectError as error:
        leave_notice(request, notice_of(error, "change"))
        return redirect(request, here)
    return _kept(request, customer, placed, "changed")


async def slots_page(request: Request) -> Response:
    """The grid for an order, to move it to another time."""
    customer, placed = _asked(request)
    try:
        listed = await list_slots(shop_of(request).platform, customer, placed.cart)
    except ConnectError as error:
        leave_notice(request, notice_of(error, "slots of an order"))
        return redirect(request, f"/orders/{placed.order_id}")
    return render(
        request,
        "slots.html",
        grid=grid_of(listed.service_options, request.query_params.get("day", "")),
        reason_of=reason_of,
        fee_cents=placed.fee_cents,
        action=f"/orders/{placed.order_id}/slots",
        back=f"/orders/{placed.order_id}",
    )


async def move(request: Request) -> Response:
    """Hold the other time, then let the order have it; if either fails the order keeps the old one."""
    form = await checked_form(request)
    customer, placed = _asked(request)
    platform = shop_of(request).platform
    cart = cart_of(request)
    if cart.slot is not None:
        cart.slot = None  # a customer has one hold at a time
        keep_cart(request, cart)
    try:
        held = await reserve(platform, customer, form)
        await platform.orders.update(customer.user_id, placed.order_id, service_option_hold_id=held.id)
    except ConnectError as error:
        notice = notice_of(error, "move")
        leave_notice(request, notice)
        return redirect(request, f"/orders/{placed.order_id}{'/slots' if notice == 'slot_gone' else ''}")
    placed.cart.slot = Slot.of(held, placed.order_id)
    return _kept(request, customer, placed, "moved")


async def tip(request: Request) -> Response:
    """Another tip once the order is completed: https://docs.instacart.com/connect/api/fulfillment/delivery/update_tip"""
    form = await checked_form(request)
    customer, placed = _asked(request)
    placed.tip_cents = tip_in(form)
    try:
        await shop_of(request).platform.orders.update_tip(customer.user_id, placed.order_id, placed.tip_cents)
    except ConnectError as error:
        leave_notice(request, notice_of(error, "tip"))
        return redirect(request, f"/orders/{placed.order_id}")
    return _kept(request, customer, placed, "changed")


async def cancel(request: Request) -> Response:
    """https://docs.instacart.com/connect/api/fulfillment/delivery/cancel_order"""
    await checked_form(request)
    customer, placed = _asked(request)
    try:
        await shop_of(request).platform.orders.cancel(customer.user_id, placed.order_id)
    except ConnectError as error:
        leave_notice(request, notice_of(error, "cancel"))
    else:
        leave_notice(request, "canceled")
    return redirect(request, f"/orders/{placed.order_id}")


def _asked(request: Request) -> tuple[Customer, Placed]:
    """The signed-in customer and their order; 404 for anybody else's."""
    customer = customer_of(request)
    placed = customer and shop_of(request).sessions.order(customer.key, request.path_params["order_id"])
    if not customer or not placed:
        raise HTTPException(404)
    return customer, placed


async def _current(request: Request, customer: Customer, placed: Placed) -> Order | None:
    """The platform's word on an order; None when it cannot be asked."""
    try:
        return await shop_of(request).platform.orders.get(customer.user_id, placed.order_id)
    except ConnectError as error:
        log.warning("order %s is not known: %s", placed.order_id, error)
        return None


async def _standing(request: Request) -> dict[str, Any]:
    """All that an order's page shows."""
    customer, placed = _asked(request)
    found = await _current(request, customer, placed)
    bill = progress.bill_of(placed.cart.counts, found)
    return {
        "placed": placed,
        "bill": bill,
        "items_cents": progress.total_cents(bill),
        "order": found,
        "steps": progress.steps_of(found, is_delivery=placed.cart.is_delivery) if found else [],
        "is_over": found is not None and found.status in progress.OVER,
        "window": _window(placed, found),
        "status_text": progress.text_of(found) if found else None,
        "tips": TIPS_CENTS,
    }


def _window(placed: Placed, found: Order | None) -> tuple[datetime, datetime]:
    """When the order comes, on the clock of the store."""
    slot = placed.cart.slot
    assert slot is not None
    if found is None or found.fulfillment_details is None:
        return slot.start_at, slot.end_at
    details, clock = found.fulfillment_details, slot.start_at.tzinfo
    return details.window_starts_at.astimezone(clock), details.window_ends_at.astimezone(clock)


def _kept(request: Request, customer: Customer, placed: Placed, notice: str) -> Response:
    shop_of(request).sessions.keep_order(customer.key, placed)
    leave_notice(request, notice)
    return redirect(request, f"/orders/{placed.order_id}")
