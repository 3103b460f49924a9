"""What the people of a store do with orders: stage them, hand them over, bring them out, take goods back.

Each operation checks the role, changes the order through the same verbs as shoppers' acts, and records who did it in
the audit log, in one transaction. A refusal is raised, so that nothing is changed. `seen`: the order as the person saw
it (`version`); if it is no longer so, `versions.Changed` is raised.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.acts import verbs
from handcart.acts.bodies import Deliver, Nothing, OfOrder, Pack, PackedBag, Returned, Stage, VerifyBags
from handcart.acts.errors import ActRefused
from handcart.acts.verbs import Work
from handcart.batches import ops as batches
from handcart.batches import states as batch_states
from handcart.batches.models import Batch
from handcart.batches.ops import AskedOrder
from handcart.core import clock, code128
from handcart.core.db import Tx
from handcart.core.errors import ApiError, Refused
from handcart.core.web.browser import PageRefused
from handcart.core.web.versions import Changed, version_of
from handcart.orders import ops as orders
from handcart.orders import states
from handcart.orders.models import CARRIED, PICKUP, WEIGHT_CLASSES, Bag, CameBack, Order
from handcart.shoppers import ops as shoppers
from handcart.shoppers import queries as people
from handcart.staff import audit, roles
from handcart.staff.models import Actor

#: Maximum number of bags of an order, and of bottles that come back.
MOST_BAGS = 60
MOST_BOTTLES = 1000
MOST_ITEMS = 10_000
MOST_PLACE = 40
MOST_CODE = 40
KINDS = ("ambient", "cold", "frozen")


class At(Struct, frozen=True):
    """A store, with the slug of its retailer."""

    retailer_id: int
    slug: str
    store_number: int


class StoreRefused(Refused):
    """An operation is refused. `reason` names the sentence; `about` is what it is about, such as codes of bags."""

    def __init__(self, reason: str, about: str = "") -> None:
        super().__init__(f"{reason} {about}".strip())
        self.reason = reason
        self.about = about


class Staging(Struct, frozen=True):
    """What a person says of an order's bags. `bags`: how many of each of `KINDS`; `codes`: as scanned, or none.

    `codes` of an order with labelled bags are compared with the labels.
    """

    items: int | None
    bags: Sequence[int]
    weight_class: str
    place: str
    codes: Sequence[str]


def version(order: Order, batch: Batch | None) -> str:
    """What a person sees of an order when they decide."""
    of_batch = (batch.id, batch.workflow_state, batch.accepted_at) if batch is not None and batch.is_live else None
    details = order.details
    return version_of(
        order.status, order.window_ends_at, of_batch, details.staged_at, details.verified_at, details.missing_at,
        details.returning, details.came_back is None,
    )  # fmt: skip


async def stage(tx: Tx, actor: Actor, at: At, order_id: str, seen: str, mark: str, staging: Staging) -> None:
    """Record that the bags of an order are in the staging area, with their labels. A second call replaces them.

    Bags without scanned codes get codes from `mark`. A pickup order is staged for its shopper, who has brought the bags
    to the store's people.
    """
    order, batch = await _lock(tx, actor, at, order_id, seen)
    count = sum(staging.bags)
    if not staging.place or len(staging.place) > MOST_PLACE or not staging.place.isprintable():
        raise StoreRefused("place")
    if staging.weight_class not in WEIGHT_CLASSES:
        raise StoreRefused("weight_class")
    if order.kind in CARRIED:
        bags = _labelled(staging, mark)
        details = {
            "items_count": order.details.items_count if staging.items is None else staging.items,
            "bags_count": count,
            "weight_class": staging.weight_class,
            "bag_label": order.details.bag_label or mark,
            "bag_scan_codes": [bag.code for bag in bags],
            "bags": bags,
        }
        try:
            await orders.set_staged(tx, at.retailer_id, order, details)
        except ApiError:
            raise StoreRefused("not_now") from None
    else:
        await _stage_pickup(tx, actor, at, order, batch, staging, mark)
    detail = {"bags": count or len(order.details.bags), "place": staging.place}
    await _record(tx, actor, at, "stage_order", order_id, {"what": "staged", **detail})


async def _stage_pickup(
    tx: Tx, actor: Actor, at: At, order: Order, batch: Batch | None, staging: Staging, mark: str
) -> None:
    if order.kind != PICKUP or order.status not in batch_states.HANDED_ON:
        raise StoreRefused("not_now")
    if batch is None:
        shopper_id = await shoppers.shadow_of_staff(tx, at.retailer_id, actor.id or 0)
        batch = await batches.generate(tx, at.retailer_id, shopper_id, [AskedOrder(order.order_id)])
    work = Work(at.retailer_id, batch, in_store=True)
    scans = list(staging.codes)
    if not order.details.bags:
        bags = _labelled(staging, mark)
        packed = [PackedBag(bag.code, bag.kind) for bag in bags]  # type: ignore[arg-type]
        await _do(tx, work, "bag", Pack(order.order_id, packed))
        scans = [bag.code for bag in bags]
    await _do(tx, work, "stage", Stage(order.order_id, staging.place, scans))


def _labelled(staging: Staging, mark: str) -> list[Bag]:
    """The bags with their codes and their place: cold and frozen ones last."""
    count = sum(staging.bags)
    if not 1 <= count <= MOST_BAGS:
        raise StoreRefused("bags")
    codes = list(staging.codes) or [f"{mark}-{number}" for number in range(1, count + 1)]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise StoreRefused("same_bag", ", ".join(twice))
    if len(codes) != count:
        raise StoreRefused("codes_count", f"{len(codes)} / {count}")
    wrong = [code for code in codes if len(code) > MOST_CODE or not code128.is_possible(code)]
    if wrong:
        raise StoreRefused("code", wrong[0])
    kinds = [kind for kind, many in zip(KINDS, staging.bags, strict=True) for _ in range(many)]
    return [Bag(code, kind, staging.place) for code, kind in zip(codes, kinds, strict=True)]


async def hand_over(
    tx: Tx, actor: Actor, at: At, order_id: str, seen: str, codes: Sequence[str], foreign: Mapping[str, str]
) -> None:
    """Hand the bags of an order to the shopper who carries it: the scanned codes must be those of its bags.

    `foreign`: the marks of the orders that other codes belong to. The shopper is at the store then.
    """
    order, batch = await _lock(tx, actor, at, order_id, seen)
    if batch is None or batch.type != "delivery_only" or await people.is_nobody(tx, at.retailer_id, batch.shopper_id):
        raise StoreRefused("no_shopper")
    if order.kind in CARRIED and order.details.staged_at is None:
        raise StoreRefused("not_staged")
    _refuse_foreign(foreign)
    work = Work(at.retailer_id, batch, in_store=True)
    if batch.workflow_state in (batch_states.BRAND_NEW, batch_states.ACKNOWLEDGED):
        await _do(tx, work, "arrive", Nothing())
    await _do(tx, work, "verify_bags", VerifyBags(order_id, list(codes)))
    await _record(tx, actor, at, "hand_over", order_id, {"what": "handed over", "bags": len(codes)})


async def take(tx: Tx, actor: Actor, at: At, order_id: str, seen: str) -> None:
    """Take the batch of a customer who is at the store: the actor brings the order out."""
    order, batch = await _lock(tx, actor, at, order_id, seen)
    await _take(tx, actor, at, order, batch)
    await _record(tx, actor, at, "bring_out", order_id, {"what": "taken"})


async def _take(tx: Tx, actor: Actor, at: At, order: Order, batch: Batch | None) -> Batch:
    if batch is None or batch.type != "runner_customer":
        raise StoreRefused("not_now")
    if not await people.is_nobody(tx, at.retailer_id, batch.shopper_id):
        raise StoreRefused("taken")
    shopper_id = await shoppers.shadow_of_staff(tx, at.retailer_id, actor.id or 0)
    await batches.generate(tx, at.retailer_id, shopper_id, [AskedOrder(order.order_id)])
    given = await batches.lock(tx, at.retailer_id, batch.id)
    await batches.accept(tx, at.retailer_id, given)
    await orders.keep(tx, at.retailer_id, order)  # so that open pages hear of it
    return given


async def walk_out(tx: Tx, actor: Actor, at: At, order_id: str, seen: str) -> None:
    """Walk out with an order: the customer is told that somebody comes."""
    _, batch = await _lock(tx, actor, at, order_id, seen)
    await _do(tx, await _own(tx, actor, at, batch), "arrive", Nothing())
    await _record(tx, actor, at, "bring_out", order_id, {"what": "walked out"})


async def verify(
    tx: Tx, actor: Actor, at: At, order_id: str, seen: str, *, codes: Sequence[str], foreign: Mapping[str, str]
) -> None:
    """Compare the scanned codes with the bags of an order that is brought out."""
    _, batch = await _lock(tx, actor, at, order_id, seen)
    work = await _own(tx, actor, at, batch)
    _refuse_foreign(foreign)
    await _do(tx, work, "verify_bags", VerifyBags(order_id, list(codes)))
    await _record(tx, actor, at, "bring_out", order_id, {"what": "bags checked", "bags": len(codes)})


async def give(
    tx: Tx, actor: Actor, at: At, order_id: str, seen: str, *, pin: str | None, age: str | None
) -> StoreRefused | None:
    """Give an order to its customer. Returns a refusal whose change is kept: a wrong PIN is counted."""
    _, batch = await _lock(tx, actor, at, order_id, seen)
    work = await _own(tx, actor, at, batch)
    refused = await _deliver(tx, work, order_id, pin, age)
    if refused is None:
        await _record(tx, actor, at, "bring_out", order_id, {"what": "given to the customer"})
    return refused


async def cannot_find(tx: Tx, actor: Actor, at: At, order_id: str, seen: str) -> None:
    """Record that the runner cannot find the customer's car: the customer is told."""
    _, batch = await _lock(tx, actor, at, order_id, seen)
    await _do(tx, await _own(tx, actor, at, batch), "cannot_reach", OfOrder(order_id))
    await _record(tx, actor, at, "bring_out", order_id, {"what": "customer not found"})


