"""What gateways report: replies of people, and whether messages were delivered. Each report counts once.

A report about a message that may have been sent shows that it was, so it is not sent again.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from handcart.core import clock, log
from handcart.core.db import Tx, Unavailable
from handcart.core.text import visible
from handcart.messages import addresses
from handcart.messages.models import SMS

# Called once for each reply, with the number and the text, in the transaction that stores it; returns what was done.
OnReply = Callable[[Tx, str, str], Awaitable[str]]

ACCEPTED, DELIVERED, NOT_DELIVERED = "accepted", "delivered", "not delivered"
MOST_TEXT = 2000
_MOST_ID = 100
_MOST_DETAIL = 100


class Receipt(Struct):
    """What a gateway reports of a message. `status`: one of the words above; `detail`: in the gateway's words."""

    message_id: int
    status: str
    detail: str


async def take_reply(tx: Tx, gateway: str, gateway_id: str, number: str, text: str, on_reply: OnReply) -> str:
    """Store a reply and hand it on; returns what was done: `repeated` if it was stored before.

    A reply on which `on_reply` fails is stored as `failed`.
    """
    key = gateway_id if 0 < len(gateway_id) <= _MOST_ID else hashlib.sha256(gateway_id.encode()).hexdigest()
    said = visible(text, MOST_TEXT, lines=True)
    is_new = await tx.run(
        "INSERT INTO replies (gateway, id, received_at, address_hash, content, outcome)"
        " VALUES ($1, $2, $3, $4, $5, '') ON CONFLICT (gateway, id) DO NOTHING",
        *(gateway, key, clock.of_process(), addresses.hash_of(tx.keys, SMS, number), tx.keys.seal(said)),
    )
    if not is_new:
        return "repeated"
    outcome = "not a number"
    if addresses.fault(SMS, number) is None:
        try:
            outcome = await tx.attempt(on_reply, number, said)
        except Unavailable:
            raise
        except Exception as error:
            log.exception("reply met a defect", error)
            outcome = "failed"
    await tx.run("UPDATE replies SET outcome = $3 WHERE gateway = $1 AND id = $2", gateway, key, outcome)
    return outcome


async def take_receipt(tx: Tx, receipt: Receipt) -> bool:
    """Note what a gateway reports of a message; returns whether that changed anything.

    Reports may come twice, in any order, or never. What was delivered stays delivered.
    """
    row = await tx.one(
        "SELECT state, doubts, receipt FROM messages WHERE id = $1 AND channel = $2 FOR UPDATE",
        *(receipt.message_id, SMS),
    )
    if row is None or row["receipt"] == DELIVERED or not _is_on_its_way(row):
        return False
    detail = visible(receipt.detail, _MOST_DETAIL)
    changed: tuple[str, str | None, str | None]
    if receipt.status == NOT_DELIVERED:
        changed = ("failed", f"the gateway reports: {detail}", detail)
    elif row["state"] == "sent" and receipt.status == ACCEPTED:
        return False
    else:
        changed = ("sent", None, DELIVERED if receipt.status == DELIVERED else row["receipt"])
    if (row["state"], row["receipt"]) == (changed[0], changed[2]):
        return False
    await tx.run(
        "UPDATE messages SET state = $2, reason = $3, receipt = $4, ended_at = COALESCE(ended_at, $5),"
        " leased_until = NULL WHERE id = $1",
        *(receipt.message_id, *changed, clock.of_process()),
    )
    return True


def _is_on_its_way(row: Any) -> bool:
    """Whether the gateway may have the message: not if it was written again meanwhile, for example by a replay."""
    return row["state"] in ("sent", "sending", "unsure") or (row["state"] == "pending" and row["doubts"] > 0)
