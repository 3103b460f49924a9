"""Lists of orders for dispatchers: which orders there are, who has them, and which need a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from handcart.acts import queries as done
from handcart.acts.queries import Done
from handcart.acts.verbs import VERBS
from handcart.assignment.errors import WorkRefused
from handcart.assignment.models import NEEDS, NO_PHOTO, UNASSIGNED, WARNINGS, Counts, Filters, Lane, Row
from handcart.batches import queries as batches
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.orders import customer_words, states
from handcart.orders.models import DELIVERY, DISPATCH, LAST_MILE, PICKUP
from handcart.retailers import ops as retailers
from handcart.shoppers import queries as shoppers
from handcart.shoppers.models import NOBODY
from handcart.stores import queries as stores

ROWS = 100
# Rows of all lanes together.
LANE_ROWS = 300
KINDS = (DELIVERY, PICKUP, LAST_MILE, DISPATCH)
# All states in the sequence in which orders go through them; the two ends come last.
STATES = tuple(
    sorted(
        dict.fromkeys(state for flow in states.WORKFLOWS.values() for state in flow.states), key=states.TERMINAL.count
    )
)

# In these words, which the partial indexes have too: databases use such an index only for the same words.
_OPEN = "o.status NOT IN ('completed', 'canceled')"
_ENDED = "o.status IN ('completed', 'canceled')"
_WARNED = "EXISTS (SELECT 1 FROM order_warnings w WHERE w.retailer_id = o.retailer_id AND w.order_id = o.order_id{0})"
_LIVE = " AND w.ended_at IS NULL"
_IN_BATCH = (
    "EXISTS (SELECT 1 FROM batch_orders q WHERE q.retailer_id = o.retailer_id"
    " AND q.order_id = o.order_id AND q.is_live)"
)
# The batch of a customer who has arrived waits until a dispatcher gives it to somebody.
_WAITS = (
    "EXISTS (SELECT 1 FROM batch_orders q JOIN batches y ON y.retailer_id = q.retailer_id AND y.id = q.batch_id"  # noqa: S608
    " JOIN retailer_shoppers x ON x.retailer_id = y.retailer_id AND x.id = y.shopper_id"
    f" WHERE q.retailer_id = o.retailer_id AND q.order_id = o.order_id AND q.is_live AND x.person_id = {NOBODY})"
)
# A staged order waits for its customer first.
_UNASSIGNED = (
    f"o.status <> '{states.STAGED}' AND (NOT {_IN_BATCH} OR (o.status = '{states.RUNNER_AWAITING}' AND {_WAITS}))"
)
_ORDER = (
    "o.retailer_id, r.slug, r.name AS retailer, o.store_number, s.location_code, s.name AS store, s.time_zone,"
    " o.order_id, o.number, o.kind, o.status, o.created_at, o.window_starts_at, o.window_ends_at, o.has_alcohol,"
    " o.cancellation_reason, b.id AS batch_id, b.type AS batch_type, b.accepted_at, b.shopper_id, h.person_id,"
    " p.name AS person"
)
# Whether an order has a live warning of a kind.
_HAS = {kind: _WARNED.format(f" AND w.kind = '{kind}'{_LIVE}") for kind in WARNINGS}
# An order is no longer open when its picture is missing.
_IS_NAMED = "n.retailer_id = o.retailer_id AND n.order_id = o.order_id"
_NEEDY = f"{_IS_NAMED} AND ({_OPEN} OR {_HAS[NO_PHOTO]})"
_LAST = (
    "CASE WHEN o.status IN ('completed', 'canceled') THEN (SELECT {0} FROM batch_orders q"  # noqa: S608
    " JOIN batches y ON y.retailer_id = q.retailer_id AND y.id = q.batch_id"
    " JOIN retailer_shoppers x ON x.retailer_id = y.retailer_id AND x.id = y.shopper_id"
    " LEFT JOIN shoppers z ON z.id = x.person_id"
    f" WHERE q.retailer_id = o.retailer_id AND q.order_id = o.order_id AND COALESCE(x.person_id, -1) <> {NOBODY}"
    " ORDER BY q.batch_id DESC LIMIT 1) END"
)
_LASTS = f"{_LAST.format('x.id')} AS last_shopper_id, {_LAST.format('z.name')} AS last_person"
_KINDS = ", ".join(f"{has} AS {kind}" for kind, has in _HAS.items())
# Outer joins, although each order has a retailer and a store: SQLite begins with the first table, instead of reading
# all orders of each retailer.
_FROM = (
    " FROM {0} LEFT JOIN retailers r ON r.id = o.retailer_id"
    " LEFT JOIN stores s ON s.retailer_id = o.retailer_id AND s.number = o.store_number"
    " LEFT JOIN batch_orders l ON l.retailer_id = o.retailer_id AND l.order_id = o.order_id AND l.is_live"
    " LEFT JOIN batches b ON b.retailer_id = l.retailer_id AND b.id = l.batch_id"
    " LEFT JOIN retailer_shoppers h ON h.retailer_id = b.retailer_id AND h.id = b.shopper_id"
    " LEFT JOIN shoppers p ON p.id = h.person_id"
)
_ALL = "orders o"
# The orders with a live warning. SQLite keeps the sequence of a cross join, and `+` lets it find the live ones by their
# own index.
_WITH_WARNING = (
    "(SELECT DISTINCT +w.retailer_id AS retailer_id, w.order_id FROM order_warnings w WHERE w.ended_at IS NULL) n"
    " CROSS JOIN orders o"
)
# The orders that are in a batch. SQLite would read all open orders otherwise.
_IN_BATCHES = "(SELECT i.retailer_id, i.order_id FROM batch_orders i WHERE i.is_live) n CROSS JOIN orders o"
_COLUMNS = f"SELECT {_ORDER}, {_LASTS}, {_KINDS}"
_SELECT = _COLUMNS + _FROM.format(_ALL)
_SELECT_NEEDY = _COLUMNS + _FROM.format(_WITH_WARNING)
# `+` keeps the databases from the index by retailer, so that they read in the sequence of the list.
_CONDITIONS = {
    "retailer_id": "+o.retailer_id = {0}",
    "store_number": "o.store_number = {0}",
    "kind": "o.kind = {0}",
    "window_from": "o.window_ends_at >= {0}",
    "window_until": "o.window_ends_at < {0}",
    "has_alcohol": "o.has_alcohol = {0}",
}


# Orders that shoppers have. `CROSS JOIN` keeps SQLite from beginning with all open orders.
_TAKEN_BATCHES = " FROM batch_orders l CROSS JOIN batches b CROSS JOIN retailer_shoppers h"
_TAKEN = f"{_TAKEN_BATCHES} CROSS JOIN orders o"
_JOINED = (
    "l.is_live AND b.retailer_id = l.retailer_id AND b.id = l.batch_id AND h.retailer_id = b.retailer_id"
    " AND h.id = b.shopper_id AND o.retailer_id = l.retailer_id AND o.order_id = l.order_id"
)
# What the orders of a lane have in common.
_LANES = {
    "state": "o.status",
    "store": "o.retailer_id, o.store_number",
    "shopper": (
        "h.person_id, CASE WHEN h.person_id IS NULL THEN h.retailer_id END, CASE WHEN h.person_id IS NULL THEN h.id END"
    ),
}


async def orders(tx: Tx, filters: Filters, after: tuple[int, int, int] | None = None, most: int = ROWS) -> list[Row]:
    """A page of orders after the row with the key `after`: at most `most`.

    Open orders, and delivered ones whose picture is missing: first those with a warning, then the others, each by the
    end of their windows, the earliest first.
    Ended orders: the latest window first. Orders of a customer: the newest first, at most `ROWS`.
    """
    if filters.order_id is not None:
        return await _by_id(tx, filters, most) if after is None else []
    if filters.customer is not None:
        return await _of_customer(tx, filters, most) if after is None else []
    if filters.status in states.TERMINAL:
        return await _ended(tx, filters, after, most)
    found: list[Row] = []
    for rank in (0, 1):
        since = after[1:] if after is not None and after[0] == rank else None
        is_passed = after is not None and after[0] > rank
        if not is_passed and len(found) < most and not (rank and filters.warning):
            found += await _open(tx, filters, rank, since, most - len(found))
    return found


async def warned_at(tx: Tx, rows: Sequence[Row]) -> Mapping[tuple[int, str], Mapping[str, int]]:
    """Since when each of these orders has its live warnings: times by kind, by retailer and order id."""
    found: dict[tuple[int, str], dict[str, int]] = {(row.retailer_id, row.order_id): {} for row in rows}
    for retailer_id in {row.retailer_id for row in rows}:
        some = [row.order_id for row in rows if row.retailer_id == retailer_id]
        named = ", ".join(f"${place}" for place in range(2, len(some) + 2))
        for row in await tx.all(
            "SELECT order_id, kind, warned_at FROM order_warnings WHERE retailer_id = $1 AND ended_at IS NULL"  # noqa: S608
            f" AND order_id IN ({named})",
            *(retailer_id, *some),
        ):
            found[retailer_id, row["order_id"]][row["kind"]] = row["warned_at"]
    return found


async def order(tx: Tx, retailer_id: int, order_id: str) -> Row | None:
    """The row of one order."""
    row = await tx.one(f"{_SELECT} WHERE o.retailer_id = $1 AND o.order_id = $2", retailer_id, order_id)
    return None if row is None else _row(row)


async def of_shopper(tx: Tx, person_id: int) -> Sequence[Row]:
    """The open orders that one of the operator's shoppers has; at most `ROWS`."""
    return await orders(tx, Filters(shopper_id=person_id))


