"""The pages of `/reference`: an overview of all operations with a search, and a page for each operation.

Made from the OpenAPI document alone, and written in English like it. Every page works without JavaScript.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from handcart.core.web import pages

METHODS = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
# Headings of what a search found, in this order.
_BY_NAME, _BY_TEXT, _DEPRECATED = "Title, path or operation id", "Fields, texts and errors", "Deprecated operations"
_ORDER = (_BY_NAME, _BY_TEXT, _DEPRECATED)


class Entry(Struct, frozen=True, kw_only=True):
    """One operation. `words` is what a search looks through, in lower case; `curl` calls it with its first example."""

    id: str
    tag: str
    method: str
    path: str
    summary: str
    operation: Mapping[str, Any]
    parameters: Sequence[Mapping[str, Any]]
    curl: str
    words: str


def entries(spec: Mapping[str, Any]) -> Sequence[Entry]:
    """All operations of a document, in its order."""
    return [
        _entry(spec, path, item, method)
        for path, item in (spec.get("paths") or {}).items()
        for method in METHODS
        if method in item
    ]


def search(found: Sequence[Entry], query: str) -> Sequence[Entry]:
    """The operations that hold every word of a query, in any order; all of them for an empty query.

    First those whose title, path or id holds the words; deprecated ones last.
    """
    words = query.lower().split()
    held = [entry for entry in found if all(word in entry.words for word in words)]
    return sorted(held, key=lambda entry: _ORDER.index(_place(entry, words))) if words else held


def overview(spec: Mapping[str, Any], found: Sequence[Entry], query: str = "", **context: Any) -> str:
    """The page that lists operations by topic, or those that a search found, best first."""
    shown, words = search(found, query), query.lower().split()
    groups = (
        {place: [one for one in shown if _place(one, words) == place] for place in _ORDER}
        if words
        else {tag: [one for one in shown if one.tag == tag] for tag in _tags(spec, found)}
    )
    return pages.render("core/reference.html", "en-US", spec=spec, groups=groups, query=query, **context)


def operation(spec: Mapping[str, Any], found: Sequence[Entry], entry: Entry, **context: Any) -> str:
    """The page of one operation."""
    beside = [one for one in found if one.tag == entry.tag]
    return pages.render("core/operation.html", "en-US", spec=spec, entry=entry, beside=beside, **context)


def _place(entry: Entry, words: Sequence[str]) -> str:
    """Where a search found an operation: one of `_ORDER`."""
    if entry.operation.get("deprecated"):
        return _DEPRECATED
    name = f"{entry.id} {entry.path} {entry.summary}".lower()
    return _BY_NAME if all(word in name for word in words) else _BY_TEXT


def _tags(spec: Mapping[str, Any], found: Sequence[Entry]) -> Sequence[str]:
    declared = [tag["name"] for tag in spec.get("tags") or ()]
    return list(dict.fromkeys([*declared, *(entry.tag for entry in found)]))


def _entry(spec: Mapping[str, Any], path: str, item: Mapping[str, Any], method: str) -> Entry:
    described = item[method]
    resolved = partial(pages.resolved, spec=spec)
    parameters = [resolved(one) for one in (*(item.get("parameters") or ()), *(described.get("parameters") or ()))]
    return Entry(
        id=described.get("operationId") or f"{method}{path}".replace("/", "-"),
        tag=(described.get("tags") or ["Other"])[0],
        method=method,
        path=path,
        summary=described.get("summary") or path,
        operation=described,
        parameters=parameters,
        curl=_curl(spec, path, method, described, parameters),
        words=" ".join(dict.fromkeys(_words(spec, [path, method, described], ()))).lower(),
    )


def _curl(
    spec: Mapping[str, Any],
    path: str,
    method: str,
    described: Mapping[str, Any],
    parameters: Sequence[Mapping[str, Any]],
) -> str:
    """A line for a shell in which TOKEN is set. Values of the path and the body are the first examples."""
    for parameter in parameters:
        if parameter["in"] == "path":
            shown = (parameter.get("schema") or {}).get("examples") or [parameter["name"]]
            path = path.replace(f"{{{parameter['name']}}}", quote(str(shown[0]), safe=""))
    server = (spec.get("servers") or [{"url": ""}])[0]["url"]
    line = "curl" if method == "get" else f"curl -X {method.upper()}"
    line += f" {shlex.quote(server + path)}"
    if described.get("security", spec.get("security")):
        line += ' \\\n  -H "Authorization: Bearer $TOKEN"'
    body = pages.resolved(described.get("requestBody") or {}, spec)
    for media_type, media in list((body.get("content") or {}).items())[:1]:
        examples = [pages.resolved(one, spec).get("value") for one in (media.get("examples") or {}).values()]
        example = media.get("example", examples[0] if examples else {})
        line += f" \\\n  -H {shlex.quote(f'Content-Type: {media_type}')}"
        line += f" \\\n  --data-raw {shlex.quote(json.dumps(example, indent=2, ensure_ascii=False))}"
    return line


def _words(spec: Mapping[str, Any], part: Any, seen: tuple[str, ...]) -> Iterator[str]:
    """The names and texts of an operation, of its fields and of its refusals, with their codes."""
    if isinstance(part, Mapping):
        reference = part.get("$ref")
        if isinstance(reference, str):
            if reference not in seen:
                yield from _words(spec, pages.resolved(part, spec), (*seen, reference))
            return
        for name, value in part.items():
            if name in ("operationId", "summary", "description", "message"):
                yield from str(value).split()
            elif name == "properties":
                yield from value
                yield from _words(spec, list(value.values()), seen)
            elif name == "code" and isinstance(value, int):  # of an error, in an example
                yield str(value)
            elif name not in ("links", "security", "headers", "externalDocs"):
                yield from _words(spec, value, seen)
        if isinstance(part.get("name"), str):
            yield part["name"]
    elif isinstance(part, list):
        for one in part:
            yield from _words(spec, one, seen)
    elif isinstance(part, str) and "/" in part:
        yield part
