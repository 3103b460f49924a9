"""The measured servers. Each candidate prepares its database once, and starts on a fresh copy for every visit."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from bench.databases import Copy, Database
from bench.load import Window
from bench.processes import Launch
from bench.session import Session

T = TypeVar("T")

SCOPE = "connect:fulfillment"
EXPIRED_AT = "2035-01-01T00:00:00Z"
TOKEN_SECONDS = 86400


@dataclass(frozen=True)
class Scale:
    """
    Rows in the prepared databases: linked users, unused tokens, accounts for whole flows.

    In the databases for orders: holds; orders in the small and in the large variant; carts of the peers, few, because
    preparing one takes one of the peers 0.1 s.
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
    """The data that a whole flow needs in addition to the server's URL."""

    client_id: str
    client_secret: str
    redirect_uri: str
    password: str
    secret_key: str
    accounts: int


class Part(Protocol):
    """A set of operations to measure on a candidate."""

    @property
    def operations(self) -> Sequence[str]:
        """The measured operations, in the order of running."""
        ...

    def windows(self, session: Session) -> Iterator[tuple[str, Window]]:
        """Check that the responses are right, then measure each operation."""
        ...


@dataclass(frozen=True)
class Candidate:
    """
    One server in one configuration.

    `kind`: "handcart", "limit", "silent" (Handcart without events) or "peer". `rival`: the configuration of Handcart to
    compare it with.
    """

    name: str
    kind: str
    about: str
    workers: int
    rival: str
    database: Database
    launch: Callable[[Copy, int], Launch]
    part: Part


@dataclass
class Workshop:
    """The build directory, the scale, and what to clean up at the end (`stack`)."""

    directory: Path
    scale: Scale
    stack: ExitStack
    _made: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], T]) -> T:
        """The result of `make`, which is called only once per name."""
        if name not in self._made:
            self._made[name] = make()
        made: T = self._made[name]
        return made
