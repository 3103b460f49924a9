"""The tip: customers may change it after the delivery."""

import re
from collections.abc import Mapping
from typing import Any

from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.order_page.browser import OrderBrowser
from handcart.orders import ops, states
from handcart.orders.models import PICKUP, Order
from handcart.stores.models import Store

# In cents. A larger amount is more likely a typing mistake.
MOST_CENTS = 50_000
_OFFERED = (200, 500, 1000)
_AMOUNT = re.compile(r"\s*\$?\s*([0-9]{1,6})(?:[.,]([0-9]{1,2}))?\s*\$?\s*")


def context(browser: OrderBrowser, store: Store) -> Mapping[str, Any]:
    """What the page says about the tip; None for an order without one."""
    order = browser.order
    if not _may_tip(order):
        return {"tip": None}
    return {
        "tip": pages.money(browser.locale, store.country, order.tip_cents) if order.tip_cents else "",
        "offered_tips": [(str(cents // 100), pages.money(browser.locale, store.country, cents)) for cents in _OFFERED],
    }


async def post(browser: OrderBrowser, form: Mapping[str, str]) -> str | None:
    """Set the tip of a posted form; returns why not, or None."""
    cents = _cents(form.get("amount", "") or form.get("other", ""))
    return "tip_amount" if cents is None else await browser.write(_set, cents)


async def _set(tx: Tx, retailer_id: int, order: Order, cents: int) -> str | None:
    if not _may_tip(order):
        return "changed"
    if order.tip_cents != cents:  # a form that is sent twice changes nothing the second time
        await ops.set_tip(tx, retailer_id, order, cents)
    return None


def _may_tip(order: Order) -> bool:
    """Whether the customer may change the tip now; nobody brings a pickup order to an address."""
    return order.kind != PICKUP and states.may(order.kind, order.status, states.TIP)


def _cents(text: str) -> int | None:
    found = _AMOUNT.fullmatch(text[:40])
    if found is None:
        return None
    cents = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0"))
    return cents if cents <= MOST_CENTS else None
