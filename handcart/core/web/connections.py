"""Limits of one process's open connections, in total and per address."""

import resource
from asyncio import Future
from collections import Counter, OrderedDict
from ipaddress import IPv6Address, ip_address
from typing import Any

from handcart.core import log, ratelimit
from handcart.core.outbound import addresses
from handcart.core.settings import Settings, parts

# File descriptors reserved for the database, outgoing callbacks and files.
_KEPT_DESCRIPTORS = 384
# Connections over the limit that are answered 503 while all others have a request in progress.
_SPARE = 64
_NEARLY = 0.9
_DESCRIPTORS_WITHOUT_A_HARD_LIMIT = 65_536


class Connections:
    """Counts the connections of one server.

    Over the total limit, the connection that has been idle longest is closed. Connections are the HTTP protocol's
    objects: they have a `transport`.
    """

    def __init__(self, most: int, most_per_address: int = 0, proxies: str = "") -> None:
        """`most`, `most_per_address`: 0 is no limit. `proxies`: addresses without a limit, separated by commas."""
        self.most = most
        self.ended: Counter[str] = Counter()  # count by reason: "address", "all", "room"
        self._most_per_address = most_per_address
        self._trusts_all = "*" in parts(proxies)
        self._proxies = [] if self._trusts_all else addresses.networks(parts(proxies))
        self._open: dict[Any, str] = {}
        self._of_address: Counter[str] = Counter()
        self._idle: OrderedDict[Any, None] = OrderedDict()  # idle longest first
        self.streams: set[Future[None]] = set()  # what writes the responses that stay open

    def end_streams(self) -> None:
        """End the responses that stay open: the server stops."""
        for writing in self.streams:
            writing.cancel()

    @property
    def open(self) -> int:
        return len(self._open)

    def admit(self, connection: Any, address: str) -> bool:
        """Count a new connection; False if it must be closed at once. For a 503, sets its `limit_concurrency` to 0."""
        who = "" if self._is_exempt(address) else ratelimit.network(address)
        if who and self._of_address[who] >= self._most_per_address:
            self._end("address")
            return False
        if self.most and len(self._open) >= self.most:
            if self._idle:
                oldest, _ = self._idle.popitem(last=False)
                self.leave(oldest)
                oldest.transport.abort()
                self._end("room")
            elif len(self._open) < self.most + _SPARE:
                connection.limit_concurrency = 0
                self._end("all")
            else:
                self._end("all")
                return False
        self._open[connection] = who
        self._of_address[who] += 1
        self._idle[connection] = None
        if self.most and len(self._open) >= self.most * _NEARLY:
            log.counted("connections nearly used up", open=len(self._open), most=self.most)
        return True

    def begin(self, connection: Any) -> None:
        """A request of the connection has started."""
        self._idle.pop(connection, None)

    def wait(self, connection: Any) -> None:
        """The request has been answered; the connection is idle."""
        if connection in self._open:
            self._idle[connection] = None

    def leave(self, connection: Any) -> None:
        """The connection has ended."""
        who = self._open.pop(connection, None)
        self._idle.pop(connection, None)
        if who is not None:
            self._of_address[who] -= 1
            if not self._of_address[who]:
                del self._of_address[who]

    def _is_exempt(self, address: str) -> bool:
        if not self._most_per_address or not address or self._trusts_all:  # no address: a Unix socket
            return True
        parsed = ip_address(address)
        return any(parsed in network for network in self._proxies)

    def _end(self, reason: str) -> None:
        self.ended[reason] += 1
        log.counted("connection ended at a limit", reason=reason, open=len(self._open), most=self.most)


def create(settings: Settings) -> Connections:
    """The limits for a process of the server: never more than its file descriptors allow."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    possible = soft - min(_KEPT_DESCRIPTORS, soft // 2)
    most = min(settings.connections, possible) if settings.connections else possible
    return Connections(most, settings.connections_per_address, settings.proxies)


def raise_descriptor_limit() -> int:
    """Raise this process's limit of open files as far as allowed; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, _DESCRIPTORS_WITHOUT_A_HARD_LIMIT) if hard == resource.RLIM_INFINITY else hard
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):  # a system that allows less than it reports
        return soft
    return wanted


def unmapped(address: str) -> str:
    """An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`, from dual-stack sockets) as IPv4; others unchanged."""
    if not address.startswith("::ffff:"):
        return address
    mapped = IPv6Address(address).ipv4_mapped
    return str(mapped) if mapped else address
