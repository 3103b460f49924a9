"""The OpenAPI 3.1 description, generated from the route table and the wire structs that serve the requests."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from handcart.core.errors import ApiError, OAuthError
from handcart.core.http import Route

# What any operation may answer, whatever it does.
_ALWAYS = {404: "Not found", 405: "Method not allowed", 429: "Too many requests", 500: "Internal server error"}
_ALWAYS |= {503: "Service unavailable", 408: "Request timeout", 413: "Request body over 1 MiB"}


class ErrorDetail(Struct):
    """What is wrong; `code` is null for refusals that are not about a parameter."""

    message: str
    code: int | None


class ErrorMeta(Struct, omit_defaults=True):
    """Where it is wrong."""

    key: str | None = None


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
    """The multiple errors form (code 9999)."""

    error: ErrorList


class OAuthErrorBody(Struct):
    """The error form of the OAuth endpoints (RFC 6749 section 5.2)."""

    error: str
    error_description: str


def describe(routes: Sequence[Route], *, title: str, version: str, server: str) -> dict[str, Any]:
    """The whole document for the routes that have a response struct."""
    documented = [route for route in routes if route.response is not None]
    structs = [SingleError, MultipleErrors, OAuthErrorBody]
    structs += [kind for route in documented for kind in (route.body, route.form, route.response) if kind]
    unique = list(dict.fromkeys(structs))
    schemas, components = msgspec.json.schema_components(unique, ref_template="#/components/schemas/{name}")
    references = dict(zip(unique, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in documented:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": server}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in documented)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, references: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "responses": _responses(route, references),
    }
    if route.description:
        operation["description"] = route.description
    if route.source:
        operation["externalDocs"] = {"url": route.source, "description": "Documentation of the wire contract"}
    if route.deprecated:
        operation["deprecated"] = True
    if route.scope:
        operation["security"] = [{"bearer": [route.scope]}]
    parameters = _parameters(route)
    if parameters:
        operation["parameters"] = parameters
    if route.body:
        operation["requestBody"] = _content(references[route.body], "application/json")
    elif route.form:
        operation["requestBody"] = _content(
            references[route.form], "application/json", "application/x-www-form-urlencoded"
        )
    return operation


def _operation_id(route: Route) -> str:
    words = [word for word in route.path.split("/") if word and word != "v2" and not word.startswith(".")]
    return "_".join([route.method.lower(), *(word.strip("{}").replace("-", "_") for word in words)])


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": segment[1:-1],
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1},
        }
        for segment in route.path.split("/")
        if segment.startswith("{")
    ]
    if route.scope:
        found.append(
            {
                "name": "X-Retailer-Id",
                "in": "header",
                "required": False,
                "description": "Slug of a banner; needed by clients of several banners, ignored for others.",
                "schema": {"type": "string"},
            }
        )
    return found


def _responses(route: Route, references: dict[Any, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {"description": "Success", **_content(references[route.response], "application/json", required=False)}
    }
    refusals: dict[int, list[ApiError]] = {}
    for refusal in route.refusals:
        refusals.setdefault(refusal.status, []).append(refusal)
    single, several = references[SingleError], references[MultipleErrors]
    statuses: dict[int, str] = dict(_ALWAYS)
    if route.body or route.scope:
        statuses |= {400: "Bad request"}
    if route.body:
        statuses |= {415: "Unsupported media type"}
    if route.scope:
        statuses |= {401: "Unauthorized", 403: "Forbidden"}
    for status in sorted({*statuses, *refusals}):
        texts = [refusal.message for refusal in refusals.get(status, ())]
        oauth = any(isinstance(refusal, OAuthError) for refusal in refusals.get(status, ()))
        form = references[OAuthErrorBody] if oauth else {"anyOf": [single, several]} if status == 400 else single
        described = "; ".join(dict.fromkeys(texts)) or statuses[status]
        responses[str(status)] = {"description": described, **_content(form, "application/json", required=False)}
    return responses


def _content(schema: Any, *media_types: str, required: bool = True) -> dict[str, Any]:
    body: dict[str, Any] = {"content": {media_type: {"schema": schema} for media_type in media_types}}
    return {"required": True, **body} if required else body
