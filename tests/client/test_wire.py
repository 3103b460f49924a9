import time
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from handcart_client import (
    ApiError,
    BadRequest,
    ConnectError,
    ErrorDetail,
    Forbidden,
    NotFound,
    OAuthError,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
)
from handcart_client.models import Introspection
from handcart_client.wire import Operation, pause, reader, result, retry_after
from hypothesis import given
from hypothesis import strategies as st

from tests.client.fakes import error_body
from tests.support.moments import HOUR

CALL = Operation("GET", "/v2/x", reader(Introspection))
OAUTH_CALL = Operation("POST", "/v2/oauth/token", reader(Introspection), bearer=False)
MULTIPLE = {
    "error": {
        "message": "There were issues with your request",
        "code": 9999,
        "errors": [error_body("can't be blank", "first_name"), error_body("can't be blank", "user_id")],
    }
}
DEEP = b"[" * 100_000


def answer(status: int, content: bytes = b"", content_type: str = "application/json", **headers: str) -> httpx.Response:
    return httpx.Response(status, content=content, headers={"Content-Type": content_type, **headers})


def error_of(response: httpx.Response, operation: Operation[Any] = CALL) -> ConnectError:
    with pytest.raises(ConnectError) as caught:
        result(operation, response)
    return caught.value


# Errors the server means


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (405, ApiError),
        (408, ApiError),
        (413, ApiError),
        (415, ApiError),
        (429, RateLimited),
        (499, ApiError),
        (500, ServerError),
        (503, ServerError),
        (599, ServerError),
    ],
)
@pytest.mark.parametrize("operation", [CALL, OAUTH_CALL])
def test_envelope_of_any_status_then_every_fact_is_carried(
    status: int, kind: type[ApiError], operation: Operation[Any]
) -> None:
    response = httpx.Response(status, json=error_body("Text", "a.b[0]"), headers={"X-Request-Id": "request-7"})
    error = error_of(response, operation)
    assert type(error) is kind
    assert (error.status, error.message, error.code, error.key) == (status, "Text", 1001, "a.b[0]")
    assert error.request_id == "request-7"
    assert error.errors == (ErrorDetail("Text", 1001, "a.b[0]"),)
    assert str(error) == f"Text (status {status}, code 1001, key a.b[0], request id request-7)"


def test_multiple_form_then_every_error_and_the_first_key() -> None:
    error = error_of(httpx.Response(400, json=MULTIPLE))
    assert (error.message, error.code, error.key) == ("There were issues with your request", 9999, "first_name")
    assert error.errors == (
        ErrorDetail("can't be blank", 1001, "first_name"),
        ErrorDetail("can't be blank", 1001, "user_id"),
    )


@pytest.mark.parametrize("meta", [{"meta": {}}, {"meta": None}, {}])
def test_code_null_without_meta_then_read(meta: dict[str, Any]) -> None:
    error = error_of(httpx.Response(403, json={"error": {"message": "User Not Active", "code": None}, **meta}))
    assert type(error) is Forbidden
    assert (error.message, error.code, error.key) == ("User Not Active", None, None)


def test_oauth_form_of_a_token_endpoint_then_an_oauth_error() -> None:
    error = error_of(httpx.Response(400, json={"error": "invalid_scope", "error_description": "Text"}), OAUTH_CALL)
    assert isinstance(error, OAuthError)
    assert (error.error, error.message, error.status) == ("invalid_scope", "Text", 400)


@pytest.mark.parametrize("body", [{"error": "invalid_scope"}, {"error": "invalid_scope", "error_description": 5}])
def test_oauth_form_without_description_then_the_message_is_the_slug(body: dict[str, Any]) -> None:
    assert error_of(httpx.Response(400, json=body), OAUTH_CALL).message == "invalid_scope"


def test_oauth_form_of_another_endpoint_then_the_class_of_its_status() -> None:
    body = {"error": "invalid_token", "error_description": "The access token expired"}
    error = error_of(httpx.Response(401, json=body))
    assert type(error) is Unauthorized
    assert error.message == "The access token expired"


# Errors that nobody meant


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>Bad Gateway</html>",
        b'{"error": {"message": "Us',
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"{}",
        b'{"error": null}',
        b'{"error": []}',
        b'{"error": {}}',
        b'{"error": {"message": 5}}',
        b'{"error": {"message": null, "code": 1001}}',
        b'{"error": "\xff"}',
        b"\xff\xfe",
        DEEP,
        b'{"error":' * 100_000,
    ],
)
def test_error_with_an_unreadable_body_then_the_class_of_its_status(content: bytes) -> None:
    error = error_of(answer(503, content, "text/html", **{"X-Request-Id": "request-7"}))
    assert type(error) is ServerError
    assert (error.message, error.status, error.request_id) == ("Service Unavailable", 503, "request-7")
    assert error.errors == ()


