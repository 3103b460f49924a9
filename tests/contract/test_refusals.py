"""Every refusal that the OpenAPI description shows is one that the server gives, word for word.

A new refusal of a route fails here until there is a function that provokes it.
"""

import base64
import http.client
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from handcart.core import clock
from handcart.core import http as core_http
from handcart.core.db import Unavailable
from handcart.core.ratelimit import Buckets
from handcart.oauth import scopes
from handcart.retailers import ops as retailers
from handcart.slots import plans
from handcart.slots.plans import Plan
from handcart.stores import ops as store_ops
from tests.contract.operations import OPERATIONS, Attempt, Operation, resolved
from tests.support.orders import GROWN_UP, PHONE
from tests.support.shop import Shop

CASES = [
    pytest.param(operation, status, name, shown, id=f"{operation}-{status}-{name}")
    for operation in OPERATIONS.values()
    for status, name, shown in operation.refusals()
]


class Provoked(Attempt):
    """An attempt with what is needed to break things around it; `shown` is the documented answer."""

    def __init__(
        self, operation: Operation, shop: Shop, shown: Any, monkeypatch: pytest.MonkeyPatch, later: Any
    ) -> None:
        super().__init__(operation, shop)
        self.shown = shown
        self.monkeypatch = monkeypatch
        self.later = later

    def token(self, **parameters: str) -> dict[str, str]:
        """The header with a new bearer token."""
        answer = self.shop.post_token(grant_type="client_credentials", **parameters)
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def become_organization(self) -> None:
        """Let a client call that acts for all banners of the shop's organization."""
        made = self.shop.server.write(retailers.create_client, organization=self.shop.slug, scopes=scopes.ALL)
        self.shop.client = made
        self.body |= {name: value for name, value in self.shop.credentials.items() if name in self.body}


Provocation = Callable[[Provoked], httpx.Response]
PROVOCATIONS: dict[str, Provocation] = {}


def provokes(*names: str) -> Callable[[Provocation], Provocation]:
    """Register what provokes a refusal: by its name, or by `operation:name` where that operation needs its own."""

    def register(provocation: Provocation) -> Provocation:
        assert not PROVOCATIONS.keys() & set(names)
        PROVOCATIONS.update(dict.fromkeys(names, provocation))
        return provocation

    return register


@pytest.mark.parametrize(("operation", "status", "name", "shown"), CASES)
def test_when_a_documented_refusal_is_provoked_then_it_comes_word_for_word(
    operation: Operation,
    status: int,
    name: str,
    shown: Any,
    shop: Shop,
    later: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provocation = PROVOCATIONS.get(f"{operation}:{name}") or PROVOCATIONS.get(name)
    assert provocation, f"{operation} documents {status} {name!r}, and nothing here provokes it"
    response = provocation(Provoked(operation, shop, shown, monkeypatch, later))
    assert (response.status_code, response.json()) == (status, shown)
    assert response.headers["content-type"] == "application/json"
    for header, reference in resolved(operation.described["responses"][str(status)])["headers"].items():
        assert header in response.headers or not resolved(reference)["required"], header


def test_when_a_refusal_is_no_longer_documented_then_its_provocation_goes_too() -> None:
    shown = {name for case in CASES for name in (case.values[2], f"{case.values[0]}:{case.values[2]}")}
    assert PROVOCATIONS.keys() <= shown


# What any request may meet.


@provokes("method_not_allowed")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(method="PATCH")


@provokes("not_found")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(path=re.sub(r"{\w+}", "%00", attempt.operation.path))


@provokes("sorry_an_unexpected_error_occurred_please_try_again")
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
    attempt.monkeypatch.setattr(core_http, "BODY_SECONDS", 0.02)
    return announce(attempt, 100)


@provokes("request_body_is_too_large_at_most_1")
def _(attempt: Provoked) -> httpx.Response:
    return announce(attempt, core_http.MOST_BODY_BYTES + 1)


def announce(attempt: Provoked, length: int) -> httpx.Response:
    """Send the headers and the first byte of a body that is to have so many, and wait for the answer."""
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
    with attempt.later(seconds=24 * 3600):
        return attempt.send(headers=header)


@provokes("access_to_this_resource_requires_scope_connect_fulfillment")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers=attempt.token(scope="connect:compliance"))


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
)
def _(attempt: Provoked) -> httpx.Response:
    several = attempt.shown["error"].get("errors", [attempt.shown])
    wrong: dict[str, Any] = {}
    for error in several:
        outer, _, inner = error["meta"]["key"].partition(".")
        value = True if error["error"]["message"] == "is invalid" else None
        wrong[outer] = {**wrong.get(outer, {}), inner: value} if inner else value
    return attempt.having(**wrong)


