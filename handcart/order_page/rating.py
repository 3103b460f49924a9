"""The rating: five steps, what was good, and a note."""

from collections.abc import Mapping, Sequence
from typing import Any

from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.order_page.browser import OrderBrowser
from handcart.orders import ops, states
from handcart.orders.models import CARRIED, HIGHLIGHTS, PICKUP, RATINGS, Order, Rating

MOST_CHARACTERS = 1000
_OF_PICKUP = ("FAST_PICKUP", "CLEAR_PICKUP_INSTRUCTIONS", "EASY_PARKING", "SMOOTH_HANDOFF")
_OF_DELIVERY = ("SMOOTH_DELIVERY",)
_OF_SHOPPING = ("QUALITY_ITEMS", "GOOD_REPLACEMENTS")


def context(browser: OrderBrowser) -> Mapping[str, Any]:
    """What the page says about the rating; no steps for an order that cannot be rated."""
    order = browser.order
    if not states.may(order.kind, order.status, states.RATE):
        return {"ratings": None}
    given = order.details.rating
    return {
        "ratings": RATINGS,
        "highlights": _highlights(order),
        "rating": given.value if given else None,
        "rated_highlights": given.highlights if given else (),
        "note": given.thank_you_note if given else "",
        "most_characters_of_note": MOST_CHARACTERS,
    }


async def post(browser: OrderBrowser, form: Mapping[str, str]) -> str | None:
    """Store the rating of a posted form; returns why not, or None."""
    value = form.get("rating", "")
    if value not in RATINGS:
        return "rating"
    note = form.get("note", "").replace("\r\n", "\n")
    if len(note) > MOST_CHARACTERS:
        return "rating_note"
    highlights = [one for one in _highlights(browser.order) if f"highlight_{one}" in form]
    try:
        await browser.write(_rate, Rating(value, highlights, note))
    except ApiError as refused:
        if refused.status != 400:
            raise
        return "changed"
    return None


async def _rate(tx: Tx, retailer_id: int, order: Order, rating: Rating) -> None:
    await ops.rate(tx, retailer_id, order, rating)


def _highlights(order: Order) -> Sequence[str]:
    """What can have been good about an order of this kind."""
    other = _OF_DELIVERY if order.kind == PICKUP else _OF_PICKUP
    out = (*other, *(_OF_SHOPPING if order.kind in CARRIED else ()))
    return [one for one in HIGHLIGHTS if one not in out]
