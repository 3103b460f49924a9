"""The outbound client and the names of receivers: which addresses it asks, and how it looks them up."""

import asyncio
import socket
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from handcart.core.outbound.client import Client, Crowded, Failed, RequestRefused, UrlRules
from handcart.core.outbound.dns import LOOKUPS
from tests.core.outbound.clients import GENEROUS, OK, TRAP, Run, client_for, head
from tests.support.receivers import HERE, names, receiving, saying

BAD_ADDRESSES = [
    *(
        "127.0.0.2",
        "127.0.0.3",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "100.100.100.200",
    ),
    *(
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.2",
        "::127.0.0.2",
        "64:ff9b::7f00:2",
        "64:ff9b:1::1",
    ),
    *("2002:7f00:2::1", "2001:0:7f00:2::", "fd00:ec2::254", "fe80::1%lo"),
]


@pytest.mark.parametrize("bad", BAD_ADDRESSES)
def test_name_turns_bad_then_refused_and_no_connection(bad: str) -> None:
    async def check() -> None:
        looked_up: list[str] = []

        async def resolve(host: str, port: int) -> Sequence[str]:
            looked_up.append(host)
            return [HERE] if len(looked_up) == 1 else [bad]

        once = saying(head("200 OK", "Content-Length: 0", "Connection: close"))
        async with receiving(once) as receiver, receiving(saying(OK), TRAP, receiver.port) as trap:
            client = client_for(receiver, resolve=resolve)
            # Looked up once: an answer that is good when checked and bad when used has no second time.
            assert (await client.request("POST", receiver.url, b"{}", [])).status == 200
            assert looked_up == ["receiver.example"]
            for _ in range(2):
                with pytest.raises(RequestRefused, match=r"^blocked: .* (is|has|stands) "):
                    await client.request("POST", receiver.url, b"{}", [])
        assert (receiver.connections, trap.connections) == (1, 0)

    asyncio.run(check())


def test_guard_off_then_the_trap_is_reached() -> None:
    # What the tests around this one rely on: the trap sees a connection when there is one.
    async def check() -> None:
        async with receiving(saying(OK), TRAP) as trap:
            everywhere = UrlRules(allow_http=True, allow_ports=(trap.port,), allow_networks=("0.0.0.0/0", "::/0"))
            client = Client(everywhere, resolve=names(receiver=["::ffff:127.0.0.2"]))
            for host in ("receiver.example", TRAP):
                await client.request("POST", f"http://{host}:{trap.port}/", b"{}", [])
            await client.close()
        assert trap.connections == 2

    asyncio.run(check())


@pytest.mark.parametrize(
    "addresses",
    [(HERE, TRAP), (TRAP, HERE), (HERE, "::1"), (HERE, "fd00::1"), ("2606:4700::1111", "8.8.8.8", TRAP)],
    ids=" ".join,
)
def test_one_of_several_addresses_is_bad_then_refused_and_no_connection(addresses: Sequence[str]) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver, receiving(saying(OK), TRAP, receiver.port) as trap:
            with pytest.raises(RequestRefused):
                await client_for(receiver, resolve=names(receiver=addresses)).request("POST", receiver.url, b"{}", [])
        assert (receiver.connections, trap.connections) == (0, 0)

    asyncio.run(check())


def test_url_or_header_unfit_then_refused_before_anything_is_looked_up() -> None:
    async def check() -> None:
        async def resolve(host: str, port: int) -> Sequence[str]:
            raise AssertionError(host)

        async with receiving(saying(OK), TRAP) as trap:
            client = client_for(trap, resolve=resolve)
            for host in (TRAP, "127.2", "2130706434", "0x7f.2", "0177.0.0.2", "[::ffff:7f00:2]", f"{TRAP}.", "a@b"):
                with pytest.raises(RequestRefused):
                    await client.request("POST", f"http://{host}:{trap.port}/", b"{}", [])
            for name, value in (
                ("a", "b\r\nc: d"),
                ("a", "b\nc"),
                ("a", "\0"),
                ("a", "é"),
                ("a b", "c"),
                ("", "c"),
                ("a:", ""),
            ):
                with pytest.raises(
                    RequestRefused, match=r"^blocked: the header '.*' has characters that are not allowed in headers$"
                ):
                    await client.request("POST", trap.url, b"{}", [("x", "y"), (name, value)])
        assert trap.connections == 0

    asyncio.run(check())