async def acts(tx: Tx, row: Row) -> Sequence[Done]:
    """What shoppers did with an order, in all its batches: acts on the order, and on the whole batch.

    Of the applied acts, and of the refused ones, the newest: `acts.queries.MOST_SHOWN`.
    """
    of_order = await batches.of_order(tx, row.retailer_id, row.order_id)
    found = [
        act
        for act in await done.of_subjects(tx, row.retailer_id, [f"{row.slug}/{one}" for one in of_order])
        if act.verb in VERBS and getattr(done.content(act), "order", None) in (None, row.order_id)
    ]
    shown = [act for outcome, most in done.MOST_SHOWN.items() for act in _newest(found, outcome, most)]
    return sorted(shown, key=lambda act: act.number)


def _newest(found: Sequence[Done], outcome: str, most: int) -> Sequence[Done]:
    return [act for act in found if act.outcome == outcome][-most:]


async def newest_warning(tx: Tx) -> tuple[int, int]:
    """How many warnings are live, and when the newest of them began, in microseconds."""
    row = await tx.one("SELECT count(*) AS many, max(warned_at) AS newest FROM order_warnings WHERE ended_at IS NULL")
    assert row is not None
    return row["many"], row["newest"] or 0


async def required(tx: Tx, retailer_id: int, order_id: str) -> Row:
    """The row of one order; refused if there is none."""
    row = await order(tx, retailer_id, order_id)
    if row is None:
        raise WorkRefused("unknown_order")
    return row


