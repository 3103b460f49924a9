"""A robot shopper: takes an order through a scenario, at once or step by step by the retailer's clock.

It does what a shopper does with the app, by the same verbs (`acts.verbs`).

A run is a row with its plan. Steps are performed in sequence, each with its due time, whether the clock ran or was
moved there: so the same seed, scenario and moves of the clock give the same history.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from handcart.acts import verbs
from handcart.acts.verbs import Work
from handcart.batches import errors
from handcart.batches import ops as batches
from handcart.batches.models import Batch
from handcart.batches.ops import AskedOrder
from handcart.batches.states import AT_STORE, RECEIPT_SANITY_CHECK
from handcart.core import clock, log
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Tx, Unavailable
from handcart.core.errors import ApiError, invalid
from handcart.orders import later, states
from handcart.orders import ops as orders
from handcart.orders.errors import too_late
from handcart.orders.models import Order, OrderLine
from handcart.sandbox import state as sandbox
from handcart.sandbox.robot import scenarios
from handcart.sandbox.robot.errors import no_scenario_for_it
from handcart.sandbox.robot.scenarios import Step
from handcart.sandbox.state import Robot
from handcart.shoppers import ops as shoppers
from handcart.stores import items

INSTANTLY = "instantly"
# Seconds of a plan per second of the clock.
SPEEDS: Mapping[str, int] = {"real_time": 1, "x60": 60}
MOST_AT_ONCE = 10_000
PAUSE_SECONDS = 0.25


class Run(Struct, kw_only=True):
    """An order handled by the robot. `done` of its `steps` were performed; `stopped`: why it ended early.

    `due_at`: when the next step is due, in microseconds; None if there is none.
    """

    order_id: str
    scenario: str
    seed: int
    pace: str
    steps: Sequence[Step]
    started_at: int
    done: int = 0
    due_at: int | None = None
    stopped: str | None = None


async def start(tx: Tx, retailer_id: int, order_id: str, scenario: str, seed: int, pace: str) -> Run:
    """Start the robot on an order that waits for a shopper, and perform the steps that are due at once.

    Raises 404 for an unknown order, `not_waiting` for one that another shopper has, and `no_scenario_for_it`.
    """
    order = await orders.lock(tx, retailer_id, order_id)
    if order.status != states.BRAND_NEW or await batches.lock_of_order(tx, retailer_id, order_id) is not None:
        raise errors.not_waiting()
    steps = scenarios.plan(scenario, order, seed)
    if not steps:
        raise no_scenario_for_it(scenarios.SCENARIOS[scenario].kinds)
    now = clock.now()
    run = Run(order_id=order_id, scenario=scenario, seed=seed, pace=pace, steps=steps, started_at=now)
    run.due_at = now + _wait(run)
    if pace == INSTANTLY:
        await _do_due(tx, retailer_id, run, now)
    await _save(tx, retailer_id, run)
    return run


async def find(tx: Tx, retailer_id: int, order_id: str) -> Run | None:
    """The run of an order, also a finished one."""
    row = await tx.one("SELECT run FROM robot_runs WHERE retailer_id = $1 AND order_id = $2", retailer_id, order_id)
    return None if row is None else msgspec.json.decode(row["run"], type=Run)


async def stop(tx: Tx, retailer_id: int, run: Run) -> Run:
    """Stop the robot on an order; the order keeps its state."""
    run.stopped, run.due_at = "stopped by a call", None
    await _save(tx, retailer_id, run)
    return run


async def perform(tx: Tx, retailer_id: int, until: int) -> None:
    """Perform all steps of a retailer that are due by `until`, and the orders' later events, each with its due time."""
    for _ in range(MOST_AT_ONCE):
        row = await tx.one(
            "SELECT run FROM robot_runs WHERE retailer_id = $1 AND due_at <= $2 ORDER BY due_at, order_id LIMIT 1"
            " FOR UPDATE",
            retailer_id,
            until,
        )
        if row is None:
            break
        run = msgspec.json.decode(row["run"], type=Run)
        assert run.due_at is not None
        await later.perform(tx, retailer_id, run.due_at)
        with clock.using(VirtualClock(frozen_at=run.due_at)):
            await _do_due(tx, retailer_id, run, run.due_at)
        await _save(tx, retailer_id, run)
    await later.perform(tx, retailer_id, until)


