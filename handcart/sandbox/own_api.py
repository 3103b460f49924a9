"""`/v2/handcart_sandbox/...`: Handcart's own additions to the documented sandbox."""

from collections.abc import Sequence
from typing import Any

from handcart.core import clock as core_clock
from handcart.core import errors
from handcart.core.db import Tx
from handcart.core.http import Call, Handler, Route
from handcart.oauth.scopes import FULFILLMENT
from handcart.retailers.models import RetailerId
from handcart.sandbox import clock
from handcart.sandbox import state as states
from handcart.sandbox.own_wire import (
    AdvanceClockRequest,
    ClockAnswer,
    DueAnswer,
    RunClockRequest,
    RunClockResponse,
    SetClockRequest,
)
from handcart.sandbox.rehearsal import OWN
from handcart.sandbox.state import State

TAG = "Handcart sandbox"
ABOUT = "Handcart's own, on sandbox servers alone: a clock of the retailer's own. No other Connect server has these."


async def _get_clock(tx: Tx, call: Call) -> ClockAnswer:
    return ClockAnswer(**_shown(await states.load(tx, call.caller.retailer_id)))


async def _set_clock(tx: Tx, call: Call) -> ClockAnswer:
    body: SetClockRequest = call.body
    at = None if body.at is None else core_clock.from_wire(body.at, "at")
    state = await clock.set_to(tx, call.caller.retailer_id, at, is_frozen=body.frozen is not False)
    return ClockAnswer(**_shown(state))


async def _advance_clock(tx: Tx, call: Call) -> ClockAnswer:
    return ClockAnswer(**_shown(await clock.advance(tx, call.caller.retailer_id, call.body.seconds)))


async def _run_clock(tx: Tx, call: Call) -> RunClockResponse:
    kinds = clock.DUE if call.body.what is None else call.body.what
    state, due = await clock.run_to_next(tx, call.caller.retailer_id, kinds)
    shown = None if due is None else DueAnswer(due.what, core_clock.to_wire(due.at))  # type: ignore[arg-type]
    return RunClockResponse(**_shown(state), due=shown)


async def _release_clock(tx: Tx, call: Call) -> ClockAnswer:
    return ClockAnswer(**_shown(await clock.release(tx, call.caller.retailer_id)))


def _shown(state: State) -> dict[str, Any]:
    now = core_clock.of_process() if state.clock is None else state.clock.now()
    name = "real" if not state.is_virtual else "moved" if state.frozen_at is None else "frozen"
    return {"now": core_clock.to_wire(now), "state": name}


def _route(method: str, path: str, operation_id: str, handler: Handler, summary: str, **fields: Any) -> Route:
    return Route(
        method=method,
        operation_id=f"handcart_sandbox_{operation_id}",
        path=OWN + path,
        handler=handler,
        scope=FULFILLMENT,
        summary=summary,
        tag=TAG,
        **{"parameters": {"X-Retailer-Id": RetailerId}, **fields},
    )


ROUTES: Sequence[Route] = (
    _route("GET", "clock", "get_clock", _get_clock, "Read the clock", tx="read", response=ClockAnswer),
    _route(
        "PUT",
        "clock",
        "set_clock",
        _set_clock,
        "Set the clock, to stand there or to go on",
        tx="write",
        body=SetClockRequest,
        response=ClockAnswer,
        refusals=(errors.invalid("at"),),
    ),
    _route(
        "POST",
        "clock/advance",
        "advance_clock",
        _advance_clock,
        "Move the clock forward",
        tx="write",
        body=AdvanceClockRequest,
        response=ClockAnswer,
    ),
    _route(
        "POST",
        "clock/next",
        "run_clock",
        _run_clock,
        "Run the clock to the next thing due",
        tx="write",
        body=RunClockRequest,
        response=RunClockResponse,
    ),
    _route(
        "DELETE",
        "clock",
        "release_clock",
        _release_clock,
        "Go by the real time again",
        tx="write",
        response=ClockAnswer,
    ),
)
