"""`/v2/handcart_sandbox/...`: the handlers of Handcart's own sandbox operations. `routes` has the table."""

from collections.abc import Sequence
from typing import Any

import msgspec

from handcart.batches import queries as batches
from handcart.core import clock as core_clock
from handcart.core import errors
from handcart.core.db import MOST_LISTED_BYTES, Tx
from handcart.core.web import wire
from handcart.core.web.body import json_reply
from handcart.core.web.call import Call, Reply
from handcart.core.web.wire import query
from handcart.events.kinds import KINDS, bare
from handcart.orders import ops as orders
from handcart.orders import payloads
from handcart.orders import states as order_states
from handcart.orders.models import DELIVERY, DISPATCH, LAST_MILE, Courier
from handcart.sandbox import state as states
from handcart.sandbox.control import clock, faults, linking, placing, reset
from handcart.sandbox.control import errors as control_errors
from handcart.sandbox.control.hook import SandboxHook
from handcart.sandbox.control.request_log import RequestLog, canonical
from handcart.sandbox.control.wire import (
    After,
    Canonical,
    ClockAnswer,
    DueAnswer,
    FaultAnswer,
    FaultRequest,
    FaultsResponse,
    Limit,
    LinkAccountRequest,
    LinkAccountResponse,
    PlaceOrderRequest,
    PlaceOrderResponse,
    ResetResponse,
    RunClockResponse,
    SetClockRequest,
    SetFaultsRequest,
    Status,
    TriggerEventRequest,
    TriggerEventResponse,
    Wait,
    WasRefused,
)
from handcart.sandbox.robot import api as robot
from handcart.sandbox.robot.scenarios import ALCOHOL_REFUSED, SCENARIOS
from handcart.sandbox.state import Fault, State
from handcart.stores import queries as stores

# What triggered events say if nobody has the order, or if it is not canceled.
_SAMPLE_SHOPPER = "Sam"
_SAMPLE_REASON = ("instacart_driven", "system error")


async def get_clock(tx: Tx, call: Call) -> ClockAnswer:
    return ClockAnswer(**_shown(await states.load(tx, call.caller.retailer_id)))


async def set_clock(tx: Tx, call: Call) -> ClockAnswer:
    body: SetClockRequest = call.body
    at = None if body.at is None else core_clock.from_wire(body.at, "at")
    state = await clock.set_to(tx, call.caller.retailer_id, at, is_frozen=body.frozen is not False)
    return ClockAnswer(**_shown(state))


async def advance_clock(tx: Tx, call: Call) -> ClockAnswer:
    return ClockAnswer(**_shown(await clock.advance(tx, call.caller.retailer_id, call.body.seconds)))


async def run_clock(tx: Tx, call: Call) -> RunClockResponse:
    kinds = clock.DUE if call.body.what is None else call.body.what
    for place, kind in enumerate(kinds):
        if kind not in clock.DUE:
            raise errors.unknown(f"what[{place}]", kind, clock.DUE)
    state, due = await clock.run_to_next(tx, call.caller.retailer_id, kinds)
    shown = None if due is None else DueAnswer(due.what, core_clock.to_wire(due.at))  # type: ignore[arg-type]
    return RunClockResponse(**_shown(state), due=shown)


async def release_clock(tx: Tx, call: Call) -> ClockAnswer:
    return ClockAnswer(**_shown(await clock.release(tx, call.caller.retailer_id)))


async def reset_retailer(call: Call) -> ResetResponse:
    removed = await call.app.database.write(reset.reset, call.caller.retailer_id)
    _log(call).clear(call.caller.retailer_id)
    return ResetResponse({table: rows for table, rows in removed.items() if rows})


async def get_requests(call: Call) -> Reply:
    after, limit, wait = (query(call.query, *one) for one in (("after", After), ("limit", Limit), ("wait", Wait)))
    status, refused = query(call.query, "status", Status), query(call.query, "refused", WasRefused)
    log, retailer_id = _log(call), call.caller.retailer_id
    if wait:
        await log.wait(retailer_id, after or 0, wait)
    found = log.find(retailer_id, after or 0, limit or 100, status, refused)
    shown = canonical(found) if query(call.query, "canonical", Canonical) else found
    return json_reply({"requests": _fitting(shown), "last": log.last(retailer_id)})


