"""The run: everything that a shopper's device keeps, so that the app works without a network.

Street and phone number are in it only while the order is on its way to the door (`_door`), instructions for the order
from when its shopper accepts the work; of a customer's names, only the first one is.
"""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import groupby
from string import ascii_uppercase

from handcart.acts import queries as acts
from handcart.acts import verbs
from handcart.assignment import fitting
from handcart.batches import queries as batches
from handcart.batches import states as batch_states
from handcart.batches.models import PersonsBatch, Removed
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web import packed
from handcart.core.web.call import Call, Reply, Route
from handcart.core.web.wire import encode
from handcart.orders import customers, proof, states
from handcart.orders import queries as orders
from handcart.orders.models import PICKUP, SHOPPED, Order, OrderLine
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.shopper_app import chat, lines, wire
from handcart.shopper_app.browser import device_of
from handcart.shoppers import queries as shoppers
from handcart.shoppers import shifts
from handcart.shoppers.shifts import Shift
from handcart.stores import queries as stores
from handcart.stores.models import Store
from handcart.users import ops as users

# How long the shopper is told about work that was taken away.
REMOVED_FOR = clock.DAY
# Shifts that the app shows.
MOST_SHIFTS = 5
# A pickup order after its bags were brought to the staging area.
_STAGED = (states.STAGED, states.RUNNER_AWAITING, states.USER_AT_STORE, states.BAGS_VERIFIED, states.COMPLETED)
# A pickup order whose shopper brings it out.
_OUT = (states.RUNNER_AWAITING, states.USER_AT_STORE, states.BAGS_VERIFIED)


async def _answer(call: Call) -> Reply:
    device = await device_of(call)
    found = await call.app.database.read(run, device.person.id)
    return packed.private_reply(call, encode(found), found.version, [(b"content-type", b"application/json")])


async def run(tx: Tx, person_id: int) -> wire.Run:
    """The work of a shopper at all retailers, what was taken away in the last `REMOVED_FOR`, and the next shifts."""
    live = await batches.live(tx, person_id)
    going = [await _batch(tx, person_id, one) for one in live if any(map(_is_going, one.orders))]
    removed = [await _removed(tx, one) for one in _together(await batches.removed(tx, person_id, _since()))]
    removed += [gone for one in live for order in one.orders if (gone := await _canceled(tx, one, order)) is not None]
    planned = [await _shift(tx, one) for one in await shifts.upcoming(tx, person_id, clock.of_process(), MOST_SHIFTS)]
    content = encode([going, removed, planned])
    version = blake2b(content, digest_size=12).hexdigest()
    return wire.Run(version, clock.to_wire(clock.now()), going, removed, planned)


async def _shift(tx: Tx, one: Shift) -> wire.Shift:
    """A shift, with the times of its store; without a store, with those of the phone."""
    store = None
    if one.retailer_id is not None and one.store_number is not None:
        store = await stores.store_by_number(tx, one.retailer_id, one.store_number)
    where = one.area or (store.name if store else "")
    times = (clock.to_wire(one.starts_at), clock.to_wire(one.ends_at))
    return wire.Shift(*times, where, store.time_zone if store else "")


async def batch(tx: Tx, person_id: int, retailer_id: int, batch_id: int) -> wire.Batch | None:
    """A batch of a shopper, as the run has it; None if the shopper does not have it, or no longer."""
    for one in await batches.live(tx, person_id):
        if (one.retailer_id, one.id) == (retailer_id, batch_id):
            return await _batch(tx, person_id, one)
    return None


def _since() -> int:
    return clock.now() - REMOVED_FOR


def _is_going(order: Order) -> bool:
    return order.status not in states.TERMINAL


