"""The link to an order's page. Nothing is stored: the link has the order's number and a proof of 128 bits.

A link works until `KEPT` after the order's end, and as long as its customer exists. Rotating the secret key ends no
link, because earlier keys are tried too.
"""

import base64
import binascii
import hmac

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.secret import Keys
from handcart.orders import storage
from handcart.orders.models import Order
from handcart.orders.states import TERMINAL
from handcart.retailers.models import Retailer

PATH = "/o/"
# After the link of a pickup order: where its customer says that they come.
PICKUP = "/pickup"
PHOTO = "/photo"
KEPT = 30 * clock.DAY
_NUMBER_BYTES, _PROOF_BYTES = 8, 16
_CHARACTERS = (_NUMBER_BYTES + _PROOF_BYTES) * 4 // 3


def token(keys: Keys, retailer_id: int, number: int) -> str:
    """The secret part of an order's link: 32 characters of base64url."""
    proof = keys.link_macs("order", str(retailer_id), str(number))[0]
    return base64.urlsafe_b64encode(number.to_bytes(_NUMBER_BYTES) + proof).decode()


def url(tx: Tx, retailer_id: int, order: Order) -> str | None:
    """The link to an order's page; None if this process does not know the installation's URL."""
    return f"{tx.public_url}{PATH}{token(tx.keys, retailer_id, order.number)}" if tx.public_url else None


def shown(tx: Tx, retailer: Retailer, order: Order) -> str | None:
    """The link in answers, events and messages; None if the retailer's orders have no page."""
    return url(tx, retailer.id, order) if retailer.rules.order_page else None


async def owner(tx: Tx, given: str) -> tuple[int, str] | None:
    """The retailer and the id of the order that a link's token names; also after the link has ended."""
    read = _read(given)
    if read is None:
        return None
    number, proof = read
    for row in await tx.all("SELECT retailer_id, order_id FROM orders WHERE number = $1", number):
        proofs = tx.keys.link_macs("order", str(row["retailer_id"]), str(number))
        if any(hmac.compare_digest(proof, one) for one in proofs):
            return row["retailer_id"], row["order_id"]
    return None


async def find(tx: Tx, given: str) -> tuple[int, Order] | None:
    """The retailer and the order of a link's token; None if there is none, or the link has ended.

    Whether it has ended is decided by the retailer's clock, which the caller has set.
    """
    found = await owner(tx, given)
    if found is None:
        return None
    row = await tx.one("SELECT updated_at FROM orders WHERE retailer_id = $1 AND order_id = $2", *found)
    order = await storage.find(tx, *found)
    if row is None or order is None or _has_ended(order, row["updated_at"]):
        return None
    return found[0], order


def _read(given: str) -> tuple[int, bytes] | None:
    """The number and the proof in a token."""
    if len(given) != _CHARACTERS or "+" in given or "/" in given:  # an order has one link, which limits count
        return None
    try:
        there = base64.b64decode(given, b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return int.from_bytes(there[:_NUMBER_BYTES]), there[_NUMBER_BYTES:]


def _has_ended(order: Order, updated_at: int) -> bool:
    """Whether the order has ended too long ago, or its customer was deleted. Dispatch orders need no user."""
    is_gone = order.user_id is None and order.details.first_name is None and order.details.address is None
    return is_gone or (order.status in TERMINAL and updated_at + KEPT <= clock.now())
