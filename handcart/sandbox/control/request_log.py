"""The log of a retailer's calls: request, response, and the rule that refused it.

Kept as a ring per retailer in memory; with several processes, each has its own. Secrets are masked before they are
stored.
"""

import asyncio
import re
from collections import deque
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from heapq import merge
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec
from msgspec import Struct

from handcart.core import clock
from handcart.core.errors import OAuthError, SeveralErrors, function_name, rule_of
from handcart.core.web.call import Call, Reply, Route

MOST_ENTRIES = 1000
# Maximum number of unauthenticated calls, so that they do not push other calls out of the log.
MOST_UNAUTHENTICATED = 100
MOST_RETAILERS = 1000
MOST_BODY = 8 * 1024
MOST_URL = 2000
MASK = "***"
# Suffixes of names of secrets, without case and separators; and names with such a suffix that are not secret.
_ENDS = ("secret", "token", "password", "passwd", "assertion", "verifier", "credential", "credentials", "code", "key")
_NO_SECRETS = frozenset(
    ("key", "postalcode", "zipcode", "locationcode", "countrycode", "regioncode", "scancode", "statuscode", "errorcode")
)
_IN_JSON = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:\s*)("(?:[^"\\]|\\.)*"?|[^\s,}\]{\[]+)')
_ALIKE = 0.6
_NEAREST = 3
_SHORTEST_ID = 8
_MOST_ASKED = 300  # comparing longer paths would take long


class Refusal(Struct, kw_only=True, omit_defaults=True):
    """Why a call was refused. `error`: name of the refusal; `rule`: function that refused; `nearest`: similar paths."""

    message: str
    code: int | str | None
    key: str | None = None
    keys: list[str | None] | None = None
    error: str
    rule: str
    nearest: list[str] | None = None


class Entry(Struct, kw_only=True, omit_defaults=True):
    """One call. `path`: the route's pattern; `url`: the requested URL. Bodies are JSON, or text if they were cut."""

    number: int = 0
    at: str
    method: str
    path: str | None = None
    url: str
    operation: str | None = None
    request: Any = None
    status: int
    answer: Any = None
    refusal: Refusal | None = None
    fault: str | None = None
    request_id: str | None = None


class _Ring:
    """The last calls of one retailer."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=MOST_ENTRIES)
        self.unauthenticated: deque[Entry] = deque(maxlen=MOST_UNAUTHENTICATED)
        self.last = 0
        self.changed = asyncio.Event()


class RequestLog:
    """The logs of all retailers of this process."""

    def __init__(self) -> None:
        self._rings: dict[int, _Ring] = {}

    def add(self, retailer_id: int, entry: Entry, *, is_proven: bool = True) -> None:
        """Append a call with the next number; `is_proven`: its sender was authenticated by a token or client secret."""
        ring = self._ring(retailer_id)
        ring.last += 1
        entry.number = ring.last
        (ring.entries if is_proven else ring.unauthenticated).append(entry)
        ring.changed.set()
        ring.changed = asyncio.Event()

    def last(self, retailer_id: int) -> int:
        """The number of a retailer's last call."""
        return self._ring(retailer_id).last

    def find(self, retailer_id: int, after: int, limit: int, status: int | None, refused: bool | None) -> list[Entry]:
        """Calls with numbers over `after`, oldest first; filtered by status, and by refused or not."""
        ring = self._ring(retailer_id)
        found = (
            entry
            for entry in merge(ring.entries, ring.unauthenticated, key=lambda entry: entry.number)
            if entry.number > after and status in (None, entry.status) and refused in (None, entry.refusal is not None)
        )
        return list(islice(found, limit))

    async def wait(self, retailer_id: int, after: int, seconds: float) -> None:
        """Wait for a call with a number over `after`, for at most `seconds`."""
        ring = self._ring(retailer_id)
        if ring.last <= after:
            try:
                await asyncio.wait_for(ring.changed.wait(), seconds)
            except TimeoutError:
                return

    def clear(self, retailer_id: int) -> None:
        """Delete a retailer's calls; numbers start again at 1."""
        ring = self._rings.pop(retailer_id, None)
        if ring is not None:
            ring.changed.set()

    def _ring(self, retailer_id: int) -> _Ring:
        ring = self._rings.pop(retailer_id, None) or _Ring()
        if len(self._rings) >= MOST_RETAILERS:  # the retailer without calls for the longest time
            del self._rings[next(iter(self._rings))]
        self._rings[retailer_id] = ring
        return ring


def entry(call: Call, method: str, raw_path: str, reply: Reply, fault: str | None) -> Entry:
    """The log entry of an answered call."""
    query = call.query.decode("latin-1")
    route = call.route
    return Entry(
        at=clock.to_wire(clock.now()),
        method=method,
        path=route.path if route else None,
        url=(raw_path + (f"?{_masked_query(query)}" if query else ""))[:MOST_URL],
        operation=(route.operation_id or None) if route else None,
        request=_body(call.raw),
        status=reply.status,
        answer=_answer(reply),
        refusal=_refusal(call, method, raw_path) if call.refusal else None,
        fault=fault,
        request_id=call.request_id,
    )


