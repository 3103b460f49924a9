"""Count ended orders: one row for each, and the sums of its day."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import structs

from handcart.batches import queries as batches
from handcart.batches.models import Finished
from handcart.callbacks import queries as callbacks
from handcart.core.db import Database, Tx
from handcart.orders import counting, states
from handcart.orders import ops as orders
from handcart.orders import queries as order_queries
from handcart.orders.models import CARRIED, FOUND, PICKUP, REPLACED, TO_REFUND, Order, OrderLine, PastStep
from handcart.reports.models import COUNTS, EVERYBODY, Counts, Ended
from handcart.slots import windows
from handcart.stores import distance, items
from handcart.stores import queries as stores
from handcart.stores.models import ItemCode, Store

_KILOMETRES_IN_MILE = 1.609344
_FACTS = ("order_id", "store_number", "person_id", "kind", "ended_at", "day", "tip_cents", "goods_cents", "miles")
_COLUMNS = (*_FACTS, *COUNTS)
_OWN = ", ".join(_COLUMNS)
_FIND = f"SELECT {_OWN} FROM ended_orders WHERE retailer_id = $1 AND order_id = $2"  # noqa: S608 (the names above)
_SAVE = (
    f"INSERT INTO ended_orders (retailer_id, {_OWN})"  # noqa: S608 (the names above)
    f" VALUES ({', '.join(f'${place}' for place in range(1, len(_COLUMNS) + 2))})"
    " ON CONFLICT (retailer_id, order_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
)
_ADD = (
    f"INSERT INTO daily_figures (retailer_id, day, store_number, person_id, {', '.join(COUNTS)})"  # noqa: S608
    f" VALUES ({', '.join(f'${place}' for place in range(1, len(COUNTS) + 5))})"
    " ON CONFLICT (retailer_id, day, store_number, person_id) DO UPDATE SET "
    + ", ".join(f"{name} = daily_figures.{name} + excluded.{name}" for name in COUNTS)
)


async def count(tx: Tx, retailer_id: int, order_id: str) -> tuple[Ended, Sequence[Finished]] | None:
    """Count an order that has ended, once more if it changed; returns it with the work of its shoppers.

    None if it has been counted since its last change, or if it is a test: that counts nowhere.
    """
    order = await orders.lock(tx, retailer_id, order_id)
    if order.status not in states.TERMINAL:
        return None
    if order.details.is_test:
        await counting.mark(tx, retailer_id, order_id)
        return None
    before = await find(tx, retailer_id, order_id)
    work = await batches.finished(tx, retailer_id, order_id)
    ended = await _ended(tx, retailer_id, order, work, before)
    await _save(tx, retailer_id, ended, before)
    await counting.mark(tx, retailer_id, order_id)
    return ended, work


async def find(tx: Tx, retailer_id: int, order_id: str) -> Ended | None:
    """An ended order as it was counted."""
    row = await tx.one(_FIND, retailer_id, order_id)
    return None if row is None else _read(row)


async def count_again(tx: Tx, retailer_id: int, since: int = 0) -> int:
    """Have the orders that ended at `since` or later counted once more; returns their number."""
    rows = await tx.all(
        "SELECT order_id FROM ended_orders WHERE retailer_id = $1 AND ended_at >= $2", retailer_id, since
    )
    await counting.again(tx, retailer_id, [row["order_id"] for row in rows])
    return len(rows)


async def count_callbacks(database: Database, retailer_id: int, day: date, time_zone: str) -> None:
    """Count the callbacks of a day's events; a day on which the counts are as before is not written."""
    since, until = (windows.midnight(time_zone, one) for one in (day, day + timedelta(days=1)))
    counted = await database.read(callbacks.results, retailer_id, since, until)
    if counted != await database.read(_callbacks_of, retailer_id, day):
        await database.write(_save_callbacks, retailer_id, day, *counted)


async def _callbacks_of(tx: Tx, retailer_id: int, day: date) -> tuple[int, int]:
    row = await tx.one(
        "SELECT delivered, failed FROM daily_callbacks WHERE retailer_id = $1 AND day = $2",
        *(retailer_id, day.isoformat()),
    )
    return (0, 0) if row is None else (row["delivered"], row["failed"])


async def _save_callbacks(tx: Tx, retailer_id: int, day: date, delivered: int, failed: int) -> None:
    await tx.run(
        "INSERT INTO daily_callbacks (retailer_id, day, delivered, failed) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (retailer_id, day) DO UPDATE SET delivered = excluded.delivered, failed = excluded.failed",
        *(retailer_id, day.isoformat(), delivered, failed),
    )