# Stores.


@provokes("is_invalid_find_by_postal_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(find_by={"postal_code": "00000"})


@provokes("is_invalid_find_by_address_line_1")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(find_by={"address_line_1": " ", "postal_code": "60610"})


@provokes("cant_be_blank_find_by_postal_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(find_by={"address_line_1": "350 W Oak St"})


@provokes("cant_be_blank_find_by_latitude")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(find_by={"longitude": -87.6})


@provokes("cant_be_blank_find_by_longitude")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(find_by={"latitude": 41.9})


@provokes("is_invalid_location_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(location_code="nowhere")


@provokes("is_invalid_address_postal_code")
def _(attempt: Provoked) -> httpx.Response:
    if "items" in attempt.body and not attempt.operation.is_about_selling:
        del attempt.body["location_code"]  # it would win over the address
    return attempt.having(address={"address_line_1": "350 W Oak St", "postal_code": "00000"})


@provokes("cant_be_blank_items_0_item")
def _(attempt: Provoked) -> httpx.Response:
    if not attempt.operation.is_about_selling:
        del attempt.body["location_code"]  # of a store that is not there
    return attempt.having(items=[{"line_num": "9", "item": {}}])


# Slots and carts.


@provokes("is_invalid_postal_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(location_code=None, postal_code="00000")


@provokes("is_invalid_desired_windows")
def _(attempt: Provoked) -> httpx.Response:
    half_past = {name: time.replace(":00:00Z", ":30:00Z") for name, time in attempt.desired_window.items()}
    return attempt.having(desired_windows=[half_past])


@provokes("is_invalid_earliest_option_start_at")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(earliest_option_start_at="soon")


@provokes("is_invalid_address")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(address={"address_line_1": "1 Rodeo Drive", "postal_code": "90210"})


@provokes("is_invalid_service_option_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.option_id = "soon"
    return attempt.having(service_option_id=attempt.market.option("pickup"))


@provokes("service_option_is_not_available_service_option_id")
def _(attempt: Provoked) -> httpx.Response:
    no_more_places(attempt)
    return attempt.having(service_option_id=attempt.market.option("last_mile", hour=17))


@provokes("service_option_is_expired_service_option_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.body["service_option_id"] = attempt.market.option("last_mile", hour=17)
    return much_later(attempt)


def change_stores(attempt: Provoked, **fields: Any) -> None:
    """Let all stores have other values."""
    stores = attempt.shop.server.read(store_ops.stores, attempt.shop.retailer.id)
    changed = [replace(store, **fields) for store in stores]
    attempt.shop.server.write(store_ops.save, attempt.shop.retailer.id, changed)


def no_more_places(attempt: Provoked) -> None:
    """Let every window take no order beyond those it has."""
    for kind in ("delivery", "pickup", "last_mile"):
        attempt.shop.server.write(plans.set_plan, attempt.shop.retailer.id, plans.EVERY_STORE, kind, Plan(capacity=0))


def much_later(attempt: Provoked) -> httpx.Response:
    """Send it when all its windows are over."""
    with attempt.later(seconds=5 * 24 * 3600):
        return attempt.send(headers=attempt.token())


def second_line(attempt: Provoked, rrc: str, count: int = 1, **fields: Any) -> httpx.Response:
    """Send it with one more product."""
    first = {"line_num": "1", "count": 1, "item": {"upc": "400000000015"}}
    return attempt.having(items=[first, {"line_num": "2", "count": count, "item": {"rrc": rrc}}], **fields)


@provokes("invalid_items_items")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "unknown")


@provokes("duplicate_items_were_provided_items")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "milk")


@provokes("some_items_are_not_deliverable_items")
def _(attempt: Provoked) -> httpx.Response:
    change_stores(attempt, sells_alcohol=False)
    return second_line(attempt, "wine", user={"birthday": GROWN_UP, "phone_number": PHONE})


@provokes("maximum_total_quantity_of_items_exceeded_items")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "bread", 250)


@provokes("maximum_total_weight_of_beverage_items_exceeded_items")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "soda", 20)


@provokes("maximum_quantity_of_large_or_bulky_items_exceeded_items")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "chair", 11)


# Orders.


@provokes("resource_not_found")
def _(attempt: Provoked) -> httpx.Response:
    attempt.order_id = "unknown"
    attempt.shop.server.sql("UPDATE stores SET number = number + 9 WHERE retailer_id = $1", attempt.shop.retailer.id)
    return attempt.send()


@provokes("is_invalid_idempotency_key")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers={"Idempotency-Key": ""})


