"""What proves that an order reached its customer: a code, a signature, a photo.

Code-verified delivery: the customer tells the shopper the last four digits of the phone number of the order.
https://docs.instacart.com/connect/fulfillment_guide/concepts/code_verified_delivery

Certified delivery: the customer signs for items of high value on the order's page, while the shopper is at the door.
https://docs.instacart.com/connect/fulfillment_guide/concepts/certified_delivery

Both need a customer who takes the order in person and has opted in to text messages, and both are off by default.
"""

from collections.abc import Sequence

import msgspec
from msgspec import structs

from handcart.core import clock
from handcart.core.db import Tx
from handcart.orders import lines, ops, signatures, states
from handcart.orders.models import CARRIED, PICKUP, TO_REFUND, Order, OrderLine, Signature
from handcart.orders.signatures import HEIGHT as HEIGHT
from handcart.orders.signatures import WIDTH as WIDTH
from handcart.pictures import queries as pictures
from handcart.pictures.models import Picture, subject_of_act
from handcart.retailers import ops as retailers
from handcart.retailers.models import Rules
from handcart.stores import items
from handcart.stores.models import Item, ItemCode
from handcart.users import ops as users

MOST_NAME = 100


class SignatureRefused(Exception):
    """A signature is not taken. `reason`: `not_needed`, `not_now`, `signed_already`, `name` or `strokes`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def code(tx: Tx, rules: Rules, order: Order) -> str | None:
    """What the customer tells the shopper; None for an order that is delivered without a code."""
    if not rules.delivery_pin or not _is_taken_in_person(order):
        return None
    phone = order.details.phone_number
    if phone is None and order.user_id is not None:
        user = await users.find(tx, order.isolation_id, order.user_id)
        phone = None if user is None else user.phone_number
    digits = "".join(one for one in phone or "" if one.isdecimal())
    return digits[-4:] or None


async def needs_signature(tx: Tx, retailer_id: int, rules: Rules, order: Order) -> bool:
    """Whether the customer signs for an order before the shopper hands it over.

    The retailer picks the items of a carried order, so there the value of the whole cart counts.
    """
    if rules.certified_from_cents is None or not _is_taken_in_person(order):
        return False
    if order.kind in CARRIED:
        return round((order.details.cart_total or 0) * 100) >= rules.certified_from_cents
    return bool(await certified_lines(tx, retailer_id, rules, order))


async def certified_lines(tx: Tx, retailer_id: int, rules: Rules, order: Order) -> set[str]:
    """The numbers of the lines that make a signature necessary: their product has the value of `certified_from_cents`.

    The product is the one that the customer gets, and its price is the catalog's.
    """
    if rules.certified_from_cents is None or not _is_taken_in_person(order):
        return set()
    given = [line for line in order.lines if not line.is_removed and line.status != TO_REFUND]
    names = [lines.delivered(line) for line in given]
    codes = [
        ItemCode(line.upc, line.rrc) if name is None else ItemCode(name.upc, name.rrc)
        for line, name in zip(given, names, strict=True)
    ]
    found = zip(given, await items.find(tx, retailer_id, codes), strict=True)
    return {line.line_num for line, item in found if item and _value(item, line) >= rules.certified_from_cents}


async def sign(tx: Tx, retailer_id: int, order: Order, name: str, strokes: Sequence[Sequence[int]]) -> None:
    """Keep the signature of a locked order's customer. Without strokes, the typed name is the signature.

    A stroke is a flat list of coordinates (x, y, x, y, ...) on a sheet of `WIDTH` by `HEIGHT`. Raises
    `SignatureRefused`.
    """
    if order.details.signature is not None:
        raise SignatureRefused("signed_already")
    if order.status != states.DELIVERING or order.details.returning is not None:
        raise SignatureRefused("not_now")
    if not await needs_signature(tx, retailer_id, (await retailers.retailer(tx, retailer_id)).rules, order):
        raise SignatureRefused("not_needed")
    name = " ".join(name.split())
    if not name or len(name) > MOST_NAME or not name.isprintable():
        raise SignatureRefused("name")
    drawn = read_strokes(msgspec.json.encode(strokes).decode())
    if drawn:
        await signatures.keep(tx, retailer_id, order.order_id, drawn)
    order.details = structs.replace(order.details, signature=Signature(name, clock.now(), is_drawn=bool(drawn)))
    await ops.note(tx, retailer_id, order, states.SIGNED)


def read_strokes(text: str) -> list[list[int]]:
    """The strokes in a form's field, as JSON; empty for an empty field. Raises `SignatureRefused`."""
    try:
        return signatures.read(text)
    except ValueError:
        raise SignatureRefused("strokes") from None


async def drawing(tx: Tx, retailer_id: int, order_id: str) -> str | None:
    """A drawn signature as path data of an SVG of `WIDTH` by `HEIGHT`; None if there is none, or no longer."""
    drawn = await signatures.find(tx, retailer_id, order_id)
    return None if drawn is None else "".join(map(_path, drawn))


async def photo(tx: Tx, order: Order) -> Picture | None:
    """The photo that proves that an order was given to its customer, if it has arrived and not expired."""
    shown = order.details.proof
    if shown is None or not shown.has_photo or shown.person_id is None:
        return None
    return await pictures.of_subject(tx, subject_of_act(shown.person_id, shown.act_id))


def _is_taken_in_person(order: Order) -> bool:
    return order.kind != PICKUP and not order.leave_unattended and order.details.sms_opt_in


def _value(item: Item, line: OrderLine) -> float:
    """The price in cents of one piece, or of all that a line has by weight."""
    if item.cost_unit == "each":
        return item.price_cents
    return item.price_cents * (line.qty if line.qty_unit != "each" else item.par_weight or 1)


def _path(stroke: Sequence[int]) -> str:
    (x, y), *rest = zip(stroke[::2], stroke[1::2], strict=True)
    return f"M{x} {y}" + "".join(f"L{x} {y}" for x, y in rest or [(x, y)])  # a point is a line without length
