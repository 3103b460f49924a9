"""The OpenAPI description is valid, complete, and matches the server's responses."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import httpx
import jsonschema_rs
import pytest
import re2
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from handcart import app
from handcart.core import clock
from handcart.core.settings import Settings
from handcart.core.web import wire
from handcart.description.fields import FIELDS
from handcart.oauth import scopes
from handcart.retailers import ops as retailers
from tests.contract.operations import DOCUMENT, OPERATIONS, Attempt, Operation, resolved
from tests.support.picking import propose
from tests.support.post_checkout import give
from tests.support.server import LiveServer
from tests.support.shop import REDIRECT_URI, Shop
from tests.support.stores import keep, store


def parts(document: Any) -> Iterator[Any]:
    """The document, each part of it, the parts of those."""
    yield document
    if isinstance(document, dict | list):
        for part in document.values() if isinstance(document, dict) else document:
            yield from parts(part)


def validator(schema: Any, *, closed: bool = False) -> Any:
    """A validator of one of the document's schemas; a closed one takes no field beyond the documented ones."""
    return _validator(json.dumps(schema), closed)


@cache
def _validator(schema: str, closed: bool) -> Any:
    """Many parts of the document have one schema, and a validator takes long to make."""
    whole = {**json.loads(schema), "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(_closed(whole) if closed else whole, validate_formats=True)


def _closed(part: Any) -> Any:
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    copy = {name: _closed(value) for name, value in part.items()}
    return {"additionalProperties": False, **copy} if "properties" in copy else copy


# The document itself.


def test_document_is_read_then_it_is_openapi_3_1() -> None:
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(DOCUMENT)] == []
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name


def test_part_refers_to_another_then_that_exists() -> None:
    references = [part for part in parts(DOCUMENT) if isinstance(part, dict) and "$ref" in part]
    assert references
    for reference in references:
        assert resolved(reference)


def test_operations_are_named_then_each_name_is_an_identifier_of_its_own() -> None:
    assert all(name.isidentifier() for name in OPERATIONS)
    assert len(OPERATIONS) == sum(len(item) for item in DOCUMENT["paths"].values())


def test_pattern_is_read_then_engines_without_lookahead_can_compile_it() -> None:
    """Go, Rust and others read patterns as RE2 does."""
    schemas = [part for part in parts(DOCUMENT) if isinstance(part, dict)]
    patterns = {part["pattern"] for part in schemas if isinstance(part.get("pattern"), str)}
    patterns |= {pattern for part in schemas for pattern in part.get("patternProperties", ())}
    assert len(patterns) > 10
    for pattern in patterns:
        re2.compile(pattern)
        assert r"\Z" not in pattern, pattern


def test_number_may_exceed_32_bits_then_its_format_says_so() -> None:
    numbers = [part for part in parts(DOCUMENT) if isinstance(part, dict) and part.get("type") in ("integer", "number")]
    for number in numbers:
        is_small = number["type"] == "integer" and number.get("maximum", 2**63) < 2**31
        assert number.get("format") == {"integer": "int64", "number": "double"}[number["type"]] or is_small, number


def test_clients_generated_then_no_two_names_are_equal() -> None:
    """Go makes a function NewX for each schema X; TypeScript an interface XRequest for each operation X."""
    schemas = DOCUMENT["components"]["schemas"]
    assert not [name for name in schemas if f"New{name}" in schemas]
    for name, operation in OPERATIONS.items():
        made = "".join(word.capitalize() for word in name.split("_")) + "Request"
        content = operation.described.get("requestBody", {}).get("content", {})
        own = {media["schema"].get("$ref", "").rpartition("/")[2] for media in content.values()}
        assert made not in schemas or made in own, name


def test_field_documented_then_it_has_a_meaning_and_none_is_left_over() -> None:
    used = set()
    for schema, described in DOCUMENT["components"]["schemas"].items():
        for name, field in described.get("properties", {}).items():
            assert field.get("description"), f"{schema}.{name}: say what it means in handcart/description/fields.py"
            key = f"{schema}.{name}" if f"{schema}.{name}" in FIELDS else name
            if field["description"] == FIELDS.get(key):
                used.add(key)
    assert FIELDS.keys() - used == set()


def test_operations_are_tagged_then_each_tag_is_explained() -> None:
    used = {tag for operation in OPERATIONS.values() for tag in operation.described["tags"]}
    assert used == {tag["name"] for tag in DOCUMENT["tags"] if tag["description"]}