async def follow(database: Database) -> None:
    """Perform due steps of all retailers, by their clocks, until cancelled."""
    while True:
        try:
            for retailer_id in await database.read(_waiting):
                if await database.read(_has_work, retailer_id):
                    await database.write(tick, retailer_id)
        except Unavailable as error:  # try again later
            log.warning("robot shopper waits", cause=str(error))
        except Exception as error:
            log.exception("robot shopper failed", error)
        await asyncio.sleep(PAUSE_SECONDS)


async def tick(tx: Tx, retailer_id: int) -> None:
    """Perform steps due by the retailer's clock, and take new orders if that is switched on."""
    state = await sandbox.load(tx, retailer_id)
    now = state.now
    if state.robot is not None:
        with clock.using(VirtualClock(frozen_at=now)):
            for order_id in await _new_orders(tx, retailer_id):
                await _take(tx, retailer_id, order_id, state.robot)
    await perform(tx, retailer_id, now)


async def _waiting(tx: Tx) -> Sequence[int]:
    """The retailers with unfinished runs, or whose new orders the robot takes automatically."""
    rows = await tx.all("SELECT DISTINCT retailer_id FROM robot_runs WHERE due_at IS NOT NULL")
    return sorted({row["retailer_id"] for row in rows} | set(await sandbox.with_robot(tx)))


async def _has_work(tx: Tx, retailer_id: int) -> bool:
    state = await sandbox.load(tx, retailer_id)
    due = await tx.one(
        "SELECT order_id FROM robot_runs WHERE retailer_id = $1 AND due_at <= $2 LIMIT 1", retailer_id, state.now
    )
    return due is not None or (state.robot is not None and bool(await _new_orders(tx, retailer_id)))


async def _new_orders(tx: Tx, retailer_id: int) -> Sequence[str]:
    rows = await tx.all(
        "SELECT order_id FROM orders WHERE retailer_id = $1 AND status = $2 AND NOT EXISTS (SELECT 1 FROM robot_runs"
        " WHERE robot_runs.retailer_id = orders.retailer_id AND robot_runs.order_id = orders.order_id)"
        " AND NOT EXISTS (SELECT 1 FROM batch_orders b"
        " WHERE b.retailer_id = orders.retailer_id AND b.order_id = orders.order_id AND b.is_live)"
        " ORDER BY number LIMIT 100",
        retailer_id,
        states.BRAND_NEW,
    )
    return [row["order_id"] for row in rows]


async def _take(tx: Tx, retailer_id: int, order_id: str, robot: Robot) -> None:
    """Start an order with the scenario for new orders, or with the happy path if that does not fit the order."""
    order = await orders.lock(tx, retailer_id, order_id)
    suits = bool(scenarios.plan(robot.scenario, order, robot.seed))
    await start(tx, retailer_id, order_id, robot.scenario if suits else scenarios.HAPPY_PATH, robot.seed, robot.pace)


def _wait(run: Run) -> int:
    """The wait until the next step of a run, in microseconds."""
    return 0 if run.pace == INSTANTLY else run.steps[run.done].after * clock.SECOND // SPEEDS[run.pace]


async def _do_due(tx: Tx, retailer_id: int, run: Run, until: int) -> None:
    while run.due_at is not None and run.due_at <= until:
        await _do_next(tx, retailer_id, run)


async def _save(tx: Tx, retailer_id: int, run: Run) -> None:
    await tx.run(
        "INSERT INTO robot_runs (retailer_id, order_id, run, due_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (retailer_id, order_id) DO UPDATE SET run = excluded.run, due_at = excluded.due_at",
        retailer_id,
        run.order_id,
        msgspec.json.encode(run).decode(),
        run.due_at,
    )


