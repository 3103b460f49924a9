"""What a sandbox adds to every call: its retailer's clock, its faults, a line in its log (`core.http.Rehearsal`)."""

import asyncio
from collections.abc import Awaitable, Callable

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Database, Tx, Unavailable
from handcart.core.errors import ApiError
from handcart.core.http import Call, Caller, Reply
from handcart.sandbox import faults, requests, robot
from handcart.sandbox import state as states
from handcart.sandbox.state import State

OWN = "/v2/handcart_sandbox/"


class Known(Struct):
    """A call whose retailer is known."""

    retailer_id: int
    state: State
    fault: str | None = None


class Rehearsal:
    """One for each process. `authenticate` is asked who sent a call that no route was found for."""

    def __init__(self, authenticate: Callable[[Call], Awaitable[Caller]]) -> None:
        self.log = requests.Log()
        self._authenticate = authenticate
        self._robot: asyncio.Task[None] | None = None

    async def open(self, database: Database) -> None:
        """Let the robot shopper go by the clocks of all retailers."""
        self._robot = asyncio.create_task(robot.follow(database))

    async def close(self) -> None:
        """Stop the robot shopper."""
        if self._robot is not None:
            self._robot.cancel()
            await asyncio.gather(self._robot, return_exceptions=True)

    async def know(self, tx: Tx, call: Call, retailer_id: int) -> int:
        """The retailer behind a call is known: let the call go by its clock.

        Whoever moved the clock past the end of their token may still move it further, or back.
        """
        known = Known(retailer_id, await states.load(tx, retailer_id))
        call.rehearsal = known
        clock.use(known.state.clock)
        return min(clock.now(), clock.of_process()) if is_own(call) else clock.now()

    async def enter(self, call: Call) -> None:
        """Meet the faults that are switched on."""
        known: Known = call.rehearsal
        if not known.state.faults or is_control(call):
            return
        fault = await faults.draw(call.app.database, call, known.retailer_id, known.state.faults)
        if fault is not None:
            known.fault = fault.fault
            await faults.meet(call.app.database, call, fault)

    async def leave(self, call: Call, method: str, raw_path: str, reply: Reply) -> None:
        """Keep the call in its retailer's log; one that nobody is known to have sent is in no log."""
        if call.route is None and call.header_values(b"authorization"):
            try:
                call.caller = await self._authenticate(call)
            except (ApiError, Unavailable):
                return
        known: Known | None = call.rehearsal
        if known is not None and not is_control(call):
            entry = requests.entry(call, method, raw_path, reply, known.fault)
            self.log.add(known.retailer_id, entry, is_proven=call.caller is not None)


def is_own(call: Call) -> bool:
    """Whether a call is to the sandbox's own controls."""
    return call.route is not None and call.route.path.startswith(OWN)


def is_control(call: Call) -> bool:
    """Whether a call belongs to the test's stage, not to the play: it meets no faults and is in no log.

    So are the controls, and whatever says so in the header `Handcart-Sandbox`, such as a request for a token.
    """
    return is_own(call) or call.header(b"handcart-sandbox") is not None
