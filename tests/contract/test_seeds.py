"""The requests printed in the documentation get the printed responses.

Pages: How to link a user account with an Instacart account; Link an Instacart account; How to verify Instacart+
membership and orders. In place of the printed host, credentials, code and tokens stand the true ones of the run.
"""

import argparse
import http.client
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from handcart.core import clock
from handcart.retailers import clients
from tests.support.shop import Shop, Visitor

GET_LINK = """
curl --location --request GET 'https://<instacart_development_domain>/v2/fulfillment/users/<user_id>/link' \
--header 'Content-Type: application/json' \
--header 'X-Retailer-Id: <retailer_ID>' \
--header 'Authorization: Bearer <access_token>'
"""
EXCHANGE_CODE = """
curl --location --request POST 'https://<instacart_development_domain>/v2/oauth/token' \
--header 'Content-Type: application/json' \
--header 'X-Retailer-Id: <retailer_ID>' \
--data-raw '{
"grant_type": "authorization_code",
"client_id": "<client_id>",
"client_secret": "<client_secret>",
"code":"<code>",
"redirect_uri": "https://example.org"
}'
"""
LINK = """
curl --location --request POST 'https://<instacart_development_domain>/v2/fulfillment/users/<user_id>/link' \
--header 'Content-Type: application/json' \
--header 'X-Retailer-Id: <retailer_ID>' \
--header 'Authorization: Bearer <access_token>' \
--data-raw '{
"linking_token": "<linking_token>"
}'
"""
LINK_IN_REFERENCE = """
curl --request POST \
--url 'https://connect.instacart.com/v2/fulfillment/users/<user_id>/link' \
--header 'Accept: application/json' \
--header 'Authorization: Bearer <access_token>' \
--header 'Content-Type: application/json' \
--data '{
"linking_token": "<linking_token>"
}'
"""
VERIFY_MEMBERSHIP = """
curl --request GET \
--url 'https://<instacart_development_domain>/v2/fulfillment/users/<user_id>/link' \
--header 'Accept: application/json' \
--header 'Authorization: Bearer <access_token>'
"""

USER_TO_LINK = "38b15dd0-150d-40cf-9c8a-963b0e6c6b9f"
USER_TO_VERIFY = "kamalsingh1234"

TOKEN = {
    "access_token": "l0ebkrG2JAXEuNI9UBpWXO-yC7asltvuyw4RjELk3Hc",
    "token_type": "Bearer",
    "expires_in": 86400,
    "scope": "account_linking",
    "created_at": 1615821019,
}
LINKED = {"success": True}
MEMBERSHIP = {"express_member": True, "expired_at": "2023-03-12T07:59:59Z"}
# Documented on the current page of the same endpoint, after these were printed.
NEWER_FIELDS = {"instacartplus_member"}

Run = Callable[[list[str]], tuple[int, Any]]


def by_curl(arguments: list[str]) -> tuple[int, Any]:
    """Status and JSON of the line, run by curl itself."""
    command = ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code}", *arguments[1:]]
    printed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    body, _, status = printed.rpartition("\n")
    return int(status), json.loads(body)


def by_http_client(arguments: list[str]) -> tuple[int, Any]:
    """Status and JSON of the same request, sent by Python's own client."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--location", action="store_true")
    parser.add_argument("--request")
    parser.add_argument("--header", action="append", default=[])
    parser.add_argument("--data", "--data-raw", dest="data")
    parser.add_argument("--url")
    parser.add_argument("address", nargs="?")
    parsed = parser.parse_args(arguments[1:])
    parts = urlsplit(parsed.url or parsed.address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        headers = dict(header.split(": ", 1) for header in parsed.header)
        connection.request(parsed.request, parts.path, parsed.data, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


RUNS = [by_http_client, *([by_curl] if shutil.which("curl") else [])]


@dataclass
class Replay:
    """A retailer as the pages know it, and its customer."""

    shop: Shop
    run: Run
    user_id: str

    def send(self, line: str, **values: str) -> tuple[int, Any]:
        """Send a printed line with the true values."""
        true = {
            "retailer_ID": self.shop.slug,
            "access_token": self.shop.token,
            "user_id": self.user_id,
            **self.shop.credentials,
            **values,
        }
        for host in ("https://<instacart_development_domain>", "https://connect.instacart.com"):
            line = line.replace(host, self.shop.server.url)
        for name, value in true.items():
            line = line.replace(f"<{name}>", value)
        assert "<" not in line, line
        return self.run(shlex.split(line))

    def linking_token(self) -> str:
        status, body = self.send(EXCHANGE_CODE, code=self.code())
        assert status == 200
        return str(body["access_token"])

    def code(self) -> str:
        """What comes to https://example.org when a member presses Allow."""
        visitor = Visitor(self.shop)
        visitor.authorize(redirect_uri="https://example.org")
        visitor.sign_in(self.shop.account(member_for=30 * clock.DAY))
        location = visitor.decide("allow").headers["location"]
        return parse_qs(location.removeprefix("https://example.org?"))["code"][0]


