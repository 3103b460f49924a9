"""Values that schemathesis cannot generate, and an additional check. Its command line loads this file."""

import json
import os
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import schemathesis

from handcart import app
from handcart.core.settings import Settings
from handcart.core.web import wire

ROUTES = {route.operation_id: route for route in app.routes(Settings(environment="sandbox"))}
CREDENTIALS = {"client_id": os.environ["CLIENT_ID"], "client_secret": os.environ["CLIENT_SECRET"]}
# What there is at the retailer: a user, an order that is completed, slots of each kind, a window and its reference.
KNOWN = json.loads(os.environ["KNOWN"])
ANSWERED = Path(os.environ["ANSWERED"])
USER = f"/v2/fulfillment/users/{KNOWN['user_id']}"
LASTMILE = "/v2/fulfillment/lastmile/orders"
http = httpx.Client(
    base_url=KNOWN["url"], headers={"Authorization": f"Bearer {os.environ['TOKEN']}"}, trust_env=False, timeout=30
)

# A well-formed request may be refused for what it names, not for how it is written: by message,
NAMES_NOTHING = {
    *("User Not Found", "User Not Active", "User Not Linked", "Linking token is invalid", "has already been taken"),
    *("invalid_grant", "invalid_scope", "too_late", "Order is not completed", "Only last mile orders can be staged"),
    *("Invalid items", "Duplicate items were provided", "Some items are not deliverable"),
    *("Maximum total quantity of items exceeded", "Maximum quantity of large or bulky items exceeded"),
    *("Service option is not available", "Service option is expired", "Invalid last name"),
    *("Requested delivery window not available at this store", "No delivery windows currently available"),
    *("must be greater than or equal to 0", "Alcohol delivery not enabled for this store"),
    *("An account already exists with this number", "Invalid email", "Invalid phone number"),
    *("An account already exists with this email", "Invalid user_id"),
    *("the password needs at least 8 characters", "the password may have at most 1024 bytes"),
    "the password is one of the most common ones: choose another",
    *("Pickup unavailable for non-pickup orders", "Params error", "is not available with a pickup delegate"),
    *("Sending a message is not allowed at this time", "Could not resolve alternative item to a valid product"),
    *("Order item change already responded to", "Order item has no change to respond to"),
    *("is already in a batch", "is not waiting for this type of batch", "is not assigned to this order"),
    *("must come after the current state", "Batch is finished", "Order is not being picked"),
    *("a retailer can have at most 50 webhooks: delete one first", "must have 1 to 1000 printable characters"),
    "must be given again when the auth URI or the host of the callback URL changes",
}
# or by the beginning or the end of a message,
BEGINNINGS = ("Unknown line_num: ", "blocked: ", "no event is chosen")
ENDINGS = "is not an event: choose `all`, or names such as brand_new, acknowledged, picking"
# by a key with `is invalid`, where a value is well-formed and still not there, not in reach or not in time,
NAMES_NONE = {
    *("find_by.postal_code", "address.postal_code", "postal_code", "location_code", "address"),
    *("service_option_id", "service_option_hold_id", "service_option_reference"),
    *("start_at", "end_at", "earliest_option_start_at", "desired_windows"),
    *("desired_windows[].starts_at", "desired_windows[].ends_at"),
    *("user_phone", "user.phone_number", "user.birthday"),
    *("shopper_id", "orders", "batch_type", "workflow_state", "line_num", "email", "client_id", "redirect_uri"),
    *("schedule_pickup_eta", "is_pickup_delegate", "phone_number", "name", "model", "license_plate"),
    *("scope", "response_type", "code_challenge", "delivered_count", "delivered_weight", "replacement_item"),
    "order_id",  # `delivery` and the like are steps of paths
}
# and by a key with either text, where JSON Schema cannot say it, or schemathesis overlooks it beside a `$ref`.
SAID_ELSEWHERE = {
    *("find_by", "find_by.postal_code"),
    "items[].item",
    *("item", "replacement_item"),
    "location_code",
    "start_at",
    "end_at",
    "user.phone_number",
    "user.birthday",
    "event_id",
}


