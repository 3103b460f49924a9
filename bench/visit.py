"""One visit to one candidate: fresh copy, fresh process, check, then every operation in turn, then memory."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench import flow
from bench.candidates import Candidate, FlowPlan, Workshop
from bench.check import Caller, WrongAnswer, check, read_request
from bench.load import Meter, Request, Window, write_requests, wrk
from bench.measure import Memory, memory
from bench.processes import Running, free_port, load_cores, server_cores, serving
from bench.stores import Copy

WARM_UP_SECONDS = 2  # Node.js still gets quicker during the first one
SETTLE_SECONDS = 0.3  # lets the server finish what the warm-up left in its queue
READING_TOKENS = 200
READS = 8_000
CONNECTIONS = {1: 32, 2: 64}


@dataclass(frozen=True)
class Visit:
    """What one visit found. `windows` and `memory`, read at the end of the window: by operation."""

    first_answer_seconds: float
    windows: dict[str, Window]
    memory: dict[str, Memory]


def operations(candidate: Candidate) -> list[str]:
    """The operations that are measured on a candidate, in the order in which they run."""
    return ["link", "token", *(flow.KINDS if candidate.flow else ())]


def visit(candidate: Candidate, workshop: Workshop, *, seconds: float, seed: int, done: Callable[[str], None]) -> Visit:
    """Measure one candidate once; `done` hears of each operation that is finished."""
    log = workshop.directory / "logs" / f"{candidate.name}.log"
    log.parent.mkdir(exist_ok=True)
    with candidate.store.copy() as copy:
        port = free_port()
        launch = candidate.launch(copy, port)
        with serving(launch, port, cores=server_cores(candidate.workers), log=log) as running:
            session = _Session(candidate, workshop, copy, running, seconds, seed)
            found = Visit(running.first_answer_seconds, {}, {})
            for operation, window in session.windows():
                found.windows[operation] = window
                found.memory[operation] = memory(running.pid)
                done(operation)
            return found


@dataclass(frozen=True)
class _Session:
    candidate: Candidate
    workshop: Workshop
    copy: Copy
    running: Running
    seconds: float
    seed: int

    def windows(self) -> Iterator[tuple[str, Window]]:
        caller = Caller(self.running.url)
        check(self.candidate, self.copy, caller)
        tokens = caller.tokens(self.candidate, READING_TOKENS)
        caller.close()
        yield "link", self._measured(self._warmed_up("link", self._reads(tokens)))
        yield "token", self._tokens()
        first = 0
        for kind in flow.KINDS:
            if self.candidate.flow:
                window, first = self._flows(kind, self.candidate.flow, first)
                yield kind, window

    def _reads(self, tokens: list[str]) -> list[Request]:
        choose = random.Random(self.seed)
        users = (f"user-{choose.randrange(self.workshop.scale.links)}" for _ in range(READS))
        return [read_request(self.candidate, choose.choice(tokens), user) for user in users]

    def _tokens(self) -> Window:
        """Every token that was answered in the window must be a row by then."""
        run = self._warmed_up("token", [self.candidate.token])
        before = self.copy.count_tokens() if self.copy.count_tokens else 0
        window = self._measured(run)
        stored = self.copy.count_tokens() - before if self.copy.count_tokens else window.count
        if stored < window.count:
            raise WrongAnswer(f"{self.candidate.name}: {window.count} tokens answered, {stored} stored")
        return window

    def _warmed_up(self, name: str, requests: list[Request]) -> Callable[[float], dict[str, int]]:
        """A function that loads the server for so many seconds with these requests, after it has done so once."""
        path = write_requests(self.workshop.directory / f"{name}.requests", requests)
        workers = self.candidate.workers

        def run(seconds: float) -> dict[str, int]:
            return wrk(
                self.running.url,
                path,
                seconds=seconds,
                connections=CONNECTIONS[workers],
                cores=load_cores(workers),
                seed=self.seed,
            )

        run(min(self.seconds, WARM_UP_SECONDS))
        time.sleep(SETTLE_SECONDS)
        return run

    def _measured(self, run: Callable[[float], dict[str, int]]) -> Window:
        meter = Meter(self.running.pid, self.copy.root)
        counts = run(self.seconds)
        return meter.window(counts["requests"], counts["microseconds"] / 1e6, counts["p50"] / 1e3, counts["p99"] / 1e3)

    def _flows(self, kind: str, plan: FlowPlan, first: int) -> tuple[Window, int]:
        """The window, and the number of the first account that is still unused."""
        cores = load_cores(self.candidate.workers)

        def order(seconds: float, first: int) -> flow.Order:
            return flow.Order(self.running.url, plan, kind, seconds, first)

        first += flow.run(order(min(self.seconds, WARM_UP_SECONDS), first), cores).flows
        meter = Meter(self.running.pid, self.copy.root)
        result = flow.run(order(self.seconds, first), cores)
        window = meter.window(result.flows, result.seconds, result.p50_ms, result.p99_ms)
        return window, first + result.flows