async def bring_back(tx: Tx, actor: Actor, at: At, order_id: str, seen: str) -> None:
    """Put an order that nobody takes back into the staging area: the customer is asked to come inside."""
    _, batch = await _lock(tx, actor, at, order_id, seen)
    work = await _own(tx, actor, at, batch)
    try:
        await batches.end_early(
            tx, at.retailer_id, work.batch.id, batch_states.UNASSIGNED, "customer not found", actor.name
        )
    except ApiError:
        raise StoreRefused("not_now") from None
    await _record(tx, actor, at, "bring_out", order_id, {"what": "back in the staging area"})


async def give_inside(
    tx: Tx,
    actor: Actor,
    at: At,
    order_id: str,
    seen: str,
    *,
    codes: Sequence[str],
    foreign: Mapping[str, str],
    pin: str | None,
    age: str | None,
) -> StoreRefused | None:
    """Give a staged pickup order to a customer who has come inside: all steps of a runner at once. As `give`."""
    order, batch = await _lock(tx, actor, at, order_id, seen)
    if order.kind != PICKUP or order.status not in (states.STAGED, states.RUNNER_AWAITING):
        raise StoreRefused("not_now")
    _refuse_foreign(foreign)
    if batch is None:
        try:
            await batches.arrive(tx, at.retailer_id, order)
        except ApiError:
            raise StoreRefused("not_now") from None
        batch = await batches.lock_of_order(tx, at.retailer_id, order_id)
    given = await _take(tx, actor, at, order, batch)
    work = Work(at.retailer_id, given, in_store=True)
    await _do(tx, work, "arrive", Nothing())
    await _do(tx, work, "verify_bags", VerifyBags(order_id, list(codes)))
    refused = await _deliver(tx, work, order_id, pin, age)
    if refused is None:
        await _record(tx, actor, at, "bring_out", order_id, {"what": "given to the customer inside"})
    return refused


