from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import httpx
import pytest
from handcart_client import (
    ConnectError,
    Forbidden,
    OAuthError,
    RateLimited,
    ServerError,
    TransportError,
    Unauthorized,
    UnexpectedResponse,
)

from tests.client.fakes import Caller, Crowd, CrowdedLock, FakeServer, SlowTransport, error_body, token_body
from tests.support.moments import DAY, HOUR

LINK = {"instacartplus_member": True}
TOKEN_PATH = "/v2/oauth/token"
AT_ONCE = 50


def get_link(client: Any) -> Any:
    return client.links.get("member-1")


def bearers(fake: FakeServer) -> list[str]:
    return [request.headers["Authorization"] for request in fake.requests]


# The shared token


def test_five_calls_then_one_token(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body=LINK)
    for _ in range(5):
        caller(get_link)
    assert len(fake.token_requests) == 1
    assert bearers(fake) == ["Bearer token-1"] * 5


@pytest.mark.parametrize(("scope", "expected"), [(None, {}), ("connect:fulfillment", {"scope": "connect:fulfillment"})])
def test_token_asked_for_then_with_the_scope_of_the_client(
    make_caller: Callable[..., Caller], fake: FakeServer, scope: str | None, expected: dict[str, str]
) -> None:
    fake.answer(body=LINK)
    make_caller(transport=httpx.MockTransport(fake), scope=scope)(get_link)
    fake.requests = fake.token_requests
    assert fake.sent == {
        "client_id": "client-1",
        "client_secret": "client-secret-value",
        "grant_type": "client_credentials",
        **expected,
    }
    assert fake.last.url.path == "/v2/oauth/token"


@pytest.mark.parametrize(
    ("lifetime", "still_used_at", "renewed_at"), [(DAY, DAY - 61, DAY - 60), (120, 59, 60), (60, 29, 30), (1, 0.4, 0.5)]
)
def test_token_nearly_expired_then_renewed(
    caller: Caller, fake: FakeServer, lifetime: int, still_used_at: float, renewed_at: float
) -> None:
    fake.lifetime = lifetime
    fake.answer(body=LINK)
    for caller.now in (0, still_used_at, renewed_at):
        caller(get_link)
    assert bearers(fake) == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("lifetime", [0, -1])
def test_token_without_a_lifetime_then_it_serves_one_call(caller: Caller, fake: FakeServer, lifetime: int) -> None:
    fake.lifetime = lifetime
    fake.answer(body=LINK)
    caller(get_link)
    caller(get_link)
    assert bearers(fake) == ["Bearer token-1", "Bearer token-2"]


@pytest.fixture
def slow(fake: FakeServer) -> SlowTransport:
    fake.answer(body=LINK)
    return SlowTransport(fake)


def hold_tokens_until_all_wait(caller: Caller, slow: SlowTransport) -> None:
    """No token is answered before every call has come to the lock."""
    crowd = Crowd(AT_ONCE)
    slow.hold = lambda request: crowd.wait() if request.url.path == TOKEN_PATH else None
    if not caller.runner:
        caller.client._connection._lock = CrowdedLock(crowd)


def test_calls_at_once_then_one_token(
    make_caller: Callable[..., Caller], slow: SlowTransport, fake: FakeServer
) -> None:
    caller = make_caller(transport=slow)
    hold_tokens_until_all_wait(caller, slow)
    results = caller.together(get_link, AT_ONCE)
    assert [link.instacartplus_member for link in results] == [True] * AT_ONCE
    assert len(fake.token_requests) == 1


def test_lock_removed_then_calls_at_once_fetch_more_than_one_token(
    make_caller: Callable[..., Caller], slow: SlowTransport, fake: FakeServer
) -> None:
    crowd = Crowd(2)

    def meet(request: httpx.Request) -> None:
        if request.url.path == TOKEN_PATH:
            crowd.arrive()
            crowd.wait()

    slow.hold = meet
    caller = make_caller(transport=slow)
    caller.client._connection._lock = nullcontext()
    caller.together(get_link, AT_ONCE)
    assert len(fake.token_requests) > 1


def test_fetch_fails_then_calls_at_once_share_the_failure(
    make_caller: Callable[..., Caller], slow: SlowTransport, fake: FakeServer
) -> None:
    caller = make_caller(transport=slow)
    hold_tokens_until_all_wait(caller, slow)
    fake.token_answers = [httpx.Response(401, json={"error": "invalid_client"}, headers={"X-Request-Id": "r-1"})]
    results = caller.together(get_link, AT_ONCE)
    assert {(type(error), error.error, error.status, error.request_id) for error in results} == {
        (OAuthError, "invalid_client", 401, "r-1")
    }
    assert len({id(error) for error in results}) == AT_ONCE
    assert len(fake.token_requests) == 1
    assert not fake.requests


