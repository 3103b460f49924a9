"""Send messages: claim due ones, hand each to the gateway of its channel, record the result.

Runs inside `handcart serve`, or in any number of `handcart worker` processes. Messages that are being sent are limited
per retailer and per gateway, and retailers take turns, so that one retailer's thousands do not delay another's. A
process may be killed at any time: its messages have a lease that expires (`queue`).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic

from handcart.core import clock, log
from handcart.core.budget import Budget, Crowded, in_turns
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Tx, Unavailable, durable
from handcart.core.rounds import Rounds
from handcart.messages import queue
from handcart.messages.gateways import DOUBTFUL, Gateway, Result
from handcart.messages.queue import Claimed, Due

PAUSE_SECONDS = 0.2
# Maximum messages that this process sends at the same time: of one retailer by one channel, and by one channel.
OF_RETAILER = 8
OF_CHANNEL = 32
# After this time a gateway is no longer waited for.
SEND_SECONDS = 45.0
# Pause of a channel after there was no place or descriptor for it.
CROWDED_SECONDS = 5.0
_STOP_SECONDS = 5

Clocks = Callable[[Tx], Awaitable[Mapping[int, VirtualClock]]]


class Sender:
    """Sends due messages, for one process.

    `gateways`: by channel; None: messages are kept unsent, as on a development server. `clocks`: of retailers whose
    clock is set; they decide when a message is due, never when a lease ends.
    """

    def __init__(
        self, gateways: Mapping[str, Gateway] | None, *, clocks: Clocks | None = None, lease: int = queue.LEASE
    ) -> None:
        self._gateways = gateways
        self._read_clocks = clocks
        self._lease = lease
        self._clocks: Mapping[int, VirtualClock] = {}
        self._rounds = Rounds("messages", self._round)
        self._places = {channel: Budget(OF_RETAILER, OF_CHANNEL) for channel in gateways or {}}
        self._resting: dict[str, float] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self._database: Database

    async def open(self, database: Database) -> None:
        """Start sending."""
        self._database = database
        self._rounds.open(PAUSE_SECONDS)

    async def close(self) -> None:
        """Stop claiming, and wait a little for messages that are being sent."""
        await self._rounds.close(_STOP_SECONDS)
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=_STOP_SECONDS)
            for one in late:
                one.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._close_gateways()

    async def drain(self, database: Database) -> None:
        """Send everything that is due now, then return."""
        self._database = database
        while await self._round() or self._sending:
            if self._sending:
                await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
        await self._close_gateways()

    async def _round(self) -> bool:
        """One round of work; returns whether there was any."""
        database = self._database
        if await database.read(queue.any_expired):
            await database.write(queue.release_expired)
        if self._read_clocks is not None:
            self._clocks = await database.read(self._read_clocks)
        found = [one for one in await database.read(queue.due) if one.due_at <= self._now(one.retailer_id)]
        did = 0
        for one in in_turns(found, lambda one: one.retailer_id, self._held):
            if self._rounds.is_closing:
                break
            did += await (self._keep(one) if self._gateways is None else self._claim(one))
        return did > 0

    async def _keep(self, one: Due) -> int:
        return await self._database.write(queue.keep, one.retailer_id, one.channel, self._now(one.retailer_id))

    async def _claim(self, one: Due) -> int:
        """Start sending a retailer's due messages of a channel, as many as there are places; returns their number."""
        places = self._places[one.channel]
        room = places.room(one.retailer_id)
        if room <= 0 or self._resting.get(one.channel, 0.0) > monotonic():
            return 0
        claimed, ended = await self._database.write(
            queue.claim, one.retailer_id, one.channel, self._now(one.retailer_id), room, self._lease
        )
        for each in claimed:
            places.take(one.retailer_id)
            task = asyncio.create_task(self._send(each))
            self._sending.add(task)
            task.add_done_callback(lambda done: self._finish(done, places, one.retailer_id))
        return len(claimed) + ended

    async def _send(self, one: Claimed) -> None:
        assert self._gateways is not None
        gateway, channel = self._gateways[one.parcel.channel], one.parcel.channel
        at, started = clock.of_process(), monotonic()
        try:
            async with asyncio.timeout(SEND_SECONDS):
                result = await gateway.send(one.parcel)
        except Crowded as error:
            if self._resting.get(channel, 0.0) < monotonic():
                log.warning("messages wait", channel=channel, cause=str(error))
            self._resting[channel] = monotonic() + CROWDED_SECONDS
            await self._database.write(queue.give_back, one)
            return
        except TimeoutError:
            result = Result(DOUBTFUL, f"timeout: no answer within {SEND_SECONDS:g} s")
        except Exception as error:  # otherwise every lease would end in another try
            log.exception("message met a defect", error, message=one.parcel.id)
            result = Result(DOUBTFUL, f"a defect of this server: {type(error).__name__}")
        now, milliseconds = self._now(one.parcel.retailer_id), round(1000 * (monotonic() - started))
        await durable.write(self._database, queue.record, one, gateway.name, result, now, at, milliseconds)

    def _finish(self, done: asyncio.Task[None], places: Budget, retailer_id: int) -> None:
        self._sending.discard(done)
        places.give(retailer_id)
        self._rounds.wake()
        if not done.cancelled() and (error := done.exception()) is not None:  # its lease will expire
            if isinstance(error, Unavailable):
                log.warning("message not recorded", cause=str(error))
            else:
                log.exception("message failed", error)

    def _held(self, retailer_id: int) -> int:
        return sum(places.held(retailer_id) for places in self._places.values())

    def _now(self, retailer_id: int) -> int:
        virtual = self._clocks.get(retailer_id)
        return clock.of_process() if virtual is None else virtual.now()

    async def _close_gateways(self) -> None:
        for gateway in (self._gateways or {}).values():
            await gateway.close()