@pytest.mark.parametrize(
    "parts",
    [
        {"meta": []},
        {"meta": {"key": 5}},
        {"meta": {"key": None}},
        {"error": {"message": "Text", "code": "1001"}},
        {"error": {"message": "Text", "code": True}},
        {"error": {"message": "Text", "code": 1.5}},
        {"error": {"message": "Text", "errors": None}},
        {"error": {"message": "Text", "errors": {"a": 1}}},
        {"error": {"message": "Text", "errors": [None, 5, [], {}, {"error": "x"}, {"error": {"message": 5}}]}},
    ],
)
def test_envelope_with_odd_parts_then_the_readable_ones_are_kept(parts: dict[str, Any]) -> None:
    error = error_of(httpx.Response(400, json={"error": {"message": "Text"}} | parts))
    assert (error.message, error.code, error.key) == ("Text", None, None)
    assert error.errors == (ErrorDetail("Text"),)


def test_unknown_status_without_a_body_then_there_is_a_message() -> None:
    assert error_of(answer(499)).message == "the server refused without saying why"


# Success that is none


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"active": tr',
        b'{"active": true',
        b'{"active": true} trailing',
        b"null",
        b"[]",
        b"{}",
        b'{"active": null}',
        b'{"active": "yes"}',
        b'{"active": true, "scope": "\xff"}',
        b'{"active": true, "exp": NaN}',
        DEEP,
    ],
)
def test_success_that_cannot_be_read_then_unexpected_response(content: bytes) -> None:
    error = error_of(answer(200, content, **{"X-Request-Id": "request-7"}))
    assert type(error) is UnexpectedResponse
    assert (error.status, error.request_id) == (200, "request-7")


@pytest.mark.parametrize(
    "content_type", ["text/html; charset=utf-8", "text/plain", "application/xml", "json", "a" * 999]
)
def test_success_of_another_content_type_then_unexpected_response(content_type: str) -> None:
    error = error_of(answer(200, b'{"active": true}', content_type))
    assert type(error) is UnexpectedResponse
    assert "instead of JSON" in error.message
    assert len(error.message) < 200


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_redirect_then_unexpected_response(status: int) -> None:
    error = error_of(answer(status, Location="https://evil.example.com/"))
    assert type(error) is UnexpectedResponse
    assert error.status == status


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", "application/problem+json", "", " application/json ;x=y"],
)
@pytest.mark.parametrize("status", [200, 201, 202])
def test_success_in_json_with_unknown_fields_then_read(status: int, content_type: str) -> None:
    content = b'{"active": true, "new": {"deep": [1]}, "token_type": "a kind of tomorrow"}'
    answered = result(CALL, answer(status, content, content_type))
    assert answered == Introspection(active=True, token_type="a kind of tomorrow")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["error", "message", "code", "errors", "meta"]), inner)
    ),
    max_leaves=20,
)


@given(status=st.integers(200, 599), body=JSON | st.binary(), bearer=st.booleans())
def test_any_answer_then_a_result_or_a_typed_error(status: int, body: Any, bearer: bool) -> None:
    operation = Operation("GET", "/v2/x", reader(Introspection), bearer=bearer)
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    try:
        answered: object = result(operation, httpx.Response(status, **content))
    except ConnectError as error:
        answered = error
    if isinstance(answered, ConnectError):
        assert answered.status == status
        assert isinstance(answered.message, str)
        assert all(isinstance(detail, ErrorDetail) for detail in answered.errors)
    else:
        assert isinstance(answered, Introspection)


# Bodies


def test_body_with_none_and_empty_values_then_only_none_is_left_out() -> None:
    body = {"a": None, "b": "", "c": False, "d": 0}
    assert Operation("POST", "/", reader(Introspection), body=body).content() == b'{"b":"","c":false,"d":0}'


def test_operation_without_a_body_then_none_is_sent() -> None:
    assert CALL.content() is None


# Waiting


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("007", 7),
        ("9" * 5000, 999_999_999_999),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("soon", None),
        ("NaN", None),
        ("inf", None),
        ("٣", None),
        ("Fri, 99 Nov 2026 99:99:99 GMT", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_retry_after_in_either_form_then_read_and_nothing_else_is(header: str, seconds: float | None) -> None:
    assert retry_after(header) == seconds


def test_retry_after_is_a_date_then_the_seconds_from_now() -> None:
    waited = retry_after(formatdate(time.time() + HOUR, usegmt=True))
    assert waited is not None
    assert 0 < waited <= HOUR


@given(
    st.text() | st.from_regex(r"\A[0-9]{1,5000}\Z") | st.datetimes().map(lambda d: d.strftime("%a, %d %b %Y %T GMT"))
)
def test_retry_after_is_any_text_then_seconds_or_nothing(header: str) -> None:
    seconds = retry_after(header)
    assert seconds is None or seconds >= 0


def test_repeats_go_on_then_the_pause_grows_up_to_the_longest_wait() -> None:
    pauses = [pause(repeats, None) for repeats in range(2000)]
    assert all(wait is not None and 0.25 <= wait <= 10 for wait in pauses)
    assert pauses[4] > pauses[0]  # type: ignore[operator]


@pytest.mark.parametrize(("asked", "waited"), [(10.0, 10.0), (10.1, None), (1e12, None)])
def test_server_asks_for_a_pause_then_it_is_kept_or_given_up(asked: float, waited: float | None) -> None:
    assert pause(0, asked) == waited


def test_server_asks_for_no_pause_then_there_is_one_all_the_same() -> None:
    assert pause(0, 0) >= 0.25  # type: ignore[operator]
