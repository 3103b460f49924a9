"""What a person can do with a batch: each verb with its body (`bodies`), and the operations that it calls.

A program that works for a shopper calls the same verbs. docs/acts.md is generated from `VERBS`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, structs

from handcart.acts.bodies import (
    Add,
    BringBack,
    Checkout,
    Deliver,
    DropOut,
    Find,
    Nothing,
    OfLine,
    OfOrder,
    Pack,
    Read,
    Replace,
    Returned,
    Say,
    ScannedCode,
    Stage,
    VerifyBags,
)
from handcart.acts.errors import ActRefused
from handcart.batches import ops as batches
from handcart.batches import picking
from handcart.batches import queries as batch_queries
from handcart.batches import states as batch_states
from handcart.batches.models import Batch
from handcart.batches.picking import Picked
from handcart.chat import ops as chat
from handcart.chat.models import SHOPPER, Said, Sender
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.orders import ops as orders
from handcart.orders import proof, replacements, states
from handcart.orders.models import (
    CARRIED,
    FOUND,
    NOT_FOUND,
    PICKUP,
    REPLACED,
    TO_REFUND,
    Bag,
    Order,
    OrderLine,
    Proof,
    Scan,
)
from handcart.pictures import ops as pictures
from handcart.pictures.models import subject_of_act
from handcart.retailers import ops as retailers
from handcart.retailers.models import Rules
from handcart.slots import rules as slots
from handcart.stores import carts
from handcart.stores import queries as stores

#: Wrong PINs after which no PIN counts for an order, until a dispatcher unlocks it.
MOST_WRONG_PINS = 5


class Work(Struct, frozen=True):
    """The batch that an act is about, locked, and who acts. `person_id` and `act_id`: None for a program.

    `done_at`: when the act was done, as its device says, by the retailer's clock; None: now. `in_store`: a person of
    the store acts, who is no shopper.
    """

    retailer_id: int
    batch: Batch
    person_id: int | None = None
    act_id: str | None = None
    seen_version: int | None = None
    done_at: int | None = None
    in_store: bool = False


# How a returned order is canceled: docs/wire-choices.md.
CANCELLATIONS: Mapping[str, tuple[str, str]] = {
    "nobody_there": ("customer_driven", "customer mia"),
    "not_of_age": ("other", "unknown"),
    "customer_refused": ("other", "unknown"),
    "wrong_address": ("shopper_driven", "shopper could not find address"),
    "no_access": ("shopper_driven", "unable to access location"),
    "not_signed": ("other", "unknown"),
    "goods_damaged": ("other", "item and replacement issues"),
}


async def _accept(tx: Tx, work: Work, body: Nothing) -> None:
    if work.batch.accepted_at is not None:
        raise ActRefused("already_done")
    await batches.accept(tx, work.retailer_id, work.batch)


async def _start(tx: Tx, work: Work, body: Nothing) -> None:
    await _bring(tx, work, states.PICKING, batch_states.BRAND_NEW, batch_states.ACKNOWLEDGED)


async def _find(tx: Tx, work: Work, body: Find) -> None:
    line, is_news = await _picked_line(tx, work, body.order, body.line)
    if is_news and line.status != NOT_FOUND:
        if line.status != FOUND:
            raise _changed(work, line)
        shown = _evidence(line, line.scans, line.delivered_count, line.delivered_weight)
        if shown >= _evidence(line, body.scans or (), body.count, body.weight):
            return
    picked = Picked(FOUND, body.count, body.weight, None, _scans(body.scans), body.unscanned, work.person_id)
    await picking.update(tx, work.retailer_id, work.batch.shopper_id, body.order, body.line, picked)


async def _replace(tx: Tx, work: Work, body: Replace) -> None:
    line, is_news = await _picked_line(tx, work, body.order, body.line)
    if line.replacement_policy == "no_replacements":
        raise ActRefused("no_replacements")
    if not (body.item.upc or body.item.rrc):
        raise ActRefused("invalid", "item")
    if is_news and line.status != NOT_FOUND:
        raise _changed(work, line)
    if _is_chosen(work, line) and not replacements.is_wish(line, body.item):
        raise ActRefused("customer_chose")
    if replacements.is_refused(line, body.item):
        raise ActRefused("customer_refused")
    picked = Picked(REPLACED, body.count, body.weight, body.item, _scans(body.scans), body.unscanned, work.person_id)
    await picking.update(tx, work.retailer_id, work.batch.shopper_id, body.order, body.line, picked)


async def _refund(tx: Tx, work: Work, body: OfLine) -> None:
    await _give_up(tx, work, body, TO_REFUND)


async def _put_back(tx: Tx, work: Work, body: OfLine) -> None:
    await _give_up(tx, work, body, NOT_FOUND)


async def _give_up(tx: Tx, work: Work, body: OfLine, status: str) -> None:
    line, is_news = await _picked_line(tx, work, body.order, body.line)
    if is_news and line.status == status:
        return
    if is_news and line.status != NOT_FOUND:
        raise _changed(work, line)
    if _is_chosen(work, line) and replacements.wishes(line):
        raise ActRefused("customer_chose")
    picked = Picked(status, 0 if status == TO_REFUND else None, by=work.person_id)
    await picking.update(tx, work.retailer_id, work.batch.shopper_id, body.order, body.line, picked)


async def _add(tx: Tx, work: Work, body: Add) -> None:
    order = await _order(tx, work, body.order)
    if not states.may(order.kind, order.status, states.CHANGE_ITEMS):
        raise ActRefused("not_picking")
    if not (body.item.upc or body.item.rrc):
        raise ActRefused("invalid", "item")
    picked = Picked(None, body.count, body.weight, body.item, _scans(body.scans), by=work.person_id)
    if len(order.lines) >= carts.MOST_LINES:
        raise ActRefused("order_full")
    await picking.add(tx, work.retailer_id, work.batch.shopper_id, body.order, picked)


async def _review(tx: Tx, work: Work, body: Nothing) -> None:
    await _bring(tx, work, states.VERIFYING_REPLACEMENTS, states.PICKING)


async def _checkout(tx: Tx, work: Work, body: Checkout) -> None:
    _expect(work, states.CHECKOUT, states.PICKING, states.VERIFYING_REPLACEMENTS)
    going = await batches.lock_orders(tx, work.retailer_id, work.batch)
    left = [line.line_num for order in going for line in order.lines if not line.is_removed and _is_open(line)]
    if left and not body.rest_found:
        raise ActRefused("lines_open", ", ".join(left[:10]))
    if body.receipt_number is not None or body.total_cents is not None:
        for order in going:
            receipt = {"receipt_number": body.receipt_number, "receipt_cents": body.total_cents}
            order.details = structs.replace(order.details, **receipt)
            await orders.note(tx, work.retailer_id, order, states.PAID)
    await batches.bring(tx, work.retailer_id, work.batch, states.CHECKOUT)


async def _bag(tx: Tx, work: Work, body: Pack) -> None:
    _expect(work, "", states.CHECKOUT, batch_states.RECEIPT_SANITY_CHECK)
    order = await _order(tx, work, body.order)
    if not body.bags and order.bag_count:
        raise ActRefused("no_bags")
    going = await batches.lock_orders(tx, work.retailer_id, work.batch)
    others = [bag.code for one in going if one.order_id != order.order_id for bag in one.details.bags]
    codes = [*others, *(bag.code for bag in body.bags)]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise ActRefused("same_bag", ", ".join(twice))
    order.details = structs.replace(order.details, bags=[Bag(bag.code, bag.kind) for bag in body.bags])
    order.bag_count = len(body.bags)
    await orders.note(tx, work.retailer_id, order, states.BAGGED)
    await batches.settle(tx, work.retailer_id, work.batch)


async def _check_bags(tx: Tx, work: Work, body: Nothing) -> None:
    await _bring(tx, work, states.BAGS_CHECK, batch_states.RECEIPT_SANITY_CHECK)


async def _stage(tx: Tx, work: Work, body: Stage) -> None:
    _expect(work, states.STAGED, batch_states.RECEIPT_SANITY_CHECK, states.BAGS_CHECK)
    if work.batch.workflow_state != states.BAGS_CHECK:
        await batches.bring(tx, work.retailer_id, work.batch, states.BAGS_CHECK)
    order = await _order(tx, work, body.order)
    _compare([bag.code for bag in order.details.bags], body.scans)
    bags = [structs.replace(bag, place=body.place) for bag in order.details.bags]
    order.details = structs.replace(order.details, bags=bags, staged_at=clock.now())
    await orders.note(tx, work.retailer_id, order, states.PUT_AWAY)
    await batches.settle(tx, work.retailer_id, work.batch)


async def _arrive(tx: Tx, work: Work, body: Nothing) -> None:
    await _bring(tx, work, batch_states.AT_STORE, batch_states.BRAND_NEW, batch_states.ACKNOWLEDGED)


async def _verify_bags(tx: Tx, work: Work, body: VerifyBags) -> None:
    _expect(work, states.BAGS_VERIFIED, batch_states.AT_STORE)
    order = await _order(tx, work, body.order)
    codes = order.details.bag_scan_codes or [bag.code for bag in order.details.bags]
    if codes:
        _compare(codes, body.scans)
    order.details = structs.replace(order.details, verified_at=clock.now())
    await orders.note(tx, work.retailer_id, order, states.CHECKED)
    await batches.settle(tx, work.retailer_id, work.batch)


async def _leave(tx: Tx, work: Work, body: Nothing) -> None:
    before = states.BAGS_VERIFIED if work.batch.type == "delivery_only" else batch_states.RECEIPT_SANITY_CHECK
    await _bring(tx, work, states.DELIVERING, before)


async def _cannot_reach(tx: Tx, work: Work, body: OfOrder) -> None:
    order = await _order(tx, work, body.order)
    if order.status not in (states.DELIVERING, states.USER_AT_STORE, states.BAGS_VERIFIED):
        raise ActRefused("not_now")
    if order.details.missing_at is not None:
        raise ActRefused("already_done")
    order.details = structs.replace(order.details, missing_at=clock.now())
    await orders.note(tx, work.retailer_id, order, states.MISSING)


async def _deliver(tx: Tx, work: Work, body: Deliver) -> ActRefused | None:
    _expect(work, "", states.BAGS_VERIFIED if work.batch.type == "runner_customer" else states.DELIVERING)
    order = await _order(tx, work, body.order)
    if order.details.returning is not None:
        raise ActRefused("order_returning")
    rules = (await retailers.retailer(tx, work.retailer_id)).rules
    pin = await proof.code(tx, rules, order)
    is_certified = await proof.needs_signature(tx, work.retailer_id, rules, order)
    if body.how == "left":
        if has_alcohol(order) or order.kind == PICKUP or pin is not None or is_certified:
            raise ActRefused("must_hand_over")
        if rules.door_photo and not body.photo:
            raise ActRefused("photo_needed")
    else:
        if has_alcohol(order) and not await _is_alcohol_hour(tx, work, rules, order):
            raise ActRefused("alcohol_hours")
        if pin is not None and body.pin is None:
            raise ActRefused("pin_needed")
        if pin is not None and is_pin_locked(order):
            raise ActRefused("pin_locked")
        if pin is not None and body.pin != pin:
            order.details.wrong_pins += 1
            await orders.keep(tx, work.retailer_id, order)
            return ActRefused("wrong_pin")
        if has_alcohol(order) and body.age is None:
            raise ActRefused("age_needed")
        if is_certified and order.details.signature is None:
            raise ActRefused("signature_needed")
    signature = order.details.signature
    shown = Proof(
        work.act_id or "",
        body.how,
        body.age,
        body.received_by,
        has_photo=body.photo,
        has_pin=body.pin is not None,
        person_id=work.person_id,
        signer=None if signature is None else signature.name,
        signature_picture=signature is not None and signature.is_drawn,
    )
    if shown.has_photo and shown.person_id is not None:
        subject = subject_of_act(shown.person_id, shown.act_id)
        await pictures.announce(tx, subject, work.retailer_id, order.order_id)
    await batches.complete(tx, work.retailer_id, work.batch, body.order, shown)
    return None


async def _bring_back(tx: Tx, work: Work, body: BringBack) -> None:
    _expect(work, "", states.DELIVERING)
    order = await _order(tx, work, body.order)
    if order.details.returning is not None:
        raise ActRefused("already_done")
    if body.reason == "alcohol_only":
        if not has_alcohol(order) or order.kind in CARRIED:
            raise ActRefused("not_now")
        await picking.take_back_alcohol(tx, work.retailer_id, order)
        return
    order.details = structs.replace(order.details, returning=body.reason)
    await orders.note(tx, work.retailer_id, order, states.TURNED_BACK)


async def _returned(tx: Tx, work: Work, body: Returned) -> None:
    order = await _order(tx, work, body.order)
    if order.details.returning is None:
        raise ActRefused("not_returning")
    await batches.cancel(tx, work.retailer_id, body.order, *CANCELLATIONS[order.details.returning])


async def _drop_out(tx: Tx, work: Work, body: DropOut) -> None:
    try:
        await batches.end_early(tx, work.retailer_id, work.batch.id, batch_states.DROPPED_OUT, body.reason)
    except ApiError:
        raise ActRefused("too_late") from None


async def _say(tx: Tx, work: Work, body: Say) -> None:
    order = await _order(tx, work, body.order)
    said = Said(body.text, body.phrase, act_id=work.act_id, has_picture=body.picture)
    try:
        await chat.say(tx, work.retailer_id, order, Sender(SHOPPER, work.person_id), said)
    except ApiError as error:
        raise _unsaid(error) from None


def _unsaid(error: ApiError) -> ActRefused:
    """Why the chat does not take a message."""
    if error.status == 403:
        return ActRefused("chat_closed")
    if error.status == 429:
        return ActRefused("many_messages")
    return ActRefused("invalid", {"body": "text"}.get(error.key or "", error.key or "it"))


async def _read(tx: Tx, work: Work, body: Read) -> None:
    order = await _order(tx, work, body.order)
    await chat.mark_read(tx, work.retailer_id, order, SHOPPER, int(body.until))


class Verb(Struct, frozen=True):
    """A verb. `about`: what it means; `body`: its fields.

    `do` raises a refusal of an act that changes nothing, and returns a refusal whose changes are kept.
    """

    name: str
    body: type[Struct]
    do: Callable[[Tx, Work, Any], Awaitable[ActRefused | None]]
    about: str


_VERBS = (
    Verb("accept", Nothing, _accept, "The shopper takes the work."),
    Verb("start", Nothing, _start, "The shopper begins to pick."),
    Verb("find", Find, _find, "An item was found; with less than was ordered, it is short."),
    Verb("replace", Replace, _replace, "Another item takes the place of one that is not there."),
    Verb("refund", OfLine, _refund, "Neither the item nor another one is there: it is refunded."),
    Verb("put_back", OfLine, _put_back, "An item goes back on its shelf, and its line is open again."),
    Verb("add", Add, _add, "The customer asked for one more item."),
    Verb("review", Nothing, _review, "All lines have a report; the customer looks at the replacements."),
    Verb("checkout", Checkout, _checkout, "The goods are paid."),
    Verb("bag", Pack, _bag, "The bags of an order have labels; with the last order, the batch can leave the till."),
    Verb("check_bags", Nothing, _check_bags, "Pickup: the shopper begins to check the bags."),
    Verb("stage", Stage, _stage, "Pickup: the bags of an order are put away; with the last order, all are staged."),
    Verb("arrive", Nothing, _arrive, "Last mile: the shopper is at the store. Pickup: the customer is there."),
    Verb("verify_bags", VerifyBags, _verify_bags, "The bags of an order are those that belong to it."),
    Verb("leave", Nothing, _leave, "The shopper drives to the customers."),
    Verb("cannot_reach", OfOrder, _cannot_reach, "Nobody is there to take an order. Counted once."),
    Verb("deliver", Deliver, _deliver, "The customer has an order; the batch ends with the last one."),
    Verb("bring_back", BringBack, _bring_back, "An order, or its alcohol, goes back to the store."),
    Verb("returned", Returned, _returned, "An order is back at the store, and is canceled."),
    Verb("say", Say, _say, "The shopper writes to the customer."),
    Verb("read", Read, _read, "The shopper has read what the customer wrote."),
    Verb("drop_out", DropOut, _drop_out, "The shopper gives the work back."),
)
VERBS: Mapping[str, Verb] = {verb.name: verb for verb in _VERBS}


def read(verb: Verb, body: Mapping[str, Any]) -> Struct:
    """The body of an act; refuses one that does not have the verb's form."""
    try:
        return msgspec.convert(body, verb.body)
    except msgspec.ValidationError as error:
        raise ActRefused("invalid", str(error).rpartition("`")[0].rpartition("`")[2].lstrip("$.") or "it") from None


