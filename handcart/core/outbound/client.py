"""The HTTP client for URLs that others have chosen, such as a retailer's callback URL.

It prevents requests to internal addresses (SSRF). A name is resolved once for each connection and refused if any of its
addresses is not allowed (`core.outbound.addresses`); the connection goes to the address that was checked, while Host,
SNI and the certificate's name stay those of the URL. Redirects are not followed, proxy variables are not read. Limits
per receiver: time, bytes and pieces; per payer (a retailer): connections and look-ups. Why this is not an HTTP library:
docs/decisions/0008-outbound-client.md.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

from handcart.core.budget import Crowded, is_exhausted
from handcart.core.outbound.addresses import Address, fault, networks
from handcart.core.outbound.connections import Connection, Connections, Origin
from handcart.core.outbound.dns import Found, Lookup
from handcart.core.outbound.exchange import Answer, Failed, Stale, Time, cause_of, encode
from handcart.core.outbound.urls import RequestRefused, Target, UrlRules, check_url, read

__all__ = ["Answer", "Client", "Crowded", "Failed", "RequestRefused", "Resolve", "UrlRules", "check_url"]

WAIT_SECONDS = 5.0  # per request, for a free place; not counted as the receiver's time
_MOST_ADDRESSES = 4  # tried for one connection

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
_Ask = Callable[[Connection], Awaitable[Answer]]


class Client:
    """Sends requests; for one event loop. Keeps idle connections for `idle_seconds`; with 0, it keeps none.

    `resolve` returns the addresses of a host name, or raises OSError. `ca_file`: the certificate authorities to trust
    instead of the system's. Certificates are always checked.
    """

    def __init__(
        self,
        rules: UrlRules,
        *,
        resolve: Resolve | None = None,
        ca_file: str | None = None,
        connect_seconds: float = 5.0,
        body_seconds: float = 2.0,
        idle_seconds: float = 30.0,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._rules = rules
        self._allowed = networks(rules.allow_networks)
        self._resolve = resolve
        self._lookup = Lookup()
        self._ca_file = ca_file
        self._connect_seconds = connect_seconds
        self._body_seconds = body_seconds
        self._idle_seconds = idle_seconds
        self._wait_seconds = wait_seconds
        self._connections = Connections()
        self._tls: ssl.SSLContext | None = None

    async def request(
        self,
        method: str,
        url: str,
        content: bytes,
        headers: Sequence[tuple[str, str]],
        *,
        seconds: float = 15.0,
        most_body: int = 64 * 1024,
        sharer: Hashable = None,
        payer: Hashable = None,
    ) -> Answer:
        """Send a request; Host, Content-Length, Accept-Encoding and User-Agent are set here.

        Returns the response whatever its status, redirects too. Its head must arrive within `seconds`; its body is
        read for the rest of that time, but at most `body_seconds`, and up to `most_body` bytes. If a kept connection
        turns out to be closed, the request is sent again once, so a receiver may get it twice.

        Connections are shared only between requests of one `sharer`, at most 16 to one origin. Look-ups and connections
        are limited per `payer`, per address and in total. A request waits for its turn for at most `wait_seconds`,
        which do not count as `seconds`.
        Raises `RequestRefused`, `Failed`, and `Crowded` if its turn did not come.
        """
        target = read(url, self._rules)
        request = encode(method, target, content, headers)
        origin = self._connections.origin(sharer, target, payer)
        time = Time(seconds, self._wait_seconds)

        is_asked = False

        async def ask(connection: Connection) -> Answer:
            nonlocal is_asked
            async with time.running():
                is_asked = True
                reading = await connection.ask(request, most_body)
            is_cut = await connection.finish(reading, min(self._body_seconds, time.left), self._idle_seconds)
            self._connections.close_superfluous(payer)
            return Answer(reading.status, reading.headers, bytes(reading.body), is_cut, time.spent)

        origin.users += 1
        try:
            async with self._connections.place(origin, payer, time):
                if origin.idle:
                    connection = origin.idle[-1]
                    connection.leave()
                    with suppress(Stale):
                        return await self._ask_kept(connection, payer, time, ask)
                addresses = await self._addresses(target, payer, time)
                return await self._ask_anew(origin, target, addresses, time, ask)
        except Failed as error:
            error.may_have_arrived = is_asked
            raise
        except OSError as error:
            if is_exhausted(error):
                raise Crowded(cause_of(error)) from None
            failed = Failed(cause_of(error))
            failed.may_have_arrived = is_asked
            raise failed from None
        finally:
            origin.users -= 1

    async def close(self) -> None:
        """Close the idle connections; those in use close when their request ends."""
        self._idle_seconds = 0.0
        self._connections.close()

    async def _ask_kept(self, connection: Connection, payer: Hashable, time: Time, ask: _Ask) -> Answer:
        try:
            async with self._connections.place_at(connection.address, payer, time):
                return await ask(connection)
        except BaseException:
            connection.abort()
            raise

    async def _ask_anew(
        self, origin: Origin, target: Target, addresses: Sequence[Address], time: Time, ask: _Ask
    ) -> Answer:
        """Send on a new connection, to the first address that answers."""
        more: dict[str, Any] = {}
        if target.is_tls:
            more = {"ssl": self._context(), "server_hostname": target.host.removesuffix(".")}
        before = time.spent
        too_late = f"timeout: no connection within {self._connect_seconds:g} s"
        for tries_left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            # Each address gets a share of the time, so that a silent one does not use all of it.
            share = (self._connect_seconds - (time.spent - before)) / tries_left
            async with self._connections.place_at(address, origin.payer, time):
                try:
                    async with time.running(share, too_late):
                        connection = await self._connect(origin, address, target.port, more)
                except ssl.SSLError:
                    raise
                except (OSError, Failed) as error:
                    if tries_left == 1 or (isinstance(error, OSError) and is_exhausted(error)):
                        raise
                    continue
                return await ask(connection)
        raise AssertionError("no address")  # pragma: no cover

    async def _connect(self, origin: Origin, address: Address, port: int, more: dict[str, Any]) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(origin, address), str(address), port, **more)
        return connection

    async def _addresses(self, target: Target, payer: Hashable, time: Time) -> Sequence[Address]:
        """The addresses to connect to, all checked; raises `RequestRefused` if one is not allowed."""
        if target.address:
            return [target.address]
        looking: Awaitable[Found]
        if self._resolve is None:
            begun = self._lookup.begin(target.host, target.port, payer)
            looking = await time.wait(begun, f"no thread to look up {target.host}")
        else:
            looking = self._resolve(target.host, target.port)
        async with time.running(self._connect_seconds, f"timeout: no connection within {self._connect_seconds:g} s"):
            found = await asyncio.shield(looking)
        if isinstance(found, Exception):
            raise found
        if any("%" in text for text in found):
            raise RequestRefused(f"{target.host} has an address that is valid only on one network interface")
        addresses = [ip_address(text) for text in dict.fromkeys(found)]
        for address in addresses:
            if why := fault(address, self._allowed):
                raise RequestRefused(why)
        if not addresses:
            raise Failed("no address for host")
        return addresses[:_MOST_ADDRESSES]

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            if is_exhausted():  # the certificate authorities could not be read, so every receiver would fail
                raise Crowded("no descriptor to read the certificates of authorities")
            self._tls = ssl.create_default_context(cafile=self._ca_file)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls
