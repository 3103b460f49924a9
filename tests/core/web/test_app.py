"""The HTTP layer: every refusal in the documented envelope, and limits on what a client may do to the server.

Source: https://docs.instacart.com/connect/api/error_and_status_codes
"""

import asyncio
import dataclasses
import io
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from handcart.core import log
from handcart.core.db import Unavailable
from handcart.core.errors import ApiError
from handcart.core.ratelimit import Buckets
from handcart.core.web import body as bodies
from handcart.core.web import server_limits
from handcart.core.web.app import App
from handcart.core.web.call import Call, Reply, Route
from handcart.core.web.router import Router
from tests.support import raw
from tests.support.contents import nothing_written
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import Shop, error

USERS = "/v2/fulfillment/users"
GOOD = json.dumps({"user_id": "u", "first_name": "Sample"}).encode()
JSON = "Content-Type: application/json"


def authorization(shop: Shop) -> str:
    return f"Authorization: Bearer {shop.token}"


def request_line(shop: Shop, method: str = "POST", path: str = USERS) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: shop\r\n{authorization(shop)}\r\n{JSON}\r\n".encode()


def envelope(status: int, message: str) -> tuple[int, str, None, None]:
    return status, message, None, None


# Finding a route


UNKNOWN = [
    "/v2",
    "/v2/",
    "/v2/nothing",
    "/v2/oauth",
    "/v2//fulfillment/users",
    "/v2/fulfillment%2Fusers",
    "/v2/fulfillment/users/u",
    "/v2/fulfillment/users/u/",
    "/v2/fulfillment/users/u/link/x",
    "/v2/fulfillment/users/u/link//",
    "/v2/fulfillment/users//link",
    "/v2/fulfillment/../oauth/token",
]


@pytest.mark.parametrize("path", UNKNOWN)
@on_sqlite
def test_no_such_path_then_404(shop: Shop, path: str) -> None:
    answer = raw.request(shop.server.url, "GET", path, authorization(shop))
    assert (answer.status, answer.headers["content-type"]) == (404, "application/json")
    assert json.loads(answer.body) == {"error": {"message": "Not found", "code": None}, "meta": {}}


def test_path_in_another_case_then_404(shop: Shop) -> None:
    assert shop.http.post("/V2/oauth/token", json=shop.credentials).status_code == 404


def test_one_slash_at_the_end_then_forgiven(shop: Shop) -> None:
    user_id = shop.user()
    assert error(shop.get(f"/v2/fulfillment/users/{user_id}/link/"))[1] == "User Not Linked"
    assert shop.post(f"{USERS}/", {"user_id": "u", "first_name": "Sample"}).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD"])