async def _batch(tx: Tx, person_id: int, one: PersonsBatch) -> wire.Batch:
    retailer = await retailers.retailer(tx, one.retailer_id)
    subject = f"{retailer.slug}/{one.id}"
    # Letters are given to canceled orders too, so that the other orders keep theirs.
    going = [(_letter(place), order) for place, order in enumerate(one.orders) if _is_going(order)]
    found = await stores.store_by_number(tx, one.retailer_id, one.orders[0].store_number)
    assert found is not None
    return wire.Batch(
        id=str(one.id),
        subject=subject,
        retailer=_retailer(retailer),
        type=one.type,
        state=one.workflow_state,
        is_accepted=one.accepted_at is not None,
        window=_window([order for _, order in going]),
        store=_store(found),
        needs=_needs(retailer, found),
        scale_codes=retailer.rules.scale_codes,
        answer_minutes=retailer.rules.answer_minutes,
        orders=[
            await _order(tx, person_id, retailer, letter, order, is_accepted=one.accepted_at is not None)
            for letter, order in going
        ],
        last_act=await acts.last_act(tx, person_id, subject),
    )


def _letter(place: int) -> str:
    return ascii_uppercase[place % len(ascii_uppercase)] + (str(place // len(ascii_uppercase) or ""))


def _retailer(retailer: Retailer) -> wire.Retailer:
    return wire.Retailer(retailer.slug, retailer.name)


def _needs(retailer: Retailer, store: Store) -> wire.Needs:
    rules = retailer.rules
    return wire.Needs(
        rules.door_photo,
        customers.legal_age(retailer, store),
        rules.alcohol_from_hour,
        rules.alcohol_until_hour,
    )


def _window(going: Sequence[Order]) -> wire.Window:
    """From the first start to the first end: the whole batch is late after that."""
    starts_at, ends_at = min(one.window_starts_at for one in going), min(one.window_ends_at for one in going)
    return wire.Window(clock.to_wire(starts_at), clock.to_wire(ends_at))


def _store(store: Store) -> wire.Store:
    address = _address(store.address_line_1, None, store.city, store.region, store.postal_code)
    return wire.Store(
        store.location_code, store.name, address, store.time_zone, store.point.latitude, store.point.longitude
    )


def _address(street: str, more: str | None, city: str | None, region: str | None, postal_code: str) -> str:
    """An address in one line."""
    return ", ".join(filter(None, (street, more, city, " ".join(filter(None, (region, postal_code))))))


async def _order(
    tx: Tx, person_id: int, retailer: Retailer, letter: str, order: Order, *, is_accepted: bool
) -> wire.Order:
    present = [line for line in order.lines if not line.is_removed]
    products = await lines.products_of(tx, retailer.id, present)
    pickers = {one: await _name(tx, one) for one in {line.picked_by for line in present} if one is not None}
    shown = [await lines.line_of(tx, retailer.id, order, line, products, pickers) for line in present]
    return wire.Order(
        id=order.order_id,
        letter=letter,
        kind=order.kind,
        status=_status(order),
        version=len(await orders.history(tx, retailer.id, order.order_id)),
        units=_units(order, present),
        has_alcohol=verbs.has_alcohol(order),
        is_heavy=fitting.is_heavy(order, [(line, products.get(lines.code_of(line))) for line in present]),
        leave_unattended=order.leave_unattended,
        tip_cents=order.tip_cents,
        is_member=order.is_instacartplus,
        customer=wire.Customer(await _first_name(tx, order)),
        special_instructions=(order.details.special_instructions or "") if is_accepted else "",
        door=_door(order),
        car=_car(order) if is_accepted else None,
        needs_code=await proof.code(tx, retailer.rules, order) is not None,
        signature=await _signature(tx, retailer, order),
        bags=[wire.Bag(bag.code, bag.kind, bag.place) for bag in order.details.bags],
        bag_label=order.details.bag_label,
        bag_scan_codes=order.details.bag_scan_codes,
        is_staged=order.details.staged_at is not None or (order.kind == PICKUP and order.status in _STAGED),
        is_verified=order.details.verified_at is not None,
        bag_count=order.bag_count,
        chat=await chat.of_order(tx, person_id, retailer.id, order),
        lines=[line for _, line in sorted(enumerate(shown), key=lambda one: lines.walk(lines.sought(one[1]), one[0]))],
    )


def _status(order: Order) -> str:
    """The order's status, or what its shopper has done with it alone: its batch waits for the other orders."""
    if order.details.returning is not None:
        return wire.RETURNING
    is_verified = order.details.verified_at is not None and order.status in (states.AT_STORE, states.USER_AT_STORE)
    return states.BAGS_VERIFIED if is_verified else order.status


def _car(order: Order) -> wire.Car | None:
    """What the customer of a pickup order said about the car, for the shopper who brings the order out."""
    vehicle, delegate = order.details.vehicle, order.details.delegate
    if order.status not in _OUT or (vehicle is None and delegate is None):
        return None
    return wire.Car(
        model="" if vehicle is None else vehicle.model,
        vehicle_type="" if vehicle is None else vehicle.vehicle_type,
        color="" if vehicle is None else vehicle.color,
        license_plate="" if vehicle is None else vehicle.license_plate or "",
        delegate="" if delegate is None else delegate.name,
    )


def _units(order: Order, present: Sequence[OrderLine]) -> int:
    """The number of pieces; a line that is sold by weight is one. Of a carried order, what the retailer says."""
    if order.kind not in SHOPPED:
        return order.details.items_count or 0
    return sum(int(line.qty) if line.qty_unit == "each" else 1 for line in present)


async def _first_name(tx: Tx, order: Order) -> str:
    if order.details.first_name is not None or order.user_id is None:
        return order.details.first_name or ""
    user = await users.find(tx, order.isolation_id, order.user_id)
    return "" if user is None else user.first_name or ""


async def _signature(tx: Tx, retailer: Retailer, order: Order) -> str:
    if order.details.signature is not None:
        return wire.SIGNED
    return wire.NEEDED if await proof.needs_signature(tx, retailer.id, retailer.rules, order) else wire.NONE


def _door(order: Order) -> wire.Door | None:
    """Street and phone number, while the order is on its way to the door. A pickup order has no door."""
    if order.kind == PICKUP or order.status != states.DELIVERING or order.details.returning is not None:
        return None
    address, phone = order.details.address, order.details.phone_number
    if address is None:
        return wire.Door("", None, None, phone)
    text = _address(address.address_line_1, address.address_line_2, address.city, address.state, address.postal_code)
    return wire.Door(text, address.latitude, address.longitude, phone)


async def _name(tx: Tx, person_id: int) -> str:
    found = await shoppers.person(tx, person_id)
    assert found is not None
    return found.name


def _together(found: Sequence[Removed]) -> Sequence[Sequence[Removed]]:
    """The orders that were taken away, those that left a batch together as one."""
    return [list(same) for _, same in groupby(found, lambda one: (one.batch_id, one.kind, one.goods, one.at))]


async def _removed(tx: Tx, together: Sequence[Removed]) -> wire.Removed:
    one = together[0]
    return wire.Removed(
        batch_id=str(one.batch_id),
        retailer=_retailer(await retailers.retailer(tx, one.retailer_id)),
        order_ids=[order.order_id for order in together],
        kind=one.kind,
        reason=one.reason,
        by=one.by,
        at=clock.to_wire(one.at),
        goods=one.goods,
    )


async def _canceled(tx: Tx, one: PersonsBatch, order: Order) -> wire.Removed | None:
    """An order that was canceled in the last `REMOVED_FOR`, without its batch's knowledge; None for any other."""
    if order.status != states.CANCELED or order.order_id not in one.order_ids:
        return None
    steps = await orders.history(tx, one.retailer_id, order.order_id)
    first = next(place for place, step in enumerate(steps) if step.status == states.CANCELED)
    if steps[first].at < _since():
        return None
    return wire.Removed(
        batch_id=str(one.id),
        retailer=_retailer(await retailers.retailer(tx, one.retailer_id)),
        order_ids=[order.order_id],
        kind="canceled",
        reason=order.details.cancellation_type or order.cancellation_reason,
        by=None,
        at=clock.to_wire(steps[first].at),
        goods=batch_states.goods(steps[first - 1].status),
    )


ROUTES: Sequence[Route] = (Route(method="GET", path="/shopper/api/run", handler=_answer),)
