"""`/v2/handcart_sandbox/...`: Handcart's own additions to the documented sandbox."""

from collections.abc import Sequence
from typing import Any

import msgspec

from handcart.core import clock as core_clock
from handcart.core import errors
from handcart.core.db import MOST_LISTED_BYTES, Tx
from handcart.core.web import wire
from handcart.core.web.body import json_reply
from handcart.core.web.call import Call, Handler, Reply, Route
from handcart.core.web.wire import query
from handcart.events.kinds import KINDS
from handcart.linking import errors as linking_errors
from handcart.oauth.scopes import FULFILLMENT
from handcart.retailers.models import RetailerId
from handcart.sandbox import clock, faults, linking, reset
from handcart.sandbox import errors as sandbox_errors
from handcart.sandbox import state as states
from handcart.sandbox.hook import OWN, SandboxHook
from handcart.sandbox.own_wire import (
    AdvanceClockRequest,
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
    Refused,
    RequestsResponse,
    ResetResponse,
    RunClockRequest,
    RunClockResponse,
    SetClockRequest,
    SetFaultsRequest,
    Status,
    Wait,
)
from handcart.sandbox.requests import RequestLog, canonical
from handcart.sandbox.state import Fault, State
from handcart.users import errors as user_errors
from handcart.users.models import UserId

TAG = "Handcart sandbox"
ABOUT = (
    "Handcart's own, only on sandbox servers: a clock, a request log and faults for each retailer."
    " No other Connect server has these."
)


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
    for place, kind in enumerate(kinds):
        if kind not in clock.DUE:
            raise errors.unknown(f"what[{place}]", kind, clock.DUE)
    state, due = await clock.run_to_next(tx, call.caller.retailer_id, kinds)
    shown = None if due is None else DueAnswer(due.what, core_clock.to_wire(due.at))  # type: ignore[arg-type]
    return RunClockResponse(**_shown(state), due=shown)


async def _release_clock(tx: Tx, call: Call) -> ClockAnswer:
    return ClockAnswer(**_shown(await clock.release(tx, call.caller.retailer_id)))


async def _reset(call: Call) -> ResetResponse:
    removed = await call.app.database.write(reset.reset, call.caller.retailer_id)
    _log(call).clear(call.caller.retailer_id)
    return ResetResponse({table: rows for table, rows in removed.items() if rows})


async def _get_requests(call: Call) -> Reply:
    after, limit, wait = (query(call.query, *one) for one in (("after", After), ("limit", Limit), ("wait", Wait)))
    status, refused = query(call.query, "status", Status), query(call.query, "refused", Refused)
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


async def _get_faults(tx: Tx, call: Call) -> FaultsResponse:
    return _faults(await states.load(tx, call.caller.retailer_id))


async def _set_faults(tx: Tx, call: Call) -> FaultsResponse:
    body: SetFaultsRequest = call.body
    wanted = [msgspec.convert(_given(one), Fault) for one in body.faults]
    faults.check(wanted, call.app.routes, OWN)
    return _faults(await faults.switch_on(tx, call.caller.retailer_id, wanted))


async def _clear_faults(tx: Tx, call: Call) -> FaultsResponse:
    return _faults(await faults.switch_off(tx, call.caller.retailer_id))


def _faults(state: State) -> FaultsResponse:
    return FaultsResponse(
        [FaultAnswer(**{**msgspec.to_builtins(fault), "seen": fault.seen, "met": fault.met}) for fault in state.faults]
    )


def _given(fault: FaultRequest) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(fault).items() if value is not None}


async def _link_account(tx: Tx, call: Call) -> LinkAccountResponse:
    body: LinkAccountRequest = call.body
    journey = await linking.link(
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
    return msgspec.convert(msgspec.to_builtins(journey), LinkAccountResponse)


def _log(call: Call) -> RequestLog:
    hook = call.app.hook
    assert isinstance(hook, SandboxHook)
    return hook.log


def _shown(state: State) -> dict[str, Any]:
    name = "real" if not state.is_virtual else "moved" if state.frozen_at is None else "frozen"
    return {"now": core_clock.to_wire(state.now), "state": name}


def route(method: str, path: str, operation_id: str, handler: Handler, summary: str, **fields: Any) -> Route:
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
    route("GET", "clock", "get_clock", _get_clock, "Read the clock", tx="read", response=ClockAnswer),
    route(
        "PUT",
        "clock",
        "set_clock",
        _set_clock,
        "Stop the clock, or set it",
        tx="write",
        body=SetClockRequest,
        response=ClockAnswer,
        refusals=(errors.invalid("at"),),
    ),
    route(
        "POST",
        "clock/advance",
        "advance_clock",
        _advance_clock,
        "Move the clock forward",
        tx="write",
        body=AdvanceClockRequest,
        response=ClockAnswer,
    ),
    route(
        "POST",
        "clock/next",
        "run_clock",
        _run_clock,
        "Move the clock to the next thing that is due",
        tx="write",
        body=RunClockRequest,
        response=RunClockResponse,
        refusals=(errors.unknown("what[0]", "hold_expry", clock.DUE),),
    ),
    route(
        "DELETE",
        "clock",
        "release_clock",
        _release_clock,
        "Return the clock to the real time",
        tx="write",
        response=ClockAnswer,
    ),
    route("POST", "reset", "reset", _reset, "Remove what the retailer's calls have made", response=ResetResponse),
    route(
        "GET",
        "requests",
        "get_requests",
        _get_requests,
        "Read the request log, or follow it",
        parameters={
            "after": After,
            "limit": Limit,
            "status": Status,
            "refused": Refused,
            "wait": Wait,
            "canonical": Canonical,
            "X-Retailer-Id": RetailerId,
        },
        response=RequestsResponse,
        refusals=tuple(errors.invalid(name) for name in ("after", "limit", "status", "refused", "wait", "canonical")),
    ),
    route("GET", "faults", "get_faults", _get_faults, "Read the faults", tx="read", response=FaultsResponse),
    route(
        "PUT",
        "faults",
        "set_faults",
        _set_faults,
        "Switch faults on",
        tx="write",
        body=SetFaultsRequest,
        response=FaultsResponse,
        refusals=(
            errors.unknown("faults[0].operation", "create_usr", ["create_user"], lists=False),
            errors.unknown("faults[0].event", "late_delivry", KINDS),
            errors.blank("faults[0].slow_ms"),
        ),
    ),
    route("DELETE", "faults", "clear_faults", _clear_faults, "Switch faults off", tx="write", response=FaultsResponse),
    route(
        "POST",
        "users/{user_id}/link",
        "link_account",
        _link_account,
        "Link an account without a browser",
        tx="write",
        parameters={"user_id": UserId, "X-Retailer-Id": RetailerId},
        body=LinkAccountRequest,
        response=LinkAccountResponse,
        refusals=(
            user_errors.user_not_found(),
            user_errors.user_not_active(),
            sandbox_errors.email_taken(),
            linking_errors.user_already_linked(),
            linking_errors.account_already_linked(),
            errors.invalid("redirect_uri"),
        ),
    ),
)
