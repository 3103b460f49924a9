"""A customer's orders: their state, and what may still be changed."""

import asyncio
import logging
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

from handcart_client import ConnectError, ItemName, Order
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from storefront import aftercare, ordering, progress, story
from storefront.carts import Placed, Slot
from storefront.catalog import ITEMS, MOST_OF_ONE, lines
from storefront.checkout import TIPS_CENTS, tip_in
from storefront.grid import grid_of, reason_of
from storefront.pages import (
    Shop,
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
    """The customer's latest orders, each with its state and its total."""
    customer = customer_of(request)
    if customer is None:
        return redirect(request, "/sign-in?to=orders")
    placed = shop_of(request).sessions.orders(customer.key)
    found = await asyncio.gather(*(_known(request, customer, one) for one in placed))
    return render(request, "orders.html", orders=[_listed(*each) for each in zip(placed, found, strict=True)])


async def order(request: Request) -> Response:
    """The current state of an order: https://docs.instacart.com/connect/api/fulfillment/delivery/get_order"""
    standing = await _standing(request)
    if standing["aftercare"].unread:
        customer, placed = _asked(request)
        await aftercare.mark_read(shop_of(request).tokens, customer, placed)
    return render(request, "order.html", **standing)


async def now(request: Request) -> Response:
    """The part of an order's page that changes with the order."""
    return render_part(request, "order_now.html", **await _standing(request))


async def news(request: Request) -> Response:
    """Server-sent events: the version of the order, whenever it changes."""
    _, placed = _asked(request)
    shop = shop_of(request)
    if not shop.settings.takes_callbacks:
        raise HTTPException(404)
    if shop.news.is_full:
        raise HTTPException(503)
    versions = shop.news.versions(placed.order_id, lambda: shop.sessions.order_version(placed.order_id))
    lines = (f"data: {version}\n\n" async for version in versions)
    return StreamingResponse(lines, media_type="text/event-stream")


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
    """Change counts and tip: https://docs.instacart.com/connect/api/fulfillment/delivery/update_order"""
    form = await checked_form(request)
    customer, placed = _asked(request)
    counts = counts_in(form)
    if not counts:
        leave_notice(request, "nothing_left")
        return redirect(request, f"/orders/{placed.order_id}/change")
    placed.cart.counts = counts
    if placed.cart.is_delivery:
        placed.tip_cents = tip_in(form)
    refused = await _refusal(request, placed, "change", ordering.change(shop_of(request).platform, customer, placed))
    return _refused(request, placed, refused) if refused else _kept(request, customer, placed, "changed")


async def slots_page(request: Request) -> Response:
    """The grid of time slots to which an order can be moved."""
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
    """Hold the new slot, then move the order to it. If either fails, the order keeps its old slot."""
    form = await checked_form(request)
    customer, placed = _asked(request)
    platform = shop_of(request).platform
    cart = cart_of(request)
    if cart.slot is not None:
        cart.slot = None  # a customer has one hold at a time
        keep_cart(request, cart)
    try:
        held = await reserve(platform, customer, form)
    except ConnectError as error:
        return _refused(request, placed, notice_of(error, "move"))
    update = platform.orders.update(customer.user_id, placed.order_id, service_option_hold_id=held.id)
    refused = await _refusal(request, placed, "move", update)
    if refused:
        return _refused(request, placed, refused)
    placed.cart.slot = Slot.held(held, placed.order_id)
    return _kept(request, customer, placed, "moved")


async def tip(request: Request) -> Response:
    """Change the tip of a completed order: https://docs.instacart.com/connect/api/fulfillment/delivery/update_tip"""
    form = await checked_form(request)
    customer, placed = _asked(request)
    placed.tip_cents = tip_in(form)
    update = shop_of(request).platform.orders.update_tip(customer.user_id, placed.order_id, placed.tip_cents)
    refused = await _refusal(request, placed, "tip", update)
    return _refused(request, placed, refused) if refused else _kept(request, customer, placed, "changed")


async def cancel(request: Request) -> Response:
    """https://docs.instacart.com/connect/api/fulfillment/delivery/cancel_order"""
    await checked_form(request)
    customer, placed = _asked(request)
    canceled = shop_of(request).platform.orders.cancel(customer.user_id, placed.order_id)
    refused = await _refusal(request, placed, "cancel", canceled)
    leave_notice(request, refused or "canceled")
    return redirect(request, f"/orders/{placed.order_id}")


async def say(request: Request) -> Response:
    """Write to the shopper: https://docs.instacart.com/connect/api/post_checkout/chat/send_chat_message"""
    form = await checked_form(request)
    customer, placed = _asked(request)
    text = form.get("text", "").strip()
    if not text:
        return _back(request, placed, "nothing_written")

    async def send() -> None:
        await (await shop_of(request).tokens.calls(customer.user_id)).send_message(placed.order_id, text)

    refusal = await _refusal(request, placed, "chat", send())
    return _back(request, placed, refusal or "message_sent")


async def answer(request: Request) -> Response:
    """Answer a proposed replacement.

    https://docs.instacart.com/connect/api/post_checkout/order_items/handle_order_item_replacement
    """
    form = await checked_form(request)
    customer, placed = _asked(request)
    item_id, other = form.get("item", ""), ITEMS.get(form.get("other", ""))

    async def send() -> None:
        calls = await shop_of(request).tokens.calls(customer.user_id)
        if form.get("answer") == "yes":
            await calls.approve_replacement(placed.order_id, item_id)
        elif other is None:
            await calls.reject_replacement(placed.order_id, item_id)
        else:
            amount = {"count": 1} if other.pounds is None else {"weight": other.pounds}
            name = ItemName(upc=other.upc, rrc=other.rrc)
            await calls.reject_replacement(placed.order_id, item_id, alternative=name, **amount)

    refusal = await _refusal(request, placed, "replacement", send())
    return _back(request, placed, "answered_before" if refusal == "ordering_failed" else refusal or "answered")


async def rate(request: Request) -> Response:
    """Rate an order, or change the rating.

    https://docs.instacart.com/connect/api/fulfillment/order_feedback/frontend/create_or_update_order_feedback
    """
    form = await checked_form(request)
    customer, placed = _asked(request)
    praised = [name for name in aftercare.highlights_of(placed) if form.get(f"highlight-{name}")]
    note = form.get("note", "").strip()[: aftercare.MOST_CHARACTERS] or None
    if form.get("stars") not in aftercare.STARS:
        return _back(request, placed, "no_stars")

    async def send() -> None:
        calls = await shop_of(request).tokens.calls(customer.user_id)
        await calls.rate(placed.order_id, form["stars"], highlights=praised, thank_you_note=note)

    refusal = await _refusal(request, placed, "rating", send())
    return _back(request, placed, refusal or "rated")


def _asked(request: Request) -> tuple[Customer, Placed]:
    """The signed-in customer and their order; 404 for another customer's order."""
    customer = customer_of(request)
    placed = customer and shop_of(request).sessions.order(customer.key, request.path_params["order_id"])
    if not customer or not placed:
        raise HTTPException(404)
    return customer, placed


async def _current(request: Request, customer: Customer, placed: Placed) -> Order | None:
    """The platform's state of an order; None if the platform does not answer.

    A shop with callbacks asks once after each event; concurrent requests wait for that answer.
    """
    shop = shop_of(request)
    if not shop.settings.takes_callbacks:
        found = await _ask(shop, customer, placed)
        if found is not None:
            shop.sessions.keep_standing(found, shop.sessions.order_version(placed.order_id))
        return found
    async with shop.news.asking(placed.order_id):
        found = shop.sessions.standing(placed.order_id)
        if found is None:
            version = shop.sessions.order_version(
                placed.order_id
            )  # read before the call: events that arrive during it make the answer stale
            found = await _ask(shop, customer, placed)
            if found is not None:
                shop.sessions.keep_standing(found, version)
    return found


async def _known(request: Request, customer: Customer, placed: Placed) -> Order | None:
    """The same for a list of orders. Orders that have ended are not asked again."""
    found = shop_of(request).sessions.standing(placed.order_id)
    return found if found and found.status in progress.OVER else await _current(request, customer, placed)


def _listed(placed: Placed, found: Order | None) -> dict[str, Any]:
    """The row of an order in the list."""
    return {
        "placed": placed,
        "window": _window(placed, found),
        "status_text": progress.text_of(found) if found else None,
        "is_canceled": found is not None and found.status == progress.CANCELED,
        "total_cents": progress.total_cents(placed, found),
    }


async def _ask(shop: Shop, customer: Customer, placed: Placed) -> Order | None:
    try:
        return await shop.platform.orders.get(customer.user_id, placed.order_id)
    except ConnectError as error:
        log.warning("order %s is not known: %s", placed.order_id, error)
        return None


async def _standing(request: Request) -> dict[str, Any]:
    """The context of an order's page."""
    customer, placed = _asked(request)
    sessions = shop_of(request).sessions
    version = sessions.order_version(placed.order_id)
    found = await _current(request, customer, placed)
    window = _window(placed, found)
    bill = progress.bill_of(placed.cart.counts, found)
    events = sessions.events(placed.order_id)
    is_canceled = found is not None and found.status == progress.CANCELED
    return {
        "placed": placed,
        "bill": bill,
        "items_cents": progress.items_cents(bill),
        "total_cents": progress.total_cents(placed, found),
        "order": found,
        "is_canceled": is_canceled,
        "why_canceled": progress.why_canceled(found, events) if found and is_canceled else "",
        "steps": progress.steps_of(found, is_delivery=placed.cart.is_delivery) if found else [],
        "is_over": found is not None and found.status in progress.OVER,
        "window": window,
        "takes_callbacks": shop_of(request).settings.takes_callbacks,
        "version": version,
        "story": story.told(events, window[0].tzinfo, is_delivery=placed.cart.is_delivery),
        "status_text": progress.text_of(found) if found else None,
        "tips": TIPS_CENTS,
        "order_url": found.order_url if found and (found.order_url or "").startswith(("https://", "http://")) else None,
        "aftercare": await aftercare.read(shop_of(request).tokens, customer, placed, found, window[0].tzinfo),
        "others": [item for item in ITEMS.values() if not item.is_alcohol],
        "most_characters": aftercare.MOST_CHARACTERS,
    }


def _window(placed: Placed, found: Order | None) -> tuple[datetime, datetime]:
    """The order's window, on the store's clock."""
    slot = placed.cart.slot
    assert slot is not None
    if found is None or found.fulfillment_details is None:
        return slot.start_at, slot.end_at
    details, clock = found.fulfillment_details, slot.start_at.tzinfo
    return details.window_starts_at.astimezone(clock), details.window_ends_at.astimezone(clock)


async def _refusal(request: Request, placed: Placed, what: str, call: Coroutine[Any, Any, object]) -> str | None:
    """Change an order at the platform. Returns the key of a notice if it is refused. The stored state becomes stale."""
    try:
        await call
    except ConnectError as error:
        return notice_of(error, what)
    finally:
        shop_of(request).sessions.outdate_order(placed.order_id)
        shop_of(request).news.tell(placed.order_id)
    return None


def _back(request: Request, placed: Placed, notice: str) -> Response:
    """Back to the order's page, with a notice."""
    leave_notice(request, notice)
    return redirect(request, f"/orders/{placed.order_id}")


def _refused(request: Request, placed: Placed, notice: str) -> Response:
    leave_notice(request, notice)
    return redirect(request, f"/orders/{placed.order_id}{'/slots' if notice == 'slot_gone' else ''}")


def _kept(request: Request, customer: Customer, placed: Placed, notice: str) -> Response:
    shop_of(request).sessions.keep_order(customer.key, placed)
    leave_notice(request, notice)
    return redirect(request, f"/orders/{placed.order_id}")
