"""The figures of a running network, counted in the database: the same in every process, whichever one does the work.

Each statement reads by an index over what is open, so that its time does not grow with what has ended.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.assignment import queries as assignment
from handcart.callbacks.models import DELETED
from handcart.core import clock
from handcart.core.db import Tx
from handcart.messages import queries as messages

_OPEN_ORDERS = (
    "SELECT r.slug, o.kind, o.status, count(*) AS many FROM orders o JOIN retailers r ON r.id = o.retailer_id"
    " WHERE o.status NOT IN ('completed', 'canceled') GROUP BY r.slug, o.kind, o.status"
)
_NEW_ORDERS = (
    "SELECT r.slug, (SELECT count(*) FROM orders o WHERE o.retailer_id = r.id AND o.created_at > $1) AS many"
    " FROM retailers r"
)
_WARNINGS = (
    "SELECT r.slug, w.kind, count(*) AS many, min(w.warned_at) AS since"
    " FROM retailers r JOIN order_warnings w ON w.retailer_id = r.id WHERE w.ended_at IS NULL GROUP BY r.slug, w.kind"
)
_SLOTS = (
    "SELECT r.slug, l.kind, sum(l.held) AS held, sum(l.booked) AS booked"  # noqa: S608 (the kinds below)
    " FROM retailers r JOIN stores s ON s.retailer_id = r.id"
    " JOIN slot_ledger l ON l.retailer_id = s.retailer_id AND l.store_number = s.number"
    f" AND l.kind IN ({', '.join(map(repr, assignment.KINDS))}) AND l.starts_at >= $1 AND l.starts_at < $2"
    " GROUP BY r.slug, l.kind"
)
_WAITING = (
    "SELECT r.slug, w.id, w.name, w.status, w.failing_since,"
    " (SELECT count(*) FROM (SELECT 1 FROM deliveries d WHERE d.retailer_id = w.retailer_id AND d.webhook_id = w.id"
    " AND d.state IN ('pending', 'sending') LIMIT {0}) open_deliveries) AS waiting,"
    " (SELECT min(d.due_at) FROM deliveries d WHERE d.retailer_id = w.retailer_id AND d.webhook_id = w.id"
    " AND d.state = 'pending') AS due_at"
    " FROM retailers r JOIN webhooks w ON w.retailer_id = r.id WHERE w.status <> '{1}'"
)
_QUEUE = "SELECT count(*) AS many FROM (SELECT 1 FROM events WHERE NOT is_queued LIMIT {0}) waiting"
_SHOPPERS = (
    "SELECT count(*) AS known, sum(CASE WHEN blocked_at IS NULL THEN 0 ELSE 1 END) AS blocked,"
    " (SELECT count(DISTINCT h.person_id) FROM batch_orders l"
    " JOIN batches b ON b.retailer_id = l.retailer_id AND b.id = l.batch_id"
    " JOIN retailer_shoppers h ON h.retailer_id = b.retailer_id AND h.id = b.shopper_id"
    " WHERE l.is_live AND h.person_id > 0) AS working FROM shoppers WHERE closed_at IS NULL"
)
_ACTS = "SELECT outcome, count(*) AS many FROM acts WHERE received_at > $1 GROUP BY outcome"
_ALERTS = "SELECT kind, count(*) AS many FROM alerts WHERE ended_at IS NULL GROUP BY kind"

# A longer queue is counted as this long.
MOST_COUNTED = 100_000
_DAY_AHEAD = 24 * clock.HOUR


class Figure(Struct, frozen=True):
    """A metric of Prometheus' type gauge: values by the values of its labels."""

    name: str
    about: str
    labels: Sequence[str]
    values: Mapping[tuple[str, ...], float]


class WebhookFigures(Struct, frozen=True):
    """A webhook that is not deleted. `waiting`: open deliveries, at most `MOST_COUNTED`. `due_at` of the oldest."""

    retailer: str
    id: int
    name: str
    status: str
    failing_since: int | None
    waiting: int
    due_at: int | None


async def gauges(tx: Tx) -> Sequence[Figure]:
    """All figures now. Times since something in seconds, by the process's clock."""
    now = clock.of_process()
    return [
        *await _of_orders(tx, now),
        *await _of_callbacks(tx, now),
        *await _of_messages(tx, now),
        *await _of_people(tx, now),
        _figure("alerts", "Alerts that have not ended", ("kind",), await tx.all(_ALERTS)),
    ]


