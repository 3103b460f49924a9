"""The outbound client with receivers that are correct, broken, dishonest, slow, flooding or moving."""

import asyncio
import os
import re
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
import uvloop

from handcart.core.outbound.client import Answer, Client, Crowded, Failed, Refused, Rules
from handcart.core.outbound.connections import IDLE_EACH, TO_ADDRESS, TO_ADDRESS_EACH
from handcart.core.outbound.dns import LOOKUPS
from handcart.core.outbound.exchange import MOST_HEAD
from tests.support.receivers import HERE, Receiver, Script, endless, names, receiving, saying

GENEROUS = 30
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
TRAP = "127.0.0.2"
Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs a coroutine on each event loop: they differ in what happens to a connection that is given up."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run


def client_for(receiver: Receiver, **more: Any) -> Client:
    rules = Rules(allow_http=True, allow_ports=(receiver.port,), allow_networks=(f"{HERE}/32",))
    return Client(rules, **{"resolve": names(receiver=[HERE]), "idle_seconds": GENEROUS, **more})


async def answer_of(script: Script, *, seconds: float = GENEROUS, most_body: int = 1000, **more: Any) -> Answer | str:
    """A client's result with a receiver: the response or the error. All connections must end with it."""
    async with receiving(script) as receiver:
        client = client_for(receiver, **more)
        try:
            return await client.request("POST", receiver.url, b"{}", [], seconds=seconds, most_body=most_body)
        except Failed as error:
            return str(error)
        finally:
            await client.close()


