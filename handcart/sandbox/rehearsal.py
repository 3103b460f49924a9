"""What a sandbox adds to every call: its retailer's clock, its faults, a line in its log (`core.http.Rehearsal`)."""

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.http import Call, Reply
from handcart.sandbox import state as states
from handcart.sandbox.state import State

OWN = "/v2/handcart_sandbox/"


class Known(Struct):
    """A call whose retailer is known."""

    retailer_id: int
    state: State


class Rehearsal:
    """One for each process."""

    async def know(self, tx: Tx, call: Call, retailer_id: int) -> int:
        """The retailer behind a call is known: let the call go by its clock.

        Whoever moved the clock past the end of their token may still move it further, or back.
        """
        known = Known(retailer_id, await states.load(tx, retailer_id))
        call.rehearsal = known
        clock.use(known.state.clock)
        return min(clock.now(), clock.of_process()) if is_own(call) else clock.now()

    async def enter(self, call: Call) -> None:
        """Nothing yet."""

    async def leave(self, call: Call, method: str, raw_path: str, reply: Reply) -> None:
        """Nothing yet."""


def is_own(call: Call) -> bool:
    """Whether a call is to the sandbox's own controls: those obey no faults and are in no log."""
    return call.route is not None and call.route.path.startswith(OWN)
