"""What the worker does for orders that need a person: warns about them, and ends what nobody took in time."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest

from handcart.assignment import timeouts, warnings
from handcart.assignment.warnings import Facts
from handcart.core import clock, log
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Tx, Unavailable
from handcart.retailers import ops as retailers

# Time between two looks, by the process's clock.
EVERY = 10 * clock.SECOND
# Maximum number of one retailer's orders that a look changes, so that no retailer waits for another's.
MOST_OF_RETAILER = 20
_PAGE = 200


class Watch:
    """Looks after open orders, for one process. Several processes may look at once: each change is made once."""

    def __init__(self, *, only_warns: bool = False) -> None:
        self._only_warns = only_warns
        self._next_at = 0

    async def __call__(self, database: Database, clocks: Mapping[int, VirtualClock]) -> bool:
        """Look, if the time for it has come; returns whether an order was changed.

        `clocks`: the retailers' clocks that are set, by retailer.
        """
        if clock.of_process() < self._next_at:
            return False
        self._next_at = clock.of_process() + EVERY
        warn_minutes = await database.read(_warn_minutes)
        found = [
            one
            for one in await _facts(database, clocks, max(warn_minutes.values(), default=0))
            if _is_due(one, _now(clocks, one.retailer_id), warn_minutes[one.retailer_id], only_warns=self._only_warns)
        ]
        due = _in_turns(found)
        settled = [await self._settle(database, one, _now(clocks, one.retailer_id)) for one in due]
        if len(due) < len(found) and any(settled):
            self._next_at = 0
        return any(settled) and not self._only_warns

    async def _settle(self, database: Database, facts: Facts, now: int) -> bool:
        """Settle an order; returns whether that was possible."""
        try:
            happened = await database.write(
                timeouts.settle, facts.retailer_id, facts.order_id, now, only_warns=self._only_warns
            )
        except Unavailable:
            raise
        except Exception as error:  # a defect about one order must not hide the others
            log.exception("order not looked after", error, retailer=facts.slug, order=facts.order_id)
            return False
        for what in happened:
            log.warning("order needs attention", retailer=facts.slug, order=facts.order_id, what=what)
        return True


async def _warn_minutes(tx: Tx) -> Mapping[int, int]:
    return {one.id: one.rules.warn_minutes for one in await retailers.retailers(tx)}


async def _facts(database: Database, clocks: Mapping[int, VirtualClock], warn_minutes: int) -> Sequence[Facts]:
    """The facts of all orders that could need a change, read in pages, so that other work goes on between them."""
    latest = max([clock.of_process(), *(virtual.now() for virtual in clocks.values())])
    until = latest + warn_minutes * clock.MINUTE + max(warnings.ESTIMATE.values())
    found = list(await database.read(warnings.of_over, until, _PAGE))
    found += await database.read(warnings.of_missing, latest - warnings.PHOTO, _PAGE)
    after = (0, 0)
    while page := await database.read(warnings.of_open, until, after, _PAGE):
        found += page
        after = (page[-1].window_ends_at, page[-1].number)
    return found


def _now(clocks: Mapping[int, VirtualClock], retailer_id: int) -> int:
    virtual = clocks.get(retailer_id)
    return clock.of_process() if virtual is None else virtual.now()


def _is_due(facts: Facts, now: int, warn_minutes: int, *, only_warns: bool) -> bool:
    """Whether warnings about an order begin or end, or its time is up."""
    is_up = not only_warns and warnings.is_timed_out(facts, now)
    return is_up or warnings.wanted(facts, now, warn_minutes) != facts.live.keys()


def _in_turns(found: Sequence[Facts]) -> Sequence[Facts]:
    """The orders in the sequence of handling: retailers take turns, each with `MOST_OF_RETAILER` orders at most."""
    of_retailers: dict[int, list[Facts]] = {}
    for one in found:
        of_retailers.setdefault(one.retailer_id, []).append(one)
    shares = [some[:MOST_OF_RETAILER] for some in of_retailers.values()]
    return [one for turn in zip_longest(*shares) for one in turn if one is not None]