def _fitting(entries: Sequence[Any]) -> list[msgspec.Raw]:
    """The first entries as JSON: as many as fit in `MOST_LISTED_BYTES`; `after` returns the others."""
    found: list[msgspec.Raw] = []
    size = 0
    for entry in entries:
        text = wire.encode(entry)
        size += len(text)
        if found and size > MOST_LISTED_BYTES:
            break
        found.append(msgspec.Raw(text))
    return found


async def get_faults(tx: Tx, call: Call) -> FaultsResponse:
    return _faults(await states.load(tx, call.caller.retailer_id))


async def set_faults(tx: Tx, call: Call) -> FaultsResponse:
    body: SetFaultsRequest = call.body
    wanted = [msgspec.convert(_given(one), Fault) for one in body.faults]
    faults.check(wanted, call.app.routes)
    return _faults(await faults.switch_on(tx, call.caller.retailer_id, wanted))


async def clear_faults(tx: Tx, call: Call) -> FaultsResponse:
    return _faults(await faults.switch_off(tx, call.caller.retailer_id))


def _faults(state: State) -> FaultsResponse:
    return FaultsResponse(
        [FaultAnswer(**{**msgspec.to_builtins(fault), "seen": fault.seen, "met": fault.met}) for fault in state.faults]
    )


def _given(fault: FaultRequest) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(fault).items() if value is not None}


async def link_account(tx: Tx, call: Call) -> LinkAccountResponse:
    body: LinkAccountRequest = call.body
    result = await linking.link(
        tx,
        call.caller,
        call.path["user_id"],
        body.outcome or linking.LINKED,
        call.app.settings.issuer,
        email=body.email,
        membership_days=body.membership_days,
        redirect_uri=body.redirect_uri,
        state=body.state,
    )
    return msgspec.convert(msgspec.to_builtins(result), LinkAccountResponse)


async def place_order(tx: Tx, call: Call) -> PlaceOrderResponse:
    body: PlaceOrderRequest = call.body
    caller = call.caller
    kind = body.kind or DELIVERY
    if body.scenario is not None:
        kinds = SCENARIOS[robot.scenario(body.scenario)].kinds
        kind = body.kind or kinds[0]
    order = await placing.place(
        tx,
        caller,
        kind,
        call.app.settings.issuer,
        user_id=body.user_id,
        is_member=bool(body.instacartplus_member),
        has_alcohol=body.scenario == ALCOHOL_REFUSED,
    )
    run = None
    if body.scenario is not None:
        run = await robot.start(tx, caller.retailer_id, order.order_id, body.scenario, body.seed, body.pace)
        order = await orders.lock(tx, caller.retailer_id, order.order_id)
    return PlaceOrderResponse(
        order_id=order.order_id,
        user_id=order.user_id,
        kind=order.kind,  # type: ignore[arg-type]
        status=order.status,
        location_code=await stores.location_code(tx, caller.retailer_id, order.store_number),
        run=run,
    )


async def trigger_event(tx: Tx, call: Call) -> TriggerEventResponse:
    body: TriggerEventRequest = call.body
    kind = KINDS.get(bare(body.event_name))
    if kind is None:
        raise errors.unknown("event_name", bare(body.event_name), KINDS)
    retailer_id = call.caller.retailer_id
    order = await orders.lock(tx, retailer_id, call.path["order_id"])
    if (LAST_MILE if order.kind == DISPATCH else order.kind) not in kind.options:
        raise control_errors.no_event_of_it(kind.options)
    courier = await batches.courier(tx, retailer_id, order.order_id) or Courier()
    order.courier = Courier(courier.first_name or _SAMPLE_SHOPPER, courier.point)
    if order.status != order_states.CANCELED:
        order.cancellation_reason, order.details.cancellation_type = _SAMPLE_REASON
    sent = await payloads.emit(tx, retailer_id, order, [kind.name])
    if not sent:
        raise control_errors.not_sent()
    return TriggerEventResponse(sent[0])


def _log(call: Call) -> RequestLog:
    hook = call.app.hook
    assert isinstance(hook, SandboxHook)
    return hook.log


def _shown(state: State) -> dict[str, Any]:
    name = "real" if not state.is_virtual else "moved" if state.frozen_at is None else "frozen"
    return {"now": core_clock.to_wire(state.now), "state": name}