async def filters(
    tx: Tx,
    *,
    retailer: str | None = None,
    location_code: str | None = None,
    state: str | None = None,
    kind: str | None = None,
    need: str | None = None,
    shopper_name: str | None = None,
) -> Filters:
    """The filters that an operator names by words; raises `Refused` for a word that names nothing."""
    chosen = None if retailer is None else await retailers.require(tx, retailer)
    if location_code is not None and chosen is None:
        raise Refused("name the retailer of the store")
    store = None if chosen is None or location_code is None else await stores.store(tx, chosen.id, location_code)
    if location_code is not None and store is None:
        raise Refused(f"there is no store {location_code!r}")
    for word, given, known in (("state", state, STATES), ("kind", kind, KINDS), ("need", need, NEEDS)):
        if given is not None and given not in known:
            raise Refused(f"there is no {word} {given!r}: write {', '.join(known)}")
    return Filters(
        retailer_id=None if chosen is None else chosen.id,
        store_number=None if store is None else store.number,
        status=state,
        kind=kind,
        shopper_id=None if shopper_name is None else (await shoppers.find(tx, shopper_name)).id,
        warning=need if need != UNASSIGNED else None,
        is_unassigned=need == UNASSIGNED,
    )


async def counts(tx: Tx, filters: Filters) -> Counts:
    """How many orders are open or need a person, whatever state, warning and order id the filters name."""
    where, args = _where(filters)
    source = _FROM if _is_of_shoppers(filters) else " FROM {0}"
    of_open = f"{_open_ones(filters)}{where}"
    by_state = await tx.all(f"SELECT o.status, count(*) AS many{of_open} GROUP BY o.status", *args)
    warned = ", ".join(f"sum(CASE WHEN {has} THEN 1 ELSE 0 END) AS {kind}" for kind, has in _HAS.items())
    by_warning = await tx.one(f"SELECT {warned}{source.format(_WITH_WARNING)} WHERE {_NEEDY}{where}", *args)
    unassigned = await tx.one(f"SELECT count(*) AS many{of_open} AND {_UNASSIGNED}", *args)
    assert by_warning is not None
    assert unassigned is not None
    return Counts(
        {row["status"]: int(row["many"]) for row in by_state},
        {kind: int(by_warning[kind] or 0) for kind in WARNINGS},
        int(unassigned["many"]),
    )


