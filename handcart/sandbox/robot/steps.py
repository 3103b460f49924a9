"""What the robot shopper does in each step of its plan: the verbs of a shopper's app (`acts.verbs`), and events."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from handcart.acts import verbs
from handcart.acts.verbs import Work
from handcart.batches import errors
from handcart.batches import ops as batches
from handcart.batches.models import Batch
from handcart.batches.ops import AskedOrder
from handcart.batches.states import AT_STORE, RECEIPT_SANITY_CHECK
from handcart.core.db import Tx
from handcart.core.errors import invalid
from handcart.orders import ops as orders
from handcart.orders import proof, states
from handcart.orders.errors import too_late
from handcart.orders.models import NOT_FOUND, Order, OrderLine
from handcart.retailers import ops as retailers
from handcart.sandbox.robot import scenarios
from handcart.sandbox.robot.scenarios import Step
from handcart.shoppers import ops as shoppers
from handcart.stores import items


async def _generate(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    shopper = await shoppers.create(tx, retailer_id)
    await batches.generate(tx, retailer_id, shopper.id, [AskedOrder(order_id)], step.value)


async def act(tx: Tx, retailer_id: int, order_id: str, verb: str, body: Mapping[str, Any]) -> None:
    """Do what a shopper's app does with the batch of an order. Raises `ApiError`."""
    work = Work(retailer_id, await batch_of(tx, retailer_id, order_id))
    known = verbs.VERBS[verb]
    refusal = await known.do(tx, work, verbs.read(known, body))
    if refusal is not None:
        raise refusal


async def _advance(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    """Bring the batch to the next state by the verb that leads there."""
    verb = _VERBS[step.value]
    await batch_of(tx, retailer_id, order_id)  # a batch is always locked before its orders
    order = await orders.lock(tx, retailer_id, order_id)
    await act(tx, retailer_id, order_id, verb, await _body(tx, retailer_id, order, verb))
    if verb == "start":
        await act(tx, retailer_id, order_id, "say", {"order": order_id, "phrase": "hello"})


async def _body(tx: Tx, retailer_id: int, order: Order, verb: str) -> Mapping[str, Any]:
    """What the robot says with a verb: all is as the order wants it. It signs for the customer."""
    bags = [bag.code for bag in order.details.bags]
    match verb:
        case "checkout":
            return {"rest_found": True}
        case "bag":
            packed = [{"code": f"BAG-{number}"} for number in range(1, (order.bag_count or 0) + 1)]
            return {"order": order.order_id, "bags": packed}
        case "stage":
            return {"order": order.order_id, "place": "A1", "scans": bags}
        case "verify_bags":
            return {"order": order.order_id, "scans": list(order.details.bag_scan_codes or bags)}
        case "deliver":
            age = "looked_at" if verbs.has_alcohol(order) else None
            rules = (await retailers.retailer(tx, retailer_id)).rules
            if order.details.signature is None and await proof.needs_signature(tx, retailer_id, rules, order):
                await proof.sign(tx, retailer_id, order, order.details.first_name or "Sample Customer", [])
            pin = await proof.code(tx, rules, order)
            said = {"order": order.order_id, "how": "handed_over", "age": age, "pin": pin}
            return {name: value for name, value in said.items() if value is not None}
    return {}


async def _drop_out(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await act(tx, retailer_id, order_id, "drop_out", {"reason": "the robot gives the order back"})


async def _pick(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await batch_of(tx, retailer_id, order_id)
    order = await orders.lock(tx, retailer_id, order_id)
    line = next((line for line in order.lines if line.line_num == step.value), None)
    if line is None:
        raise invalid("line_num")
    verb, more = await _picked(tx, retailer_id, order, line, step.action)
    await act(tx, retailer_id, order_id, verb, {"order": order_id, "line": step.value, **more})


async def _picked(
    tx: Tx, retailer_id: int, order: Order, line: OrderLine, action: str
) -> tuple[str, Mapping[str, Any]]:
    """The verb for a line, and what its body has besides the line."""
    if action == scenarios.FIND:
        return "find", {}
    if action == scenarios.SHORT:
        return "find", {"count": int(line.qty) // 2}
    if action == scenarios.REFUND:
        return "refund", {}
    if line.replacement_items:
        return "replace", {"item": msgspec.to_builtins(line.replacement_items[0])}
    other = await items.another(tx, retailer_id, line.rrc or "", line.qty_unit, ebt_only=order.details.paid_with_ebt)
    return "replace", {"item": {"rrc": other.rrc if other is not None else "substitute"}}


async def _take_alternatives(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    """Put what the customer named in the place of refused replacements: the store has it."""
    await batch_of(tx, retailer_id, order_id)
    order = await orders.lock(tx, retailer_id, order_id)
    for line in order.lines:
        if line.status == NOT_FOUND and line.alternative is not None and not line.is_removed:
            one = line.alternative
            said = {"item": msgspec.to_builtins(one.item), "count": one.count, "weight": one.weight}
            body = {"order": order_id, "line": line.line_num, **said}
            await act(tx, retailer_id, order_id, "replace", body)


async def _take_back(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await act(tx, retailer_id, order_id, "bring_back", {"order": order_id, "reason": "alcohol_only"})


async def _unbatch(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await batches.unbatch(tx, retailer_id, order_id)


async def _cancel(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await batches.cancel(tx, retailer_id, order_id, step.value, step.detail)


async def _happen(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    if step.value == states.MISSING:
        await act(tx, retailer_id, order_id, "cannot_reach", {"order": order_id})
        return
    order = await orders.lock(tx, retailer_id, order_id)
    if order.status in states.TERMINAL:
        raise too_late()
    await orders.note(tx, retailer_id, order, step.value)


async def _tip(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await orders.set_tip(tx, retailer_id, await orders.lock(tx, retailer_id, order_id), int(step.value))


async def batch_of(tx: Tx, retailer_id: int, order_id: str) -> Batch:
    """The live batch of an order, locked; raises `batch_not_found`."""
    batch = await batches.lock_of_order(tx, retailer_id, order_id)
    if batch is None:
        raise errors.batch_not_found()
    return batch


# The verb that brings a batch to a state.
_VERBS: Mapping[str, str] = {
    states.PICKING: "start",
    states.VERIFYING_REPLACEMENTS: "review",
    states.CHECKOUT: "checkout",
    RECEIPT_SANITY_CHECK: "bag",
    states.BAGS_CHECK: "check_bags",
    states.STAGED: "stage",
    AT_STORE: "arrive",
    states.BAGS_VERIFIED: "verify_bags",
    states.DELIVERING: "leave",
    states.COMPLETED: "deliver",
}
ACTIONS: Mapping[str, Callable[[Tx, int, str, Step], Awaitable[None]]] = {
    scenarios.GENERATE: _generate,
    scenarios.ADVANCE: _advance,
    scenarios.FIND: _pick,
    scenarios.SHORT: _pick,
    scenarios.REPLACE: _pick,
    scenarios.REFUND: _pick,
    scenarios.WAIT: _take_alternatives,
    scenarios.TAKE_BACK: _take_back,
    scenarios.DROP_OUT: _drop_out,
    scenarios.UNBATCH: _unbatch,
    scenarios.CANCEL: _cancel,
    scenarios.HAPPEN: _happen,
    scenarios.TIP: _tip,
}