def test_other_method_then_405_with_allow(shop: Shop, method: str) -> None:
    with nothing_written(shop.server):
        answer = shop.http.request(method, USERS, headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "x-request-id" in answer.headers
    if method != "HEAD":
        assert error(answer) == envelope(405, "Method not allowed")


def test_two_methods_then_both_are_in_allow(shop: Shop) -> None:
    assert shop.http.delete(f"{USERS}/u/link").headers["allow"] == "GET, POST"


def test_trace_then_nothing_is_sent_back(shop: Shop) -> None:
    answer = shop.http.request("TRACE", "/v2/oauth/token", headers={"X-Secret": "do-not-echo"})
    assert answer.status_code == 405
    assert "do-not-echo" not in answer.text


@pytest.mark.parametrize("method", ["BREW", "get", "", "G E T", "POST\0"])
def test_no_method_at_all_then_400(shop: Shop, method: str) -> None:
    assert raw.request(shop.server.url, method, USERS).status == 400


def test_head_then_the_headers_of_get_without_a_body(shop: Shop) -> None:
    user_id = shop.user()
    path = f"/v2/fulfillment/users/{user_id}/link"
    got, head = shop.get(path), shop.http.head(path, headers=shop.headers)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


def test_target_with_host_or_query_then_the_same_route(shop: Shop) -> None:
    user_id = shop.user()
    for target in (
        f"{shop.server.url}/v2/fulfillment/users/{user_id}/link",
        f"/v2/fulfillment/users/{user_id}/link?a=b",
    ):
        answer = raw.request(shop.server.url, "GET", target, authorization(shop))
        assert json.loads(answer.body)["error"]["message"] == "User Not Linked"


@pytest.mark.parametrize("target", [b"*", b"", b"/v2/oauth/\xff", b"/v2/o auth", b"//", b"/v2/\x00"])
def test_strange_target_then_refused(shop: Shop, target: bytes) -> None:
    assert raw.request(shop.server.url, "OPTIONS", target).status in (400, 404, 405)


def test_outside_the_api_then_a_page(shop: Shop) -> None:
    answer = shop.http.get("/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_two_routes_for_one_path_then_the_table_is_refused() -> None:
    async def handler(call: Any) -> None: ...

    route = Route(method="GET", path="/a/{b}", handler=handler)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"two routes for GET /a/\{b\}"):
        Router([route, route])


def test_router_then_fixed_segments_win_over_parameters() -> None:
    async def handler(call: Any) -> None: ...

    paths = ["/a/{b}/c", "/a/fixed/c", "/a"]
    router = Router([Route(method="GET", path=path, handler=handler) for path in paths])  # type: ignore[arg-type]
    assert router.match("GET", "/a/fixed/c")[0].path == "/a/fixed/c"
    route, values = router.match("GET", "/a/x%2Fy/c")
    assert (route.path, values) == ("/a/{b}/c", {"b": "x/y"})
    for path in ("/a/fixed", "/a/x", "/", "//a", "/a//c"):
        with pytest.raises(ApiError, match="Not found"):
            router.match("GET", path)


# Reading a body


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "application/problem+json", "application/json; charset=UTF-8"]
)
def test_content_type_json_or_none_then_read(shop: Shop, content_type: str | None) -> None:
    headers = {**shop.headers, **({"Content-Type": content_type} if content_type else {})}
    assert shop.http.post(USERS, content=GOOD, headers=headers).status_code == 200


OTHER_TYPES = [
    "text/plain",
    "text/html",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=latin-1",
    "application/json; charset=utf-16",
    "application/jsonx",
    "json",
]


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_content_type_something_else_then_415(shop: Shop, content_type: str) -> None:
    headers = {**shop.headers, "Content-Type": content_type}
    with nothing_written(shop.server):
        answer = shop.http.post(USERS, content=GOOD, headers=headers)
    assert error(answer) == envelope(415, "Content-Type must be application/json in UTF-8")


def test_body_where_none_is_needed_then_ignored(shop: Shop) -> None:
    user_id = shop.user()
    path = f"/v2/fulfillment/users/{user_id}/link"
    for body in (b"", b"{}", b"not json", b"x" * 100_000):
        answer = raw.request(shop.server.url, "GET", path, authorization(shop), JSON, body=body)
        assert json.loads(answer.body)["error"]["message"] == "User Not Linked"


def test_chunked_body_then_read(shop: Shop) -> None:
    def pieces() -> Iterator[bytes]:
        for place in range(0, len(GOOD), 5):
            yield GOOD[place : place + 5]

    headers = {**shop.headers, "Content-Type": "application/json"}
    assert shop.http.post(USERS, content=pieces(), headers=headers).json()["user_id"] == "u"


def test_body_in_pieces_then_read(shop: Shop) -> None:
    head = request_line(shop) + f"Content-Length: {len(GOOD)}\r\nConnection: close\r\n\r\n".encode()
    with raw.connect(shop.server.url) as connection:
        for piece in (head[:20], head[20:], GOOD[:5], GOOD[5:]):
            connection.sendall(piece)
            time.sleep(0.02)
        assert raw.read_answer(connection).status == 200


