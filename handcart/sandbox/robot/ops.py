"""A robot shopper: takes an order through a scenario, at once or step by step by the retailer's clock.

It does what a shopper does with the app, by the same verbs (`acts.verbs`).

A run is a row with its plan. Steps are performed in sequence, each with its due time, whether the clock ran or was
moved there: so the same seed, scenario and moves of the clock give the same history.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

import msgspec
from msgspec import Struct

from handcart.batches import errors
from handcart.batches import ops as batches
from handcart.batches import queries as batch_queries
from handcart.chat import queries as chat
from handcart.chat.models import CUSTOMER
from handcart.core import clock, log
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Tx, Unavailable
from handcart.core.errors import ApiError
from handcart.orders import later, replacements, states
from handcart.orders import ops as orders
from handcart.orders import queries as order_queries
from handcart.retailers import ops as retailers
from handcart.sandbox import state as sandbox
from handcart.sandbox.robot import scenarios, steps
from handcart.sandbox.robot.errors import no_scenario_for_it
from handcart.sandbox.robot.scenarios import Step
from handcart.sandbox.state import Robot

INSTANTLY = "instantly"
# Seconds of a plan per second of the clock.
SPEEDS: Mapping[str, int] = {"real_time": 1, "x60": 60}
# The runs of a retailer whose customers wrote something that the robot has not answered, while it has their orders.
_ASKED = (
    "SELECT r.run FROM robot_runs r JOIN batch_orders b ON b.retailer_id = r.retailer_id AND b.order_id = r.order_id"
    " AND b.is_live WHERE r.retailer_id = $1 AND r.due_at IS NOT NULL AND EXISTS (SELECT 1 FROM chat_messages m"
    " WHERE m.retailer_id = r.retailer_id AND m.order_id = r.order_id AND m.sender = 'customer' AND m.read_at IS NULL)"
)
MOST_AT_ONCE = 10_000
PAUSE_SECONDS = 0.25
# How often the robot looks for answers, by the plan's time.
LOOK = 30 * clock.SECOND


class Run(Struct, kw_only=True):
    """An order handled by the robot. `done` of its `steps` were performed; `stopped`: why it ended early.

    `due_at`: when the next step is due, in microseconds; None if there is none. `waited`: for how long the robot has
    waited for the customer's answers.
    """

    order_id: str
    scenario: str
    seed: int
    pace: str
    steps: Sequence[Step]
    started_at: int
    done: int = 0
    due_at: int | None = None
    waited: int = 0
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
        await later.perform(tx, retailer_id, run.due_at, batch_queries.courier)
        with clock.using(VirtualClock(frozen_at=run.due_at)):
            await _do_due(tx, retailer_id, run, run.due_at)
        await _save(tx, retailer_id, run)
    await later.perform(tx, retailer_id, until, batch_queries.courier)


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
    with clock.using(VirtualClock(frozen_at=now)):
        for row in await tx.all(_ASKED, retailer_id):
            with suppress(ApiError):  # somebody else has just moved the order
                await tx.attempt(_reply, retailer_id, msgspec.json.decode(row["run"], type=Run))


async def _waiting(tx: Tx) -> Sequence[int]:
    """The retailers with unfinished runs, or whose new orders the robot takes automatically."""
    rows = await tx.all("SELECT DISTINCT retailer_id FROM robot_runs WHERE due_at IS NOT NULL")
    return sorted({row["retailer_id"] for row in rows} | set(await sandbox.with_robot(tx)))


async def _has_work(tx: Tx, retailer_id: int) -> bool:
    state = await sandbox.load(tx, retailer_id)
    due = await tx.one(
        "SELECT order_id FROM robot_runs WHERE retailer_id = $1 AND due_at <= $2 LIMIT 1", retailer_id, state.now
    )
    if due is not None or await tx.one(f"{_ASKED} LIMIT 1", retailer_id) is not None:
        return True
    return state.robot is not None and bool(await _new_orders(tx, retailer_id))


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


async def _waits(tx: Tx, retailer_id: int, run: Run) -> int:
    """For how long the robot still waits before it looks again for answers; 0 if it goes on without them."""
    order = await order_queries.find(tx, retailer_id, run.order_id)
    asked = [] if order is None or run.pace == INSTANTLY else replacements.pending(order)
    if not asked:
        return 0
    minutes = (await retailers.retailer(tx, retailer_id)).rules.answer_minutes
    until = max(line.proposed_at or 0 for line in asked) + minutes * clock.MINUTE // SPEEDS[run.pace]
    assert run.due_at is not None
    return max(0, min(LOOK // SPEEDS[run.pace], until - run.due_at))


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
    if step.action == scenarios.WAIT and (wait := await _waits(tx, retailer_id, run)):
        run.waited += wait
        run.due_at += wait
        return
    try:
        await tx.attempt(steps.ACTIONS[step.action], retailer_id, run.order_id, step)
    except ApiError as refusal:
        run.stopped, run.due_at = f"{step.action}: {refusal.message}", None
        return
    run.done += 1
    run.due_at = run.due_at + _wait(run) if run.done < len(run.steps) else None


async def _reply(tx: Tx, retailer_id: int, run: Run) -> None:
    """Read what the customer wrote, and answer with a phrase: the same one for the same seed and number of messages."""
    await steps.batch_of(tx, retailer_id, run.order_id)
    order = await orders.lock(tx, retailer_id, run.order_id)
    written = [one.id for one in await chat.messages(tx, retailer_id, order) if one.sender == CUSTOMER]
    await steps.act(tx, retailer_id, run.order_id, "read", {"order": run.order_id, "until": str(written[-1])})
    phrase = scenarios.reply(run.seed, len(written))
    await steps.act(tx, retailer_id, run.order_id, "say", {"order": run.order_id, "phrase": phrase})
