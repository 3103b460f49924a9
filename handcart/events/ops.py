"""Write events, and note which of them a reader has taken."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.events.kinds import KINDS
from handcart.events.models import Event

_encode = msgspec.json.Encoder().encode
# Reads the table `webhooks` of the domain `callbacks`, although this domain may not import it: a query of its own would
# make each event more expensive.
_EMIT = (
    "INSERT INTO events (retailer_id, event_id, name, subject, body, created_at, is_told, is_queued)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, NOT EXISTS (SELECT 1 FROM webhooks WHERE retailer_id = $1))"
    " ON CONFLICT (retailer_id, event_id) DO NOTHING"
)


async def emit(tx: Tx, retailer_id: int, name: str, subject: str, metadata: Mapping[str, Any]) -> int:
    """Write an event in the transaction of the change that it reports; returns its id.

    `name`: a bare name from `kinds.KINDS`; `subject`: an order id; webhooks get events with the same subject in order.
    If the retailer has no webhook, the event is only stored; a replay can send it to a webhook created later. An
    event that customers get no message about is written as already taken by the reader "customers".
    """
    kind = KINDS[name]
    at = clock.now()
    while True:
        event_id = ids.new_event_id()
        body = _encode(
            {
                "event_id": event_id,
                "event_name": kind.wire_name,
                "event_timestamp": clock.to_wire(at),
                "event_metadata": metadata,
            }
        ).decode()
        if await tx.run(_EMIT, retailer_id, event_id, name, subject, body, at, not kind.is_told):
            return event_id


async def mark_queued(tx: Tx, retailer_id: int, events: Sequence[Event]) -> None:
    """Note that the reader "webhooks" has taken some events of a retailer."""
    await tx.many(
        "UPDATE events SET is_queued = $3 WHERE retailer_id = $1 AND event_id = $2",
        [(retailer_id, one.event_id, True) for one in events],
    )


async def mark_told(tx: Tx, retailer_id: int, events: Sequence[Event]) -> None:
    """Note that the reader "customers" has taken some events of a retailer."""
    await tx.many(
        "UPDATE events SET is_told = $3 WHERE retailer_id = $1 AND event_id = $2",
        [(retailer_id, one.event_id, True) for one in events],
    )


async def forget(tx: Tx, retailer_id: int, subject: str, keys: Sequence[str]) -> None:
    """Delete keys from the metadata of all stored events of a subject: what customers wrote themselves."""
    rows = await tx.all(
        "SELECT event_id, body FROM events WHERE retailer_id = $1 AND subject = $2", retailer_id, subject
    )
    for row in rows:
        body = msgspec.json.decode(row["body"])
        kept = {key: value for key, value in body["event_metadata"].items() if key not in keys}
        if len(kept) < len(body["event_metadata"]):
            await tx.run(
                "UPDATE events SET body = $3 WHERE retailer_id = $1 AND event_id = $2",
                *(retailer_id, row["event_id"], _encode({**body, "event_metadata": kept}).decode()),
            )