async def lanes(tx: Tx, filters: Filters, by: str, most: int) -> Sequence[Lane]:
    """Open orders by `state`, `store` or `shopper`: of each lane the `most` whose windows end first.

    Orders that no shopper has are in no lane of a shopper. The lane with the earliest window comes first; after
    `LANE_ROWS` rows there are no further lanes.
    """
    where, args = _open_where(filters)
    if filters.warning is not None:
        where += f" AND {_HAS.get(filters.warning, _WARNED.format(_LIVE))}"
    args += (most, LANE_ROWS)
    of_open = _open_ones(filters)
    if by == "shopper":
        of_open = f"{_TAKEN} WHERE {_OPEN}"
        where += f" AND {_JOINED} AND COALESCE(h.person_id, -1) <> {NOBODY}"
    # Each lane is one part of the index of open orders, so the rest of a row is read only for what is shown.
    first = (
        "SELECT o.retailer_id, o.number,"
        f" min(o.window_ends_at) OVER (PARTITION BY {_LANES[by]}) AS begins,"
        f" row_number() OVER (PARTITION BY {_LANES[by]} ORDER BY o.window_ends_at, o.number) AS place,"
        f" count(*) OVER (PARTITION BY {_LANES[by]}) AS many{of_open}{where}"
    )
    shown = (
        f"SELECT * FROM ({first}) f WHERE f.place <= ${len(args) - 1}"  # noqa: S608 (our own words)
        f" ORDER BY f.begins, f.number LIMIT ${len(args)}"
    )
    rows = await tx.all(
        f"SELECT k.many, {_ORDER}, {_LASTS}, {_KINDS}{_FROM.format(f'({shown}) k CROSS JOIN orders o')}"
        " WHERE o.number = k.number AND +o.retailer_id = k.retailer_id ORDER BY o.window_ends_at, o.number",
        *args,
    )
    found: dict[Any, tuple[int, list[Row]]] = {}
    for one in rows:
        values = dict(one)
        many = values.pop("many")
        row = _row(values)
        found.setdefault(_lane(row, by), (many, []))[1].append(row)
    return [Lane(many, listed) for many, listed in found.values()]


def _lane(row: Row, by: str) -> Any:
    return {
        "state": row.status,
        "store": (row.retailer_id, row.store_number),
        "shopper": row.lane_of_shopper,
    }[by]


async def _open(tx: Tx, filters: Filters, rank: int, since: tuple[int, int] | None, most: int) -> list[Row]:
    where, args = _open_where(filters)
    if rank:
        where += f" AND NOT {_WARNED.format(_LIVE)}"
    elif filters.warning in _HAS:
        where += f" AND {_HAS[filters.warning]}"
    if since is not None:
        args += since
        where += f" AND (o.window_ends_at, o.number) > (${len(args) - 1}, ${len(args)})"
    args.append(most)
    if not rank:
        listed = f"{_SELECT_NEEDY} WHERE {_NEEDY}"
    elif _is_of_shoppers(filters):
        listed = f"{_COLUMNS}{_open_ones(filters)}"
    else:
        listed = f"{_SELECT} WHERE {_OPEN}"
    rows = await tx.all(f"{listed}{where} ORDER BY o.window_ends_at, o.number LIMIT ${len(args)}", *args)
    return [_row(row) for row in rows]


