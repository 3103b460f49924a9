"""The first part: tokens, links, and whole flows of customers who link an account."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import flow
from bench.candidates import FlowPlan
from bench.check import Caller, WrongAnswer, check_linking, read_request
from bench.load import Request, Window
from bench.session import WARM_UP_SECONDS, Session

READING_TOKENS = 200
READS = 8_000
CONNECTIONS = {1: 32, 2: 64}


@dataclass(frozen=True)
class Linking:
    """
    The operations of this part. `token`: the request that issues a token. `read`: the path of the protected resource,
    `{}` for the user's id. `links`: the number of linked users.
    """

    token: Request
    wrong_secret: Request
    read: str
    links: int
    flow: FlowPlan | None = None

    @property
    def operations(self) -> Sequence[str]:
        return ["link", "token", *(flow.KINDS if self.flow else ())]

    def windows(self, session: Session) -> Iterator[tuple[str, Window]]:
        caller = Caller(session.running.url)
        check_linking(session.name, self.token, self.wrong_secret, self.read, session.copy, caller)
        tokens = caller.tokens(self.token, READING_TOKENS)
        caller.close()
        connections = CONNECTIONS[session.workers]
        yield "link", session.measured(session.warmed_up("link", self._reads(session.seed, tokens), connections))
        yield "token", self._tokens(session, connections)
        first = 0
        for kind in flow.KINDS:
            if self.flow:
                window, first = _flows(session, kind, self.flow, first)
                yield kind, window

    def _reads(self, seed: int, tokens: Sequence[str]) -> list[Request]:
        choose = random.Random(seed)
        users = (f"user-{choose.randrange(self.links)}" for _ in range(READS))
        return [read_request(self.read, choose.choice(tokens), user) for user in users]

    def _tokens(self, session: Session, connections: int) -> Window:
        """Measure tokens; every token returned in the window must be a row at its end."""
        run, count = session.warmed_up("token", [self.token], connections), session.copy.count
        before = count() if count else 0
        window = session.measured(run)
        stored = count() - before if count else window.count
        if stored < window.count:
            raise WrongAnswer(f"{session.name}: {window.count} tokens answered, {stored} stored")
        return window


def _flows(session: Session, kind: str, plan: FlowPlan, first: int) -> tuple[Window, int]:
    """The window, and the number of the first account that is still unused."""

    def order(seconds: float, first: int) -> flow.Order:
        return flow.Order(session.running.url, plan, kind, seconds, first)

    first += flow.run(order(min(session.seconds, WARM_UP_SECONDS), first), session.cores).flows
    meter = session.meter()
    result = flow.run(order(session.seconds, first), session.cores)
    window = meter.window(result.flows, result.seconds, result.p50_ms, result.p99_ms)
    return window, first + result.flows
