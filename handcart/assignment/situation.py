"""What a planner has to know of an area at one moment: open orders, shoppers, what they carry; read from the database.

A retailer with a clock of its own is an area by itself; all others are one area, because they share shoppers.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, structs

from handcart.assignment import fitting, pins, queries
from handcart.assignment.fitting import Needs
from handcart.assignment.models import Filters, Row
from handcart.batches import queries as batches
from handcart.batches import states as batch_states
from handcart.batches.models import PersonsBatch
from handcart.core import clock
from handcart.core.db import Tx
from handcart.orders import queries as orders
from handcart.orders import states
from handcart.orders.models import PICKUP, Order
from handcart.retailers import ops as retailers
from handcart.retailers.models import Rules
from handcart.shoppers import positions, shifts
from handcart.shoppers import queries as people
from handcart.shoppers.models import Person
from handcart.shoppers.shifts import Shift
from handcart.stores import queries as stores
from handcart.stores.models import Point

# Orders are planned from this time before the end of their windows on; so are shifts before their beginning.
AHEAD = 6 * clock.HOUR
MOST_ORDERS = 2_000
_MOST_PEOPLE = 1_000
_PAGE = 200
# States in which an order waits for a shopper. A customer who stands at the store is left to the people there.
_WAITING = {one.takes for one in batch_states.TYPES.values()} - {states.STAGED} | {*batch_states.HANDED_ON}
# The time to pick an order in seconds: to walk in, for each unit, at the till. Other orders wait with their bags.
_WALK_IN, _UNIT, _TILL = 240, 40, 360
_BAGS = 300
_CARRIED = (states.DELIVERING,)
_IS_PICKING = (states.PICKING, states.VERIFYING_REPLACEMENTS)
_MOST_UNITS = 250

Key = tuple[int, str]


class Work(Struct, frozen=True, kw_only=True):
    """An order that somebody has to do. `door` None: the customer comes to the store, or the place is unknown.

    `service`: seconds at the store that are left. `is_carried`: the shopper has left the store with it. `pinned_to`:
    the shopper whom a dispatcher has chosen. `seen` as in `Row`.
    """

    key: Key
    kind: str
    status: str
    starts_at: int
    ends_at: int
    seen: str
    needs: Needs
    store: Point
    door: Point | None
    service: int
    is_carried: bool = False
    pinned_to: int | None = None
    commit_minutes: int = 20


class Given(Struct, frozen=True):
    """A batch that a shopper has: its orders, and whether the shopper has accepted it."""

    batch_id: int
    is_accepted: bool
    work: Sequence[Work]


class Worker(Struct, frozen=True):
    """A shopper. `shifts`: those that touch the planned time. `start`: where the shopper is; None: unknown."""

    person: Person
    shifts: Sequence[Shift]
    start: Point | None
    given: Sequence[Given]

    @property
    def orders_now(self) -> int:
        """The number of orders that the shopper has."""
        return sum(len(batch.work) for batch in self.given)


class Situation(Struct, frozen=True):
    """An area at `now`, in microseconds: the orders that wait, and all shoppers who are not closed."""

    now: int
    waiting: Sequence[Work]
    workers: Sequence[Worker]


async def read(tx: Tx, retailer_ids: Sequence[int], now: int) -> Situation:
    """The situation of these retailers at `now` of their clock."""
    rules = {one.id: one.rules for one in await retailers.retailers(tx)}
    pinned = await pins.of_retailers(tx, retailer_ids)
    places: dict[tuple[int, int], Point | None] = {}
    waiting: list[Work] = []
    for retailer_id in retailer_ids:
        rows = await _waiting(tx, retailer_id, now)
        for start in range(0, len(rows), _PAGE):
            page = rows[start : start + _PAGE]
            found = await orders.of_ids(tx, retailer_id, [row.order_id for row in page])
            for row in page:
                made = await _work(tx, retailer_id, found[row.order_id], places, row.seen)
                if made is not None:
                    waiting.append(_with(made, pinned.get(made.key), rules[retailer_id].commit_minutes))
    return Situation(now, waiting, await _workers(tx, now, places, rules))


def _with(work: Work, pinned_to: int | None, commit_minutes: int) -> Work:
    return structs.replace(work, pinned_to=pinned_to, commit_minutes=commit_minutes)


async def _waiting(tx: Tx, retailer_id: int, now: int) -> list[Row]:
    wanted = Filters(retailer_id=retailer_id, is_unassigned=True, window_until=now + AHEAD)
    return [one for one in await queries.orders(tx, wanted, most=MOST_ORDERS) if one.status in _WAITING]


async def _work(
    tx: Tx, retailer_id: int, order: Order, places: dict[tuple[int, int], Point | None], seen: str = ""
) -> Work | None:
    """The work of an order; None if its store is gone."""
    at = retailer_id, order.store_number
    if at not in places:
        store = await stores.store_by_number(tx, *at)
        places[at] = None if store is None else store.point
    point = places[at]
    if point is None:
        return None
    address = None if order.kind == PICKUP else order.details.address
    return Work(
        key=(retailer_id, order.order_id),
        kind=order.kind,
        status=order.status,
        starts_at=order.window_starts_at,
        ends_at=order.window_ends_at,
        seen=seen,
        needs=await fitting.needs(tx, retailer_id, order),
        store=point,
        door=None if address is None else await stores.point_of(tx, address),
        service=_service(order),
        is_carried=order.status in _CARRIED,
    )


def _service(order: Order) -> int:
    if not order.lines or order.status in batch_states.HANDED_ON:
        return _BAGS
    units = sum(one.qty if one.qty_unit == "each" else 1 for one in order.lines if not one.is_removed)
    whole = _WALK_IN + round(_UNIT * min(units, _MOST_UNITS)) + _TILL
    return max(_TILL, whole // 2) if order.status in _IS_PICKING else whole


async def _workers(
    tx: Tx, now: int, places: dict[tuple[int, int], Point | None], rules: Mapping[int, Rules]
) -> Sequence[Worker]:
    planned: dict[int, list[Shift]] = {}
    for shift in await shifts.during(tx, now, now + AHEAD):
        if shift.ended_at is None or shift.ended_at > now:
            planned.setdefault(shift.person_id, []).append(shift)
    seen = await positions.newest(tx, clock.of_process() - positions.FRESH)
    found = []
    for person in await _people(tx):
        own = planned.get(person.id, [])
        given = [await _given(tx, one, places, rules) for one in await batches.live(tx, person.id)] if own else []
        position = seen.get(person.id)
        start = None if position is None else Point(position.latitude, position.longitude)
        for at in [*[(one.retailer_id, one.store_number) for one in own], _home(person)]:
            if start is None and at[0] is not None and at[1] is not None:
                store = await stores.store_by_number(tx, at[0], at[1])
                start = None if store is None else store.point
        found.append(Worker(person, own, start, [one for one in given if one.work]))
    return found


def _home(person: Person) -> tuple[int | None, int | None]:
    return person.home_retailer_id, person.home_store_number


async def _people(tx: Tx) -> Sequence[Person]:
    return await people.people(tx, limit=_MOST_PEOPLE)


async def _given(
    tx: Tx, batch: PersonsBatch, places: dict[tuple[int, int], Point | None], rules: Mapping[int, Rules]
) -> Given:
    """A batch of a shopper, without the orders that are finished."""
    is_accepted = batch.accepted_at is not None or batch.workflow_state != batch_states.BRAND_NEW
    found: list[Work] = []
    for order in batch.orders:
        if order.order_id in batch.order_ids and order.status not in states.TERMINAL:
            made = await _work(tx, batch.retailer_id, order, places)
            minutes = rules[batch.retailer_id].commit_minutes
            found += [] if made is None else [_with(made, None, minutes)]
    return Given(batch.id, is_accepted, found)


def of_keys(situation: Situation) -> Mapping[Key, Work]:
    """All orders of a situation, by retailer and order id."""
    given = [work for worker in situation.workers for batch in worker.given for work in batch.work]
    return {one.key: one for one in [*given, *situation.waiting]}