def has_alcohol(order: Order) -> bool:
    """Whether the customer gets alcohol with an order: it has some, and it is not all refunded."""
    marked = [line for line in order.lines if line.is_alcohol and not line.is_removed]
    return order.has_alcohol and not (marked and all(line.status == TO_REFUND for line in marked))


def is_pin_locked(order: Order) -> bool:
    """Whether too many wrong PINs were given for an order: no PIN counts until a dispatcher unlocks it."""
    return order.details.wrong_pins >= MOST_WRONG_PINS


async def _is_alcohol_hour(tx: Tx, work: Work, rules: Rules, order: Order) -> bool:
    """Whether a person may hand over alcohol when the act was done; a program that works for nobody always may."""
    if work.person_id is None and not work.in_store:
        return True
    store = await stores.store_by_number(tx, work.retailer_id, order.store_number)
    assert store is not None
    return slots.allows_alcohol_at(rules, store, clock.now() if work.done_at is None else work.done_at)


def _expect(work: Work, target: str, *before: str) -> None:
    """Refuse the act unless the batch is in one of these states; `target` is the state that the act leads to."""
    names = list(batch_states.TYPES[work.batch.type].states)
    if work.batch.workflow_state in before:
        return
    is_past = target in names and names.index(work.batch.workflow_state) >= names.index(target)
    raise ActRefused("already_done" if is_past else "not_now")


