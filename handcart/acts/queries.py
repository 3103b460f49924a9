"""Read acts for other domains."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from handcart.acts.models import APPLIED, REFUSED
from handcart.acts.verbs import VERBS
from handcart.core.db import Tx
from handcart.orders import queries as orders
from handcart.orders import states

# The number of acts that lists show: refused ones cannot hide the others.
MOST_SHOWN: Mapping[str, int] = {APPLIED: 200, REFUSED: 20}


class Done(Struct, frozen=True):
    """An act as it is stored. `at` is the device's time, `received_at` the server's; `body` is JSON."""

    person_id: int
    id: str
    number: int
    session_id: int | None
    received_at: int
    at: int
    subject: str
    verb: str
    body: str
    outcome: str
    rule: str | None
    message: str | None


def content(act: Done) -> Struct | None:
    """The body of an act in its verb's form; None if it has another form."""
    try:
        return msgspec.json.decode(act.body, type=VERBS[act.verb].body)
    except (msgspec.DecodeError, RecursionError):
        return None


async def last_act(tx: Tx, person_id: int, subject: str) -> str | None:
    """The id of a shopper's newest act on a subject, from any device."""
    row = await tx.one(
        "SELECT id FROM acts WHERE person_id = $1 AND subject = $2 ORDER BY number DESC LIMIT 1", person_id, subject
    )
    return None if row is None else row["id"]


async def is_forgotten(tx: Tx, person_id: int, act_id: str) -> bool:
    """Whether the order that an act is about belonged to a user who was deleted."""
    row = await tx.one("SELECT retailer_id, body FROM acts WHERE person_id = $1 AND id = $2", person_id, act_id)
    if row is None or row["retailer_id"] is None:
        return False
    order_id = msgspec.json.decode(row["body"]).get("order")
    steps = await orders.history(tx, row["retailer_id"], order_id) if isinstance(order_id, str) else ()
    return any(step.what == states.USER_DELETED for step in steps)


async def retailer_of(tx: Tx, person_id: int, act_id: str) -> int | None:
    """The retailer at which a shopper's act was applied; None if there is no such act, or it was refused."""
    row = await tx.one(
        "SELECT retailer_id FROM acts WHERE person_id = $1 AND id = $2 AND outcome = $3", person_id, act_id, APPLIED
    )
    return None if row is None else row["retailer_id"]


async def of_subject(tx: Tx, retailer_id: int, subject: str, outcome: str = APPLIED) -> Sequence[Done]:
    """The acts on a subject of all shoppers with one outcome, in the sequence in which the server received them.

    Only the newest ones: as many as `MOST_SHOWN` has for the outcome.
    """
    rows = await tx.all(
        "SELECT person_id, id, number, session_id, received_at, at, subject, verb, body, outcome, rule, message"
        " FROM acts WHERE retailer_id = $1 AND subject = $2 AND outcome = $3 ORDER BY number DESC LIMIT $4",
        *(retailer_id, subject, outcome, MOST_SHOWN[outcome]),
    )
    return [Done(**dict(row)) for row in reversed(rows)]
