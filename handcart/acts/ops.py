"""Apply acts: each in a transaction of its own, once, or refused with what is true now. docs/acts.md."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, structs

from handcart.acts import verbs
from handcart.acts.errors import ActRefused
from handcart.acts.models import APPLIED, LATER, REFUSED, SAME, Act, Result
from handcart.acts.verbs import Work
from handcart.batches import ops as batches
from handcart.batches import queries as batch_queries
from handcart.batches.models import Batch
from handcart.batches.states import CANCELED, COMPLETED, DROPPED_OUT
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.orders import ops as orders
from handcart.retailers import ops as retailers
from handcart.shoppers import queries as shoppers

#: An act that is older than this is refused. Acts are kept longer (`jobs`), so that none is applied twice.
OLDEST = 14 * clock.DAY
#: Maximum length of an act's body as JSON, and how deeply it may be nested.
MOST_BODY = 16 << 10
MOST_DEPTH = 8
# Fields of a body that are about the customer.
_PERSONAL = ("pin", "received_by", "text")
_COLUMNS = (
    "person_id, id, number, session_id, received_at, at, retailer_id, subject, after_id, verb, body, seen_version,"
    " outcome"
)
_encode = msgspec.json.Encoder(order="deterministic").encode


class _Stored(Struct, frozen=True):
    """An act as its row has it."""

    subject: str
    after_id: str | None
    verb: str
    at: int
    seen_version: int | None
    body: str


class _Previous(Struct, frozen=True):
    """The act before an act. Numbers rise along the acts of a subject, also if processes disagree about the time."""

    subject: str
    number: int


async def retailer_of(tx: Tx, act: Act) -> int | None:
    """The retailer whose clock and rules apply to an act; None if there is no such retailer."""
    retailer = await retailers.retailer_by_slug(tx, act.subject.partition("/")[0])
    return None if retailer is None else retailer.id


async def apply(tx: Tx, person_id: int, session_id: int | None, act: Act) -> Result:
    """Apply an act of a shopper once: its row and its effect are written together, or its row says why it is refused.

    An act whose predecessor is unknown is `later` and leaves no row: it must be sent again after that one. Of an act
    with an unknown verb, or with a body that is too long or too deep, the row has neither verb nor body.
    """
    wrong = _wrong_form(act)
    stored = _stored(act) if wrong is None else _Stored(act.subject, act.after, "", _at(act), None, "{}")
    known = await _known(tx, person_id, act, stored)
    if known is not None:
        return known
    previous = None if act.after is None else await _previous(tx, person_id, act.after)
    if act.after is not None and previous is None:
        return Result(act.id, LATER)
    retailer_id = None if wrong else await retailer_of(tx, act)
    number = max(ids.new_id(), 0 if previous is None else previous.number + 1)
    if not await _claim(tx, person_id, session_id, retailer_id, act.id, number, stored):
        known = await _known(tx, person_id, act, stored)  # another process has just received it
        assert known is not None
        return known
    try:
        if wrong is not None:
            raise wrong
        refusal = await tx.attempt(_do, person_id, retailer_id, act, previous, stored.at)
    except ActRefused as raised:
        refusal = raised
    if refusal is not None:
        await _refuse(tx, person_id, act.id, refusal)
        return Result(act.id, REFUSED, refusal.rule, refusal.message, refusal.goods)
    return Result(act.id, APPLIED)


async def forget_user(tx: Tx, isolation_id: int, user_id: str) -> None:
    """Delete the personal data of a deleted user from acts on the orders that `orders.ops.forget_user` handles next."""
    for retailer_id, order in await orders.lock_of_user(tx, isolation_id, user_id):
        slug = (await retailers.retailer(tx, retailer_id)).slug
        for batch_id in await batch_queries.of_order(tx, retailer_id, order.order_id):
            rows = await tx.all(
                "SELECT person_id, id, body FROM acts WHERE retailer_id = $1 AND subject = $2"
                " AND verb IN ('deliver', 'say')",
                *(retailer_id, f"{slug}/{batch_id}"),
            )
            for row in rows:
                body = msgspec.json.decode(row["body"])
                if body.get("order") == order.order_id:
                    await tx.run(
                        "UPDATE acts SET body = $3 WHERE person_id = $1 AND id = $2",
                        *(row["person_id"], row["id"], _impersonal(body)),
                    )


def _impersonal(body: Mapping[str, Any]) -> str:
    return _encode({name: value for name, value in body.items() if name not in _PERSONAL}).decode()


async def _do(
    tx: Tx, person_id: int, retailer_id: int | None, act: Act, previous: _Previous | None, at: int
) -> ActRefused | None:
    batch = await _lock(tx, person_id, retailer_id, act.subject)
    assert retailer_id is not None
    if previous is not None and previous.subject != act.subject:
        raise ActRefused("other_subject")
    if at < clock.of_process() - OLDEST:
        raise ActRefused("too_old")
    if not batch.is_live:
        raise await _ended(tx, retailer_id, batch)
    verb = verbs.VERBS[act.verb]
    body = verbs.read(verb, act.body)
    try:
        return await verb.do(tx, Work(retailer_id, batch, person_id, act.id, act.seen_version, _done_at(at)), body)
    except ActRefused:
        raise
    except ApiError:  # a rule of orders or batches that has no sentence of its own
        raise ActRefused("not_now") from None


async def _lock(tx: Tx, person_id: int, retailer_id: int | None, subject: str) -> Batch:
    """The batch that an act is about, locked. Refuses the act if the batch was never the shopper's."""
    named = subject.partition("/")[2]
    batch_id = ids.parse(named)
    if retailer_id is None or batch_id is None or str(batch_id) != named:
        raise ActRefused("not_yours")
    try:
        batch = await batches.lock(tx, retailer_id, batch_id)
    except ApiError:
        raise ActRefused("not_yours") from None
    person = await shoppers.person_of(tx, retailer_id, batch.shopper_id)
    if person is None or person.id != person_id:
        raise ActRefused("not_yours")
    return batch