def test_body_of_exactly_1_mib_then_read_and_one_byte_more_then_413(shop: Shop) -> None:
    padding = (1 << 20) - len(GOOD)
    headers = {**shop.headers, "Content-Type": "application/json"}
    assert shop.http.post(USERS, content=GOOD + b" " * padding, headers=headers).status_code == 200
    with nothing_written(shop.server):
        answer = shop.http.post(USERS, content=GOOD + b" " * (padding + 1), headers=headers)
    assert error(answer) == envelope(413, "Request body is too large: at most 1 MiB is read")
    assert answer.headers["connection"] == "close"


def test_chunked_body_over_1_mib_then_413_before_its_end(shop: Shop) -> None:
    head = request_line(shop) + b"Transfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with raw.connect(shop.server.url) as connection, nothing_written(shop.server):
        connection.sendall(head)
        for _ in range(17):
            connection.sendall(chunk)
        answer = raw.read_answer(connection)
    assert (answer.status, answer.headers["connection"]) == (413, "close")


def test_length_declared_over_1_mib_then_413_before_the_body_is_sent(shop: Shop) -> None:
    sent = request_line(shop) + b"Content-Length: 99999999999\r\n\r\n"
    assert raw.exchange(shop.server.url, sent, "POST").status == 413


AMBIGUOUS = {
    "length and chunked": "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "chunked and length": "Transfer-Encoding: chunked\r\nContent-Length: 5",
    "two lengths": "Content-Length: 5\r\nContent-Length: 6",
    "the same length twice": "Content-Length: 5\r\nContent-Length: 5",
    "a list of lengths": "Content-Length: 5, 5",
    "negative": "Content-Length: -1",
    "hexadecimal": "Content-Length: 0x5",
    "huge": "Content-Length: 99999999999999999999999",
    "unknown coding": "Transfer-Encoding: gzip, x",
    "a space before the colon": "Content-Length : 5",
    "folded": "X-A: b\r\n c: d",
    "no colon": "Content-Length",
}


@pytest.mark.parametrize("row", AMBIGUOUS)
@on_sqlite
def test_ambiguous_length_then_refused_and_no_second_request_is_read(shop: Shop, row: str) -> None:
    smuggled = f"POST {USERS} HTTP/1.1\r\nHost: shop\r\n{authorization(shop)}\r\nContent-Length: {len(GOOD)}\r\n\r\n"
    sent = request_line(shop) + f"{AMBIGUOUS[row]}\r\n\r\n0\r\n\r\n{smuggled}".encode() + GOOD
    with nothing_written(shop.server), raw.connect(shop.server.url) as connection:
        connection.sendall(sent)
        answer = raw.read_answer(connection)
        assert answer.status == (501 if row == "unknown coding" else 400)
        assert connection.recv(1) == b""


def test_body_breaks_off_then_nothing_is_written_and_the_server_lives(shop: Shop) -> None:
    head = request_line(shop) + f"Content-Length: {len(GOOD)}\r\n\r\n".encode()
    with nothing_written(shop.server):
        for sent in (head, head + GOOD[:10], request_line(shop)[:30], request_line(shop)):
            raw.connect(shop.server.url).close()
            with raw.connect(shop.server.url) as connection:
                connection.sendall(sent)
        assert error(shop.get_link("nobody"))[1] == "User Not Found"


def test_two_requests_in_one_packet_then_two_answers(shop: Shop) -> None:
    user_id = shop.user()
    one = request_line(shop, "GET", f"/v2/fulfillment/users/{user_id}/link") + b"\r\n"
    with raw.connect(shop.server.url) as connection:
        connection.sendall(one + one)
        received = b""
        while received.count(b"User Not Linked") < 2:
            piece = connection.recv(10_000)
            assert piece, received
            received += piece
    assert received.count(b"HTTP/1.1 400 ") == 2


# Slow and large