async def webhooks(tx: Tx) -> Sequence[WebhookFigures]:
    """Every webhook that is not deleted, with what waits for it."""
    return [
        WebhookFigures(
            row["slug"], row["id"], row["name"], row["status"], row["failing_since"], int(row["waiting"]), row["due_at"]
        )
        for row in await tx.all(_WAITING.format(MOST_COUNTED, DELETED))
    ]


async def warnings(tx: Tx) -> Sequence[Any]:
    """The live warnings to dispatchers: rows of `slug`, `kind`, `many` and `since`, when the oldest began."""
    return await tx.all(_WARNINGS)


async def _of_orders(tx: Tx, now: int) -> Sequence[Figure]:
    warned = await warnings(tx)
    slots = await tx.all(_SLOTS, now, now + _DAY_AHEAD)
    of_state, of_kind = ("retailer", "kind", "status"), ("retailer", "kind")
    return [
        _figure("orders_open", "Orders that have not ended", of_state, await tx.all(_OPEN_ORDERS)),
        _figure("orders_new", "Orders of the last hour", ("retailer",), await tx.all(_NEW_ORDERS, now - clock.HOUR)),
        _figure("order_warnings", "Warnings to dispatchers that have not ended", of_kind, warned),
        Figure(
            "handcart_order_warning_seconds",
            "Time since the oldest warning of a kind began",
            of_kind,
            {(row["slug"], row["kind"]): _seconds(now, row["since"]) for row in warned},
        ),
        _figure("slots_booked", "Places booked in windows that begin within 24 hours", of_kind, slots, "booked"),
        _figure("slots_held", "Places held in windows that begin within 24 hours", of_kind, slots, "held"),
    ]


async def _of_callbacks(tx: Tx, now: int) -> Sequence[Figure]:
    waiting: dict[tuple[str, ...], float] = {}
    late: dict[tuple[str, ...], float] = {}
    states: dict[tuple[str, ...], float] = {}
    for one in await webhooks(tx):
        key, state = (one.retailer,), "failing" if one.failing_since is not None else one.status
        waiting[key] = waiting.get(key, 0) + one.waiting
        late[key] = max(late.get(key, 0.0), _seconds(now, one.due_at))
        states[one.retailer, state] = states.get((one.retailer, state), 0) + 1
    retailer = ("retailer",)
    queue = await tx.all(_QUEUE.format(MOST_COUNTED))
    return [
        _figure("events_waiting", "Events whose callbacks have not been queued", (), queue),
        Figure("handcart_callbacks_waiting", "Callbacks that wait or are being sent", retailer, waiting),
        Figure("handcart_callbacks_late_seconds", "Time since the oldest waiting callback was due", retailer, late),
        Figure("handcart_webhooks", "Webhooks by state; failing: the receiver fails", ("retailer", "state"), states),
    ]


async def _of_messages(tx: Tx, now: int) -> Sequence[Figure]:
    counts = await messages.counts(tx)
    labels = ("channel", "state")
    opened: Mapping[tuple[str, ...], float] = {one: float(many) for one, many in counts.open.items()}
    ended: Mapping[tuple[str, ...], float] = {one: float(many) for one, many in counts.ended.items()}
    late: Mapping[tuple[str, ...], float] = {(): _seconds(now, counts.due_at)}
    return [
        Figure("handcart_messages_open", "Messages that wait or are being sent", labels, opened),
        Figure("handcart_messages_ended", "Messages that ended in the last hour", labels, ended),
        Figure("handcart_messages_late_seconds", "Time since the oldest waiting one was due", (), late),
    ]


async def _of_people(tx: Tx, now: int) -> Sequence[Figure]:
    row = await tx.one(_SHOPPERS)
    assert row is not None
    shoppers: Mapping[tuple[str, ...], float] = {
        (name,): float(row[name] or 0) for name in ("known", "blocked", "working")
    }
    acts = await tx.all(_ACTS, now - clock.HOUR)
    return [
        Figure("handcart_shoppers", "Shoppers who are not closed; working: has an open order", ("state",), shoppers),
        _figure("acts", "Acts of shoppers that came in the last hour", ("outcome",), acts),
    ]


def _figure(name: str, about: str, labels: Sequence[str], rows: Sequence[Any], value: str = "many") -> Figure:
    columns = ["slug" if label == "retailer" else label for label in labels]
    values = {tuple(row[column] for column in columns): float(row[value] or 0) for row in rows}
    return Figure(f"handcart_{name}", about, labels, values)


def _seconds(now: int, since: int | None) -> float:
    return 0.0 if since is None else max(0.0, (now - since) / clock.SECOND)