def test_first_addresses_do_not_answer_then_the_next_one_is_asked(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver:
            with socket.socket() as full:  # its queue is full, so it leaves connections hanging
                full.bind((TRAP, receiver.port))
                full.listen(0)
                fillers = [socket.socket() for _ in range(4)]
                for filler in fillers:
                    filler.setblocking(False)
                    filler.connect_ex((TRAP, receiver.port))
                rules = UrlRules(allow_http=True, allow_ports=(receiver.port,), allow_networks=("127.0.0.0/8",))
                refuses, silent = "127.0.0.3", TRAP
                resolve = names(receiver=[refuses, silent, HERE], silent=[silent], refuses=[refuses, refuses])
                client = Client(rules, resolve=resolve, connect_seconds=1)
                assert (await client.request("POST", receiver.url, b"{}", [])).status == 200
                with pytest.raises(Failed, match=r"^timeout: no connection within 1 s$"):
                    await client.request("POST", f"http://silent.example:{receiver.port}/", b"{}", [])
                with pytest.raises(Failed, match=r"^connection refused$"):
                    await client.request("POST", f"http://refuses.example:{receiver.port}/", b"{}", [])
                await client.close()
                for filler in fillers:
                    filler.close()

    run(check())


def test_proxy_variables_then_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver, receiving(saying(OK), TRAP) as trap:
            for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, f"http://{TRAP}:{trap.port}")
            client = client_for(receiver)
            assert (await client.request("POST", receiver.url, b"{}", [])).status == 200
            await client.close()
        assert trap.connections == 0

    asyncio.run(check())


@pytest.mark.parametrize(
    ("found", "expected"),
    [([], "no address for host"), (socket.gaierror(-2, "Name or service not known"), "no address for host")],
)
def test_name_has_no_address_then_failed(monkeypatch: pytest.MonkeyPatch, found: Any, expected: str) -> None:
    def getaddrinfo(*asked: Any, **more: Any) -> list[Any]:
        if isinstance(found, Exception):
            raise found
        return list(found)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(Failed, match=f"^{expected}$"):
        asyncio.run(Client(UrlRules()).request("POST", "https://receiver.example/", b"{}", []))


def test_lookup_hangs_then_timeout_and_one_thread_for_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    go_on = threading.Event()

    def getaddrinfo(host: bytes, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        go_on.wait(GENEROUS)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (TRAP, port))]

    async def check() -> None:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        others = set(threading.enumerate())
        client = Client(UrlRules(), connect_seconds=0.05, wait_seconds=0.05)
        lookup = client._lookup
        for _ in range(2):
            posts = [client.request("POST", "https://slow.example/", b"{}", []) for _ in range(5)]
            for error in await asyncio.gather(*posts, return_exceptions=True):
                assert str(error) == "timeout: no connection within 0.05 s"
        assert asked == [b"slow.example"]
        # One payer's names take 8 threads. Others have theirs, though a few take most of the rest.
        waiting = [await lookup.begin(f"name{i}.example", 443, None) for i in range(7)]
        with pytest.raises(Crowded, match=r"no thread to look up one-too-many\.example came free"):
            await client.request("POST", "https://one-too-many.example/", b"{}", [])
        waiting += [await lookup.begin(f"{payer}{i}.example", 443, payer) for payer in "abcde" for i in range(8)]
        last = [await lookup.begin(f"{payer}.example", 443, payer) for payer in range(16)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lookup.begin("f.example", 443, "f"), 0.01)
        started = set(threading.enumerate()) - others
        assert len([thread for thread in started if thread.name.startswith("lookup of ")]) == LOOKUPS
        go_on.set()
        assert await asyncio.gather(*waiting, *last) == [[TRAP]] * 63
        assert await (await lookup.begin("f.example", 443, "f")) == [TRAP]
        with pytest.raises(RequestRefused, match=r"127\.0\.0\.2 is a loopback address"):
            await client.request("POST", "https://slow.example/", b"{}", [])

    asyncio.run(check())


def test_name_looked_up_by_the_system_then_its_addresses_are_judged() -> None:
    with pytest.raises(RequestRefused, match=r"(127\.0\.0\.1|::1) is a loopback address"):
        asyncio.run(Client(UrlRules()).request("POST", "https://localhost/", b"{}", []))


def test_origins_asked_once_then_forgotten() -> None:
    async def check() -> None:
        async with receiving(saying(head("200 OK", "Content-Length: 0", "Connection: close"))) as receiver:
            client = client_for(receiver, resolve=names(**{f"a{i}": [HERE] for i in range(50)}))
            for i in range(50):
                await client.request("POST", f"http://a{i}.example:{receiver.port}/", b"{}", [])
        assert len(client._connections.origins) <= 2

    asyncio.run(check())