def head(status: str = "200 OK", *lines: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


CHUNKED = head("200 OK", "Transfer-Encoding: chunked")
LONG = head("200 OK", "Content-Length: 1000000000")
SHORT = head("200 OK", "Content-Length: 10")


@pytest.mark.parametrize(
    ("script", "status", "length", "is_cut"),
    [
        (saying(OK), 200, 2, False),
        (saying(*(bytes([byte]) for byte in OK)), 200, 2, False),
        (saying(head("204 No Content")), 204, 0, False),
        (saying(head("500 Oh", "Content-Length: 0")), 500, 0, False),
        (saying(head("999 \x01".replace("\x01", "x"), "Content-Length: 0")), 999, 0, False),
        (saying(head("100 Continue"), head("103 Early", "Link: x"), OK), 200, 2, False),
        (saying(head("101 Switch", "Upgrade: x", "Connection: upgrade"), b"xxx", close=True), 101, 0, False),
        (saying(CHUNKED, b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: x\r\n\r\n"), 200, 5, False),
        (saying(head(), b"abc", close=True), 200, 3, False),
        (saying(b"HTTP/1.0 200 OK\r\n\r\nabc", close=True), 200, 3, False),
        (saying(head("200 OK", "Content-Length: 1000"), b"x" * 1000), 200, 1000, False),
        (saying(head("200 OK", "Content-Length: 1001"), b"x" * 1001), 200, 1000, True),
        (saying(head("200 OK", *(f"A{i}: b" for i in range(199)), "Content-Length: 0")), 200, 0, False),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: " + b"a" * (MOST_HEAD - 43) + b"\r\n\r\n"), 200, 0, False),
        # It breaks off or breaks the rules behind the head.
        (saying(SHORT, b"abc", close=True), 200, 3, True),
        (saying(CHUNKED, b"3\r\nabc\r\nzz\r\n"), 200, 3, True),
        (saying(CHUNKED, b"-1\r\nabc\r\n"), 200, 0, True),
        (saying(CHUNKED, b"3\r\nabc\r\n", close=True), 200, 3, True),
        (saying(SHORT, b"abc" + b"0123456789" * 2), 200, 10, False),
        # It never comes to an end.
        (endless(LONG, b"x" * 65536), 200, 1000, True),
        (endless(head(), b"x" * 65536), 200, 1000, True),
        (endless(CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"), 200, 1000, True),
        (endless(CHUNKED, b"1;" + b"y" * 100 + b"\r\nx\r\n"), 200, None, True),
        (endless(CHUNKED + b"1;", b"y" * 65536), 200, 0, True),
        (endless(CHUNKED + b"0\r\n", b"Trailer: y\r\n" * 1000), 200, 0, True),
        (endless(CHUNKED + b"0\r\nTrailer: ", b"y" * 65536), 200, 0, True),
        # 999 pieces are read, more are not.
        (saying(CHUNKED, b"1\r\nx\r\n" * 999, b"0\r\n\r\n"), 200, 999, False),
        (saying(CHUNKED, b"1\r\nx\r\n" * 1000, b"0\r\n\r\n"), 200, 1000, True),
    ],
)
def test_head_complete_then_its_status_is_the_answer_whatever_follows(
    run: Run, script: Script, status: int, length: int | None, is_cut: bool
) -> None:
    async def check() -> None:
        answer = await answer_of(script)
        assert isinstance(answer, Answer), answer
        assert (answer.status, answer.is_cut) == (status, is_cut)
        assert "trailer" not in dict(answer.headers)
        assert len(answer.body) == length if length is not None else 0 < len(answer.body) < 1000

    run(check())


@pytest.mark.parametrize("script", [saying(head(), b"x"), saying(LONG), saying(SHORT), endless(LONG, b"x", 0.03)])
def test_body_slow_or_never_there_then_answered_without_it(run: Run, script: Script) -> None:
    async def check() -> None:
        answer = await answer_of(script, body_seconds=0.05)
        assert isinstance(answer, Answer), answer
        assert answer.is_cut
        assert len(answer.body) < 1000

    run(check())


def test_body_slow_then_read_for_the_rest_of_the_time_at_most(run: Run) -> None:
    async def check() -> None:
        answer = await answer_of(endless(LONG, b"x", 0.1), seconds=2, body_seconds=GENEROUS)
        assert isinstance(answer, Answer), answer
        assert answer.is_cut
        assert answer.seconds < GENEROUS

    run(check())


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (saying(close=True), "connection closed before an answer"),
        (saying(b"HTTP/1.1 200 OK\r\n", close=True), "connection closed within the answer's head"),
        (saying(b"SSH-2.0-OpenSSH_9.6\r\n"), "no HTTP answer: "),
        (saying(b"<html>"), "no HTTP answer: "),
        (saying(b"\0" * 100), "no HTTP answer: "),
        (saying(b"\x15\x03\x01\0\x02\x02\x46"), "no HTTP answer: "),  # what a TLS port answers
        (saying(head("99 Low")), "no HTTP answer: "),
        (saying(head("200 OK", "Content-Length: 2", "Content-Length: 3")), "no HTTP answer: "),
        (saying(head("200 OK", "Content-Length: -1")), "no HTTP answer: "),
        (saying(head("200 OK", "Content-Length: 2", "Transfer-Encoding: chunked")), "no HTTP answer: "),
        (saying(head("200 OK", "A: b\0c")), "no HTTP answer: "),
        (saying(head("200 OK", "A: b", " c")), "no HTTP answer: "),
        (saying(head("200 OK", *(f"A{i}: b" for i in range(201)))), "more than 200 headers"),
        (saying(head("200 OK", "A: " + "a" * 10_000_000)), "headers over 64 KiB"),
        (saying(head("200 " + "x" * MOST_HEAD)), "headers over 64 KiB"),
        (
            saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: " + b"a" * (MOST_HEAD - 42) + b"\r\n\r\n"),
            "headers over",
        ),
        (endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"), "more than 200 headers"),
        (endless(b"HTTP/1.1 200 OK\r\n", b"A: " + b"b" * 1000 + b"\r\n"), "headers over 64 KiB"),
        (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10), "an answer in more than 1000 pieces"),
        (endless(b"", b"HTTP/1.1 100 Continue\r\nA: " + b"b" * 200 + b"\r\n\r\n"), "headers over 64 KiB"),
        (endless(b"", b"\r\n" * 1000), "headers over 64 KiB|no HTTP answer"),
    ],
)
def test_head_broken_or_endless_then_failed_with_the_cause(run: Run, script: Script, expected: str) -> None:
    async def check() -> None:
        answer = await answer_of(script)
        assert isinstance(answer, str), answer
        assert re.match(expected, answer), answer

    run(check())


@pytest.mark.parametrize("script", [saying(), saying(b"HTTP/1.1 200"), endless(b"HTTP/1.1 200 OK\r\nA: ", b"b", 0.01)])
def test_head_slow_or_never_there_then_timeout(run: Run, script: Script) -> None:
    async def check() -> None:
        assert await answer_of(script, seconds=0.1) == "timeout: no answer within 0.1 s"

    run(check())


MEMORY = """
import asyncio, resource, socket, sys, threading
from handcart.core.outbound.client import Client, Failed, Rules

PARTS = {
    "body": (b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000000000\\r\\n\\r\\n", b"x" * 65536),
    "chunks": (b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n", b"1\\r\\nx\\r\\n" * 10000),
    "extension": (b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n1;", b"x" * 65536),
    "trailer": (b"HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\nA: ", b"x" * 65536),
    "headers": (b"HTTP/1.1 200 OK\\r\\n", b"A: b\\r\\n" * 10000),
    "header": (b"HTTP/1.1 200 OK\\r\\nA: ", b"x" * 65536),
    "interim": (b"", b"HTTP/1.1 100 Continue\\r\\n\\r\\n" * 2000),
}

def serve(listener, start, part):
    while True:
        connection, _ = listener.accept()
        try:
            connection.sendall(start)
            for _ in range(1_000_000_000 // len(part)):
                connection.sendall(part)
        except OSError:
            connection.close()

async def main(ports):
    async def here(host, port):
        return ["127.0.0.1"]
    client = Client(Rules(allow_http=True, allow_ports=ports, allow_networks=["127.0.0.0/8"]), resolve=here)
    for times in (1, 10):  # the first round shows what the client itself takes
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for port in ports * times:
            try:
                await client.request("POST", f"http://receiver.example:{port}/", b"{}", [])
            except Failed:
                pass
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // (1024 if sys.platform == "darwin" else 1))

listeners = [socket.create_server(("127.0.0.1", 0)) for _ in PARTS]
for listener, (start, part) in zip(listeners, PARTS.values()):
    threading.Thread(target=serve, args=(listener, start, part), daemon=True).start()
ports = [listener.getsockname()[1] for listener in listeners]
if sys.argv[1] == "uvloop":
    import uvloop
    uvloop.run(main(ports))
else:
    asyncio.run(main(ports))
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_receivers_that_flood_then_memory_grows_by_5_mib_at_most(loop: str) -> None:
    done = subprocess.run([sys.executable, "-c", MEMORY, loop], capture_output=True, text=True, timeout=300, check=True)
    assert int(done.stdout) <= 5 * 1024, f"{done.stdout} KiB"


def test_post_then_the_request_is_what_was_given_and_one_connection_serves_all(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver:
            client = client_for(receiver)
            headers = [("content-type", "application/json"), ("Authorization", "Bearer a~b"), ("webhook-id", "1")]
            for _ in range(20):
                answer = await client.request("POST", receiver.url, '{"é": "\0"}'.encode(), headers)
                assert (answer.status, answer.headers, answer.body) == (200, [("content-length", "2")], b"{}")
            await client.close()
        assert receiver.connections == 1
        assert len(set(receiver.requests)) == 1
        start, body = receiver.requests[0].split(b"\r\n\r\n")
        lines = start.decode().split("\r\n")
        assert lines[0] == "POST /hook?a=b HTTP/1.1"
        assert re.fullmatch(r"user-agent: handcart/\d+\.\d+\.\d+\S*", lines.pop(2))
        assert lines[1:] == [
            f"host: receiver.example:{receiver.port}",
            "accept-encoding: identity",
            "content-length: 11",
            *("content-type: application/json", "Authorization: Bearer a~b", "webhook-id: 1"),
        ]
        assert body == '{"é": "\0"}'.encode()

    run(check())


def test_many_posts_at_once_then_16_connections_at_most(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK, pause=0.001)) as receiver:
            client = client_for(receiver)
            answers = await asyncio.gather(*(client.request("POST", receiver.url, b"{}", []) for _ in range(200)))
            await client.close()
        assert {answer.status for answer in answers} == {200}
        assert len(receiver.requests) == 200
        assert 1 < receiver.most_open <= 16
        assert receiver.connections <= 16

    run(check())


def test_all_connections_in_use_then_it_waits_its_turn_and_says_that_the_cause_is_ours(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying()) as receiver:
            client = client_for(receiver, wait_seconds=0.01)
            holders = [asyncio.create_task(client.request("POST", receiver.url, b"{}", [])) for _ in range(16)]
            await asyncio.sleep(0)
            failures = (client.request("POST", receiver.url, b"{}", []) for _ in range(40))
            for failure in await asyncio.gather(*failures, return_exceptions=True):
                assert isinstance(failure, Crowded)
                assert str(failure) == "none of 16 connections to this host came free in time"
            for holder in holders:
                holder.cancel()
            await asyncio.gather(*holders, return_exceptions=True)
        assert receiver.connections <= 16

    run(check())


def test_many_payers_ask_one_address_then_its_connections_are_limited_and_each_has_some(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying()) as receiver:
            client = client_for(receiver, wait_seconds=GENEROUS)

            async def ask(payer: str, number: int) -> Answer:
                return await client.request("POST", receiver.url, b"{}", [], sharer=(payer, number // 16), payer=payer)

            wanted = {"a": 80, "b": 80, "c": 80, "d": 4}
            asking = [asyncio.create_task(ask(payer, i)) for payer, many in wanted.items() for i in range(many)]
            while len(receiver.requests) < TO_ADDRESS - 32 + 8 + 4:  # noqa: ASYNC110 (each request is one more)
                await asyncio.sleep(0.001)
            (places,) = client._connections.to_addresses.values()
            assert [places.held(payer) for payer in wanted] == [TO_ADDRESS_EACH, 32, 8, 4]
            for one in asking:
                one.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            assert client._connections.to_addresses == {}
        assert receiver.most_open == TO_ADDRESS - 32 + 8 + 4

    run(check())


def test_many_webhooks_answered_then_few_idle_connections_are_kept(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver:
            client = client_for(receiver)
            for number in range(IDLE_EACH + 10):
                assert (await client.request("POST", receiver.url, b"{}", [], sharer=number, payer="a")).status == 200
            assert len(client._connections.idle) == IDLE_EACH
            await client.request("POST", receiver.url, b"{}", [], sharer="b", payer="b")
            assert len(client._connections.idle) == IDLE_EACH + 1
            await client.close()

    run(check())


def test_no_descriptor_is_left_then_the_cause_is_ours(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver:
            client = client_for(receiver)
            held = []
            limits = resource.getrlimit(resource.RLIMIT_NOFILE)
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, limits[0]), limits[1]))
                with suppress(OSError):
                    while True:
                        held.append(os.dup(0))
                for _ in range(2):
                    with pytest.raises(Crowded, match="too many open files"):
                        await client.request("POST", receiver.url, b"{}", [])
                found = await (await client._lookup.begin("receiver.example", 443, None))
                assert isinstance(found, Crowded), found
            finally:
                for one in held:
                    os.close(one)
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            assert (await client.request("POST", receiver.url, b"{}", [])).status == 200
            await client.close()

    run(check())


def test_connection_idle_or_post_given_up_then_closed(run: Run) -> None:
    async def check() -> None:
        async with receiving(saying(OK)) as receiver:
            client = client_for(receiver, idle_seconds=0.01)
            await client.request("POST", receiver.url, b"{}", [])
            assert await receiver.all_closed()
            await client.request("POST", receiver.url, b"{}", [])
            assert receiver.connections == 2
        for script in (saying(), saying(LONG)):
            async with receiving(script) as receiver:
                task = asyncio.create_task(client_for(receiver).request("POST", receiver.url, b"{}", []))
                await asyncio.wait_for(receiver.was_asked.wait(), GENEROUS)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await receiver.all_closed()

    run(check())


def test_kept_connection_was_closed_then_asked_once_more_on_a_new_one(run: Run) -> None:
    async def every_second_time(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(OK) if len(receiver.requests) != 2 else writer.close()

    async def close_later(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await writer.drain()
        writer.close()

    async def check() -> None:
        for script, asked, pause in ((every_second_time, 3, 0), (close_later, 2, 0), (close_later, 2, 0.05)):
            async with receiving(script) as receiver:
                client = client_for(receiver)
                for _ in range(2):
                    assert (await client.request("POST", receiver.url, b"{}", [])).status == 200
                    await asyncio.sleep(pause)
                await client.close()
            assert (receiver.connections, len(receiver.requests)) == (2, asked)
        async with receiving(saying(close=True)) as receiver:
            with pytest.raises(Failed, match="connection closed before an answer"):
                await client_for(receiver).request("POST", receiver.url, b"{}", [])
        assert receiver.connections == 1

    run(check())


def test_more_than_one_answer_then_the_first_counts_and_the_connection_is_closed(run: Run) -> None:
    forged = b"HTTP/1.1 201 Forged\r\nContent-Length: 1\r\n\r\nX"

    async def check() -> None:
        for parts in ((OK + forged,), (OK, forged), (head("204 No") + forged,), (OK + b"xx",), (OK, b"\0")):
            async with receiving(saying(*parts, pause=0.02)) as receiver:
                client = client_for(receiver)
                first = await client.request("POST", receiver.url, b"{}", [])
                assert (first.status, first.body) in ((200, b"{}"), (204, b""))
                assert await receiver.all_closed()
                assert (await client.request("POST", receiver.url, b"{}", [])).status == first.status
            assert receiver.connections == 2

    run(check())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("to_itself", [True, False])
def test_redirect_then_an_answer_like_any_other(run: Run, status: int, to_itself: bool) -> None:
    async def check() -> None:
        async with receiving(saying(OK), TRAP) as trap:
            place = "/hook?a=b" if to_itself else f"http://{TRAP}:{trap.port}/"
            script = saying(head(f"{status} Go", f"Location: {place}", "Content-Length: 0"))
            async with receiving(script) as receiver:
                client = client_for(receiver)
                answer = await client.request("POST", receiver.url, b"{}", [])
                await client.close()
        assert (answer.status, dict(answer.headers)["location"]) == (status, place)
        assert (len(receiver.requests), trap.connections) == (1, 0)

    run(check())


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
                with pytest.raises(Refused, match=r"^blocked: .* (is|has|stands) "):
                    await client.request("POST", receiver.url, b"{}", [])
        assert (receiver.connections, trap.connections) == (1, 0)

    asyncio.run(check())


def test_guard_off_then_the_trap_is_reached() -> None:
    # What the tests around this one rely on: the trap sees a connection when there is one.
    async def check() -> None:
        async with receiving(saying(OK), TRAP) as trap:
            everywhere = Rules(allow_http=True, allow_ports=(trap.port,), allow_networks=("0.0.0.0/0", "::/0"))
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
            with pytest.raises(Refused):
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
                with pytest.raises(Refused):
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
                    Refused, match=r"^blocked: the header '.*' has characters that are not allowed in headers$"
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
                rules = Rules(allow_http=True, allow_ports=(receiver.port,), allow_networks=("127.0.0.0/8",))
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
        asyncio.run(Client(Rules()).request("POST", "https://receiver.example/", b"{}", []))


def test_lookup_hangs_then_timeout_and_one_thread_for_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    go_on = threading.Event()

    def getaddrinfo(host: bytes, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        go_on.wait(GENEROUS)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (TRAP, port))]

    async def check() -> None:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        threads = threading.active_count()
        client = Client(Rules(), connect_seconds=0.05, wait_seconds=0.05)
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
        assert threading.active_count() - threads == LOOKUPS
        go_on.set()
        assert await asyncio.gather(*waiting, *last) == [[TRAP]] * 63
        assert await (await lookup.begin("f.example", 443, "f")) == [TRAP]
        with pytest.raises(Refused, match=r"127\.0\.0\.2 is a loopback address"):
            await client.request("POST", "https://slow.example/", b"{}", [])

    asyncio.run(check())


def test_name_looked_up_by_the_system_then_its_addresses_are_judged() -> None:
    with pytest.raises(Refused, match=r"(127\.0\.0\.1|::1) is a loopback address"):
        asyncio.run(Client(Rules()).request("POST", "https://localhost/", b"{}", []))


def test_origins_asked_once_then_forgotten() -> None:
    async def check() -> None:
        async with receiving(saying(head("200 OK", "Content-Length: 0", "Connection: close"))) as receiver:
            client = client_for(receiver, resolve=names(**{f"a{i}": [HERE] for i in range(50)}))
            for i in range(50):
                await client.request("POST", f"http://a{i}.example:{receiver.port}/", b"{}", [])
        assert len(client._connections.origins) <= 2

    asyncio.run(check())
