"""The checkout page: what the basket costs, and what delivery costs this customer at this moment."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from storefront import membership
from storefront.membership import Membership
from storefront.pages import customer_of, redirect, render, shop_of
from storefront.samples import BASKET, DELIVERY_FEE_CENTS, Item


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


def totals(basket: tuple[tuple[Item, int], ...], link: Membership) -> Totals:
    """Only a membership the platform confirms is honoured; when it cannot be asked the full fee stands."""
    delivery_cents = 0 if link.is_active else DELIVERY_FEE_CENTS
    return Totals(sum(item.price_cents * count for item, count in basket), DELIVERY_FEE_CENTS, delivery_cents)


async def checkout(request: Request) -> Response:
    """Verify the membership now: how to verify Instacart+ membership and orders, in the Connect how-to guides."""
    customer = customer_of(request)
    if customer is None:
        return redirect(request, "/sign-in?to=checkout")
    link = await membership.verify(shop_of(request).platform, customer)
    return render(request, "checkout.html", basket=BASKET, totals=totals(BASKET, link), link=link)
