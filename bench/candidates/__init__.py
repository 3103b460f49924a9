"""What is measured: each candidate prepares its store once, and starts its server on a fresh copy for every visit."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bench.load import Window
from bench.processes import Launch
from bench.session import Session
from bench.stores import Copy, Store

T = TypeVar("T")

SCOPE = "connect:fulfillment"
EXPIRED_AT = "2035-01-01T00:00:00Z"
TOKEN_SECONDS = 86400


@dataclass(frozen=True)
class Scale:
    """
    Rows in the prepared stores: users that are linked, tokens that nobody asks for, accounts for whole flows.

    In the stores for orders: holds, orders where there are few and where there are many; the carts of the peers, which
    cost one of them 0.1 s each to prepare, and are enough for it.
    """

    links: int = 100_000
    tokens: int = 50_000
    flows: int = 20_000
    holds: int = 115_200
    few_orders: int = 1_000
    many_orders: int = 1_000_000
    carts: int = 4_000
    slow_carts: int = 300


@dataclass(frozen=True)
class FlowPlan:
    """What a whole flow needs to know beside the server's URL."""

    client_id: str
    client_secret: str
    redirect_uri: str
    password: str
    secret_key: str
    accounts: int


class Part(Protocol):
    """What a candidate is asked."""

    @property
    def operations(self) -> Sequence[str]:
        """The operations that are measured, in the order in which they run."""
        ...

    def windows(self, session: Session) -> Iterator[tuple[str, Window]]:
        """See that the answers are right, then measure each operation."""
        ...


@dataclass(frozen=True)
class Candidate:
    """
    One server in one configuration.

    `kind`: "handcart", "limit", "silent" (ours without events) or "peer". `rival`: the configuration of ours that it is
    compared with.
    """

    name: str
    kind: str
    about: str
    workers: int
    rival: str
    store: Store
    launch: Callable[[Copy, int], Launch]
    part: Part


@dataclass
class Workshop:
    """Where things are built, at which scale, and what has to be taken down at the end (`stack`)."""

    directory: Path
    scale: Scale
    stack: ExitStack
    _made: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` answered when it was first asked for under this name."""
        if name not in self._made:
            self._made[name] = make()
        made: T = self._made[name]
        return made