async def _bring(tx: Tx, work: Work, target: str, *before: str) -> None:
    """Bring the batch to a state from one of those before. Work that is begun is accepted, too."""
    if target not in batch_states.TYPES[work.batch.type].states:
        raise ActRefused("not_now")
    _expect(work, target, *before)
    if work.batch.accepted_at is None:
        await batches.accept(tx, work.retailer_id, work.batch)
    await batches.bring(tx, work.retailer_id, work.batch, target)


async def _order(tx: Tx, work: Work, order_id: str) -> Order:
    """An order of the batch, locked."""
    if order_id in work.batch.order_ids:
        order = await orders.lock(tx, work.retailer_id, order_id)
        if order.status == states.CANCELED:
            raise ActRefused("order_canceled", goods=batch_states.NOTHING)
        return order
    for left in await batch_queries.left(tx, work.retailer_id, work.batch.id):
        if left.order_id == order_id:
            if left.kind == batch_states.COMPLETED:
                raise ActRefused("order_done")
            raise ActRefused("order_canceled", goods=left.goods)
    raise ActRefused("unknown_order")


async def _picked_line(tx: Tx, work: Work, order_id: str, line_num: str) -> tuple[OrderLine, bool]:
    """A line that may change, and whether somebody changed it after the shopper saw it."""
    order = await _order(tx, work, order_id)
    if not states.may(order.kind, order.status, states.CHANGE_ITEMS):
        raise ActRefused("not_picking")
    line = next((one for one in order.lines if one.line_num == line_num and not one.is_removed), None)
    if line is None:
        raise ActRefused("unknown_line")
    return line, line.version > _seen(work, line)


