"""Read acts for other domains."""

from collections.abc import Sequence

from msgspec import Struct

from handcart.acts.models import APPLIED
from handcart.core.db import Tx


class Done(Struct, frozen=True):
    """An act as it is stored. `at` is the device's time, `received_at` the server's; `body` is JSON."""

    person_id: int
    id: str
    session_id: int | None
    received_at: int
    at: int
    subject: str
    verb: str
    body: str
    outcome: str
    rule: str | None
    message: str | None


async def last_act(tx: Tx, person_id: int, subject: str) -> str | None:
    """The id of a shopper's newest act on a subject, from any device."""
    row = await tx.one(
        "SELECT id FROM acts WHERE person_id = $1 AND subject = $2 ORDER BY number DESC LIMIT 1", person_id, subject
    )
    return None if row is None else row["id"]


async def retailer_of(tx: Tx, person_id: int, act_id: str) -> int | None:
    """The retailer at which a shopper's act was applied; None if there is no such act, or it was refused."""
    row = await tx.one(
        "SELECT retailer_id FROM acts WHERE person_id = $1 AND id = $2 AND outcome = $3", person_id, act_id, APPLIED
    )
    return None if row is None else row["retailer_id"]


async def of_subject(tx: Tx, retailer_id: int, subject: str) -> Sequence[Done]:
    """The acts on a subject of all shoppers, in the sequence in which the server received them."""
    rows = await tx.all(
        "SELECT person_id, id, session_id, received_at, at, subject, verb, body, outcome, rule, message FROM acts"
        " WHERE retailer_id = $1 AND subject = $2 ORDER BY number",
        retailer_id,
        subject,
    )
    return [Done(**dict(row)) for row in rows]