def nearest(routes: Iterable[Route], method: str, raw_path: str) -> list[str]:
    """The operations most similar to a call without a route, best match first."""
    asked = raw_path.strip("/").split("/")
    scored = [
        (-_likeness(asked, route.path.strip("/").split("/")), route.method != method, f"{route.method} {route.path}")
        for route in routes
        if route.operation_id
    ]
    return [text for score, _, text in sorted(scored)[:_NEAREST] if -score >= _ALIKE]


def canonical(entries: Sequence[Entry]) -> list[Any]:
    """The entries without values that differ from run to run: ids of calls, and ids made by the server.

    Each of these ids becomes `#1`, `#2`..., in the order of first appearance.
    """
    names: dict[str, str] = {}
    shown = [msgspec.to_builtins(one) for one in entries]
    for one in shown:
        one.pop("request_id", None)
        parts = one["url"].split("/")
        one["url"] = "/".join(_named(part, names) if _is_made_up(part) else part for part in parts)
    return [_canonical(one, "", names) for one in shown]


def _canonical(value: Any, key: str, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _canonical(part, name, names) for name, part in value.items()}
    if isinstance(value, list):
        return [_canonical(part, key, names) for part in value]
    if key in ("service_option_reference", "order_url") and isinstance(value, str):  # contain ids
        return names.setdefault(value, f"#{len(names) + 1}")
    if isinstance(value, int) and not isinstance(value, bool) and (key == "id" or key.endswith("_id")):
        return _named(str(value), names)
    return names.get(value, value) if isinstance(value, str) else value


def _is_made_up(part: str) -> bool:
    """Whether a part of a path looks like an id made by Handcart: a long number. Cart lines have short numbers."""
    return part.isdecimal() and len(part) >= _SHORTEST_ID


def _named(number: str, names: dict[str, str]) -> str:
    return names.setdefault(number, f"#{len(names) + 1}")


def _answer(reply: Reply) -> Any:
    headers = dict(reply.headers)
    if b"location" in headers:
        where, _, query = headers[b"location"].decode("latin-1").partition("?")
        return {"location": f"{where}?{_masked_query(query)}" if query else where}
    return _body(reply.body) if headers.get(b"content-type") == b"application/json" else None


def _body(raw: bytes) -> Any:
    """A body with masked secrets: JSON or form data; long or broken JSON as text; only the size of other content."""
    if not raw:
        return None
    size = f"... ({len(raw)} bytes)"
    try:
        masked = _masked(msgspec.json.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        is_json = raw.lstrip()[:1] in (b"{", b"[")
        if is_json:
            text = _IN_JSON.sub(_masked_pair, raw[:MOST_BODY].decode("utf-8", "replace"))
            return text if len(raw) <= MOST_BODY else text + size
        if len(raw) <= MOST_BODY and b"=" in raw:
            return _masked(dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True)))
        return size
    return (
        masked if len(raw) <= MOST_BODY else msgspec.json.encode(masked)[:MOST_BODY].decode("utf-8", "replace") + size
    )


def _masked_query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(is_secret(name) for name, _ in pairs):
        return query
    return urlencode([(name, MASK if is_secret(name) else value) for name, value in pairs], safe="*", quote_via=quote)


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: MASK if _hides(name, part) else _masked(part) for name, part in value.items()}
    return [_masked(part) for part in value] if isinstance(value, list) else value


def _hides(name: str, value: Any) -> bool:
    """Whether a value must be masked: any value of a secret field, except error numbers."""
    is_number = isinstance(value, int) or value is None
    return is_secret(name) and not (is_number and name == "code")


def _masked_pair(pair: re.Match[str]) -> str:
    """A name and a masked value, within JSON that cannot be parsed."""
    try:
        name = msgspec.json.decode(pair[1], type=str)
    except msgspec.DecodeError:
        return f'{pair[1]}{pair[2]}"{MASK}"'
    return f'{pair[1]}{pair[2]}"{MASK}"' if is_secret(name) else pair[0]


@lru_cache(10_000)
def is_secret(name: str) -> bool:
    """Whether a field with this name may contain a secret."""
    folded = "".join(letter for letter in name.casefold() if letter.isalnum())
    return folded.endswith(_ENDS) and folded not in _NO_SECRETS


def _refusal(call: Call, method: str, raw_path: str) -> Refusal:
    refusal = call.refusal
    assert refusal is not None
    made_by, _ = refusal.origin
    several = refusal.errors if isinstance(refusal, SeveralErrors) else None
    return Refusal(
        message=refusal.message,
        code=refusal.error if isinstance(refusal, OAuthError) else refusal.code,
        key=refusal.key,
        keys=[one.key for one in several] if several else None,
        error=function_name(made_by),
        rule=rule_of(refusal),
        nearest=nearest(call.app.routes, method, raw_path[:_MOST_ASKED]) if call.route is None else None,
    )


def _likeness(asked: Sequence[str], pattern: Sequence[str]) -> float:
    pairs = zip(asked, pattern, strict=False)
    return sum(_segment_likeness(one, two) for one, two in pairs) / max(len(asked), len(pattern))


def _segment_likeness(asked: str, pattern: str) -> float:
    if pattern.startswith("{"):
        return 0.8
    return 1.0 if asked == pattern else 0.9 * SequenceMatcher(None, asked, pattern).ratio()