async def _ended(tx: Tx, retailer_id: int, order: Order, work: Sequence[Finished], before: Ended | None) -> Ended:
    history = await order_queries.history(tx, retailer_id, order.order_id)
    store = await stores.store_by_number(tx, retailer_id, order.store_number)
    assert store is not None
    ended_at = _last(history, order.status) or order.delivered_at or order.created_at
    counts = _counted(order, history, ended_at)
    if before is not None and before.counts.refunded == counts.refunded:
        counts.refund_cents = before.counts.refund_cents  # prices of the catalog may have changed since
    else:
        counts.refund_cents = await _refund(tx, retailer_id, order.lines)
    miles = await _miles(tx, store, order)
    return Ended(
        order_id=order.order_id,
        store_number=order.store_number,
        person_id=next((one.person_id for one in work if one.person_id), 0),
        kind=order.kind,
        ended_at=ended_at,
        day=windows.start_of(store.time_zone, ended_at).date,
        tip_cents=order.tip_cents if order.status == states.COMPLETED else 0,
        goods_cents=order.details.receipt_cents if order.status == states.COMPLETED else None,
        miles=before.miles if miles is None and before is not None else miles,  # a deleted customer has no address
        counts=counts,
    )


def _counted(order: Order, history: Sequence[PastStep], ended_at: int) -> Counts:
    if order.status == states.CANCELED:
        return Counts(canceled=1)
    lines = [] if order.kind in CARRIED else [line for line in order.lines if not line.is_removed]
    counts = Counts(
        orders=1,
        late=int(ended_at > order.window_ends_at),
        lines=len(lines),
        found=sum(line.status == FOUND for line in lines),
        replaced=sum(line.status == REPLACED for line in lines),
        refunded=sum(line.status == TO_REFUND for line in lines),
        units=sum(map(_units, lines)),
    )
    begun, paid = _last(history, states.PICKING), _last(history, states.CHECKOUT)
    if begun is not None and paid is not None and paid > begun:
        counts.picking, counts.picked_units = paid - begun, counts.units
    if order.kind in CARRIED:
        counts.store_waits, counts.store_wait = _wait(
            _last(history, states.AT_STORE), _last(history, states.BAGS_VERIFIED)
        )
    if order.kind == PICKUP:
        counts.pickup_waits, counts.pickup_wait = _wait(_last(history, states.RUNNER_AWAITING), ended_at)
    else:
        counts.door_waits, counts.door_wait = _wait(_last(history, states.MISSING), ended_at)
    return counts


def _wait(since: int | None, until: int | None) -> tuple[int, int]:
    """A wait, as its number and its length."""
    return (0, 0) if since is None or until is None else (1, max(until - since, 0))


def _last(history: Sequence[PastStep], what: str) -> int | None:
    """When something happened to an order for the last time."""
    return next((step.at for step in reversed(history) if step.what == what), None)


def _units(line: OrderLine) -> int:
    """The pieces of a line that the customer got; goods by weight are one piece."""
    if line.status not in (FOUND, REPLACED):
        return 0
    if line.delivered_count is not None:
        return line.delivered_count
    by_count = line.status == FOUND and line.delivered_weight is None and line.count is not None
    return int(line.count or 0) if by_count else 1


async def _refund(tx: Tx, retailer_id: int, lines: Sequence[OrderLine]) -> int:
    """The value of the lines that are refunded, by the prices of the catalog."""
    refunded = [line for line in lines if line.status == TO_REFUND and not line.is_removed]
    found = await items.find(tx, retailer_id, [ItemCode(line.upc, line.rrc) for line in refunded])
    total = 0.0
    for line, item in zip(refunded, found, strict=True):
        if item is not None:
            per_piece = (item.par_weight or 1) if item.cost_unit != "each" and line.qty_unit == "each" else 1
            total += item.price_cents * line.qty * per_piece
    return int(total + 0.5)


async def _miles(tx: Tx, store: Store, order: Order) -> int | None:
    address = order.details.address
    point = None if address is None or order.kind == PICKUP else await stores.point_of(tx, address)
    if point is None:
        return None
    return round(distance.kilometres(store.point, point) / _KILOMETRES_IN_MILE * 100)


async def _save(tx: Tx, retailer_id: int, ended: Ended, before: Ended | None) -> None:
    if before is not None:
        await _add(tx, retailer_id, before, -1)
    facts = [getattr(ended, name) for name in _FACTS]
    await tx.run(_SAVE, retailer_id, *facts, *structs.astuple(ended.counts))
    await _add(tx, retailer_id, ended, 1)


async def _add(tx: Tx, retailer_id: int, ended: Ended, sign: int) -> None:
    values = [sign * value for value in structs.astuple(ended.counts)]
    for person_id in (ended.person_id, EVERYBODY):
        await tx.run(_ADD, retailer_id, ended.day, ended.store_number, person_id, *values)


def _read(row: Any) -> Ended:
    counts = Counts(**{name: row[name] for name in COUNTS})
    return Ended(**{name: row[name] for name in _FACTS}, counts=counts)