async def _do_next(tx: Tx, retailer_id: int, run: Run) -> None:
    """Perform the next step; the robot stops if somebody else has moved the order."""
    assert run.due_at is not None
    step = run.steps[run.done]
    try:
        await tx.attempt(_ACTIONS[step.action], retailer_id, run.order_id, step)
    except ApiError as refusal:
        run.stopped, run.due_at = f"{step.action}: {refusal.message}", None
        return
    run.done += 1
    run.due_at = run.due_at + _wait(run) if run.done < len(run.steps) else None


async def _generate(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    shopper = await shoppers.create(tx, retailer_id)
    await batches.generate(tx, retailer_id, shopper.id, [AskedOrder(order_id)], step.value)


async def _act(tx: Tx, retailer_id: int, order_id: str, verb: str, body: Mapping[str, Any]) -> None:
    """Do what a shopper's app does with the batch of an order."""
    work = Work(retailer_id, await _batch(tx, retailer_id, order_id))
    known = verbs.VERBS[verb]
    refusal = await known.do(tx, work, verbs.read(known, body))
    if refusal is not None:
        raise refusal


async def _advance(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    """Bring the batch to the next state by the verb that leads there."""
    verb = _VERBS[step.value]
    await _batch(tx, retailer_id, order_id)  # a batch is always locked before its orders
    order = await orders.lock(tx, retailer_id, order_id)
    await _act(tx, retailer_id, order_id, verb, await _body(tx, order, verb))


async def _body(tx: Tx, order: Order, verb: str) -> Mapping[str, Any]:
    """What the robot says with a verb: all is as the order wants it."""
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
            said = {"order": order.order_id, "how": "handed_over", "age": age, "pin": await verbs.pin_of(tx, order)}
            return {name: value for name, value in said.items() if value is not None}
    return {}


async def _drop_out(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await _act(tx, retailer_id, order_id, "drop_out", {"reason": "the robot gives the order back"})


async def _pick(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await _batch(tx, retailer_id, order_id)
    order = await orders.lock(tx, retailer_id, order_id)
    line = next((line for line in order.lines if line.line_num == step.value), None)
    if line is None:
        raise invalid("line_num")
    verb, more = await _picked(tx, retailer_id, order, line, step.action)
    await _act(tx, retailer_id, order_id, verb, {"order": order_id, "line": step.value, **more})


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


async def _take_back(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await _act(tx, retailer_id, order_id, "bring_back", {"order": order_id, "reason": "alcohol_only"})


async def _unbatch(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await batches.unbatch(tx, retailer_id, order_id)


async def _cancel(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await batches.cancel(tx, retailer_id, order_id, step.value, step.detail)


async def _happen(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    if step.value == states.MISSING:
        await _act(tx, retailer_id, order_id, "cannot_reach", {"order": order_id})
        return
    order = await orders.lock(tx, retailer_id, order_id)
    if order.status in states.TERMINAL:
        raise too_late()
    await orders.note(tx, retailer_id, order, step.value)


async def _tip(tx: Tx, retailer_id: int, order_id: str, step: Step) -> None:
    await orders.set_tip(tx, retailer_id, await orders.lock(tx, retailer_id, order_id), int(step.value))


async def _batch(tx: Tx, retailer_id: int, order_id: str) -> Batch:
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
_ACTIONS: Mapping[str, Callable[[Tx, int, str, Step], Awaitable[None]]] = {
    scenarios.GENERATE: _generate,
    scenarios.ADVANCE: _advance,
    scenarios.FIND: _pick,
    scenarios.SHORT: _pick,
    scenarios.REPLACE: _pick,
    scenarios.REFUND: _pick,
    scenarios.TAKE_BACK: _take_back,
    scenarios.DROP_OUT: _drop_out,
    scenarios.UNBATCH: _unbatch,
    scenarios.CANCEL: _cancel,
    scenarios.HAPPEN: _happen,
    scenarios.TIP: _tip,
}
