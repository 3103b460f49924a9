"""The second part: list and reserve slots, create and read orders, with one client and with many at once."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from bench.check import Caller, WrongAnswer
from bench.load import Request, Window
from bench.session import SETTLE_SECONDS, Session
from bench.spend import spend

LIST, RESERVE, CREATE, GET, LIFE = "list slots", "reserve", "create order", "get order", "whole life"
CLIENTS = (1, 16, 64)
WARM_UP_SECONDS = 1
WARM_UP_CLIENTS = 16
DIFFERENT_READS = 3_000
MOST_PER_SECOND = 4_000  # single-use requests to prepare: more than any candidate answers


@dataclass(frozen=True)
class Step:
    """
    One operation. `requests`: returns requests, given a seeded choice and a bearer token; any number, or (`is_spent`) a
    limited number, since each can be sent only once. `is_stored`: each adds a row to the counted table. `then`: the
    request to send after a response, counted as the same unit.
    """

    name: str
    requests: Callable[[Random, str], Iterable[Request]]
    is_spent: bool = False
    is_stored: bool = False
    then: Callable[[Request], Sequence[Request]] = lambda _request: ()


@dataclass(frozen=True)
class Ordering:
    """The operations of this part. `check` raises WrongAnswer. `token`: issues the bearer token that all share."""

    steps: Sequence[Step]
    check: Callable[[Caller, str], None]
    token: Request | None = None

    @property
    def operations(self) -> Sequence[str]:
        return [named(step.name, clients) for step in self.steps for clients in CLIENTS]

    def windows(self, session: Session) -> Iterator[tuple[str, Window]]:
        caller = Caller(session.running.url)
        token = caller.tokens(self.token, 1)[0] if self.token else ""
        self.check(caller, token)
        caller.close()
        for step in self.steps:
            requests = step.requests(Random(session.seed), token)
            yield from (_spent if step.is_spent else _repeated)(session, step, requests)


def named(operation: str, clients: int) -> str:
    """The name of a window."""
    return f"{operation}, {clients} client{'s' if clients > 1 else ''}"


def _repeated(session: Session, step: Step, requests: Iterable[Request]) -> Iterator[tuple[str, Window]]:
    """Windows of requests that change nothing."""
    some = list(islice(requests, DIFFERENT_READS))
    session.loading("requests", some, WARM_UP_CLIENTS)(WARM_UP_SECONDS)
    for clients in CLIENTS:
        time.sleep(SETTLE_SECONDS)
        yield named(step.name, clients), session.measured(session.loading("requests", some, clients))


def _spent(session: Session, step: Step, requests: Iterable[Request]) -> Iterator[tuple[str, Window]]:
    """Windows of single-use requests; the visit fails unless their rows are on disk."""
    left, first = list(requests), 0

    def run(clients: int, seconds: float) -> Window:
        nonlocal first
        some = left[first : first + int(MOST_PER_SECOND * seconds)]
        count = session.copy.count if step.is_stored else None
        before = count() if count else 0
        meter = session.meter()
        units = [(request, *step.then(request)) for request in some]
        done = spend(session.running.url, units, connections=clients, seconds=seconds, cores=session.cores)
        window = meter.window(done.count, done.seconds, done.p50_ms, done.p99_ms)
        first += done.count
        stored = count() - before if count else done.count
        if stored != done.count:
            raise WrongAnswer(f"{session.name}: {done.count} times {step.name}, {stored} stored")
        return window

    run(WARM_UP_CLIENTS, WARM_UP_SECONDS)
    for clients in CLIENTS:
        time.sleep(SETTLE_SECONDS)
        yield named(step.name, clients), run(clients, session.seconds)