@pytest.fixture(params=RUNS, ids=lambda run: run.__name__)
def replay(request: pytest.FixtureRequest, shop: Shop) -> Replay:
    shop.server.write(clients.register_redirect_uris, shop.client.client_id, ["https://example.org"])
    return Replay(shop, request.param, USER_TO_LINK)


def same(answered: tuple[int, Any], printed: Any) -> bool:
    """Whether an answer is a 200 with the printed keys, each of the printed type."""
    status, body = answered
    types = {name: type(value) for name, value in body.items() if name not in NEWER_FIELDS}
    return status == 200 and types == {name: type(value) for name, value in printed.items()}


def test_accounts_are_linked_as_printed_then_the_answers_are_as_printed(replay: Replay) -> None:
    replay.shop.user(USER_TO_LINK)
    status, _ = replay.send(GET_LINK)
    assert status == 400

    token = replay.send(EXCHANGE_CODE, code=replay.code())
    assert same(token, TOKEN)
    issued = token[1]
    assert {**issued, "access_token": "", "created_at": 0} == {**TOKEN, "access_token": "", "created_at": 0}
    assert len(issued["access_token"]) == len(TOKEN["access_token"])

    assert replay.send(LINK, linking_token=issued["access_token"]) == (200, LINKED)

    membership = replay.send(GET_LINK)
    assert same(membership, MEMBERSHIP)
    assert membership[1]["express_member"] is membership[1]["instacartplus_member"] is True
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", membership[1]["expired_at"])


def test_membership_is_verified_as_printed_then_the_answer_is_as_printed(replay: Replay) -> None:
    replay.user_id = replay.shop.user(USER_TO_VERIFY)
    assert replay.send(LINK_IN_REFERENCE, linking_token=replay.linking_token()) == (200, LINKED)
    assert same(replay.send(VERIFY_MEMBERSHIP), MEMBERSHIP)


# The error table of the reference page, row by row: how it comes about, status, message, code, key.


def user_not_found(replay: Replay) -> tuple[int, Any]:
    return replay.send(LINK_IN_REFERENCE, user_id="{user_id}", linking_token="string")


def invalid_linking_token(replay: Replay) -> tuple[int, Any]:
    return replay.send(LINK_IN_REFERENCE, linking_token="string")


def without_linking_token(replay: Replay) -> tuple[int, Any]:
    return replay.send(LINK_IN_REFERENCE.replace('"linking_token": "<linking_token>"', ""))


def instacart_user_already_linked(replay: Replay) -> tuple[int, Any]:
    account = replay.shop.account()
    replay.shop.link(replay.shop.user(), replay.shop.linking_token(account)).raise_for_status()
    return replay.send(LINK_IN_REFERENCE, linking_token=replay.shop.linking_token(account))


def user_not_active(replay: Replay) -> tuple[int, Any]:
    replay.shop.post(f"/v2/fulfillment/users/{USER_TO_LINK}/privacy_request").raise_for_status()
    return replay.send(LINK_IN_REFERENCE, linking_token="string")


COMMON_IDENTITY = "Validation failed: Common identities can only have one user per isolation context"


@pytest.mark.parametrize(
    ("cause", "status", "message", "code", "meta"),
    [
        (user_not_found, 400, "User Not Found", 1001, {"key": "user_id"}),
        (invalid_linking_token, 400, "Linking token is invalid", 1001, {"key": "linking_token"}),
        (without_linking_token, 400, "can't be blank", 1001, {"key": "linking_token"}),
        (instacart_user_already_linked, 400, COMMON_IDENTITY, 1001, {"key": "linking_token"}),
        (user_not_active, 403, "User Not Active", None, {}),
    ],
)
def test_situation_of_the_error_table_then_the_answer_of_its_row(
    replay: Replay, cause: Callable[[Replay], tuple[int, Any]], status: int, message: str, code: Any, meta: Any
) -> None:
    replay.shop.user(USER_TO_LINK)
    assert cause(replay) == (status, {"error": {"message": message, "code": code}, "meta": meta})