def test_token_refused_to_many_calls_at_once_then_renewed_once(
    make_caller: Callable[..., Caller], slow: SlowTransport, fake: FakeServer
) -> None:
    caller = make_caller(transport=slow)
    caller(get_link)
    crowd = Crowd(AT_ONCE)

    def hold_the_first_token(request: httpx.Request) -> None:
        if request.headers.get("Authorization") == "Bearer token-1":
            crowd.arrive()
            crowd.wait()

    def refuse_the_first_token(request: httpx.Request) -> httpx.Response:
        is_first = request.headers["Authorization"] == "Bearer token-1"
        return httpx.Response(401) if is_first else httpx.Response(200, json=LINK)

    slow.hold = hold_the_first_token
    fake.answers = [refuse_the_first_token]
    results = caller.together(get_link, AT_ONCE)
    assert [link.instacartplus_member for link in results] == [True] * AT_ONCE
    assert len(fake.token_requests) == 2
    assert bearers(fake).count("Bearer token-2") == AT_ONCE


def test_fetch_failed_then_the_next_call_tries_again(caller: Caller, fake: FakeServer) -> None:
    fake.answer(body=LINK)
    fake.token_answers = [
        httpx.Response(401, json={"error": "invalid_client"}),
        httpx.Response(200, json=token_body("token-2")),
    ]
    with pytest.raises(OAuthError):
        caller(get_link)
    caller(get_link)
    assert bearers(fake) == ["Bearer token-2"]


def test_earlier_fetch_failed_then_later_calls_do_not_share_the_failure(
    make_caller: Callable[..., Caller], slow: SlowTransport, fake: FakeServer
) -> None:
    caller = make_caller(transport=slow)
    fake.token_answers = [httpx.Response(401, json={"error": "invalid_client"})]
    with pytest.raises(OAuthError):
        caller(get_link)
    fake.token_answers = []
    fake.lifetime = 0  # every waiting call has to fetch for itself
    hold_tokens_until_all_wait(caller, slow)
    results = caller.together(get_link, AT_ONCE)
    assert [link.instacartplus_member for link in results] == [True] * AT_ONCE


def test_token_refused_then_renewed_once_and_the_call_is_sent_again(caller: Caller, fake: FakeServer) -> None:
    fake.answer(401)
    fake.answer(body={"success": True})
    caller(lambda client: client.links.create("member-1", "linking-token"))
    assert bearers(fake) == ["Bearer token-1", "Bearer token-2"]
    assert fake.requests[0].content == fake.requests[1].content
    assert not caller.naps


def test_renewed_token_refused_then_unauthorized(caller: Caller, fake: FakeServer) -> None:
    fake.answer(401, error_body("The access token is invalid", code=None))
    with pytest.raises(Unauthorized, match="access token is invalid"):
        caller(get_link)
    assert bearers(fake) == ["Bearer token-1", "Bearer token-2"]


def test_token_refused_without_retries_then_renewed_all_the_same(
    make_caller: Callable[..., Caller], fake: FakeServer
) -> None:
    fake.answer(401)
    fake.answer(body=LINK)
    make_caller(transport=httpx.MockTransport(fake), max_retries=0)(get_link)
    assert bearers(fake) == ["Bearer token-1", "Bearer token-2"]


def test_renewed_token_refused_after_a_503_then_not_renewed_again(caller: Caller, fake: FakeServer) -> None:
    for status in (401, 503, 401):
        fake.answer(status)
    with pytest.raises(Unauthorized):
        caller(get_link)
    assert bearers(fake) == ["Bearer token-1", "Bearer token-2", "Bearer token-2"]


def test_forbidden_then_the_token_is_not_renewed(caller: Caller, fake: FakeServer) -> None:
    fake.answer(403)
    with pytest.raises(Forbidden):
        caller(get_link)
    assert len(fake.token_requests) == len(fake.requests) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"access_token": "t", "token_type": "Bearer"},
        {"token_type": "Bearer", "expires_in": DAY},
        token_body(""),
        token_body("t\r\nX-Evil: 1"),
        token_body("t\n"),
        token_body("tökén"),
        token_body("t") | {"expires_in": str(DAY)},
        token_body("t") | {"expires_in": 10**400},
    ],
)
def test_token_or_lifetime_unusable_then_unexpected_response(
    caller: Caller, fake: FakeServer, body: dict[str, Any]
) -> None:
    fake.token_answers = [httpx.Response(200, json=body)]
    with pytest.raises(UnexpectedResponse):
        caller(get_link)
    assert not fake.requests


# Repeats

ADDRESS = {"address_line_1": "350 W Oak St", "postal_code": "60610"}
SAFE: dict[str, Callable[[Any], Any]] = {
    "links.get": get_link,
    "links.find": lambda client: client.links.find("member-1"),
    "oauth.user_token": lambda client: client.oauth.user_token("member-1"),
    "oauth.revoke": lambda client: client.oauth.revoke("token-9"),
    "oauth.introspect": lambda client: client.oauth.introspect("token-9"),
    "oauth.metadata": lambda client: client.oauth.metadata(),
}
REFUSED: dict[str, Callable[[Any], Any]] = {
    "users.create": lambda client: client.users.create("member-1", first_name="Sample"),
    "users.create_with_address": lambda client: client.users.create_with_address("member-1", **ADDRESS),
    "users.create_and_validate_address": lambda client: client.users.create_and_validate_address("u", **ADDRESS),
    "users.validate_address": lambda client: client.users.validate_address("member-1", **ADDRESS),
    "users.request_deletion": lambda client: client.users.request_deletion("member-1"),
    "links.create": lambda client: client.links.create("member-1", "linking-token"),
}
UNSENT: dict[str, Callable[[Any], Any]] = {
    "oauth.exchange_code": lambda client: client.oauth.exchange_code("code-1", redirect_uri="https://shop.example.com"),
}
CALLS = SAFE | REFUSED | UNSENT