async def _ended(tx: Tx, filters: Filters, after: tuple[int, int, int] | None, most: int) -> list[Row]:
    where, args = _where(filters)
    args.append(filters.status)
    where += f" AND o.status = ${len(args)}"
    if after is not None:
        args += after[1:]
        where += f" AND (o.window_ends_at, o.number) < (${len(args) - 1}, ${len(args)})"
    args.append(most)
    rows = await tx.all(
        f"{_SELECT} WHERE {_ENDED}{where} ORDER BY o.window_ends_at DESC, o.number DESC LIMIT ${len(args)}", *args
    )
    return [_row(row) for row in rows]


async def _by_id(tx: Tx, filters: Filters, most: int) -> list[Row]:
    """The orders with an id, one at each retailer at most: a search through the primary key of each retailer."""
    where, args = _where(filters)
    args += [filters.order_id, most]
    rows = await tx.all(
        f"{_SELECT} WHERE o.order_id = ${len(args) - 1} AND o.retailer_id IN (SELECT id FROM retailers){where}"  # noqa: S608
        f" ORDER BY o.window_ends_at, o.number LIMIT ${len(args)}",
        *args,
    )
    return [_row(row) for row in rows]


async def _of_customer(tx: Tx, filters: Filters, most: int) -> list[Row]:
    """The newest orders whose customer has the name or the phone number, at most `ROWS`."""
    where, args = _open_where(filters)
    where += f" AND {_OPEN}" if filters.is_unassigned else ""
    if filters.warning is not None:
        where += f" AND {_HAS.get(filters.warning, _WARNED.format(_LIVE))}"
    if _is_of_shoppers(filters):
        where = f" AND EXISTS (SELECT 1{_TAKEN_BATCHES} WHERE {_JOINED}{where})"
    numbers = await customer_words.orders(tx, filters.retailer_id, filters.customer or "", where, args, min(most, ROWS))
    if not numbers:
        return []
    named = ", ".join(f"${place}" for place in range(1, len(numbers) + 1))
    rows = await tx.all(f"{_SELECT} WHERE o.number IN ({named}) ORDER BY o.number DESC", *numbers)
    return [_row(row) for row in rows]


def _is_of_shoppers(filters: Filters) -> bool:
    """Whether only orders are wanted that shoppers have."""
    return filters.shopper_id is not None or filters.retailer_shopper_id is not None or filters.is_taken


def _open_ones(filters: Filters) -> str:
    """The open orders, of which a list has those that fit its filters: the rest of a statement, up to WHERE."""
    if _is_of_shoppers(filters):
        return f"{_FROM.format(_IN_BATCHES)} WHERE {_IS_NAMED} AND {_OPEN}"
    return f" FROM orders o WHERE {_OPEN}"


def _open_where(filters: Filters) -> tuple[str, list[Any]]:
    """The conditions of lists of open orders, with their arguments."""
    where, args = _where(filters)
    if filters.status is not None:
        args.append(filters.status)
        where += f" AND o.status = ${len(args)}"
    if filters.is_unassigned:
        where += f" AND {_UNASSIGNED}"
    return where, args


def _where(filters: Filters) -> tuple[str, list[Any]]:
    """The conditions that every list has, with their arguments."""
    where, args = "", []
    for name, condition in _CONDITIONS.items():
        value = getattr(filters, name)
        if value is not None:
            args.append(value)
            where += f" AND {condition.format(f'${len(args)}')}"
    if filters.shopper_id is not None:
        args.append(filters.shopper_id)
        where += f" AND h.person_id = ${len(args)}"
    if filters.retailer_shopper_id is not None:
        args.append(filters.retailer_shopper_id)
        where += f" AND h.person_id IS NULL AND h.id = ${len(args)}"
    if filters.is_taken:
        where += f" AND h.person_id <> {NOBODY}"
    return where, args


def _row(row: Any) -> Row:
    values = dict(row)
    if values["person_id"] == NOBODY:
        values |= dict.fromkeys(("batch_id", "batch_type", "accepted_at", "shopper_id", "person_id"))
    values["warnings"] = [kind for kind in WARNINGS if values.pop(kind)]
    values["has_alcohol"] = bool(values["has_alcohol"])
    return Row(**values)
