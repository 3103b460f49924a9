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


_DONE = "person_id, id, number, session_id, received_at, at, subject, verb, body, outcome, rule, message"


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


async def newest(tx: Tx) -> int:
    """When the server received the newest act of all shoppers, in microseconds; 0 without an act."""
    row = await tx.one("SELECT max(received_at) AS newest FROM acts")
    return (row and row["newest"]) or 0


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


async def of_subjects(tx: Tx, retailer_id: int, subjects: Sequence[str]) -> Sequence[Done]:
    """The acts on subjects of all shoppers, in the sequence in which the server received them.

    Of each subject and outcome, only the newest ones: as many as `MOST_SHOWN` has for the outcome.
    """
    if not subjects:
        return []
    named = ", ".join(f"${place}" for place in range(4, len(subjects) + 4))
    rows = await tx.all(
        f"SELECT {_DONE} FROM (SELECT {_DONE}, row_number() OVER (PARTITION BY subject, outcome ORDER BY number DESC)"  # noqa: S608
        f" AS place FROM acts WHERE retailer_id = $1 AND subject IN ({named})) newest"
        f" WHERE place <= CASE outcome WHEN '{APPLIED}' THEN $2 WHEN '{REFUSED}' THEN $3 ELSE 0 END ORDER BY number",
        *(retailer_id, MOST_SHOWN[APPLIED], MOST_SHOWN[REFUSED], *subjects),
    )
    return [Done(**dict(row)) for row in rows]