async def _ended(tx: Tx, retailer_id: int, batch: Batch) -> ActRefused:
    """Why a batch that has ended takes no more acts."""
    last = (await batch_queries.left(tx, retailer_id, batch.id))[0]
    rule = {COMPLETED: "finished", CANCELED: "order_canceled", DROPPED_OUT: "dropped_out"}.get(last.kind, "unassigned")
    return ActRefused(rule, goods=None if last.kind == COMPLETED else last.goods)


def _done_at(at: int) -> int:
    """A device's time by the retailer's clock, which may be another one; now for a time in the future."""
    return clock.now() - max(0, clock.of_process() - at)


def _wrong_form(act: Act) -> ActRefused | None:
    """Why nothing of an act's content is kept; None for an act that can be stored."""
    if act.verb not in verbs.VERBS:
        return ActRefused("unknown_verb")
    level: list[Any] = [act.body]
    for _ in range(MOST_DEPTH):
        level = [inner for one in level for inner in _inner(one)]
    if level or len(_encode(act.body)) > MOST_BODY:
        return ActRefused("invalid", "body")
    return None


def _inner(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _stored(act: Act) -> _Stored:
    return _Stored(act.subject, act.after, act.verb, _at(act), act.seen_version, _encode(act.body).decode())


def _at(act: Act) -> int:
    return int(act.at.timestamp() * clock.SECOND)


async def _known(tx: Tx, person_id: int, act: Act, stored: _Stored) -> Result | None:
    """The result of an act that the server has received before; None for a new one."""
    row = await tx.one(
        "SELECT subject, after_id, verb, at, seen_version, body, outcome, rule, message, goods FROM acts"
        " WHERE person_id = $1 AND id = $2",
        person_id,
        act.id,
    )
    if row is None:
        return None
    there = _Stored(*(row[name] for name in _Stored.__struct_fields__))
    if there not in (stored, structs.replace(stored, body=_impersonal(msgspec.json.decode(stored.body)))):
        refusal = ActRefused("other_content")
        return Result(act.id, REFUSED, refusal.rule, refusal.message)
    if row["outcome"] == REFUSED:
        return Result(act.id, REFUSED, row["rule"], row["message"], row["goods"])
    return Result(act.id, SAME)


async def _previous(tx: Tx, person_id: int, act_id: str) -> _Previous | None:
    row = await tx.one("SELECT subject, number FROM acts WHERE person_id = $1 AND id = $2", person_id, act_id)
    return None if row is None else _Previous(row["subject"], row["number"])


async def _claim(
    tx: Tx, person_id: int, session_id: int | None, retailer_id: int | None, act_id: str, number: int, stored: _Stored
) -> bool:
    """Insert the row of an act; False if it is there already. Another process that inserts it waits for this one."""
    values: tuple[Any, ...] = (person_id, act_id, number, session_id, clock.of_process(), stored.at, retailer_id)
    values = (*values, stored.subject, stored.after_id, stored.verb, stored.body, stored.seen_version, APPLIED)
    return bool(
        await tx.run(
            f"INSERT INTO acts ({_COLUMNS})"  # noqa: S608 (the names above)
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (person_id, id) DO NOTHING",
            *values,
        )
    )


async def _refuse(tx: Tx, person_id: int, act_id: str, refusal: ActRefused) -> None:
    # An act on work that was never the shopper's is of no retailer, so that it is in no order's story.
    await tx.run(
        "UPDATE acts SET outcome = $3, rule = $4, message = $5, goods = $6,"
        " retailer_id = CASE WHEN $4 = 'not_yours' THEN NULL ELSE retailer_id END WHERE person_id = $1 AND id = $2",
        *(person_id, act_id, REFUSED, refusal.rule, refusal.message, refusal.goods),
    )
