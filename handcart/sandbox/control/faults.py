"""Faults of calls on demand: refused, slow, or too late for a slot. `callback_faults` has those of callbacks.

A refused call never reaches its handler, so nothing is written. A slot is really taken: its capacity is lowered to
the places already taken, and restored when the faults are switched off.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence

from handcart.core import errors, ids
from handcart.core.db import Database, Tx
from handcart.core.errors import ApiError, blank, invalid, unknown
from handcart.core.web.call import Call, Route
from handcart.events.kinds import KINDS
from handcart.retailers.models import Caller
from handcart.sandbox import state as states
from handcart.sandbox.routes import PATH
from handcart.sandbox.state import (
    CALLBACK_DELAY,
    INTERNAL_ERROR,
    OF_CALLBACKS,
    RATE_LIMITED,
    SLOT_TAKEN,
    SLOW,
    TRY_AGAIN,
    UNAVAILABLE,
    Fault,
    State,
    TakenSlot,
)
from handcart.slots import ledger, ops, plans, windows

MOST_FAULTS = 100
_SLOT = "{service_option_id}"
_REFUSALS: dict[str, Callable[[Fault], ApiError]] = {
    RATE_LIMITED: lambda fault: errors.too_many_requests(fault.retry_after),
    INTERNAL_ERROR: lambda fault: errors.internal(),
    TRY_AGAIN: lambda fault: errors.try_again(),
    UNAVAILABLE: lambda fault: errors.unavailable(),
}


async def switch_on(tx: Tx, retailer_id: int, faults: Sequence[Fault]) -> State:
    """Replace all faults by these."""
    state = await states.lock(tx, retailer_id)
    await _restore_slots(tx, retailer_id, state)
    state.faults = faults
    await states.save(tx, retailer_id, state)
    return state


async def switch_off(tx: Tx, retailer_id: int) -> State:
    """Remove all faults and restore the slots that they took."""
    return await switch_on(tx, retailer_id, ())


def check(faults: Sequence[Fault], routes: Iterable[Route]) -> None:
    """Refuse faults that match no call: `is invalid`, `is unknown` or `can't be blank` with the field's path."""
    known = [route for route in routes if not route.path.startswith(PATH)]
    operations, paths = {route.operation_id for route in known if route.operation_id}, {route.path for route in known}
    for place, fault in enumerate(faults):
        key = f"faults[{place}]"
        if fault.event is not None and fault.fault not in OF_CALLBACKS:
            raise invalid(f"{key}.event")
        if fault.event is not None and fault.event not in KINDS:
            raise unknown(f"{key}.event", fault.event, KINDS)
        if fault.fault in OF_CALLBACKS and (fault.operation is not None or fault.path is not None):
            raise invalid(f"{key}.{'path' if fault.operation is None else 'operation'}")
        if fault.operation is not None and fault.operation not in operations:
            raise unknown(f"{key}.operation", fault.operation, operations, lists=False)
        if fault.path is not None and fault.path not in paths:
            raise unknown(f"{key}.path", fault.path, paths, lists=False)
        if fault.fault in (SLOW, CALLBACK_DELAY) and not fault.slow_ms:
            raise blank(f"{key}.slow_ms")
        if fault.fault == SLOT_TAKEN and not any(_SLOT in route.path and _is_for(fault, route) for route in known):
            raise invalid(f"{key}.operation")


async def choose(database: Database, call: Call, retailer_id: int, faults: Sequence[Fault]) -> Fault | None:
    """The first fault that applies to this call; `faults`: the faults when the call arrived."""
    if not any(_matches(fault, call) for fault in faults):
        return None
    return await database.write(choose_first, retailer_id, lambda fault: _matches(fault, call))


async def apply(database: Database, call: Call, fault: Fault) -> None:
    """Apply a fault: delay the call, take the slot that it requests, or raise the error."""
    if fault.fault == SLOW:
        await asyncio.sleep(fault.slow_ms / 1000)
    elif fault.fault == SLOT_TAKEN:
        await database.write(_take, call.caller, call.path)
    else:
        raise _REFUSALS[fault.fault](fault)


async def choose_first(tx: Tx, retailer_id: int, matches: Callable[[Fault], bool]) -> Fault | None:
    """Count a call or callback at each fault that it matches, up to the first that applies; returns that one."""
    state = await states.lock(tx, retailer_id)
    met = None
    for fault in state.faults:
        if met is None and matches(fault) and not is_spent(fault):
            fault.seen += 1
            if random.Random(f"{fault.seed}:{fault.seen}").random() < fault.share:  # noqa: S311 (no secret)
                fault.met += 1
                met = fault
    await states.save(tx, retailer_id, state)
    return met


def is_spent(fault: Fault) -> bool:
    """Whether a fault has applied as often as its `times`."""
    return fault.times is not None and fault.met >= fault.times


def _matches(fault: Fault, call: Call) -> bool:
    route = call.route
    if fault.fault in OF_CALLBACKS or route is None or not _is_for(fault, route) or is_spent(fault):
        return False
    if call.caller is None and (route.operation_id or fault.path is None):
        return False  # Unauthenticated calls get no fault, except one for exactly the page that they open.
    if fault.fault != SLOT_TAKEN:
        return True
    asked = call.path.get("service_option_id")
    return asked is not None and fault.service_option_id in (None, ids.parse(asked))


def _is_for(fault: Fault, route: Route) -> bool:
    return fault.operation in (None, route.operation_id) and fault.path in (None, route.path)


async def _take(tx: Tx, caller: Caller, path: dict[str, str]) -> None:
    """Lower the capacity of a slot to the places taken by others; the handler refuses an invalid slot."""
    option_id = ids.parse(path["service_option_id"])
    try:
        slot = await ops.find(tx, caller.retailer_id, -1 if option_id is None else option_id)
    except ApiError:
        return
    state = await states.lock(tx, caller.retailer_id)
    start = windows.start_of(slot.store.time_zone, slot.window.ledger_starts_at)
    place = (slot.store.location_code, slot.kind, start.date, start.hour)
    if not any((one.location_code, one.kind, one.date, one.hour) == place for one in state.taken):
        before = {
            one.hour: one.capacity
            for one in await plans.exceptions(tx, caller.retailer_id, start.date)
            if (one.location_code, one.kind, one.date) == place[:3]
        }
        state.taken = (*state.taken, TakenSlot(*place, before.get(start.hour)))
        await states.save(tx, caller.retailer_id, state)
    user = (caller.isolation_id, path["user_id"])
    at = slot.window.ledger_starts_at
    taken = await ledger.taken(tx, caller.retailer_id, slot.store.number, slot.kind, at, at + 1, least=0, user=user)
    await plans.set_exception(tx, caller.retailer_id, *place[:3], [start.hour], taken.get(at, 0))


async def _restore_slots(tx: Tx, retailer_id: int, state: State) -> None:
    """Restore the capacity of taken slots; the caller has locked the state, and saves it."""
    for one in state.taken:
        place = (one.location_code, one.kind, one.date)
        await plans.remove_exceptions(tx, retailer_id, *place, [one.hour])
        if one.before is not None:
            await plans.set_exception(tx, retailer_id, *place, [one.hour], one.before)
    state.taken = ()
