"""The checkout page: the price of the cart, the customer's current delivery fee, and placing the order."""

from dataclasses import dataclass
from datetime import UTC, datetime

from handcart_client import AsyncClient, BadRequest, ConnectError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from storefront import membership, ordering
from storefront.carts import Cart, Placed
from storefront.catalog import has_alcohol, lines, total_cents
from storefront.membership import Membership
from storefront.pages import cart_of, checked_form, customer_of, keep_cart, leave_notice, redirect, render, shop_of
from storefront.refusals import notice_of, refused_items
from storefront.samples import DELIVERY_FEE_CENTS, Customer

TIPS_CENTS = (0, 300, 500, 800, 1200)
# The page after a refused order, on which the customer can solve the problem.
AFTER_REFUSAL = {
    "slot_gone": "/slots",
    "address_too_far": "/slots",
    "store_closed": "/cart",
    "items_refused": "/cart",
    "too_much": "/cart",
}


@dataclass(frozen=True)
class Totals:
    items_cents: int
    full_delivery_cents: int
    delivery_cents: int

    @property
    def saving_cents(self) -> int:
        return self.full_delivery_cents - self.delivery_cents

    @property
    def total_cents(self) -> int:
        return self.items_cents + self.delivery_cents


def totals(cart: Cart, link: Membership) -> Totals:
    """The totals. Without a membership that the platform confirms, the full delivery fee applies."""
    full_cents = DELIVERY_FEE_CENTS if cart.is_delivery else 0
    return Totals(total_cents(cart.counts), full_cents, 0 if link.is_active else full_cents)


async def checkout(request: Request) -> Response:
    """Show the checkout. Verifies the membership as in Connect's how-to guide "verify Instacart+ membership"."""
    customer, cart = customer_of(request), cart_of(request)
    if customer is None:
        return redirect(request, "/sign-in?to=checkout")
    if not cart.units:
        return redirect(request, "/cart")
    link = await membership.verify(shop_of(request).platform, customer)
    return render(
        request,
        "checkout.html",
        lines=lines(cart.counts),
        totals=totals(cart, link),
        link=link,
        tips=TIPS_CENTS,
        needs_birthday=has_alcohol(cart.counts),
        seconds_left=_seconds_left(cart),
    )


async def place(request: Request) -> Response:
    """Place the order as the page showed it, at the price that it showed."""
    form = await checked_form(request)
    shop, customer, cart = shop_of(request), customer_of(request), cart_of(request)
    if customer is None:
        return redirect(request, "/sign-in?to=checkout")
    if cart.slot is None or cart.store is None or not cart.units:
        # The button was pressed twice, and the first request has placed the order.
        order_id = form.get("order_id", "")
        is_there = shop.sessions.order(customer.key, order_id) is not None
        return redirect(request, f"/orders/{order_id}" if is_there else "/slots")
    tip_cents = tip_in(form) if cart.is_delivery else 0
    now = totals(cart, await membership.verify(shop.platform, customer))
    if form.get("total_cents") != str(now.total_cents):
        leave_notice(request, "price_changed")
        return redirect(request, "/checkout")
    placed = Placed(cart.slot.order_id, cart, now.delivery_cents, now.full_delivery_cents, tip_cents)
    try:
        await _order(shop.platform, customer, placed, form.get("birthday") or None)
    except ConnectError as error:
        return _refused(request, cart, error)
    shop.sessions.keep_order(customer.key, placed)
    keep_cart(request, Cart(kind=cart.kind, postal_code=cart.postal_code, store=cart.store))
    leave_notice(request, "placed")
    return redirect(request, f"/orders/{placed.order_id}")


async def _order(platform: AsyncClient, customer: Customer, placed: Placed, birthday: str | None) -> None:
    try:
        await ordering.create(platform, customer, placed, birthday)
    except BadRequest as error:
        if error.key != "order_id":
            raise
        # An earlier request placed the order with other content, and its response was lost: update the order.
        await ordering.change(platform, customer, placed)


def tip_in(form: dict[str, str]) -> int:
    tip = form.get("tip_cents", "0")
    if tip not in map(str, TIPS_CENTS):
        raise HTTPException(400)
    return int(tip)


def _seconds_left(cart: Cart) -> int:
    if cart.slot is None:
        return 0
    return max(0, int((cart.slot.expires_at - datetime.now(UTC)).total_seconds()))


def _refused(request: Request, cart: Cart, error: ConnectError) -> Response:
    notice = notice_of(error, "order")
    cart.refused = refused_items(error)
    if notice == "slot_gone":
        cart.slot = None
    keep_cart(request, cart)
    leave_notice(request, notice)
    return redirect(request, AFTER_REFUSAL.get(notice, "/checkout"))
