"""Send callbacks: create deliveries of new events, claim due ones, send them, record the results.

Runs inside `handcart serve`, or in any number of `handcart worker` processes. Running chains are limited per webhook,
per retailer and per process, and retailers take turns, so that hanging receivers do not delay others. A process may be
killed at any time: its claimed deliveries have a lease that expires.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit

from handcart.callbacks import queue, results, schedule, signing, verification, webhooks
from handcart.callbacks.models import Attempt, Delivery, Target
from handcart.callbacks.queue import Busy, Chain
from handcart.callbacks.receiver_tokens import POST_SECONDS, TokenPaused, TokenRefused, Tokens
from handcart.callbacks.results import Outcome
from handcart.callbacks.verification import Asked
from handcart.core import clock, log
from handcart.core.budget import Budget, Crowded
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Tx, Unavailable
from handcart.core.outbound import client
from handcart.core.settings import Settings
from handcart.events import queries as events
from handcart.orders import later

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
# Maximum receivers asked for agreement at the same time: per retailer, and in total.
_ASKED_EACH, _ASKED = 4, 16
_ASK_SECONDS = 10.0
_STOP_SECONDS = 5
_REST_SECONDS = 60.0
# Pause of a webhook after there was no place, thread or descriptor for it.
CROWDED_SECONDS = 5.0
_MOST_RECORDED = 64
_RECORD_PAUSES = (0.1, 0.5, 1, 2, 5, 10)
_MOST_KEPT = 2048
_SHORT_TOKEN = 8
_UNAUTHORIZED, _GONE = 401, 410

Clocks = Callable[[Tx], Awaitable[Mapping[int, VirtualClock]]]


class FaultInjector(Protocol):
    """Causes faults of callbacks on purpose. Only development servers have one."""

    async def arrange(self, database: Database, chain: Chain) -> Sequence[Delivery]:
        """The deliveries of a chain in the order of sending."""
        ...

    async def apply(
        self, database: Database, target: Target, delivery: Delivery, send: Callable[[], Awaitable[Attempt]]
    ) -> Attempt:
        """Attempt a delivery: call `send` once, twice or not at all."""
        ...


class Sender:
    """Sends due callbacks, for one process."""

    def __init__(
        self,
        rules: client.Rules,
        environment: str,
        *,
        origin: str = "localhost",
        clocks: Clocks | None = None,
        faults: FaultInjector | None = None,
    ) -> None:
        self._client = client.Client(rules)
        self._tokens = Tokens(self._client)
        self._environment = environment
        self._origin = origin  # this server's name in requests for agreement
        self._asking = Budget(_ASKED_EACH, _ASKED)  # shared by retailers
        self._questions: set[asyncio.Task[None]] = set()
        self._read_clocks = clocks
        self._faults = faults
        self._clocks: Mapping[int, VirtualClock] = {}
        self._in_flight: Counter[tuple[int, int]] = Counter()
        self._places = Budget(CHAINS_OF_RETAILER + webhooks.MOST_WEBHOOKS, CHAINS_IN_ALL)  # shared by retailers
        self._resting: dict[tuple[int, int], float] = {}
        self._chains: set[asyncio.Task[None]] = set()
        self._outcomes: list[tuple[Target, Outcome, asyncio.Future[bool]]] = []
        self._wake = asyncio.Event()
        self._is_closing = False
        self._recording: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None
        self._database: Database

    async def open(self, database: Database) -> None:
        """Start sending."""
        self._database = database
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop claiming, and wait a little for running deliveries."""
        self._is_closing = True
        self._wake.set()
        if self._running is not None:
            # Otherwise deliveries that it is claiming now would be blocked until their lease expires.
            await asyncio.wait([self._running], timeout=_STOP_SECONDS)
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        for question in self._questions:
            question.cancel()
        if self._chains:
            _, late = await asyncio.wait(self._chains, timeout=_STOP_SECONDS)
            for chain in late:
                chain.cancel()
        if self._recording is not None:
            await asyncio.gather(self._recording, return_exceptions=True)
        await self._tokens.close()
        await self._client.close()

    async def drain(self, database: Database) -> None:
        """Send everything that is due now, then return."""
        self._database = database
        while await self._round() or self._chains or self._questions:
            if self._chains or self._questions:
                await asyncio.wait(self._chains | self._questions, return_when=asyncio.FIRST_COMPLETED)
        await self._client.close()

    async def _run(self) -> None:
        while not self._is_closing:
            self._wake.clear()
            try:
                while await self._round() and not self._is_closing:
                    pass
            except Unavailable as error:  # try again later
                log.warning("callbacks wait", cause=str(error))
            except Exception as error:
                log.exception("callbacks interrupted", error)
            # In Python 3.11, `wait_for` would miss a cancellation that comes together with a wake-up.
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE_SECONDS):
                    await self._wake.wait()

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
        moved = await self._emit_later() or await self._ask_receivers() or moved
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

    async def _emit_later(self) -> bool:
        """Emit orders' delayed events that are due; returns whether there were any."""
        latest = max([clock.of_process(), *(virtual.now() for virtual in self._clocks.values())])
        emitted = 0
        for retailer_id in await self._database.read(later.retailers_waiting, latest):
            emitted += await self._database.write(later.perform, retailer_id, self._now(retailer_id))
        return emitted > 0

    async def _ask_receivers(self) -> bool:
        """Start asking receivers whether they want callbacks; returns whether there was one to ask."""
        begun = False
        for key in await self._database.read(verification.waiting, self._environment):
            if self._is_closing or not self._asking.room(key[0]):
                continue
            asked = await self._database.write(verification.claim, *key)
            if asked is not None:
                begun = True
                self._asking.take(key[0])
                task = asyncio.create_task(self._ask_receiver(asked))
                self._questions.add(task)
                task.add_done_callback(lambda done, retailer_id=key[0]: self._asked(retailer_id, done))  # type: ignore[misc]
        return begun

    def _asked(self, retailer_id: int, done: asyncio.Task[None]) -> None:
        self._questions.discard(done)
        self._asking.give(retailer_id)
        self._wake.set()
        if not done.cancelled() and (error := done.exception()) is not None:  # the receiver is asked again later
            log.warning("receiver not asked", retailer=retailer_id, cause=str(error))

    async def _ask_receiver(self, asked: Asked) -> None:
        """Ask a receiver whether it agrees to callbacks, and enable or disable its webhook. Raises `Crowded`."""
        headers = [("webhook-request-origin", self._origin)]
        try:
            answer = await self._client.options(
                asked.callback_url, headers, seconds=_ASK_SECONDS, sharer=asked.key, payer=asked.retailer_id
            )
        except (client.Refused, client.Failed) as error:
            refusal: str | None = verification.could_not_ask(str(error))
        else:
            refusal = verification.refusal(answer.status, answer.headers, self._origin)
        await self._database.write(verification.record, asked, refusal, self._now(asked.retailer_id))

    def _in_turns(self, found: Sequence[Busy]) -> Sequence[Busy]:
        """Webhooks in the order of claiming: retailers take turns, those with fewer running chains first."""
        of_retailers: dict[int, list[Busy]] = {}
        for busy in sorted(found, key=lambda one: self._in_flight[one.key]):
            of_retailers.setdefault(busy.retailer_id, []).append(busy)
        turns = sorted(of_retailers.values(), key=lambda some: self._places.held(some[0].retailer_id))
        return [one for turn in zip_longest(*turns) for one in turn if one is not None]

    async def _claim(self, busy: Busy) -> bool:
        """Start the due chains of a webhook, as many as there are free places. Returns whether there was one."""
        now, room = self._now(busy.retailer_id), self._room(busy)
        if self._is_closing or busy.due_at > now or room <= 0 or self._resting.get(busy.key, 0.0) > monotonic():
            return False
        if self._pauses_tokens(busy.retailer_id) and self._tokens.is_paused(busy.key, busy.configured_at):
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
        self._in_flight[chain.target.key] += 1
        self._places.take(chain.target.retailer_id)
        task = asyncio.create_task(self._send(chain))
        self._chains.add(task)
        task.add_done_callback(lambda done: self._finish(chain, done))

    def _finish(self, chain: Chain, done: asyncio.Task[None]) -> None:
        self._chains.discard(done)
        self._in_flight[chain.target.key] -= 1
        self._places.give(chain.target.retailer_id)
        self._wake.set()
        if not done.cancelled() and (error := done.exception()) is not None:
            # Its lease will expire, and then it is sent again.
            if isinstance(error, Unavailable):
                log.warning("callback not recorded", cause=str(error))
            else:
                log.exception("callback failed", error)

    async def _send(self, chain: Chain) -> None:
        target = chain.target
        started = monotonic()
        rest = list(chain.deliveries if self._faults is None else await self._faults.arrange(self._database, chain))
        failures = 0
        while rest:
            delivery = rest.pop(0)
            try:
                attempt = await self._attempt_or_fault(target, delivery)
            except Crowded as error:
                await self._put_back(target, [delivery, *rest], error)
                return
            except TokenPaused:
                await self._database.write(queue.give_back, target, [delivery, *rest])
                return
            failures = 0 if attempt.cause is None else failures + 1
            rest, left = _split(rest, failures, self._now(target.retailer_id))
            may_go_on = await self._record(target, Outcome(delivery, attempt, left))
            if rest and (not may_go_on or self._is_closing or monotonic() - started > CHAIN_SECONDS):
                await self._database.write(queue.give_back, target, rest)
                return

    async def _put_back(self, target: Target, rest: Sequence[Delivery], error: Crowded) -> None:
        """Put back deliveries that got no place, thread or descriptor; this does not count as a try."""
        if self._resting.get(target.key, 0.0) < monotonic():
            log.warning("callbacks wait", retailer=target.retailer_id, webhook=target.id, cause=str(error))
        self._rest(target.key, CROWDED_SECONDS)
        await self._database.write(queue.give_back, target, rest)

    async def _attempt_or_fault(self, target: Target, delivery: Delivery) -> Attempt:
        if self._faults is None:
            return await self._attempt(target, delivery)
        return await self._faults.apply(self._database, target, delivery, lambda: self._attempt(target, delivery))

    async def _attempt(self, target: Target, delivery: Delivery) -> Attempt:
        """Post an event once (twice if the token is refused). Raises `Crowded` and `TokenPaused`."""
        started = monotonic()
        attempt = Attempt(at=self._now(target.retailer_id), milliseconds=0, url=target.callback_url, request_head="")
        try:
            token = await self._token(target)
            answer = await self._post(target, delivery, token, attempt)
            if answer.status == _UNAUTHORIZED:
                token = await self._token(target, refused=token)
                answer = await self._post(target, delivery, token, attempt)
        except (TokenRefused, client.Refused, client.Failed) as error:
            attempt.cause = str(error)
        except (Crowded, TokenPaused):
            raise
        except Exception as error:  # otherwise every lease would end in another try, and others would wait
            log.exception("callback met a defect", error)
            attempt.cause = f"a defect of this server: {type(error).__name__}"
        else:
            self._read(answer, attempt, token)
        attempt.milliseconds = round(1000 * (monotonic() - started))
        return attempt

    async def _token(self, target: Target, refused: str | None = None) -> str:
        try:
            return await self._tokens.get(target, refused=refused, pauses=self._pauses_tokens(target.retailer_id))
        except TokenPaused as error:
            if refused is None:
                raise
            raise TokenRefused(f"no token: {error}") from None  # the event was posted: this attempt must be recorded
        except (TokenRefused, client.Refused, client.Failed) as error:
            raise TokenRefused(f"no token: {error}") from None

    def _pauses_tokens(self, retailer_id: int) -> bool:
        """Whether failed token requests cause a pause: not while a sandbox controls the retailer's clock."""
        return retailer_id not in self._clocks

    async def _post(self, target: Target, delivery: Delivery, token: str, attempt: Attempt) -> client.Answer:
        # The real time, because receivers compare the timestamp with their own clocks.
        timestamp = clock.of_process() // clock.SECOND
        headers = [
            ("content-type", "application/json"),
            ("user-agent", "Handcart"),
            *([("origin", self._origin)] if target.is_verified else []),
            *signing.headers(target.signing_secrets, delivery.event_id, timestamp, delivery.body),
        ]
        attempt.request_head = _head(f"POST {target.callback_url}", [*headers, ("authorization", "Bearer ***")])
        return await self._client.post(
            target.callback_url,
            delivery.body,
            [*headers, ("authorization", f"Bearer {token}")],
            seconds=POST_SECONDS,
            most_body=_MOST_KEPT,
            sharer=target.key,
            payer=target.retailer_id,
        )

    def _read(self, answer: client.Answer, attempt: Attempt, token: str) -> None:
        attempt.status = answer.status
        # A receiver that echoes the request would echo the token.
        attempt.response_head = _head(str(answer.status), [(name, _masked(v, token)) for name, v in answer.headers])
        attempt.response_body = _text(_masked(answer.body.decode("latin-1"), token).encode("latin-1"))
        if not 200 <= answer.status < 300:
            attempt.cause = f"status {answer.status}"
            attempt.is_gone = answer.status == _GONE
            values = [value for name, value in answer.headers if name.lower() == "retry-after"]
            value = values[0] if len(values) == 1 else None
            attempt.retry_after = schedule.retry_after(answer.status, value, clock.of_process())

    async def _record(self, target: Target, outcome: Outcome) -> bool:
        """Record an outcome, together with others; returns, when durable, whether more may be sent to the webhook."""
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._outcomes.append((target, outcome, kept))
        if self._recording is None or self._recording.done():
            self._recording = asyncio.create_task(self._record_all())
        return await kept

    async def _record_all(self) -> None:
        while self._outcomes:
            group = self._outcomes[:_MOST_RECORDED]
            del self._outcomes[:_MOST_RECORDED]
            by_target: dict[tuple[int, int], list[tuple[Target, Outcome, asyncio.Future[bool]]]] = {}
            for one in group:
                by_target.setdefault(one[0].key, []).append(one)
            await asyncio.gather(*(self._record_some(some) for some in by_target.values()))

    async def _record_some(self, some: Sequence[tuple[Target, Outcome, asyncio.Future[bool]]]) -> None:
        try:
            target = some[0][0]
            may_go_on = await self._keep(target, [outcome for _, outcome, _ in some])
            if not may_go_on:
                log.warning("webhook changed or disabled", retailer=target.retailer_id, webhook=target.id)
        except Exception as error:  # no caller may be left waiting
            for _, _, kept in some:
                if not kept.done():
                    kept.set_exception(error)
            return
        for _, _, kept in some:
            if not kept.done():
                kept.set_result(may_go_on)

    async def _keep(self, target: Target, some: Sequence[Outcome]) -> bool:
        """Save outcomes; retries if the database does not answer, since otherwise everything would be sent again."""
        for pause in _RECORD_PAUSES:
            try:
                return await self._database.write(results.record, target, some, self._now(target.retailer_id))
            except Unavailable:
                await asyncio.sleep(pause)
        return await self._database.write(results.record, target, some, self._now(target.retailer_id))


def create(settings: Settings, clocks: Clocks | None = None, faults: FaultInjector | None = None) -> Sender:
    """A sender for these settings. `clocks` and `faults`: only for development servers."""
    policy = webhooks.read_policy(settings)
    origin = urlsplit(settings.issuer).hostname or "localhost"
    return Sender(policy.rules, policy.environment, origin=origin, clocks=clocks, faults=faults)


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


def _head(first: str, headers: Sequence[tuple[str, str]]) -> str:
    return "\n".join([first, *(f"{name}: {value}" for name, value in headers)]).replace("\0", "")[:_MOST_KEPT]


def _masked(text: str, token: str) -> str:
    """A text without the token. A short token is masked only as a whole word, since it may be part of other words."""
    if len(token) >= _SHORT_TOKEN:
        return text.replace(token, "***")
    return re.sub(rf"(?<![\w-]){re.escape(token)}(?![\w-])", "***", text, flags=re.ASCII)


def _text(body: bytes) -> str:
    return body[:_MOST_KEPT].decode("utf-8", "replace").replace("\0", "")