def _is_chosen(work: Work, line: OrderLine) -> bool:
    """Whether the customer chose replacements, or answered about one, after the shopper saw the line."""
    return line.chosen_version > _seen(work, line)


def _changed(work: Work, line: OrderLine) -> ActRefused:
    """Why an act on a line that has another report now is refused: the customer answered, or a shopper did it."""
    return ActRefused("customer_answered" if line.answered_version > _seen(work, line) else "line_changed")


def _seen(work: Work, line: OrderLine) -> int:
    """The version of a line that the shopper saw.

    A device that names none, or one that the line never had, has not seen what the customer chose.
    """
    is_named = work.seen_version is not None and work.seen_version <= line.version
    if line.chosen_version and work.act_id is not None and not is_named:
        return line.chosen_version - 1
    return line.version if work.seen_version is None else work.seen_version


def _is_open(line: OrderLine) -> bool:
    return line.status == NOT_FOUND


def _evidence(line: OrderLine, scans: Sequence[Any], count: int | None, weight: float | None) -> tuple[int, float]:
    """How much a report shows: scans count more than amounts. Without an amount, all was found."""
    amount = count if line.qty_unit == "each" else weight
    return len(scans), line.qty if amount is None else amount


def _scans(scans: Sequence[ScannedCode] | None) -> Sequence[Scan] | None:
    return None if scans is None else [Scan(one.scanned_string, one.scanned_string_type) for one in scans]


def _compare(codes: Sequence[str], scanned: Sequence[str]) -> None:
    """Refuse bags that are missing, and bags of other orders."""
    missing = sorted(set(codes) - set(scanned))
    if missing:
        raise ActRefused("bag_missing", ", ".join(missing))
    foreign = sorted(set(scanned) - set(codes))
    if foreign:
        raise ActRefused("bag_foreign", ", ".join(foreign))
