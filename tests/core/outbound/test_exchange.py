"""The outbound client and the answers of receivers that are correct, broken, endless or dishonest."""

import re
import subprocess
import sys

import pytest

from handcart.core.outbound.client import Answer
from handcart.core.outbound.exchange import MOST_HEAD
from tests.core.outbound.clients import CHUNKED, GENEROUS, LONG, OK, SHORT, TRAP, Run, answer_of, client_for, head
from tests.support.receivers import Script, endless, receiving, saying


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
from handcart.core.outbound.client import Client, Failed, UrlRules

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
    client = Client(UrlRules(allow_http=True, allow_ports=ports, allow_networks=["127.0.0.0/8"]), resolve=here)
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


def test_more_than_one_answer_then_the_first_counts_and_it_is_closed(run: Run) -> None:
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