NEVER_LEFT = [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
UNKNOWN_EFFECT = [
    httpx.ReadTimeout,
    httpx.WriteTimeout,
    httpx.ReadError,
    httpx.WriteError,
    httpx.RemoteProtocolError,
    502,
    504,
]
NOT_ACTED = [429, 503]
FINAL = [400, 403, 404, 408, 409, 418, 500, 501]
REPEATED = [
    *((name, failure) for name in CALLS for failure in NEVER_LEFT),
    *((name, failure) for name in SAFE | REFUSED for failure in NOT_ACTED),
    *((name, failure) for name in SAFE for failure in UNKNOWN_EFFECT),
]
NOT_REPEATED = [
    *((name, failure) for name in UNSENT for failure in NOT_ACTED),
    *((name, failure) for name in REFUSED | UNSENT for failure in UNKNOWN_EFFECT),
    *((name, failure) for name in CALLS for failure in FINAL),
]


def failure_of(failure: Any) -> Any:
    return httpx.Response(failure) if isinstance(failure, int) else failure("broken")


@pytest.mark.parametrize(("name", "failure"), REPEATED)
def test_passing_failure_and_safe_call_then_repeated_up_to_the_limit(
    caller: Caller, fake: FakeServer, name: str, failure: Any
) -> None:
    fake.answers = [failure_of(failure)]
    with pytest.raises((RateLimited, ServerError) if isinstance(failure, int) else TransportError):
        caller(CALLS[name])
    assert len(fake.requests) == 3
    assert len({(request.url, request.content) for request in fake.requests}) == 1
    assert len(caller.naps) == 2
    assert 0.25 <= caller.naps[0] <= 0.5 <= caller.naps[1] <= 1


@pytest.mark.parametrize(("name", "failure"), NOT_REPEATED)
def test_failure_of_a_call_that_is_unsafe_to_repeat_then_raised_at_once(
    caller: Caller, fake: FakeServer, name: str, failure: Any
) -> None:
    fake.answers = [failure_of(failure)]
    with pytest.raises(ConnectError):
        caller(CALLS[name])
    assert len(fake.requests) == 1
    assert not caller.naps


@pytest.mark.parametrize("failure", [*NEVER_LEFT, *UNKNOWN_EFFECT, *NOT_ACTED])
def test_token_fetch_fails_for_a_moment_then_repeated(caller: Caller, fake: FakeServer, failure: Any) -> None:
    fake.token_answers = [failure_of(failure), httpx.Response(200, json=token_body("token-2"))]
    fake.answer(body=LINK)
    caller(get_link)
    assert bearers(fake) == ["Bearer token-2"]


@pytest.mark.parametrize("max_retries", [0, 1, 4])
def test_failure_stays_then_repeats_end_at_max_retries(
    make_caller: Callable[..., Caller], fake: FakeServer, max_retries: int
) -> None:
    fake.answer(503)
    with pytest.raises(ServerError):
        make_caller(transport=httpx.MockTransport(fake), max_retries=max_retries)(get_link)
    assert len(fake.requests) == 1 + max_retries


def test_failure_passes_then_the_result(caller: Caller, fake: FakeServer) -> None:
    fake.answers = [httpx.ReadTimeout("slow"), httpx.Response(502), httpx.Response(200, json=LINK)]
    assert caller(get_link).instacartplus_member is True


def test_retry_after_then_waited_for(caller: Caller, fake: FakeServer) -> None:
    fake.answer(429, None, **{"Retry-After": "7"})
    fake.answer(body=LINK)
    caller(get_link)
    assert caller.naps == [7.0]


def test_retry_after_longer_than_callers_wait_then_raised_at_once(caller: Caller, fake: FakeServer) -> None:
    fake.answer(429, None, **{"Retry-After": str(HOUR)})
    with pytest.raises(RateLimited) as caught:
        caller(get_link)
    assert caught.value.retry_after == HOUR
    assert len(fake.requests) == 1


@pytest.mark.parametrize("failure", [*NEVER_LEFT, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_transport_error_then_it_says_whether_the_server_may_have_acted(
    caller: Caller, fake: FakeServer, failure: type[httpx.TransportError]
) -> None:
    fake.answers = [failure("broken")]
    with pytest.raises(TransportError, match=failure.__name__) as caught:
        caller(CALLS["links.create"])
    assert caught.value.may_have_arrived is (failure not in NEVER_LEFT)
    assert caught.value.status is None
