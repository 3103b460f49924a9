"""The engine in a process: plans each area again and again, in the background."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from handcart.assignment import areas, cycle
from handcart.assignment.cycle import Area
from handcart.core import log
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Tx, Unavailable
from handcart.core.rounds import Rounds
from handcart.retailers import ops as retailers

PAUSE_SECONDS = 5.0
_STOP_SECONDS = 5
ASSIGNED = "assigned"

Clocks = Callable[[Tx], Awaitable[Mapping[int, VirtualClock]]]


class Engine:
    """Gives work to shoppers at retailers whose rule `assignment` says so. Any number of processes may run one."""

    def __init__(self, kmh: int, clocks: Clocks | None = None) -> None:
        self._kmh = kmh
        self._read_clocks = clocks
        self._rounds = Rounds("assignment", self._round)
        self._database: Database

    async def open(self, database: Database) -> None:
        """Start planning."""
        self._database = database
        self._rounds.open(PAUSE_SECONDS)

    async def close(self) -> None:
        """Start no further cycle, and wait a little for the one that runs."""
        await self._rounds.close(_STOP_SECONDS)

    async def drain(self, database: Database) -> None:
        """Plan each area once, if its time has come."""
        self._database = database
        await self._round()

    async def _round(self) -> bool:
        clocks = {} if self._read_clocks is None else await self._database.read(self._read_clocks)
        for area in await self._database.read(areas_of, clocks):
            if self._rounds.is_closing:
                break
            try:
                done = await cycle.run(self._database, area, self._kmh)
            except (areas.LeaseEnded, Unavailable) as error:
                log.warning("plan given up", area=area.name, cause=str(error))
            except Exception as error:  # a defect in one area must not stop the others
                log.exception("area not planned", error, area=area.name)
            else:
                if done is not None and (done.given or done.refused):
                    log.info("work given", area=area.name, given=len(done.given), refused=len(done.refused))
        return False


async def areas_of(tx: Tx, clocks: Mapping[int, VirtualClock], *, assigned_only: bool = True) -> Sequence[Area]:
    """The areas with the retailers that are in them. `assigned_only`: those whose engine gives the work."""
    found = [one for one in await retailers.retailers(tx) if not assigned_only or one.rules.assignment == ASSIGNED]
    shared = [one.id for one in found if one.id not in clocks]
    own = [Area(f"retailer/{one.slug}", [one.id], clocks[one.id]) for one in found if one.id in clocks]
    return [*([Area(areas.NETWORK, shared)] if shared else []), *own]