def test_route_table_is_compared_then_the_document_has_just_that() -> None:
    served = app.routes(Settings(environment="sandbox"))
    routes = {(route.method, route.path) for route in served if route.operation_id}
    assert {(operation.method, operation.path) for operation in OPERATIONS.values()} == routes


def test_examples_are_shown_then_their_schemas_hold() -> None:
    shown = [part for part in parts(DOCUMENT) if isinstance(part, dict) and {"schema", "examples"} <= part.keys()]
    assert shown
    for media in shown:
        for example in media["examples"].values():
            assert list(validator(media["schema"], closed=True).iter_errors(example["value"])) == [], example


def test_refusal_is_not_as_described_then_its_schema_does_not_hold() -> None:
    refusal = validator({"$ref": "#/components/schemas/SingleError"}, closed=True)
    good = {"error": {"message": "is invalid", "code": 1001}, "meta": {"key": "user_id"}}
    assert refusal.is_valid(good)
    bad = [
        {"error": good["error"]},
        {**good, "meta": {"key": None}},
        {**good, "trace": "..."},
        {"error": "x", "meta": {}},
    ]
    assert not any(refusal.is_valid(body) for body in bad)


def test_request_has_a_text_then_it_takes_no_nul() -> None:
    """PostgreSQL's text cannot hold it; the patterns of the fields are all that keeps it out."""
    for operation in OPERATIONS.values():
        for media in operation.described.get("requestBody", {"content": {}})["content"].values():
            body = operation.bodies[-1]
            assert validator(media["schema"]).is_valid(body)
            for name, value in body.items():
                assert not validator(media["schema"]).is_valid({**body, name: f"{value}\0"}), name


# What the server serves.


def test_document_asked_for_then_this_one_with_the_servers_address(server: LiveServer) -> None:
    served = server.http().get("/openapi.json").json()
    assert served["servers"] == [{"url": server.url}]
    assert {**served, "servers": 0} == jsonable({**app.description(server.app.settings), "servers": 0})
    assert served["paths"] == jsonable(DOCUMENT["paths"])


def test_oauth_flows_are_compared_then_the_metadata_says_the_same(server: LiveServer) -> None:
    served = server.http().get("/openapi.json").json()
    metadata = server.http().get("/.well-known/oauth-authorization-server").json()
    flows = served["components"]["securitySchemes"]["oauth2"]["flows"]
    assert {flow["tokenUrl"] for flow in flows.values()} == {metadata["token_endpoint"]}
    assert flows["authorizationCode"]["authorizationUrl"] == metadata["authorization_endpoint"]
    asked = {
        scope for op in OPERATIONS.values() for need in op.described["security"] for scope in need.get("bearer", ())
    }
    assert asked <= flows["clientCredentials"]["scopes"].keys() <= set(metadata["scopes_supported"])


# Answers.

# They refuse a canceled order, so that they never answer with a reason.
NEVER_CANCELED = {
    *("update_order", "update_order_last_mile", "update_order_dispatch", "update_tip"),
    *("stage_order", "stage_order_dispatch", "set_item_replacements"),
}
Success = Callable[[Attempt], list[httpx.Response]]
SUCCESSES: dict[str, Success] = {}


def succeeds(*names: str) -> Callable[[Success], Success]:
    """Register answers of an operation that show all its documented fields between them."""

    def register(success: Success) -> Success:
        SUCCESSES.update(dict.fromkeys(names, success))
        return success

    return register


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_operation_succeeds_then_its_answers_have_the_documented_fields(operation: Operation, shop: Shop) -> None:
    success = SUCCESSES.get(str(operation))
    assert success, f"nothing here makes {operation} succeed"
    described = operation.described["responses"]["200"]
    schema = described["content"]["application/json"]["schema"]
    seen = set()
    for response in success(Attempt(operation, shop)):
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json"
        assert response.headers.keys() >= {name.lower() for name in described["headers"]}
        assert list(validator(schema, closed=True).iter_errors(response.json())) == []
        seen |= response.json().keys()
    never = {"cancellation_reason"} if str(operation) in NEVER_CANCELED else set()
    assert seen == resolved(schema).get("properties", {}).keys() - never


@succeeds(
    *("get_server_metadata", "create_user", "create_user_and_address", "create_user_and_validate_address"),
    *("validate_address", "create_user_deletion_request", "revoke_token"),
)
def _(attempt: Attempt) -> list[httpx.Response]:
    return [attempt.send()]