@schemathesis.hook
def before_load_schema(context: Any, raw_schema: dict[str, Any]) -> None:
    """Take no field in an answer beyond the documented ones, though the description leaves room for new ones."""
    schemas = raw_schema["components"]["schemas"]
    for name in set(schemas_of([raw_schema["components"]["responses"], *responses(raw_schema)], schemas)):
        if "properties" in schemas[name]:
            schemas[name]["additionalProperties"] = False


def responses(document: dict[str, Any]) -> Iterator[Any]:
    for item in document["paths"].values():
        for operation in item.values():
            yield operation["responses"]


def schemas_of(part: Any, schemas: dict[str, Any]) -> Iterator[str]:
    """Names of the schemas that a part of the document refers to, directly or not."""
    if isinstance(part, list):
        for item in part:
            yield from schemas_of(item, schemas)
    elif isinstance(part, dict):
        kind, _, name = part.get("$ref", "").rpartition("/")
        if kind == "#/components/schemas":
            yield name
            yield from schemas_of(schemas[name], schemas)
        yield from schemas_of([value for key, value in part.items() if key != "$ref"], schemas)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Ask in the name of a real client wherever any will do, and mostly about what there is."""
    if isinstance(case.body, dict) and all(is_parameter(case.body.get(name)) for name in CREDENTIALS):
        case.body = {**case.body, **CREDENTIALS}
    if operation_of(case) == "create_user_deletion_request":
        spare_the_known_user(case)
        return
    if "wait" in (case.query or {}):
        del case.query["wait"]  # up to 25 seconds
    if not is_positive(case):
        return
    case.body = with_integers(case.body)
    if zlib.crc32(repr((case.path_parameters, case.body)).encode()) % 8:
        say_what_there_is(case)


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """Leave out requests that break the description and are taken all the same, as `core.web.wire` says."""
    return is_positive(case) or not isinstance(case.body, dict) or is_as_described(case)


def is_as_described(case: Any) -> bool:
    """Whether the body has no number for a code, no text for an id, and no empty text for an absent value."""
    route = ROUTES.get(operation_of(case))
    return route is None or route.body is None or wire.as_meant(case.body, route.body) == case.body


def operation_of(case: Any) -> str:
    return str(case.operation.definition.raw["operationId"])


def spare_the_known_user(case: Any) -> None:
    """Prevent the deletion of the user that all other requests use; schemathesis reuses ids."""
    if case.path_parameters.get("user_id") == KNOWN["user_id"]:
        case.path_parameters = {"user_id": "somebody-else"}


def is_parameter(value: Any) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value


def is_positive(case: Any) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


def with_integers(value: Any) -> Any:
    """3.0 is an integer for JSON Schema; on the wire it is none."""
    if isinstance(value, dict):
        return {name: with_integers(part) for name, part in value.items()}
    if isinstance(value, list):
        return [with_integers(part) for part in value]
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if is_whole else value


def say_what_there_is(case: Any) -> None:
    """Give ids, codes, times and products that are true to a request, where it has any."""
    name = operation_of(case)
    about = name + case.operation.path
    kind = next((kind for kind in ("pickup", "last_mile", "dispatch") if kind in about), "delivery")
    kind = "last_mile" if name == "stage_order" else kind
    true: dict[str, Callable[[], Any]] = {
        "user_id": lambda: KNOWN["user_id"],
        "service_option_id": lambda: KNOWN["options"]["last_mile" if kind == "dispatch" else kind],
        "order_id": lambda: known_order(name, kind),
        "shopper_id": lambda: KNOWN["shopper"],
        "batch_id": lambda: batched(ordered("delivery")),
        "line_num": lambda: "1",
        "event_id": lambda: KNOWN["event"],
    }
    if name != "handcart_callbacks_delete_webhook":
        true["webhook_id"] = lambda: KNOWN["webhook"]
    named = case.path_parameters.keys() & true.keys()
    case.path_parameters = {**case.path_parameters, **{parameter: true[parameter]() for parameter in named}}
    if "user_id" in (case.query or {}):
        case.query = {**case.query, "user_id": KNOWN["user_id"]}
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = os.urandom(6).hex()
    if not isinstance(case.body, dict) or name.startswith("create_user"):
        return
    true |= {
        "event_id": lambda: int(KNOWN["event"]),
        "webhook_id": lambda: int(KNOWN["webhook"]),
        "orders": lambda: [{"id": ordered("delivery")}],
        "batch_type": lambda: "delivery",
        "workflow_state": lambda: "picking",
        "order_id": lambda: case.body["order_id"][:200] + os.urandom(6).hex(),
        "service_option_hold_id": lambda: held(kind),
        "service_option_reference": lambda: KNOWN["reference"],
        "location_code": lambda: "here",
        "postal_code": lambda: "60610",
        "address": lambda: {**case.body["address"], **KNOWN["address"], "latitude": None},
        "items": lambda: [{**item, **line(place)} for place, item in enumerate(case.body["items"][:20])],
        "user": lambda: {"phone_number": "+13125550188", "birthday": "1991-03-05"},
        "user_phone": lambda: "+13125550188",
        "start_at": lambda: KNOWN["window"]["starts_at"],
        "end_at": lambda: KNOWN["window"]["ends_at"],
        "desired_windows": lambda: [KNOWN["window"]],
        "callback_url": lambda: "https://shop.example/callbacks",
        "auth_uri": lambda: "https://shop.example/token",
        "events": lambda: ["fulfillment.picking", "delivered"],
    }
    given = [field for field in case.body if field in true and case.body[field] is not None]
    case.body = {**case.body, **{field: true[field]() for field in given}}


def line(place: int) -> dict[str, Any]:
    products = ("milk", "bread", "soap", "ham", "apples", "soda", "chair", "wine")
    amount = {"weight": 1.5} if place == 3 else {"count": 1}
    return {"line_num": str(place), "item": {"rrc": products[place % len(products)]}, **amount}


def known_order(name: str, kind: str) -> str:
    """An order that the operation can be about."""
    if name == "update_tip":
        return str(KNOWN["completed"])
    order_id = ordered(kind)
    if "shopper_order_item" in name:
        batched(order_id, workflow_state="picking")
    return order_id


def batched(order_id: str, **fields: Any) -> int:
    """The id of a new batch with the order."""
    body = {"shopper_id": KNOWN["shopper"], "orders": [{"id": order_id}], **fields}
    number: int = http.post("/v2/fulfillment_sandbox/batches", json=body).raise_for_status().json()["id"]
    return number


def held(kind: str) -> int:
    """A hold of the user's for a slot of a kind."""
    answer = http.post(f"{USER}/service_options/{KNOWN['options'][kind]}/reserve").raise_for_status().json()
    number: int = answer["service_option_hold"]["id"]
    return number


