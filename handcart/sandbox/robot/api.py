"""The robot's operations under `/v2/handcart_sandbox/...`."""

from collections.abc import Sequence
from typing import Any

from handcart.batches import errors as batch_errors
from handcart.core import clock, errors
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.core.web.call import Call, Route
from handcart.orders import errors as order_errors
from handcart.retailers.models import RetailerId
from handcart.sandbox import state as states
from handcart.sandbox.documented.wire import OrderId
from handcart.sandbox.robot import ops, scenarios
from handcart.sandbox.robot.errors import no_scenario_for_it
from handcart.sandbox.robot.ops import SPEEDS, Run
from handcart.sandbox.robot.scenarios import SCENARIOS
from handcart.sandbox.robot.wire import (
    RobotResponse,
    RunOrderRequest,
    RunResponse,
    ScenarioAnswer,
    ScenariosResponse,
    SetRobotRequest,
    StepAnswer,
)
from handcart.sandbox.routes import route
from handcart.sandbox.state import Robot


async def start(
    tx: Tx, retailer_id: int, order_id: str, name: str | None, seed: int | None, pace: str | None
) -> RunResponse:
    """Start the robot on an order and return its progress; raises as `ops.start` and `scenario`."""
    return _shown(await ops.start(tx, retailer_id, order_id, scenario(name), seed or 0, pace or ops.INSTANTLY))


def scenario(name: str | None) -> str:
    """The name of a scenario; default: the happy path. Raises `is unknown`."""
    if name is not None and name not in SCENARIOS:
        raise errors.unknown("scenario", name, SCENARIOS)
    return name or scenarios.HAPPY_PATH


async def _run_order(tx: Tx, call: Call) -> RunResponse:
    body: RunOrderRequest = call.body
    return await start(tx, call.caller.retailer_id, call.path["order_id"], body.scenario, body.seed, body.pace)


async def _get_run(tx: Tx, call: Call) -> RunResponse:
    run = await ops.find(tx, call.caller.retailer_id, call.path["order_id"])
    if run is None:
        raise order_errors.order_not_found()
    return _shown(run)


async def _stop_run(tx: Tx, call: Call) -> RunResponse:
    run = await ops.find(tx, call.caller.retailer_id, call.path["order_id"])
    if run is None:
        raise order_errors.order_not_found()
    if run.due_at is not None:
        run = await ops.stop(tx, call.caller.retailer_id, run)
    return _shown(run)


async def _get_robot(tx: Tx, call: Call) -> RobotResponse:
    return _robot((await states.load(tx, call.caller.retailer_id)).robot)


async def _set_robot(tx: Tx, call: Call) -> RobotResponse:
    body: SetRobotRequest = call.body
    wanted = Robot(scenario(body.scenario), body.seed or 0, body.pace or "x60")
    return await _keep(tx, call.caller.retailer_id, wanted)


async def _clear_robot(tx: Tx, call: Call) -> RobotResponse:
    return await _keep(tx, call.caller.retailer_id, None)


async def _keep(tx: Tx, retailer_id: int, wanted: Robot | None) -> RobotResponse:
    state = await states.lock(tx, retailer_id)
    state.robot = wanted
    await states.save(tx, retailer_id, state)
    return _robot(wanted)


async def _list_scenarios(call: Call) -> ScenariosResponse:
    return ScenariosResponse([ScenarioAnswer(name, one.about, list(one.kinds)) for name, one in SCENARIOS.items()])


def _robot(robot_: Robot | None) -> RobotResponse:
    if robot_ is None:
        return RobotResponse(is_on=False)
    return RobotResponse(is_on=True, scenario=robot_.scenario, pace=robot_.pace, seed=robot_.seed)


def _shown(run: Run) -> RunResponse:
    at, speed, steps = run.started_at, SPEEDS.get(run.pace), []
    for place, step in enumerate(run.steps):
        at += 0 if speed is None else step.after * clock.SECOND // speed
        at += run.waited if step.action == scenarios.WAIT else 0
        steps.append(StepAnswer(clock.to_wire(at), step.action, step.value, step.detail, place < run.done))
    return RunResponse(
        order_id=run.order_id,
        scenario=run.scenario,
        pace=run.pace,
        seed=run.seed,
        steps=steps,
        is_over=run.due_at is None,
        stopped=run.stopped,
    )


_OF_ORDER: dict[str, Any] = {"order_id": OrderId, "X-Retailer-Id": RetailerId}
_FIND: Sequence[ApiError] = (order_errors.order_not_found(),)

ROUTES: Sequence[Route] = (
    route(
        "POST",
        "orders/{order_id}/run",
        "run_order",
        _run_order,
        "Let the robot shopper serve an order",
        tx="write",
        parameters=_OF_ORDER,
        body=RunOrderRequest,
        response=RunResponse,
        refusals=(
            *_FIND,
            batch_errors.not_waiting(),
            errors.unknown("scenario", "repalced", SCENARIOS),
            no_scenario_for_it(SCENARIOS["runner_not_found"].kinds),
        ),
        description="Without `pace`, all steps are done at once; otherwise each step by the retailer's clock.",
    ),
    route(
        "GET",
        "orders/{order_id}/run",
        "get_run",
        _get_run,
        "Read the robot shopper's progress with an order",
        tx="read",
        parameters=_OF_ORDER,
        response=RunResponse,
        refusals=_FIND,
    ),
    route(
        "DELETE",
        "orders/{order_id}/run",
        "stop_run",
        _stop_run,
        "Stop the robot shopper's run of an order",
        tx="write",
        parameters=_OF_ORDER,
        response=RunResponse,
        refusals=_FIND,
    ),
    route("GET", "scenarios", "list_scenarios", _list_scenarios, "List the scenarios", response=ScenariosResponse),
    route(
        "GET",
        "robot",
        "get_robot",
        _get_robot,
        "Read whether the robot shopper serves new orders",
        tx="read",
        response=RobotResponse,
    ),
    route(
        "PUT",
        "robot",
        "set_robot",
        _set_robot,
        "Let the robot shopper serve every new order",
        tx="write",
        body=SetRobotRequest,
        response=RobotResponse,
        refusals=(errors.unknown("scenario", "repalced", SCENARIOS),),
    ),
    route(
        "DELETE",
        "robot",
        "clear_robot",
        _clear_robot,
        "Let new orders wait for a shopper again",
        tx="write",
        response=RobotResponse,
    ),
)
