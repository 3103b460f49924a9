"""What there is to do at a store: its open orders with their batches, sorted into the lists of the app."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from handcart.assignment import queries as assignment
from handcart.assignment.models import Filters, Row
from handcart.assignment.warnings import ESTIMATE
from handcart.batches import queries as batches
from handcart.batches.models import Batch
from handcart.batches.states import HANDED_ON
from handcart.core import clock
from handcart.core.db import Tx
from handcart.orders import queries as orders
from handcart.orders import states
from handcart.orders.models import CARRIED, PICKUP, TO_REFUND, Order
from handcart.shoppers import positions
from handcart.shoppers import queries as shoppers
from handcart.store_app.work import At
from handcart.stores import distance
from handcart.stores.models import Point, Store
from handcart.users import ops as users

#: Orders whose windows end later are not shown yet.
AHEAD = 3 * clock.DAY
#: Maximum number of orders that are read.
MOST = 300
#: Goods of orders that ended longer ago are no longer asked for.
RETURNS = clock.DAY
#: A shopper whose order left the store this long ago is still shown as one who was there.
LEFT = 30 * clock.MINUTE
#: After this time without a runner, the tablets alarm.
ALARM = 3 * clock.MINUTE
#: Less time than this to the start of the drive is short.
SHORT = 20 * clock.MINUTE

# By letters and digits that nobody confuses.
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_DIGITS = 1000
_HERE = (
    *(states.PICKING, states.VERIFYING_REPLACEMENTS, states.CHECKOUT, states.BAGS_CHECK),
    *(states.AT_STORE, states.BAGS_VERIFIED),
)
OUT = (states.RUNNER_AWAITING, states.USER_AT_STORE, states.BAGS_VERIFIED)


class Seen(Struct, frozen=True):
    """An open order of the store, and its row in the lists of dispatchers."""

    row: Row
    order: Order

    @property
    def mark(self) -> str:
        return mark(self.order)


class Coming(Struct, frozen=True):
    """An order that a shopper comes for. `seen_at`: when the shopper's position was told; None: no fresh one.

    `minutes`: the way to the store, None if unknown or the shopper is there.
    """

    seen: Seen
    person: str | None
    is_here: bool
    seen_at: int | None
    minutes: int | None


class Running(Struct, frozen=True):
    """A pickup order whose customer is here, or was told to come inside (`batch` is None then).

    `runner`: the name of who takes it. `since`: when the customer came.
    """

    order: Order
    batch: Batch | None
    runner: str | None
    runner_id: int | None
    since: int


class Inside(Struct, frozen=True):
    """A shopper who is in the store with an order, or has just left with it. `since`: the order's last step."""

    seen: Seen
    person: str
    since: int


def mark(order: Order) -> str:
    """The letter and the number by which people of the store call an order, such as `K 482`."""
    return f"{_LETTERS[order.number % len(_LETTERS)]}{order.number // len(_LETTERS) % _DIGITS:03}"


def slack(order: Order) -> int:
    """The time until the order must be on its way to be in time; negative for a late one."""
    return order.window_ends_at - ESTIMATE[order.kind] - clock.now()


def urgency(order: Order) -> str:
    """`late`, `soon` or `fine`."""
    left = slack(order)
    return "late" if left < 0 else "soon" if left < SHORT else "fine"


async def open_orders(tx: Tx, at: At) -> Sequence[Seen]:
    """The open orders of the store, those whose windows end first at the beginning."""
    filters = Filters(retailer_id=at.retailer_id, store_number=at.store_number, window_until=clock.now() + AHEAD)
    rows = await assignment.orders(tx, filters, most=MOST)
    found = await orders.of_ids(tx, at.retailer_id, [row.order_id for row in rows])
    open_ones = [row for row in rows if row.status not in states.TERMINAL]
    return [
        Seen(row, found[row.order_id])
        for row in sorted(open_ones, key=lambda row: (row.window_ends_at, row.number))
        if row.order_id in found
    ]


def to_stage(found: Sequence[Seen]) -> Sequence[Seen]:
    """Orders whose bags are not in the staging area yet."""
    return [one for one in found if may_stage(one.order) and one.order.details.staged_at is None]


def staged(found: Sequence[Seen]) -> Sequence[Seen]:
    """Orders whose bags are in the staging area: they wait for a shopper or for their customers."""
    return [
        one
        for one in found
        if (one.order.kind in CARRIED and may_stage(one.order) and one.order.details.staged_at is not None)
        or (one.order.kind == PICKUP and one.order.status in (states.STAGED, *OUT))
    ]


def may_stage(order: Order) -> bool:
    """Whether the store stages an order in its state."""
    if order.kind in CARRIED:
        return states.may(order.kind, order.status, states.STAGE) and order.status != states.DELIVERING
    return order.kind == PICKUP and order.status in HANDED_ON


async def find(tx: Tx, at: At, order_id: str) -> tuple[Order, Batch | None] | None:
    """An order of the store, also an ended one, and its live batch."""
    order = await orders.find(tx, at.retailer_id, order_id)
    if order is None or order.store_number != at.store_number:
        return None
    return order, await batches.live_of_order(tx, at.retailer_id, order_id)


async def customer(tx: Tx, order: Order) -> tuple[str, str | None]:
    """The customer's first name with the initial of the last name, and the phone number."""
    first, last, phone = order.details.first_name, order.details.last_name, order.details.phone_number
    if (first is None or phone is None) and order.user_id is not None:
        user = await users.find(tx, order.isolation_id, order.user_id)
        if user is not None:
            first, last, phone = first or user.first_name, last or user.last_name, phone or user.phone_number
    return " ".join(filter(None, (first, f"{last[0]}." if last else ""))) or "?", phone


