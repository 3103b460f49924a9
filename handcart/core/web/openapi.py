"""The OpenAPI 3.1 description, generated from the route table and the wire structs that serve the requests.

Every error is an example of its response; tests/contract/test_refusals.py provokes each one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import msgspec
from msgspec import Struct

from handcart.core import errors
from handcart.core.errors import ApiError, OAuthError, SeveralErrors
from handcart.core.web import wire
from handcart.core.web.call import Route

_REASONS = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    413: "Payload too large",
    415: "Unsupported media type",
    422: "Unprocessable content",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}
_MOST_OF_32_BITS = 2**31 - 1
_MOST_OF_64_BITS = 2**63 - 1
_HEADERS = {
    "X-Request-Id": ("The id of this answer in the server's log.", {"type": "string"}, True),
    "WWW-Authenticate": ("How to authenticate (RFC 6750 section 3, RFC 7617).", {"type": "string"}, False),
    "Retry-After": (
        "Seconds to wait before the next attempt.",
        {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        True,
    ),
    "Allow": ("The methods of this path.", {"type": "string"}, True),
}


class ErrorDetail(Struct):
    """The error. `code` is null for refusals that are not about a parameter."""

    message: str
    code: int | None


class ErrorMeta(Struct, omit_defaults=True):
    """The place of the error: `key` is the dotted path into the request, `line_nums` are lines of the cart.

    `order_delivery_id` says why a customer cannot pick up yet.
    Handcart's own operations add: for an unknown name, the `known` names and the `nearest` one; for a name that does
    not fit an order, the `kinds` of orders that it is for.
    """

    key: str | None = None
    line_nums: list[str] | None = None
    order_delivery_id: str | None = None
    nearest: str | None = None
    known: list[str] | None = None
    kinds: list[str] | None = None


class SingleError(Struct):
    """The single error form."""

    error: ErrorDetail
    meta: ErrorMeta


class ErrorList(Struct):
    """Message and code of the multiple form are fixed."""

    message: str
    code: int
    errors: list[SingleError]


class MultipleErrors(Struct):
    """The multiple errors form (code 9999); `meta` is empty."""

    error: ErrorList
    meta: ErrorMeta


class OAuthErrorBody(Struct):
    """The error form of the OAuth endpoints (RFC 6749 section 5.2)."""

    error: str
    error_description: str


@dataclass
class _Document:
    """The parts that operations share."""

    references: dict[Any, Any]
    takes: dict[str, list[Route]]
    bearer_refusals: Sequence[ApiError]
    responses: dict[str, Any] = field(default_factory=dict)


def describe(
    routes: Sequence[Route],
    *,
    info: Mapping[str, Any],
    server: str,
    tags: Mapping[str, str],
    security_schemes: Mapping[str, Any],
    bearer_refusals: Sequence[ApiError],
    meanings: Mapping[str, str],
) -> dict[str, Any]:
    """The whole document for the routes that have a response struct.

    `bearer_refusals`: the errors that every route with a scope may return. `meanings` describes the fields whose
    type has no description, by `Schema.field` or by `field`.
    """
    documented = [route for route in routes if route.response is not None]
    references, components = _schemas(documented)
    for schema_name, component in components.items():
        for name, described in component.get("properties", {}).items():
            if "description" not in described:
                described["description"] = meanings.get(f"{schema_name}.{name}", meanings.get(name, ""))
    takes: dict[str, list[Route]] = {}
    for route in documented:
        for name in _in_path(route.path):
            takes.setdefault(name, []).append(route)
    document = _Document(references, takes, bearer_refusals)
    paths: dict[str, dict[str, Any]] = {}
    for route in documented:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, document)
    return {
        "openapi": "3.1.0",
        "info": {**info, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": server}],
        "tags": [{"name": name, "description": about} for name, about in tags.items()],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": document.responses,
            "headers": {
                name: {"description": about, "required": required, "schema": schema}
                for name, (about, schema, required) in _HEADERS.items()
            },
            "securitySchemes": dict(security_schemes),
        },
    }


def _schemas(routes: Sequence[Route]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """A reference for every struct, and the referenced schemas."""
    kinds: list[Any] = [SingleError, MultipleErrors, OAuthErrorBody]
    kinds += [kind for route in routes for kind in (route.body, route.form, route.response) if kind]
    unique = list(dict.fromkeys(kinds))
    schemas, components = msgspec.json.schema_components(unique, ref_template="#/components/schemas/{name}")
    for component in components.values():
        for schema in component.get("properties", {}).values():
            _lift_description(schema)
    for answer in (ErrorMeta, *(route.response for route in routes)):
        if answer is not None and answer.__struct_config__.omit_defaults:
            component = components[answer.__name__]
            for name in component["properties"].keys() - set(component.get("required", ())):
                component["properties"][name] = _without_null(component["properties"][name])
    _make_portable(components)
    for schema in schemas:
        if "discriminator" in schema:  # one of them, and generators expect it to be said so
            schema["oneOf"] = schema.pop("anyOf")
    return dict(zip(unique, schemas, strict=True)), components


def _make_portable(schema: Any) -> None:
    """Rewrite a schema in place so that tools of other languages understand it.

    A simple type that may be null is written as one type, since generators turn `anyOf` into classes. Enumerations get
    a type as well. Patterns end with `$` in place of Python's `\\Z`. Integers that may exceed 31 bits get the format
    `int64`, and other numbers `double`, because generators read a number without a format as 32 bits
    (https://spec.openapis.org/registry/format/).
    """
    if isinstance(schema, list):
        for part in schema:
            _make_portable(part)
    if not isinstance(schema, dict):
        return
    first, *others = schema.get("anyOf", [{}])
    if others == [{"type": "null"}] and isinstance(first.get("type"), str):
        del schema["anyOf"]
        schema |= {**first, "type": [first["type"], "null"], **schema}
    if all(isinstance(value, str) for value in schema.get("enum", [None])):
        schema["type"] = "string"
    if isinstance(schema.get("pattern"), str):
        schema["pattern"] = schema["pattern"].replace(r"\Z", "$")
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")]
    if "integer" in kinds and schema.get("maximum", _MOST_OF_64_BITS) > _MOST_OF_32_BITS:
        schema["format"] = "int64"
    if "number" in kinds:
        schema["format"] = "double"
    for part in schema.values():
        _make_portable(part)


def _lift_description(schema: dict[str, Any]) -> None:
    """Move the description of an optional field from one of its types to the field."""
    for branch in schema.get("anyOf", ()):
        for name in ("description", "examples"):
            if name in branch:
                schema.setdefault(name, branch.pop(name))


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without null, for a field that is left out when it has no value."""
    kept = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
    for branch in schema.get("anyOf", ()):
        if branch != {"type": "null"}:
            kept |= branch
    return kept


def _operation(route: Route, document: _Document) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": route.operation_id, "summary": route.summary, "tags": [route.tag]}
    if route.description:
        operation["description"] = route.description
    if route.source:
        operation["externalDocs"] = {"url": route.source, "description": "Documentation of the wire contract"}
    if route.deprecated:
        operation["deprecated"] = True
    # One scheme alone: generated clients would send the token of a second one without the word `Bearer`.
    operation["security"] = [{"bearer": [route.scope]}] if route.scope else []
    if route.parameters:
        operation["parameters"] = [_parameter(name, kind, route) for name, kind in route.parameters.items()]
    if route.body:
        operation["requestBody"] = {"required": True, **_content(route.body, document, "application/json")}
    elif route.form:
        kinds = ("application/json", "application/x-www-form-urlencoded")
        operation["requestBody"] = {"required": True, **_content(route.form, document, *kinds)}
    operation["responses"] = {"200": _success(route, document), **_refused(route, document)}
    return operation


def _in_path(path: str) -> list[str]:
    return [segment[1:-1] for segment in path.split("/") if segment.startswith("{")]


def _parameter(name: str, kind: Any, route: Route) -> dict[str, Any]:
    schema = msgspec.json.schema(kind)
    _make_portable(schema)
    is_in_path = name in _in_path(route.path)
    return {
        "name": name,
        "in": "path" if is_in_path else "header" if name[0].isupper() else "query",
        "required": is_in_path,
        "description": schema.pop("description"),
        "schema": schema,
    }


def _success(route: Route, document: _Document) -> dict[str, Any]:
    success = {
        "description": "Success",
        "headers": _headers("X-Request-Id"),
        **_content(route.response, document, "application/json"),
    }
    links = {
        linked.operation_id: {"operationId": linked.operation_id, "parameters": {name: f"$response.body#/{name}"}}
        for name in getattr(route.response, "__struct_fields__", ())
        for linked in document.takes.get(name, ())
    }
    return {**success, "links": links} if links else success


def _refused(route: Route, document: _Document) -> dict[str, Any]:
    own = {refusal.status for refusal in route.refusals}
    by_status: dict[int, dict[Any, ApiError]] = {}
    for refusal in (*route.refusals, *_shared(route, document.bearer_refusals)):
        by_status.setdefault(refusal.status, {}).setdefault(wire.encode(refusal.body()), refusal)
    responses = {}
    for status in sorted(by_status):
        response = _refusal_response(status, list(by_status[status].values()), document)
        if status in own or status in (400, 403):
            responses[str(status)] = response
        else:
            name = _REASONS[status].title().replace(" ", "")
            document.responses[name] = response
            responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return responses


def _shared(route: Route, bearer_refusals: Sequence[ApiError]) -> Iterator[ApiError]:
    """The errors that `core.web.app` may return before or after the handler."""
    if route.body:
        yield from wire.refusals(route.body)
        yield errors.not_json()
    if route.body or route.form:
        yield errors.timed_out()
        yield errors.too_large(route.most_body)
    if route.scope:
        yield from bearer_refusals
        yield errors.forbidden_scope(route.scope)
    if route.scope or route.form:
        yield errors.too_many_requests(1)
        yield errors.unavailable()
    if _in_path(route.path):
        yield errors.not_found()
    yield errors.method_not_allowed([route.method])
    yield errors.internal()


def _refusal_response(status: int, refusals: Sequence[ApiError], document: _Document) -> dict[str, Any]:
    forms = [document.references[form] for form in dict.fromkeys(_form(refusal) for refusal in refusals)]
    names = dict.fromkeys(name for refusal in refusals for name in refusal.headers if name in _HEADERS)
    examples = {_name(refusal): {"summary": _summary(refusal), "value": refusal.body()} for refusal in refusals}
    repeated = [name for name, many in Counter(map(_name, refusals)).items() if many > 1]
    assert not repeated, f"two refusals of one operation have the same name: {', '.join(repeated)}"
    schema = forms[0] if len(forms) == 1 else {"anyOf": forms}
    return {
        "description": _REASONS[status],
        "headers": _headers("X-Request-Id", *names),
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def _form(refusal: ApiError) -> type[Struct]:
    if isinstance(refusal, OAuthError):
        return OAuthErrorBody
    return MultipleErrors if isinstance(refusal, SeveralErrors) else SingleError


def _summary(refusal: ApiError) -> str:
    return f"{refusal.message} ({refusal.key})" if refusal.key else refusal.message


def _name(refusal: ApiError) -> str:
    if isinstance(refusal, OAuthError) and refusal.error not in ("invalid_request", "invalid_scope"):
        return refusal.error
    return _words(refusal.message) + (f"_{_words(refusal.key)}" if refusal.key else "")


def _words(text: str) -> str:
    """A name made from the first words of a text."""
    return "_".join(re.findall(r"[a-z0-9]+", text.lower().replace("'", ""))[:8])


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(kind: Any, document: _Document, *media_types: str) -> dict[str, Any]:
    content: dict[str, dict[str, Any]] = {name: {"schema": document.references[kind]} for name in media_types}
    examples = dict(_examples(get_args(kind) or [kind]))
    if examples:
        content[media_types[0]]["examples"] = examples
    return {"content": content}


def _examples(kinds: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """The examples in structs' `EXAMPLES`: title and value."""
    for kind in kinds:
        for summary, value in getattr(kind, "EXAMPLES", {}).items():
            yield _words(summary), {"summary": summary, "value": value}