@provokes("idempotency_key_was_used_for_another_request_take_idempotency_key")
def _(attempt: Provoked) -> httpx.Response:
    key = {"Idempotency-Key": "8e03978e"}
    attempt.send(headers=key).raise_for_status()
    attempt.body["special_instructions"] = "Ring twice"
    return attempt.send(headers=key)


@provokes("has_already_been_taken_order_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.send().raise_for_status()
    return attempt.having(special_instructions="Ring twice")


@provokes("service_option_is_not_available_service_option_hold_id")
def _(attempt: Provoked) -> httpx.Response:
    market = attempt.market
    kind = attempt.kind
    attempt.body["service_option_hold_id"] = market.hold(attempt.user_id, kind, hour=17)
    with attempt.later(seconds=601):
        for _ in range(5):
            market.hold(market.customer(), kind, hour=17)
        return attempt.send()


@provokes("service_option_is_expired_service_option_hold_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.body["service_option_hold_id"] = attempt.market.hold(attempt.user_id, attempt.kind)
    return much_later(attempt)


@provokes("cant_be_blank_user_phone_number")
def _(attempt: Provoked) -> httpx.Response:
    attempt.user_id = attempt.shop.user()
    hold_id = attempt.market.hold(attempt.user_id, attempt.kind)
    return attempt.having(service_option_hold_id=hold_id, user=None)


@provokes("is_invalid_user_phone_number")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(user={"phone_number": "555-0188"})


@provokes("cant_be_blank_user_birthday")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "wine", user={"phone_number": PHONE})


@provokes("is_invalid_user_birthday")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(user={"birthday": "5 March 1991", "phone_number": PHONE})


@provokes("is_invalid_paid_with_ebt")
def _(attempt: Provoked) -> httpx.Response:
    change_stores(attempt, country="CA")
    return attempt.having(paid_with_ebt=True)


@provokes("invalid_zip_code_for_alcohol_items", "invalid_zip_code_for_alcohol_alcoholic")
def _(attempt: Provoked) -> httpx.Response:
    attempt.shop.server.write(retailers.change, attempt.shop.slug, {"alcohol_until_hour": 9})
    attempt.body["alcoholic"] = True
    return second_line(attempt, "wine", user={"birthday": GROWN_UP})


@provokes("too_late_order_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.market.set_status(attempt.order_id, "canceled")
    return attempt.send()


@provokes("order_is_not_completed_order_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send()


@provokes("must_be_greater_than_or_equal_to_0_tip_amount_cents")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(tip_amount_cents=-1)


@provokes("only_last_mile_orders_can_be_staged_order_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.order_id = attempt.order("pickup")
    return attempt.send()


# Orders that the retailer picks.


@provokes("cant_be_blank_start_at")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(start_at=None, end_at=attempt.desired_window["ends_at"])


@provokes("cant_be_blank_end_at")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(start_at=attempt.desired_window["starts_at"], end_at=None)


@provokes("is_invalid_start_at")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(start_at="soon", end_at=attempt.desired_window["ends_at"])


@provokes("is_invalid_end_at")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(start_at=attempt.desired_window["starts_at"], end_at="later")


@provokes("is_invalid_user_phone")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(user_phone="555-0188")


@provokes("invalid_last_name_last_name")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(last_name="Member?")


@provokes("alcohol_delivery_not_enabled_for_this_store_alcoholic")
def _(attempt: Provoked) -> httpx.Response:
    change_stores(attempt, sells_alcohol=False)
    return attempt.having(alcoholic=True)


@provokes("store_is_currently_closed_for_delivery_location_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(location_code="counter")


@provokes("requested_delivery_window_not_available_at_this_store_start_at")
def _(attempt: Provoked) -> httpx.Response:
    no_more_places(attempt)
    return attempt.send()


@provokes("no_delivery_windows_currently_available_start_at")
def _(attempt: Provoked) -> httpx.Response:
    no_more_places(attempt)
    return attempt.having(fallback_to_soonest_sameday=True)


@provokes("service_option_is_not_available_start_at")
def _(attempt: Provoked) -> httpx.Response:
    no_more_places(attempt)
    return attempt.having(**window_at(attempt, 17))


@provokes("service_option_is_expired_start_at")
def _(attempt: Provoked) -> httpx.Response:
    attempt.body |= window_at(attempt, 17)
    return much_later(attempt)


def window_at(attempt: Provoked, hour: int) -> dict[str, str]:
    """An hour of the day on which the slots of the market are."""
    starts_at = attempt.market.at(hour)
    return {"start_at": clock.to_wire(starts_at), "end_at": clock.to_wire(starts_at + clock.HOUR)}


@provokes("get_order_dispatch:is_invalid_user_id", "update_order_dispatch:is_invalid_user_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(query={"user_id": [attempt.user_id, "another"]})


# Users.


@provokes("create_user_and_address:is_invalid_user_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(path=attempt.operation.path.replace("{user_id}", "%09"))


@provokes("user_not_found_user_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.naming("nobody")


@provokes("has_already_been_taken_user_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.send()
    return attempt.having(first_name="Other")


@provokes("user_not_active")
def _(attempt: Provoked) -> httpx.Response:
    if "user_id" in attempt.body:
        attempt.user_id = attempt.body["user_id"]
        attempt.shop.user(attempt.user_id)
    attempt.shop.post(f"/v2/fulfillment/users/{attempt.user_id}/privacy_request")
    return attempt.naming(attempt.user_id)


@provokes("user_data_deletion_requests_are_not_enabled_for")
def _(attempt: Provoked) -> httpx.Response:
    attempt.shop.server.sql("UPDATE retailers SET allows_user_deletion = $1 WHERE slug = $2", False, attempt.shop.slug)
    return attempt.send()


# Links.


@provokes("user_not_linked_user_id", "linking_token_is_invalid_linking_token")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send()


@provokes("validation_failed_common_identities_can_only_have_one_linking_token")
def _(attempt: Provoked) -> httpx.Response:
    account = attempt.shop.account()
    attempt.shop.link(attempt.shop.user(), attempt.shop.linking_token(account)).raise_for_status()
    return attempt.having(linking_token=attempt.shop.linking_token(account))


@provokes("user_already_linked_user_id")
def _(attempt: Provoked) -> httpx.Response:
    first, second = attempt.shop.account(), attempt.shop.account()
    attempt.having(linking_token=attempt.shop.linking_token(first)).raise_for_status()
    return attempt.having(linking_token=attempt.shop.linking_token(second))


# OAuth.


@provokes("content_type_must_be_application_json_or_application")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers={"Content-Type": "text/plain"})


@provokes("the_body_must_be_utf_8")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers={"Content-Type": "application/json; charset=latin-1"})


@provokes("the_body_must_be_a_form_without_repeated")
def _(attempt: Provoked) -> httpx.Response:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return attempt.send(content="client_id=a&client_id=b", headers=form)


@provokes("a_parameter_is_not_valid_unicode")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(client_id="\ud800")


@provokes("client_id_must_be_a_string")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(client_id=5)


@provokes("use_one_way_to_authenticate_the_client_not")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers=basic(attempt, attempt.shop.client.client_id))


@provokes("the_two_client_ids_differ")
def _(attempt: Provoked) -> httpx.Response:
    del attempt.body["client_secret"]
    return attempt.send(headers=basic(attempt, "another"))


def basic(attempt: Provoked, client_id: str) -> dict[str, str]:
    pair = f"{client_id}:{attempt.shop.client.client_secret}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@provokes("missing_required_parameter_grant_type")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(grant_type=None)


@provokes("missing_required_parameter_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(grant_type="authorization_code")


@provokes("missing_required_parameter_token")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(token=None)


@provokes("x_retailer_id_must_be_the_slug_of")
def _(attempt: Provoked) -> httpx.Response:
    attempt.become_organization()
    assertion = base64.b64encode(json.dumps({"user_id": attempt.user_id}).encode()).decode()
    return attempt.having(grant_type="fulfillment_user_assertion", scope=None, assertion=assertion)


@provokes("invalid_grant")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(grant_type="authorization_code", code="unknown", redirect_uri="https://example.org")


@provokes("invalid_scope")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(scope="account_linking")


@provokes("create_token:unauthorized_client")
def _(attempt: Provoked) -> httpx.Response:
    poor = Shop(attempt.shop.server, scopes=["account_linking"])
    return attempt.having(**poor.credentials)


@provokes("unsupported_grant_type")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(grant_type="password")


@provokes("invalid_client")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(client_secret="wrong")


@provokes("revoke_token:unauthorized_client")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(token=Shop(attempt.shop.server).token)


@provokes("query_params_forbidden")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(query={"client_id": attempt.shop.client.client_id})