def counts(found: Sequence[Seen]) -> Mapping[str, int]:
    """The numbers beside the entries of the navigation, by key."""
    return {
        "stage": len(to_stage(found)),
        "runs": sum(_is_run(one.order) for one in found),
        "incoming": sum(_is_coming(one.order) for one in found),
        "returns": sum(comes_back(one.order) for one in found),
    }


def alarms(found: Sequence[Seen]) -> int:
    """The number of customers who have waited for a runner for `ALARM` or longer."""
    return sum(
        one.order.status == states.RUNNER_AWAITING
        and one.row.accepted_at is None
        and clock.now() - (one.order.details.arrived_at or clock.now()) >= ALARM
        for one in found
    )


def _is_run(order: Order) -> bool:
    is_asked_inside = order.status == states.STAGED and order.details.arrived_at is not None
    return order.kind == PICKUP and (order.status in OUT or is_asked_inside)


def _is_coming(order: Order) -> bool:
    return order.kind in CARRIED and order.status in (states.AT_STORE, states.ACKNOWLEDGED_FOR_DELIVERY)


async def coming(tx: Tx, store: Store, all_open: Sequence[Seen]) -> Sequence[Coming]:
    """The orders that shoppers of other people's bags come for: those who are here first, then by their way."""
    found = []
    for one in all_open:
        if not _is_coming(one.order):
            continue
        is_here = one.order.status == states.AT_STORE
        last = None if one.row.person_id is None else await positions.latest(tx, one.row.person_id)
        way = None
        if last is not None and not is_here:
            way = max(1, round(distance.minutes(Point(last.latitude, last.longitude), store.point)))
        found.append(Coming(one, one.row.person, is_here, None if last is None else last.at, way))
    far = 10**6
    return sorted(found, key=lambda one: (not one.is_here, one.minutes or far, one.seen.order.window_ends_at))


async def running(tx: Tx, at: At, all_open: Sequence[Seen]) -> Sequence[Running]:
    """The pickup orders whose customers are here, the longest waiting first; then those whose customers come inside."""
    found = []
    for one in all_open:
        order = one.order
        if not _is_run(order):
            continue
        batch = (
            None if order.status == states.STAGED else await batches.live_of_order(tx, at.retailer_id, order.order_id)
        )
        name, staff_id = await runner(tx, at, batch)
        found.append(Running(order, batch, name, staff_id, order.details.arrived_at or clock.now()))
    return sorted(found, key=lambda one: (one.batch is None, one.since))


async def runner(tx: Tx, at: At, batch: Batch | None) -> tuple[str | None, int | None]:
    """The name of the person who took a runner's batch, and the id of a person of the store; None for nobody yet."""
    if batch is None or batch.accepted_at is None:
        return None, None
    person = await shoppers.staff_of(tx, at.retailer_id, batch.shopper_id)
    if person is not None:
        return person.name, person.id
    shopper = await shoppers.person_of(tx, at.retailer_id, batch.shopper_id)
    return (shopper.name if shopper is not None else "?"), None


async def returning(tx: Tx, at: At, all_open: Sequence[Seen]) -> Sequence[Order]:
    """Orders whose goods come back: on their way to the store, or delivered without their alcohol."""
    found = [one.order for one in all_open if comes_back(one.order)]
    filters = Filters(
        retailer_id=at.retailer_id,
        store_number=at.store_number,
        status=states.COMPLETED,
        window_from=clock.now() - RETURNS,
    )
    rows = await assignment.orders(tx, filters, most=MOST)
    with_alcohol = [row.order_id for row in rows if row.has_alcohol]
    ended = await orders.of_ids(tx, at.retailer_id, with_alcohol)
    return [*found, *(order for order in ended.values() if comes_back(order))]


def comes_back(order: Order) -> bool:
    """Whether the people of the store still wait for goods of an order."""
    if order.details.came_back is not None:
        return False
    if order.details.returning is not None:
        return order.status not in states.TERMINAL
    return order.status in (states.DELIVERING, states.COMPLETED) and alcohol(order) > 0 and _is_refused(order)


def alcohol(order: Order) -> int:
    """The bottles and cans of alcohol in an order."""
    return sum(max(1, round(line.qty)) for line in order.lines if line.is_alcohol and not line.is_removed)


def _is_refused(order: Order) -> bool:
    """Whether an order's alcohol was refused at the door: the till had been passed when it was refunded."""
    marked = [line for line in order.lines if line.is_alcohol and not line.is_removed]
    return order.has_alcohol and all(line.status == TO_REFUND and line.delivered_count == 0 for line in marked)


async def inside(tx: Tx, at: At, all_open: Sequence[Seen]) -> Sequence[Inside]:
    """The shoppers who are in the store, and those who have just left, with their orders; the latest step first."""
    now, found = clock.now(), []
    for one in all_open:
        is_leaving = one.order.status == states.DELIVERING
        if one.row.person is None or not (one.order.status in _HERE or is_leaving):
            continue
        since = (await orders.history(tx, at.retailer_id, one.order.order_id))[-1].at
        if not is_leaving or since > now - LEFT:
            found.append(Inside(one, one.row.person, since))
    return sorted(found, key=lambda one: -one.since)


async def foreign(tx: Tx, at: At, order_id: str, codes: Sequence[str]) -> Mapping[str, str]:
    """Codes of bags that belong to other open orders of the store, with the marks of those orders."""
    owners = {
        code: one.mark
        for one in await open_orders(tx, at)
        if one.order.order_id != order_id
        for code in codes_of(one.order)
    }
    return {code: owners[code] for code in codes if code in owners}


def codes_of(order: Order) -> Sequence[str]:
    """The codes on the bags of an order."""
    return order.details.bag_scan_codes or [bag.code for bag in order.details.bags]
