"""Certified delivery: the customer signs on the page. Without JavaScript, the typed name is the signature."""

from collections.abc import Mapping, Sequence
from typing import Any

from handcart.core.db import Tx
from handcart.order_page.browser import OrderBrowser
from handcart.orders import proof, states
from handcart.orders.models import Order
from handcart.orders.proof import SignatureRefused

# Why a signature is refused: a key of the texts `order_page.refused`.
_WHY = {"name": "signature_name", "strokes": "signature_drawing"}


async def context(tx: Tx, browser: OrderBrowser) -> Mapping[str, Any]:
    """What the page says about the signature: the one that was given, or whether one is needed now."""
    order, retailer = browser.order, browser.retailer
    given = order.details.signature
    is_at_door = order.status == states.DELIVERING and order.details.returning is None and given is None
    drawn = given is not None and given.is_drawn
    return {
        "signed_by": None if given is None else given.name,
        "signature": await proof.drawing(tx, retailer.id, order.order_id) if drawn else None,
        "must_sign": is_at_door and await proof.needs_signature(tx, retailer.id, retailer.rules, order),
        "sheet": (proof.WIDTH, proof.HEIGHT),
        "most_characters_of_signer": proof.MOST_NAME,
    }


async def post(browser: OrderBrowser, form: Mapping[str, str]) -> str | None:
    """Keep the signature of a posted form; returns why not, or None."""
    try:
        strokes = proof.read_strokes(form.get("strokes", "")) if form.get("strokes") else []
        await browser.write(_sign, form.get("name", ""), strokes)
    except SignatureRefused as refused:
        return _WHY.get(refused.reason, "changed")
    return None


async def _sign(tx: Tx, retailer_id: int, order: Order, name: str, strokes: Sequence[Sequence[int]]) -> None:
    await proof.sign(tx, retailer_id, order, name, strokes)