@succeeds("find_stores_delivery", "find_stores_pickup", "find_stores_last_mile", "find_stores_dispatch")
def _(attempt: Attempt) -> list[httpx.Response]:
    keep(attempt.shop, store("a"))
    return [attempt.having(**body) for body in attempt.operation.bodies]


@succeeds("validate_items")
def _(attempt: Attempt) -> list[httpx.Response]:
    strict = attempt.having(location_code=None)
    attempt.shop.server.sql("UPDATE retailers SET is_lenient = $1 WHERE slug = $2", True, attempt.shop.slug)
    return [strict, attempt.having(location_code=None)]


@succeeds(
    *("preview_service_options_delivery", "preview_service_options_pickup", "preview_service_options_last_mile"),
    *("preview_service_options_last_mile_deprecated", "list_service_options_last_mile"),
    *("create_service_option_hold", "create_service_option_hold_last_mile_deprecated"),
    *("create_desired_window_hold", "create_service_option_hold_with_cart"),
    *("get_orders", "update_order", "update_order_last_mile", "update_order_dispatch"),
    *("stage_order", "stage_order_dispatch", "cancel_order", "cancel_order_dispatch"),
)
def _(attempt: Attempt) -> list[httpx.Response]:
    return [attempt.send()]


@succeeds("list_service_options_delivery", "list_service_options_delivery_deprecated", "list_service_options_pickup")
def _(attempt: Attempt) -> list[httpx.Response]:
    attempt.shop.server.write(retailers.change, attempt.shop.slug, {"is_lenient": True})
    unknown = {"line_num": "1", "count": 3, "item": {"rrc": "unknown"}}
    return [attempt.having(items=[unknown], with_eta_options=True, with_priority_eta_options=True)]


@succeeds(
    *("create_order_delivery", "create_order_pickup", "create_order_dispatch"),
    *("create_order_last_mile", "create_order_last_mile_deprecated"),
)
def _(attempt: Attempt) -> list[httpx.Response]:
    attempt.body |= {"locale": "en-US", "metadata": {"channel": "web"}}
    created = attempt.send()
    attempt.cancel(created.json()["id"])
    return [created, attempt.send()]


@succeeds(
    *("set_item_replacements", "create_shopper", "generate_batch", "advance_batch", "create_shopper_order_item"),
    *("update_shopper_order_item", "update_shopper_order_item_by_post", "simulate_order_callback"),
    *("create_instacart_user", "authorize_instacart_user", "handcart_sandbox_get_clock", "handcart_sandbox_set_clock"),
    *("handcart_sandbox_release_clock", "handcart_sandbox_advance_clock", "handcart_sandbox_run_clock"),
    *("handcart_sandbox_reset", "handcart_sandbox_get_requests", "handcart_sandbox_get_faults"),
    *("handcart_sandbox_set_faults", "handcart_sandbox_clear_faults", "handcart_sandbox_link_account"),
    *("handcart_sandbox_run_order", "handcart_sandbox_list_scenarios", "handcart_sandbox_get_robot"),
    *("handcart_sandbox_set_robot", "handcart_sandbox_clear_robot", "handcart_sandbox_trigger_event"),
    *("handcart_sandbox_place_order", "handcart_sandbox_get_messages", "handcart_sandbox_reply_to_message"),
    *(
        f"handcart_callbacks_{name}"
        for name in (
            *("list_webhooks", "create_webhook", "get_webhook", "update_webhook", "delete_webhook", "enable_webhook"),
            *("disable_webhook", "rotate_secret", "list_deliveries", "list_events", "get_event", "replay"),
        )
    ),
)
def _(attempt: Attempt) -> list[httpx.Response]:
    return [attempt.send()]


@succeeds("handcart_sandbox_get_run", "handcart_sandbox_stop_run")
def _(attempt: Attempt) -> list[httpx.Response]:
    attempt.shop.post(attempt.path, {"pace": "real_time"}).raise_for_status()
    return [attempt.send()]


@succeeds("get_order", "get_order_dispatch")
def _(attempt: Attempt) -> list[httpx.Response]:
    attempt.cancel(attempt.order_id)
    return [attempt.send()]


@succeeds("get_post_checkout_order")
def _(attempt: Attempt) -> list[httpx.Response]:
    attempt.order_id = attempt.order("pickup")
    return [attempt.send()]


@succeeds("get_order_items", "handle_order_item_replacement")
def _(attempt: Attempt) -> list[httpx.Response]:
    if not attempt.order_item_id:
        propose(attempt.market, attempt.order_id)
    return [attempt.send()]