async def take_back(
    tx: Tx, actor: Actor, at: At, order_id: str, seen: str, *, alcohol_count: int, bag_count: int
) -> None:
    """Confirm that goods are back at the store. An order that nobody got is canceled with that."""
    order, batch = await _lock(tx, actor, at, order_id, seen)
    if order.details.came_back is not None:
        raise StoreRefused("already_done")
    if not (0 <= alcohol_count <= MOST_BOTTLES and 0 <= bag_count <= MOST_BAGS):
        raise StoreRefused("count")
    came_back = CameBack(clock.now(), actor.name, alcohol_count, bag_count)
    order.details.came_back = came_back
    await orders.note(tx, at.retailer_id, order, states.CAME_BACK)
    if order.details.returning is not None and order.status not in states.TERMINAL:
        if batch is None:
            raise StoreRefused("not_now")
        await _do(tx, Work(at.retailer_id, batch, in_store=True), "returned", Returned(order_id, alcohol_count))
    detail = {"what": "taken back", "alcohol": alcohol_count, "bags": bag_count}
    await _record(tx, actor, at, "take_goods_back", order_id, detail)


async def _deliver(tx: Tx, work: Work, order_id: str, pin: str | None, age: str | None) -> StoreRefused | None:
    body = Deliver(order_id, "handed_over", pin=pin or None, age="looked_at" if age else None)
    refused = await _do(tx, work, "deliver", body)
    return None if refused is None else StoreRefused(refused.rule, refused.about)