def test_slow_body_then_408_and_the_connection_is_closed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.1)
    sent = request_line(shop) + f"Content-Length: {len(GOOD)}\r\n\r\n".encode() + GOOD[:10]
    with nothing_written(shop.server), raw.connect(shop.server.url) as connection:
        connection.sendall(sent)
        answer = raw.read_answer(connection)
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert json.loads(answer.body)["error"] == {"message": "Request timeout", "code": None}
        assert connection.recv(1) == b""


SLOW = {"nothing": b"", "half a line": b"GET /v2", "half the headers": b"GET /live HTTP/1.1\r\nHost: shop\r\nX-A: "}


@pytest.mark.parametrize("row", SLOW)
def test_slow_headers_then_the_connection_is_cut(server: LiveServer, monkeypatch: pytest.MonkeyPatch, row: str) -> None:
    monkeypatch.setattr(server_limits, "REQUEST_SECONDS", 0.1)
    with raw.connect(server.url) as connection:
        connection.sendall(SLOW[row])
        assert connection.recv(100) == b""


def test_slow_headers_of_a_second_request_then_the_connection_is_cut(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw.connect(server.url) as connection:
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert raw.read_answer(connection).status == 200
        monkeypatch.setattr(server_limits, "REQUEST_SECONDS", 0.1)
        connection.sendall(b"GET /live HTTP/1.1\r\nHost: shop\r\n")
        assert connection.recv(100) == b""


def test_body_that_never_begins_then_the_connection_is_cut(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = request_line(shop) + b"Content-Length: 5\r\n\r\n"
    monkeypatch.setattr(server_limits, "REQUEST_SECONDS", 0.1)
    with raw.connect(shop.server.url) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


LARGE = {
    "one header": f"X-A: {'a' * 33_000}",
    "many headers": "\r\n".join(f"X-{number}: {'a' * 100}" for number in range(400)),
    "a name": f"{'A' * 33_000}: a",
    "a cookie": f"Cookie: handcart={'a' * 33_000}",
}


@pytest.mark.parametrize("row", LARGE)
def test_headers_over_32_kib_then_400(server: LiveServer, row: str) -> None:
    assert raw.request(server.url, "GET", "/live", LARGE[row]).status == 400


def test_target_over_32_kib_then_400(server: LiveServer) -> None:
    assert raw.request(server.url, "GET", "/live?" + "a" * 33_000).status == 400


def test_headers_of_30_kb_then_served_and_each_request_is_counted_anew(server: LiveServer) -> None:
    with raw.connect(server.url) as connection:
        for _ in range(3):
            connection.sendall(f"GET /live HTTP/1.1\r\nHost: shop\r\nX-A: {'a' * 30_000}\r\n\r\n".encode())
            assert raw.read_answer(connection).status == 200


# Limits and failures


def test_over_the_rate_then_429_for_that_client_alone(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Shop(shop.server)
    assert shop.token
    assert other.token
    monkeypatch.setattr(shop.server.app, "requests_of", Buckets(5))
    answers = [shop.get_link("nobody") for _ in range(40)]
    limited = [answer for answer in answers if answer.status_code == 429]
    assert limited
    assert error(limited[0]) == envelope(429, "Too many requests")
    assert limited[0].headers["retry-after"] == "1"
    assert [answer.status_code for answer in answers[:4]] == [400] * 4
    assert error(other.get_link("nobody"))[0] == 400


def test_over_the_rate_at_the_token_endpoint_then_429(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop.server.app, "requests_of", Buckets(5))
    statuses = [shop.post_token(grant_type="client_credentials").status_code for _ in range(40)]
    assert set(statuses) == {200, 429}


def failing(error_to_raise: Exception) -> Any:
    async def fail(*args: Any, **kwargs: Any) -> None:
        raise error_to_raise

    return fail


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The server's log during the block."""
    stream = io.StringIO()
    log.to(stream)
    yield stream
    log.to(None)


def test_defect_then_500_without_details_and_a_log_line_with_the_request(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, lines: io.StringIO
) -> None:
    assert shop.token
    monkeypatch.setattr(shop.server.app.database, "write", failing(RuntimeError("SELECT secret FROM customers")))
    answer = shop.post(USERS, {"user_id": "u", "first_name": "Sample"})
    text = "Sorry, an unexpected error occurred. Our team has been notified. Please try again later."
    assert error(answer) == (500, text, 5000, None)
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines() if '"error"' in text]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["level"], line["error"]) == ("error", "RuntimeError")
    assert "SELECT secret" not in lines.getvalue() + answer.text + str(answer.headers)


def test_database_unavailable_then_503_with_retry_after(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.token
    for how in ("read", "write", "write_statement"):
        monkeypatch.setattr(shop.server.app.database, how, failing(Unavailable("disk I/O error at /var/data")))
    answers = [shop.get_link("u"), shop.post(USERS, {"user_id": "u", "first_name": "Sample"})]
    answers += [shop.post_token(grant_type="client_credentials")]
    for answer in answers:
        assert error(answer) == envelope(503, "Service unavailable, please try again later")
        assert answer.headers["retry-after"] == "1"
        assert "/var/data" not in answer.text
    page = shop.http.get("/account/sign-in")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")


def test_database_unavailable_then_alive_but_not_ready(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    http_client = server.http()
    assert http_client.get("/ready").json() == {"status": "ready"}
    monkeypatch.setattr(server.app.database, "read", failing(Unavailable("disk I/O error at /var/data")))
    assert http_client.get("/live").json() == {"status": "live"}
    answer = http_client.get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "cause": "Unavailable"})


# What every answer carries


def answers_of_every_kind(shop: Shop) -> list[httpx.Response]:
    return [
        shop.get_link("nobody"),
        shop.http.get("/v2/nothing"),
        shop.http.put(USERS),
        shop.http.get("/nothing"),
        shop.http.get("/live"),
        shop.post_token(grant_type="client_credentials"),
        shop.post_token(grant_type="nonsense"),
        shop.http.get("/account/sign-in"),
    ]


def test_every_answer_then_a_request_id_of_its_own_and_no_store(shop: Shop) -> None:
    shop.http.headers["X-Request-Id"] = "chosen-by-the-client"
    answers = answers_of_every_kind(shop)
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(answers)
    assert all(re.fullmatch("[0-9a-f]{16}", request_id) for request_id in ids)
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers


def test_served_over_https_then_hsts(shop: Shop) -> None:
    settings = dataclasses.replace(shop.server.app.settings, public_url="https://connect.example.org")
    secure = App(settings, shop.server.app.keys, (), failing(KeyError()), failing(KeyError()))
    scope: dict[str, Any] = {"query_string": b"", "headers": []}
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(secure._send(send, Reply(200), Call(secure, scope, None)))
    assert (b"strict-transport-security", b"max-age=31536000") in sent[0]["headers"]


def test_access_log_then_a_pattern_and_no_user_id_or_token(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, lines: io.StringIO
) -> None:
    user_id = shop.user()
    monkeypatch.setattr(shop.server.app, "settings", dataclasses.replace(shop.server.app.settings, access_log=True))
    answer = shop.get_link(user_id)
    shop.server.wait_for(flushed())
    (line,) = [json.loads(text) for text in lines.getvalue().splitlines()]
    assert line.pop("at").endswith("Z")
    assert isinstance(line.pop("ms"), float)
    assert line == {
        "level": "info",
        "event": "request",
        "request_id": answer.headers["x-request-id"],
        "method": "GET",
        "route": "/v2/fulfillment/users/{user_id}/link",
        "status": 400,
        "client_id": shop.client.client_id,
        "address": shop.http.headers["X-Forwarded-For"],
    }


async def flushed() -> None:
    log.flush()