@succeeds("get_handling_details")
def _(attempt: Attempt) -> list[httpx.Response]:
    give(attempt.market, attempt.order_id, "Noor")
    return [attempt.send()]


@succeeds("get_order_pickup_details", "create_update_pickup_delegate", "create_update_vehicle_info")
def _(attempt: Attempt) -> list[httpx.Response]:
    return [attempt.send()]


@succeeds("get_vehicle_info")
def _(attempt: Attempt) -> list[httpx.Response]:
    attempt.market.put(attempt.path, {"color": "red"}).raise_for_status()
    return [attempt.send()]


@succeeds("record_user_arrival", "schedule_pickup")
def _(attempt: Attempt) -> list[httpx.Response]:
    attempt.reach("staged")
    return [attempt.send()]


@succeeds("create_or_update_order_feedback", "create_or_update_order_feedback_frontend")
def _(attempt: Attempt) -> list[httpx.Response]:
    attempt.reach("completed")
    return [attempt.send()]


@succeeds("get_chat_messages", "send_chat_message", "mark_messages_as_read", "get_order_messages")
def _(attempt: Attempt) -> list[httpx.Response]:
    return [attempt.send()]


@succeeds("get_order_location")
def _(attempt: Attempt) -> list[httpx.Response]:
    attempt.reach("delivering")
    return [attempt.send()]


@succeeds("update_tip")
def _(attempt: Attempt) -> list[httpx.Response]:
    attempt.market.set_status(attempt.order_id, "completed")
    return [attempt.send()]


@succeeds("create_token")
def _(attempt: Attempt) -> list[httpx.Response]:
    shop = attempt.shop
    assertion = base64.b64encode(f'{{"user_id": "{attempt.user_id}"}}'.encode()).decode()
    true = {"code": shop.code(shop.account()), "redirect_uri": REDIRECT_URI, "assertion": assertion}
    bodies = [{name: true.get(name, value) for name, value in body.items()} for body in attempt.operation.bodies]
    assert [body["grant_type"] for body in bodies] == list(scopes.SCOPES)
    return [shop.http.post(attempt.path, json={**body, **shop.credentials}) for body in bodies]


@succeeds("introspect_token")
def _(attempt: Attempt) -> list[httpx.Response]:
    assertion = base64.b64encode(f'{{"user_id": "{attempt.user_id}"}}'.encode()).decode()
    issued = attempt.shop.post_token(grant_type="fulfillment_user_assertion", assertion=assertion).json()
    return [attempt.having(token=issued["access_token"]), attempt.having(token="unknown")]


@succeeds("link_user")
def _(attempt: Attempt) -> list[httpx.Response]:
    return [attempt.having(linking_token=attempt.shop.linking_token(attempt.shop.account()))]


@succeeds("get_user_link")
def _(attempt: Attempt) -> list[httpx.Response]:
    answers = []
    for member_for in (clock.DAY, None):
        attempt.user_id = attempt.shop.user()
        token = attempt.shop.linking_token(attempt.shop.account(member_for=member_for))
        attempt.shop.link(attempt.user_id, token).raise_for_status()
        answers.append(attempt.send())
    return answers


def jsonable(value: Any) -> Any:
    return json.loads(wire.encode(value))


def strings(schema: Any, path: str, above: tuple[int, ...] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a string inside a schema, with its path."""
    found = resolved(schema)
    if id(found) in above:
        return
    above = (*above, id(found))
    if found.get("type") == "string":
        yield path, found
    for part in (*found.get("anyOf", ()), *found.get("oneOf", ()), *found.get("allOf", ())):
        yield from strings(part, path, above)
    for name, part in found.get("properties", {}).items():
        yield from strings(part, f"{path}.{name}", above)
    for name in ("items", "additionalProperties"):
        if isinstance(found.get(name), dict):
            yield from strings(found[name], f"{path}.{name}", above)


def test_request_holds_a_string_then_its_length_has_a_bound() -> None:
    """A pattern may take long over a mebibyte. The OAuth endpoints read no more than 16 KiB."""
    unbounded = [
        path
        for operation in OPERATIONS.values()
        for content in operation.described.get("requestBody", {}).get("content", {}).values()
        for path, schema in strings(content["schema"], str(operation))
        if not {"maxLength", "enum", "const"} & schema.keys() and re.search(r"[*+]|,}|^$", schema.get("pattern", ""))
    ]
    oauth = {str(operation) for operation in OPERATIONS.values() if operation.path.startswith("/v2/oauth/")}
    assert [path for path in unbounded if path.partition(".")[0] not in oauth] == []
