"""What schemathesis cannot make up, and a check of its own: read by its command line, see test_schemathesis.py."""

import os
from collections.abc import Iterator
from typing import Any

import schemathesis

CREDENTIALS = {"client_id": os.environ["CLIENT_ID"], "client_secret": os.environ["CLIENT_SECRET"]}
LINKED_USER = os.environ["LINKED_USER"]

# A well-formed request may be refused for what it names, not for how it is written.
CAUSES = {
    "User Not Found",
    "User Not Active",
    "User Not Linked",
    "Linking token is invalid",
    "has already been taken",
    "invalid_grant",
    "invalid_scope",
}
# And for these by message and key: what may be well-formed and still not be there, and what schemathesis overlooks
# because it stands beside a `$ref`.
PLACED_CAUSES = {
    ("is invalid", "find_by.postal_code"),
    ("is invalid", "address.postal_code"),
    ("is invalid", "location_code"),
    ("is invalid", "find_by"),
    ("can't be blank", "items[0].item"),
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
    """Ask in the name of a real client wherever any will do, and every other time about a user who is linked."""
    if isinstance(case.body, dict) and all(is_parameter(case.body.get(name)) for name in CREDENTIALS):
        case.body = {**case.body, **CREDENTIALS}
    if case.method == "GET" and is_positive(case) and len(case.path_parameters.get("user_id", "")) % 2:
        case.path_parameters["user_id"] = LINKED_USER


def is_parameter(value: Any) -> bool:
    return isinstance(value, str) and value != "" and "\0" not in value


def is_positive(case: Any) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.check
def refused_for_cause(context: Any, response: Any, case: Any) -> None:
    """A well-formed request is refused for a cause that is not in its form."""
    if is_positive(case) and response.status_code in (400, 401, 403):
        error = response.json()["error"]
        cause = error if isinstance(error, str) else error["message"]
        place = response.json().get("meta", {}).get("key")
        assert cause in CAUSES or (cause, place) in PLACED_CAUSES, f"A valid request was refused: {cause} ({place})"
