"""Refusals of any request: transport, bearer token, JSON body."""

import http.client
import re
from typing import Any
from urllib.parse import urlsplit

import httpx

from handcart.core.db import Unavailable
from handcart.core.ratelimit import Buckets
from handcart.core.web import body
from handcart.core.web import call as core_call
from handcart.oauth import scopes
from handcart.oauth.parameters import MOST_BODY_BYTES
from tests.contract.provoke import Provoked, provokes


@provokes("method_not_allowed")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(method="PATCH")


@provokes("not_found")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(path=re.sub(r"{\w+}", "%00", attempt.operation.path))


@provokes("sorry_an_unexpected_error_occurred_our_team_has")
def _(attempt: Provoked) -> httpx.Response:
    attempt.monkeypatch.setattr(scopes, "ALL", None)  # the only thing that the metadata can trip over
    break_database(attempt, RuntimeError("provoked"))
    return attempt.send()


@provokes("service_unavailable_please_try_again_later")
def _(attempt: Provoked) -> httpx.Response:
    break_database(attempt, Unavailable("provoked"))
    return attempt.send()


def break_database(attempt: Provoked, error: Exception) -> None:
    async def fail(*args: Any) -> None:
        raise error

    for method in ("read", "write"):
        attempt.monkeypatch.setattr(attempt.shop.server.app.database, method, fail)


@provokes("too_many_requests")
def _(attempt: Provoked) -> httpx.Response:
    attempt.monkeypatch.setattr(attempt.shop.server.app, "requests_of", Buckets(1))
    answers = (attempt.send() for _ in range(5))
    return next(answer for answer in answers if answer.status_code == 429)


@provokes("request_timeout")
def _(attempt: Provoked) -> httpx.Response:
    attempt.monkeypatch.setattr(body, "BODY_SECONDS", 0.02)
    return announce(attempt, 100)


@provokes("request_body_is_too_large_at_most_1")
def _(attempt: Provoked) -> httpx.Response:
    return announce(attempt, core_call.MOST_BODY_BYTES + 1)


@provokes("request_body_is_too_large_at_most_16")
def _(attempt: Provoked) -> httpx.Response:
    return announce(attempt, MOST_BODY_BYTES + 1)


def announce(attempt: Provoked, length: int) -> httpx.Response:
    """Send the headers and the first byte of a body of `length` bytes, and wait for the answer."""
    headers = {"Content-Type": "application/json", "Content-Length": str(length)}
    if not attempt.is_oauth:
        headers |= attempt.shop.headers
    connection = http.client.HTTPConnection(urlsplit(attempt.shop.server.url).netloc, timeout=30)
    try:
        connection.putrequest(attempt.operation.method, attempt.path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(b"{")
        answer = connection.getresponse()
        return httpx.Response(answer.status, headers=answer.getheaders(), content=answer.read())
    finally:
        connection.close()


# Bearer tokens and banners.


@provokes("the_access_token_is_invalid")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers={"Authorization": "Bearer unknown"})


@provokes("the_access_token_was_revoked")
def _(attempt: Provoked) -> httpx.Response:
    header = attempt.token()
    token = header["Authorization"].removeprefix("Bearer ")
    attempt.shop.http.post("/v2/oauth/token/revoke", json={**attempt.shop.credentials, "token": token})
    return attempt.send(headers=header)


@provokes("the_access_token_expired")
def _(attempt: Provoked) -> httpx.Response:
    header = attempt.token()
    with attempt.later(days=1):
        return attempt.send(headers=header)


@provokes(
    "access_to_this_resource_requires_scope_connect_fulfillment",
    "access_to_this_resource_requires_scope_connect_post",
    "access_to_this_resource_requires_scope_connect_orders",
    "access_to_this_resource_requires_scope_handcart_callbacks",
)
def _(attempt: Provoked) -> httpx.Response:
    other = "connect:fulfillment" if attempt.is_about_callbacks else "handcart:callbacks"
    return attempt.send(headers=attempt.token(scope=other))


@provokes("cant_be_blank_x_retailer_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.become_organization()
    return attempt.send(headers=attempt.token())


@provokes("is_invalid_x_retailer_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.become_organization()
    return attempt.send(headers={**attempt.token(), "X-Retailer-Id": "another-market"})


# JSON bodies.


@provokes("content_type_must_be_application_json_in_utf")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers={"Content-Type": "text/plain"})


@provokes("request_body_must_be_valid_json", "the_body_must_be_one_json_object_without")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(content="{")


@provokes("request_body_must_be_a_json_object", "the_body_must_be_a_json_object")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(content="[]")


@provokes("a_parameter_holds_nul")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(**{name: f"{value}\0" for name, value in attempt.body.items()})


@provokes(
    "there_were_issues_with_your_request",
    *("cant_be_blank_user_id", "cant_be_blank_first_name", "cant_be_blank_linking_token"),
    *("cant_be_blank_address_line_1", "cant_be_blank_postal_code"),
    *("cant_be_blank_find_by", "is_invalid_find_by", "cant_be_blank_items", "is_invalid_items"),
    *("create_user:is_invalid_user_id", "is_invalid_address_line_1", "is_invalid_linking_token"),
    *("cant_be_blank_location_code", "cant_be_blank_address", "cant_be_blank_order_id", "cant_be_blank_last_name"),
    *("cant_be_blank_service_option_hold_id", "cant_be_blank_service_option_reference"),
    *("cant_be_blank_user_phone", "cant_be_blank_items_count", "cant_be_blank_items_weight"),
    *("cant_be_blank_cart_total_cents", "cant_be_blank_tip_amount_cents", "is_invalid_tip_amount_cents"),
    *("is_invalid_order_id", "is_invalid_items_count", "is_invalid_service_option_reference"),
    *("is_invalid_service_option_hold_id", "cancel_order_dispatch:is_invalid_user_id"),
    *("cant_be_blank_number", "is_invalid_number", "cant_be_blank_text"),
)
def _(attempt: Provoked) -> httpx.Response:
    several = attempt.shown["error"].get("errors", [attempt.shown])
    wrong: dict[str, Any] = {}
    for error in several:
        outer, _, inner = error["meta"]["key"].partition(".")
        value = True if error["error"]["message"] == "is invalid" else None
        wrong[outer] = {**wrong.get(outer, {}), inner: value} if inner else value
    return attempt.having(**wrong)