def ordered(kind: str) -> str:
    """The id of a new order of the user's."""
    body = {**KNOWN["orders"][kind], "order_id": f"order-{os.urandom(6).hex()}"}
    if kind == "dispatch":
        answer = http.post(LASTMILE, json={**body, "user_id": KNOWN["user_id"]})
    else:
        answer = http.post(f"{USER}/orders/{kind}", json={**body, "service_option_hold_id": held(kind)})
    return str(answer.raise_for_status().json()["id"])


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Remember what was answered with success."""
    if response.status_code == 200:
        with ANSWERED.open("a") as file:
            file.write(f"{operation_of(case)}\n")


@schemathesis.check
def refused_for_cause(context: Any, response: Any, case: Any) -> None:
    """A well-formed request is refused for a cause that is not in its form."""
    if not is_positive(case) or response.status_code not in (400, 401, 403):
        return
    body = response.json()
    for refusal in body["error"]["errors"] if isinstance(body["error"], dict) and "errors" in body["error"] else [body]:
        error = refusal["error"]
        cause = error if isinstance(error, str) else error["message"]
        place = re.sub(r"\[\d+\]", "[]", refusal.get("meta", {}).get("key", ""))
        is_known = (
            cause in NAMES_NOTHING
            or cause.startswith(BEGINNINGS)
            or cause.endswith(ENDINGS)
            or (cause == "is invalid" and place in NAMES_NONE)
        )
        is_known = is_known or (cause in ("is invalid", "can't be blank") and place in SAID_ELSEWHERE)
        assert is_known, f"A valid request was refused: {cause} ({place})"