async def _do(tx: Tx, work: Work, verb: str, body: Struct) -> ActRefused | None:
    """Do what a verb of shoppers' acts does. Returns a refusal whose changes are kept."""
    try:
        return await verbs.VERBS[verb].do(tx, work, body)
    except ActRefused as refused:
        raise StoreRefused(refused.rule, refused.about) from None
    except ApiError:  # a rule of orders or batches that has no sentence of its own
        raise StoreRefused("not_now") from None


async def _own(tx: Tx, actor: Actor, at: At, batch: Batch | None) -> Work:
    """The locked runner's batch that the actor has taken."""
    if batch is None or batch.type != "runner_customer" or batch.accepted_at is None:
        raise StoreRefused("not_now")
    person = await people.staff_of(tx, at.retailer_id, batch.shopper_id)
    if person is None or person.id != actor.id:
        raise StoreRefused("taken")
    return Work(at.retailer_id, batch, in_store=True)


async def _lock(tx: Tx, actor: Actor, at: At, order_id: str, seen: str) -> tuple[Order, Batch | None]:
    """An order of the store and its live batch, locked, if they are as the person saw them."""
    roles.require(actor, "work_in_store", at.retailer_id, at.store_number)
    batch = await batches.lock_of_order(tx, at.retailer_id, order_id)  # a batch is always locked before its orders
    try:
        order = await orders.lock(tx, at.retailer_id, order_id)
    except ApiError:
        raise PageRefused(404, "store_order") from None
    if order.store_number != at.store_number:
        raise PageRefused(404, "store_order")
    if seen != version(order, batch):
        raise Changed
    return order, batch


def _refuse_foreign(foreign: Mapping[str, str]) -> None:
    if foreign:
        raise StoreRefused("bag_of_order", ", ".join(f"{code} ({mark})" for code, mark in sorted(foreign.items())))


async def _record(tx: Tx, actor: Actor, at: At, operation: str, order_id: str, detail: Mapping[str, Any]) -> None:
    subject = f"order/{at.slug}/{order_id}"
    await audit.record(tx, actor, operation, subject, retailer_id=at.retailer_id, detail=detail)
