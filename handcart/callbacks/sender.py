"""Send callbacks: create deliveries of new events, claim due ones, send them, record the results.

Runs inside `handcart serve`, or in any number of `handcart worker` processes. Running chains are limited per webhook,
per retailer and per process, and retailers take turns, so that hanging receivers do not delay others. A process may be
killed at any time: its claimed deliveries have a lease that expires.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit

from handcart.callbacks import queue, schedule, webhooks
from handcart.callbacks.asker import Asker
from handcart.callbacks.models import Attempt, Delivery, Destination
from handcart.callbacks.queue import Busy, Chain
from handcart.callbacks.receiver_tokens import TokenPaused
from handcart.callbacks.recorder import Recorder
from handcart.callbacks.results import Outcome
from handcart.callbacks.transport import Transport
from handcart.core import clock, log
from handcart.core.budget import Budget, Crowded, in_turns
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Tx, Unavailable
from handcart.core.outbound import client
from handcart.core.rounds import Rounds
from handcart.core.settings import Settings
from handcart.events import queries as events

PAUSE_SECONDS = 0.2
# Maximum running chains in this process: per webhook; per failing webhook; per retailer, though a webhook without any
# may always start one; and in total.
CHAINS = 16
CHAINS_WHEN_FAILING = 2
CHAINS_OF_RETAILER = 32
CHAINS_IN_ALL = 256
# Webhooks for which one round claims chains, before new events and other retailers are looked at again.
CLAIMS_IN_ROUND = 8
# After this time a chain starts no further delivery, so that its lease (`queue.LEASE`) covers those that it started.
CHAIN_SECONDS = 10.0
# After this many consecutive failures, a chain sends only deliveries that are due.
_MOST_PROBES = 2
_STOP_SECONDS = 5
_REST_SECONDS = 60.0
# Pause of a webhook after there was no place, thread or descriptor for it.
CROWDED_SECONDS = 5.0

Clocks = Callable[[Tx], Awaitable[Mapping[int, VirtualClock]]]
# Work of another domain before each round, given the clocks that are set, by retailer; returns whether there was any.
Step = Callable[[Database, Mapping[int, VirtualClock]], Awaitable[bool]]


class FaultInjector(Protocol):
    """Causes faults of callbacks on purpose. Only development servers have one."""

    async def arrange(self, database: Database, chain: Chain) -> Sequence[Delivery]:
        """The deliveries of a chain in the order of sending."""
        ...

    async def apply(
        self, database: Database, destination: Destination, delivery: Delivery, send: Callable[[], Awaitable[Attempt]]
    ) -> Attempt:
        """Attempt a delivery: call `send` once, twice or not at all."""
        ...


class Sender:
    """Sends due callbacks, for one process."""

    def __init__(
        self,
        rules: client.UrlRules,
        environment: str,
        *,
        origin: str = "localhost",
        clocks: Clocks | None = None,
        faults: FaultInjector | None = None,
        steps: Sequence[Step] = (),
    ) -> None:
        self._rounds = Rounds("callbacks", self._round)
        self._client = client.Client(rules)
        self._transport = Transport(self._client, origin)
        self._asker = Asker(self._client, origin, self._now, self._rounds.wake)
        self._recorder = Recorder(self._now)
        self._environment = environment
        self._read_clocks = clocks
        self._faults = faults
        self._steps = steps
        self._clocks: Mapping[int, VirtualClock] = {}
        self._in_flight: Counter[tuple[int, int]] = Counter()
        self._places = Budget(CHAINS_OF_RETAILER + webhooks.MOST_WEBHOOKS, CHAINS_IN_ALL)  # shared by retailers
        self._resting: dict[tuple[int, int], float] = {}
        self._chains: set[asyncio.Task[None]] = set()
        self._database: Database

    async def open(self, database: Database) -> None:
        """Start sending."""
        self._database = database
        self._rounds.open(PAUSE_SECONDS)

    async def close(self) -> None:
        """Stop claiming, and wait a little for running deliveries."""
        # Otherwise deliveries that are being claimed now would be blocked until their lease expires.
        await self._rounds.close(_STOP_SECONDS)
        self._asker.cancel()
        if self._chains:
            _, late = await asyncio.wait(self._chains, timeout=_STOP_SECONDS)
            for chain in late:
                chain.cancel()
        await self._recorder.close()
        await self._transport.close()
        await self._client.close()

    async def drain(self, database: Database) -> None:
        """Send everything that is due now, then return."""
        self._database = database
        while await self._round() or self._chains or self._asker.running:
            if running := self._chains | self._asker.running:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        await self._client.close()

    async def _round(self) -> bool:
        """One round of work; returns whether there was any."""
        database = self._database
        moved = False
        if await database.read(events.any_unqueued):
            moved = await database.write(queue.fan_out, self._environment) > 0
        if await database.read(queue.any_expired):
            await database.write(queue.release_expired)
        if self._read_clocks is not None:
            self._clocks = await database.read(self._read_clocks)
        for step in self._steps:
            moved = await step(database, self._clocks) or moved
        if not self._rounds.is_closing:
            moved = await self._asker.ask_waiting(database, self._environment) or moved
        claimed = 0
        for busy in self._in_turns(await database.read(queue.busy, self._environment)):
            if claimed >= CLAIMS_IN_ROUND:
                break
            try:
                claimed += await self._claim(busy)
            except Unavailable:
                raise
            except Exception as error:  # an error of one webhook must not stop the others
                self._rest(busy.key, _REST_SECONDS)
                log.exception("callbacks of a webhook postponed", error, webhook=busy.webhook_id)
        return moved or claimed > 0

    def _in_turns(self, found: Sequence[Busy]) -> Sequence[Busy]:
        """Webhooks in the order of claiming: retailers take turns, those with fewer running chains first."""
        fewest_first = sorted(found, key=lambda one: self._in_flight[one.key])
        return in_turns(fewest_first, lambda one: one.retailer_id, self._places.held)

    async def _claim(self, busy: Busy) -> bool:
        """Start the due chains of a webhook, as many as there are free places. Returns whether there was one."""
        now, room = self._now(busy.retailer_id), self._room(busy)
        if self._rounds.is_closing or busy.due_at > now or room <= 0 or self._resting.get(busy.key, 0.0) > monotonic():
            return False
        if self._pauses_tokens(busy.retailer_id) and self._transport.is_paused(busy.key, busy.configured_at):
            return False
        chains = await self._database.write(queue.claim, *busy.key, now, room)
        for chain in chains:
            self._start(chain)
        return bool(chains)

    def _rest(self, key: tuple[int, int], seconds: float) -> None:
        """Stop claiming for a webhook for some seconds."""
        now = monotonic()
        self._resting = {one: until for one, until in self._resting.items() if until > now}
        self._resting[key] = now + seconds

    def _now(self, retailer_id: int) -> int:
        virtual = self._clocks.get(retailer_id)
        return clock.of_process() if virtual is None else virtual.now()

    def _room(self, busy: Busy) -> int:
        """How many chains may be claimed for a webhook; 0 until half of its places are free, to claim many at once."""
        most = CHAINS_WHEN_FAILING if busy.is_failing else CHAINS
        held = self._in_flight[busy.key]
        free = most - held
        if 2 * free < most:
            return 0
        of_retailer = CHAINS_OF_RETAILER - self._places.held(busy.retailer_id)
        return min(free, max(of_retailer, 1 - held), self._places.room(busy.retailer_id))

    def _start(self, chain: Chain) -> None:
        self._in_flight[chain.destination.key] += 1
        self._places.take(chain.destination.retailer_id)
        task = asyncio.create_task(self._send(chain))
        self._chains.add(task)
        task.add_done_callback(lambda done: self._finish(chain, done))

    def _finish(self, chain: Chain, done: asyncio.Task[None]) -> None:
        self._chains.discard(done)
        self._in_flight[chain.destination.key] -= 1
        self._places.give(chain.destination.retailer_id)
        self._rounds.wake()
        if not done.cancelled() and (error := done.exception()) is not None:
            # Its lease will expire, and then it is sent again.
            if isinstance(error, Unavailable):
                log.warning("callback not recorded", cause=str(error))
            else:
                log.exception("callback failed", error)

    async def _send(self, chain: Chain) -> None:
        destination = chain.destination
        started = monotonic()
        rest = list(chain.deliveries if self._faults is None else await self._faults.arrange(self._database, chain))
        failures = 0
        while rest:
            delivery = rest.pop(0)
            try:
                attempt = await self._attempt(destination, delivery)
            except Crowded as error:
                await self._put_back(destination, [delivery, *rest], error)
                return
            except TokenPaused:
                await self._database.write(queue.give_back, destination, [delivery, *rest])
                return
            failures = 0 if attempt.cause is None else failures + 1
            rest, left = _split(rest, failures, self._now(destination.retailer_id))
            may_go_on = await self._recorder.record(self._database, destination, Outcome(delivery, attempt, left))
            if rest and (not may_go_on or self._rounds.is_closing or monotonic() - started > CHAIN_SECONDS):
                await self._database.write(queue.give_back, destination, rest)
                return

    async def _put_back(self, destination: Destination, rest: Sequence[Delivery], error: Crowded) -> None:
        """Put back deliveries that got no place, thread or descriptor; this does not count as a try."""
        if self._resting.get(destination.key, 0.0) < monotonic():
            log.warning("callbacks wait", retailer=destination.retailer_id, webhook=destination.id, cause=str(error))
        self._rest(destination.key, CROWDED_SECONDS)
        await self._database.write(queue.give_back, destination, rest)

    def _pauses_tokens(self, retailer_id: int) -> bool:
        """Whether failed token requests cause a pause: not while the retailer's clock is set."""
        return retailer_id not in self._clocks

    async def _attempt(self, destination: Destination, delivery: Delivery) -> Attempt:
        async def send() -> Attempt:
            pauses = self._pauses_tokens(destination.retailer_id)
            return await self._transport.attempt(
                destination, delivery, self._now(destination.retailer_id), pauses=pauses
            )

        if self._faults is None:
            return await send()
        return await self._faults.apply(self._database, destination, delivery, send)


def create(
    settings: Settings,
    steps: Sequence[Step],
    clocks: Clocks | None = None,
    faults: FaultInjector | None = None,
) -> Sender:
    """A sender for these settings. `clocks` and `faults`: only for development servers."""
    policy = webhooks.read_policy(settings)
    origin = urlsplit(settings.issuer).hostname or "localhost"
    return Sender(policy.rules, policy.environment, origin=origin, clocks=clocks, faults=faults, steps=steps)


def _split(rest: Sequence[Delivery], failures: int, now: int) -> tuple[list[Delivery], Sequence[Delivery]]:
    """Split the rest of a chain after `failures` consecutive failures: what to send now, and what later."""
    due = [one for one in rest if _is_due_alone(one, now)]
    if not failures or (due and failures < _MOST_PROBES):
        return [*rest], []
    return due, [one for one in rest if not _is_due_alone(one, now)]


def _is_due_alone(delivery: Delivery, now: int) -> bool:
    """Whether a delivery is sent even though an earlier one of its order could not be delivered."""
    if delivery.planned_at:
        return delivery.due_at <= now
    return delivery.created_at + schedule.PATIENCE <= now
