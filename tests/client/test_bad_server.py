"""Responses of a broken or hostile server over a real socket, by section."""

import gzip
import socket
from collections.abc import Callable
from typing import Any

import pytest
from handcart_client import Link, RateLimited, ServerError, TransportError, UnexpectedResponse

from tests.client.fakes import Caller, LoopbackServer, http_answer

MEMBER = b'{"instacartplus_member": true, "tier": "a kind of tomorrow", "new": {"deep": [1, 2]}}'


def get_link(client: Any) -> Any:
    return client.links.get("member-1")


def link_requests(server: LoopbackServer) -> list[bytes]:
    return [request for request in server.requests if request.startswith(b"GET /v2/fulfillment/users/member-1/link ")]


def test_unknown_fields_and_values_then_no_error(make_caller: Callable[..., Caller], loopback: LoopbackServer) -> None:
    loopback.answer = http_answer(200, MEMBER)
    assert make_caller(loopback.url)(get_link) == Link(instacartplus_member=True)


@pytest.mark.parametrize(
    "answer",
    [
        http_answer(200, b"<!doctype html><title>Sign in</title>", Content_Type="text/html"),
        http_answer(200, b"<!doctype html>"),
        http_answer(200, MEMBER[:30]),
        http_answer(200, b""),
        http_answer(200, MEMBER, Content_Encoding="gzip"),
        http_answer(200, gzip.compress(MEMBER[:30]), Content_Encoding="gzip"),
        http_answer(204, b""),
    ],
)
def test_success_of_another_form_then_unexpected_and_not_repeated(
    make_caller: Callable[..., Caller], loopback: LoopbackServer, answer: bytes
) -> None:
    loopback.answer = answer
    with pytest.raises(UnexpectedResponse):
        make_caller(loopback.url)(get_link)
    assert len(link_requests(loopback)) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_then_never_followed(
    make_caller: Callable[..., Caller], loopback: LoopbackServer, status: int
) -> None:
    with LoopbackServer() as elsewhere:
        loopback.answer = http_answer(status, b"", Location=elsewhere.url + "/steal")
        with pytest.raises(UnexpectedResponse, match="redirect"):
            make_caller(loopback.url)(get_link)
        assert not elsewhere.requests
    assert len(link_requests(loopback)) == 1


@pytest.mark.parametrize(("status", "error"), [(429, RateLimited), (503, ServerError)])
def test_refusal_for_now_backs_off_and_then_raises(
    make_caller: Callable[..., Caller], loopback: LoopbackServer, status: int, error: type[Exception]
) -> None:
    loopback.answer = http_answer(status, b"<h1>later</h1>", Content_Type="text/html", Retry_After="1")
    caller = make_caller(loopback.url)
    with pytest.raises(error):
        caller(get_link)
    assert caller.naps == [1.0, 1.0]
    assert len(link_requests(loopback)) == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Ty",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nContent-Type: application/json\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    ],
)
@pytest.mark.parametrize(
    ("call", "sent"),
    [(get_link, 3), (lambda client: client.oauth.exchange_code("code-1", redirect_uri="https://shop.example.com"), 1)],
)
def test_broken_answer_then_transport_error_repeated_only_where_safe(
    make_caller: Callable[..., Caller], loopback: LoopbackServer, answer: bytes, call: Callable[[Any], Any], sent: int
) -> None:
    loopback.answer = answer
    with pytest.raises(TransportError) as caught:
        make_caller(loopback.url)(call)
    assert caught.value.may_have_arrived is True
    assert len([request for request in loopback.requests if b"client_credentials" not in request]) == sent


def test_server_never_answers_then_given_up_after_the_timeout(
    make_caller: Callable[..., Caller], loopback: LoopbackServer
) -> None:
    loopback.answer = None
    with pytest.raises(TransportError, match="ReadTimeout") as caught:
        make_caller(loopback.url, timeout=0.05, max_retries=0)(get_link)
    assert caught.value.may_have_arrived is True


def test_nobody_listens_then_the_request_never_arrived(make_caller: Callable[..., Caller]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    caller = make_caller(url)
    with pytest.raises(TransportError, match="ConnectError") as caught:
        caller(get_link)
    assert caught.value.may_have_arrived is False
    assert len(caller.naps) == 2
