"""What is measured: each candidate prepares its store once, and starts its server on a fresh copy for every visit."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bench.load import Request
from bench.processes import Launch
from bench.stores import Copy, Store

T = TypeVar("T")

SCOPE = "connect:fulfillment"
EXPIRED_AT = "2035-01-01T00:00:00Z"
TOKEN_SECONDS = 86400


@dataclass(frozen=True)
class Scale:
    """Rows in the prepared stores: users that are linked, tokens that nobody asks for, accounts for whole flows."""

    links: int = 100_000
    tokens: int = 50_000
    flows: int = 20_000


@dataclass(frozen=True)
class FlowPlan:
    """What a whole flow needs to know beside the server's URL."""

    client_id: str
    client_secret: str
    redirect_uri: str
    password: str
    secret_key: str
    accounts: int


@dataclass(frozen=True)
class Candidate:
    """
    One server in one configuration.

    `kind`: "handcart", "limit" or "peer". `token`: the request that issues a token. `read`: the path of the protected
    resource, `{}` for the user's id. `rival`: the configuration of ours that it is compared with.
    """

    name: str
    kind: str
    about: str
    workers: int
    rival: str
    store: Store
    launch: Callable[[Copy, int], Launch]
    token: Request
    wrong_secret: Request
    read: str
    flow: FlowPlan | None = None


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
