"""No secret is in a log line, a repr or an error, with any result of the call."""

import logging
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from handcart_client import ConnectError, Token, new_pkce
from handcart_client.wire import Operation, read_nothing

from tests.client.fakes import CLIENT_SECRET, Caller, FakeServer, LoopbackServer, http_answer, token_body

BEARER = "token-1"
CODE = "authorization-code-value"
VERIFIER = "code-verifier-value"
LINKING_TOKEN = "linking-token-value"
SECRETS = [CLIENT_SECRET, BEARER, CODE, VERIFIER, LINKING_TOKEN]

CALLS: list[Callable[[Any], Any]] = [
    lambda client: client.links.get("member-1"),
    lambda client: client.links.create("member-1", LINKING_TOKEN),
    lambda client: client.oauth.exchange_code(CODE, redirect_uri="https://shop.example.com", code_verifier=VERIFIER),
    lambda client: client.oauth.revoke(LINKING_TOKEN),
    lambda client: client.oauth.introspect(LINKING_TOKEN),
]
ANSWERS = [
    http_answer(200, b'{"success": true, "active": true, "instacartplus_member": true}'),
    http_answer(200, b"<html>"),
    http_answer(302, b"", Location="/elsewhere"),
    http_answer(400, b'{"error": "invalid_grant"}'),
    http_answer(401, b""),
    http_answer(503, b""),
    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
    b"",
]


def timeout(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("slow", request=request)


def html(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, html="<html>")


def unauthorized(request: httpx.Request) -> httpx.Response:
    return httpx.Response(401)


def found(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def failure(caller: Caller, call: Callable[[Any], Any]) -> ConnectError | None:
    try:
        caller(call)
    except ConnectError as error:
        return error
    return None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_debug_log_and_error_of_any_library_then_no_secret(
    make_caller: Callable[..., Caller],
    loopback: LoopbackServer,
    caplog: pytest.LogCaptureFixture,
    call: Callable[[Any], Any],
    answer: bytes,
) -> None:
    caplog.set_level(logging.DEBUG)
    loopback.answer = answer
    error = failure(make_caller(loopback.url), call)
    assert found(" ".join(map(str, loopback.requests)))
    assert "send_request_headers" in caplog.text
    assert not found(caplog.text)
    assert not found("".join(repr(vars(record)) for record in caplog.records))
    assert not found(repr(error) + str(error))
    assert error is None or not found(repr(vars(error)))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("answer", [timeout, html, unauthorized])
def test_traceback_with_locals_then_neither_credentials_nor_bearer(
    caller: Caller, fake: FakeServer, call: Callable[[Any], Any], answer: Any
) -> None:
    fake.answers = [answer]
    error = failure(caller, call)
    assert error is not None
    assert error.__cause__ is None
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    text = "".join(lines)
    assert "operation = Operation(" in text
    assert CLIENT_SECRET not in text
    assert BEARER not in text


def test_token_fetch_fails_then_no_credentials_are_shown(caller: Caller, fake: FakeServer) -> None:
    fake.token_answers = [httpx.ReadTimeout("slow")]
    error = failure(caller, CALLS[0])
    assert error is not None
    text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "authenticate" in text
    assert CLIENT_SECRET not in text


def test_token_answer_refused_then_its_token_is_not_shown(caller: Caller, fake: FakeServer) -> None:
    fake.token_answers = [httpx.Response(200, json=token_body(f"{BEARER} with a space"))]
    error = failure(caller, CALLS[0])
    assert error is not None
    assert not found(str(error))


def test_object_with_a_secret_printed_then_the_secret_is_hidden(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body=token_body(LINKING_TOKEN, scope="account_linking"))
    token = caller(CALLS[2])
    pkce = new_pkce()
    call = Operation("POST", "/", read_nothing, body={"client_secret": CLIENT_SECRET})
    shown = repr([token, caller.client, caller.client.oauth, caller.client._connection, call])
    assert not found(shown)
    assert "account_linking" in shown
    assert "client-1" in shown
    assert pkce.verifier not in repr(pkce)
    assert not found(str(Token(access_token=BEARER, token_type="Bearer", expires_in=1)))
