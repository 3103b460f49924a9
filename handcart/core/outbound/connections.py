"""Connections to receivers: how many there may be, and which are kept for the next request."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv6Address
from typing import cast

from handcart.core.budget import Budget
from handcart.core.outbound.addresses import Address
from handcart.core.outbound.exchange import Reading, Stale, Time
from handcart.core.outbound.urls import Target

_MOST_CONNECTIONS = 16  # per origin and sharer
# Maximum connections in use, per payer and in total; the same per address; and idle ones.
CONNECTIONS_EACH, CONNECTIONS = 96, 256
TO_ADDRESS_EACH, TO_ADDRESS = 64, 128
IDLE_EACH, IDLE = 32, 128


class Origin:
    """The connections of one sharer to one scheme, host and port."""

    def __init__(self, all_idle: "dict[Connection, Hashable]", payer: Hashable) -> None:
        self.payer = payer
        self.idle: list[Connection] = []
        self.all_idle = all_idle
        self.users = 0
        # Idle connections are used before new ones are opened, so this limits the open ones.
        self.slots = asyncio.Semaphore(_MOST_CONNECTIONS)


class Connection(asyncio.Protocol):
    """A connection to one checked address; it carries one request at a time."""

    _transport: asyncio.Transport

    def __init__(self, origin: Origin, address: Address) -> None:
        self.address = address
        self._origin = origin
        self._reading: Reading | None = None
        self._expiry: asyncio.TimerHandle | None = None

    async def ask(self, request: bytes, most_body: int) -> Reading:
        """Send a request and wait for the head of its response; the caller limits the time. Raises `Failed`."""
        if self._transport.is_closing():
            raise Stale("connection closed before an answer")
        self._reading = reading = Reading(asyncio.get_running_loop(), most_body)
        self._transport.write(request)
        try:
            await reading.head
        except BaseException:
            self.abort()
            raise
        return reading

    async def finish(self, reading: Reading, body_seconds: float, idle_seconds: float) -> bool:
        """Read the rest of the response, then keep or close the connection. Returns whether the body is cut."""
        try:
            if not reading.end.done():
                await asyncio.wait([reading.end], timeout=body_seconds)
        finally:
            if reading.may_stay and idle_seconds > 0 and not self._transport.is_closing():
                self._reading = None
                self._expiry = asyncio.get_running_loop().call_later(idle_seconds, self.abort)
                self._origin.idle.append(self)
                self._origin.all_idle[self] = self._origin.payer
            else:
                self.abort()
        return not reading.end.done() or reading.end.result()

    def abort(self) -> None:
        """Close at once, without a TLS shutdown that the receiver could delay."""
        self._reading = None
        self.leave()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._reading is None:
            self.abort()  # no request was sent
        else:
            self._reading.feed(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.leave()
        if self._reading is not None:
            self._reading.lost(error)

    def leave(self) -> None:
        """Leave the idle connections."""
        if self._expiry:
            self._expiry.cancel()
        self._origin.all_idle.pop(self, None)
        with suppress(ValueError):
            self._origin.idle.remove(self)


class Connections:
    """All connections of one client, and the limits of their number."""

    def __init__(self) -> None:
        self.idle: dict[Connection, Hashable] = {}
        self.origins: dict[tuple[Hashable, tuple[bool, str, int]], Origin] = {}
        self.to_addresses: dict[Address, Budget] = {}
        self._in_use = Budget(CONNECTIONS_EACH, CONNECTIONS)

    def origin(self, sharer: Hashable, target: Target, payer: Hashable) -> Origin:
        """The connections of a sharer to the origin of a URL."""
        wanted = (sharer, target.origin)
        origin = self.origins.get(wanted)
        if origin is None:
            self.origins = {key: kept for key, kept in self.origins.items() if kept.users or kept.idle}
            origin = self.origins[wanted] = Origin(self.idle, payer)
        return origin

    @asynccontextmanager
    async def place(self, origin: Origin, payer: Hashable, time: Time) -> AsyncIterator[None]:
        """A place among the connections to an origin, and among all."""
        await time.wait(origin.slots.acquire(), f"none of {_MOST_CONNECTIONS} connections to this host")
        try:
            async with _place(self._in_use, payer, time, "no connection"):
                yield
        finally:
            origin.slots.release()

    @asynccontextmanager
    async def place_at(self, address: Address, payer: Hashable, time: Time) -> AsyncIterator[None]:
        """A place among the connections to one address, shared by all sharers."""
        plain = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
        places = self.to_addresses.setdefault(plain, Budget(TO_ADDRESS_EACH, TO_ADDRESS))
        try:
            async with _place(places, payer, time, f"no connection to {plain}"):
                yield
        finally:
            if not places.taken:
                self.to_addresses.pop(plain, None)

    def close_superfluous(self, payer: Hashable) -> None:
        """Close the oldest idle connections over the limits per payer and in total."""
        own = [connection for connection, of in self.idle.items() if of == payer]
        for connection in own[:-IDLE_EACH]:
            connection.abort()
        for connection in [*self.idle][:-IDLE]:
            connection.abort()

    def close(self) -> None:
        """Close the idle connections."""
        for connection in [*self.idle]:
            connection.abort()


@asynccontextmanager
async def _place(budget: Budget, payer: Hashable, time: Time, what: str) -> AsyncIterator[None]:
    await time.wait(budget.wait(payer), what)
    try:
        yield
    finally:
        budget.give(payer)
