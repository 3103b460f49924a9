"""A sandbox's additions to every call: the retailer's clock, faults and log (`core.web.call.CallHook`)."""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Database, Tx, Unavailable
from handcart.core.errors import ApiError
from handcart.core.web.call import Call, Caller, Reply
from handcart.sandbox import state as states
from handcart.sandbox.control import faults, request_log
from handcart.sandbox.robot import ops as robot
from handcart.sandbox.routes import PATH
from handcart.sandbox.state import State


class KnownCall(Struct):
    """A call whose retailer is known."""

    retailer_id: int
    state: State
    fault: str | None = None


class SandboxHook:
    """One per process. `authenticate` finds the sender of a call that has no route."""

    def __init__(self, authenticate: Callable[[Call], Awaitable[Caller]]) -> None:
        self.log = request_log.RequestLog()
        self._authenticate = authenticate
        self._robot: asyncio.Task[None] | None = None

    async def open(self, database: Database) -> None:
        """Start the robot shopper, which follows the clocks of all retailers."""
        self._robot = asyncio.create_task(robot.follow(database))

    async def close(self) -> None:
        """Stop the robot shopper."""
        if self._robot is not None:
            self._robot.cancel()
            await asyncio.gather(self._robot, return_exceptions=True)

    async def identify(self, tx: Tx, call: Call, retailer_id: int) -> int:
        """Called when the retailer of a call is known: set the retailer's clock for the call.

        A token that expired only because the clock was moved still works for the sandbox's own controls.
        """
        known = KnownCall(retailer_id, await states.load(tx, retailer_id))
        call.hook_data = known
        clock.use(known.state.clock)
        return min(clock.now(), clock.of_process()) if is_own(call) else clock.now()

    async def before_handler(self, call: Call) -> None:
        """Apply the faults that are switched on."""
        known: KnownCall = call.hook_data
        if not known.state.faults or is_control(call):
            return
        fault = await faults.choose(call.app.database, call, known.retailer_id, known.state.faults)
        if fault is not None:
            known.fault = fault.fault
            await faults.apply(call.app.database, call, fault)

    async def before_reply(self, call: Call, method: str, raw_path: str, reply: Reply) -> None:
        """Add the call to its retailer's log; calls from unknown senders are not logged."""
        if call.route is None and call.header_values(b"authorization"):
            try:
                call.caller = await self._authenticate(call)
            except (ApiError, Unavailable):
                return
        known: KnownCall | None = call.hook_data
        if known is not None and not is_control(call):
            entry = request_log.entry(call, method, raw_path, reply, known.fault)
            self.log.add(known.retailer_id, entry, is_proven=call.caller is not None)


def is_own(call: Call) -> bool:
    """Whether a call is to Handcart's own sandbox operations."""
    return call.route is not None and call.route.path.startswith(PATH)


def is_control(call: Call) -> bool:
    """Whether a call controls the sandbox itself. Such calls are never logged and never fail on purpose.

    These are Handcart's own operations, and calls marked with the header `Handcart-Sandbox`, such as token requests.
    """
    return is_own(call) or call.header(b"handcart-sandbox") is not None
