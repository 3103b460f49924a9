"""Keep answered calls in memory, and store them in batches: what a call itself pays is a look and an append."""

import random
import re
from collections.abc import Sequence
from typing import Any

import msgspec

from handcart.core import clock, ids, log
from handcart.core.db import Database
from handcart.core.errors import ApiError, OAuthError, SeveralErrors, rule_of
from handcart.core.ratelimit import network
from handcart.core.rounds import Rounds
from handcart.core.web.call import Call, Reply
from handcart.requests import ops
from handcart.requests.models import Code, Entry

PAUSE_SECONDS = 2.0
# Refused calls of one client, or of one network without a client, that are kept in a minute.
REFUSED_PER_MINUTE = 60
# Calls that wait to be stored; more are dropped, and their number is logged.
MOST_WAITING = 2000
_MOST_PARTIES = 10_000
_MOST_SHAPE, _MOST_DEPTH, _MOST_FIELDS, _MOST_KEY, _MOST_CODES = 2000, 6, 40, 100, 10
# Names of fields are kept if they look like names; anything else may be personal.
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_PATH = re.compile(r"[A-Za-z0-9_.\[\]-]+")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CLOSE_SECONDS = 2.0


class Recorder:
    """Records the calls of one process. `percent`: of successful calls, how many are kept."""

    def __init__(self, percent: int) -> None:
        self._percent = percent
        self._waiting: list[Entry] = []
        self._uses: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self._minute = self._dropped = 0
        self._rounds = Rounds("the request log", self.store)
        self._database: Database

    async def open(self, database: Database) -> None:
        """Start to store calls."""
        self._database = database
        self._rounds.open(PAUSE_SECONDS)

    async def close(self) -> None:
        """Store what waits, and stop."""
        await self._rounds.close(_CLOSE_SECONDS)
        await self.store()

    def answered(self, call: Call, method: str, raw_path: str, reply: Reply, seconds: float) -> None:
        """Record a call of the API that was answered, if it is kept. Pages are not recorded."""
        route, caller, refusal = call.route, call.caller, call.refusal
        if not (route.operation_id if route is not None else raw_path.startswith("/v2")):
            return
        now = clock.of_process()
        if caller is not None:
            self._uses[caller.client_id] = now
        if refusal is None:
            if random.random() * 100 >= self._percent:  # noqa: S311 (a sample)
                return
        elif not self._may_keep(now, network(call.address) if caller is None else caller.client_id):
            return
        if len(self._waiting) >= MOST_WAITING:
            self._dropped += 1
            return
        self._waiting.append(
            Entry(
                id=ids.new_id(),
                at=now,
                request_id=call.request_id,
                method=method if method in _METHODS else "-",
                route="" if route is None else route.path,
                status=reply.status,
                milliseconds=int(seconds * 1000),
                retailer_id=None if caller is None else caller.retailer_id,
                client_id=None if caller is None else caller.client_id,
                rule=None if refusal is None else rule_of(refusal),
                codes=() if refusal is None else _codes(refusal),
                shape=shape(call.raw),
            )
        )

    async def store(self) -> bool:
        """Store what waits, in one transaction. What cannot be stored is dropped: a log must not fill the memory."""
        waiting, uses, dropped = self._waiting, self._uses, self._dropped
        self._waiting, self._uses, self._dropped = [], {}, 0
        if dropped:
            log.warning("request log dropped calls", count=dropped)
        if waiting or uses:
            await self._database.write(ops.store, waiting, uses)
        return False

    def _may_keep(self, now: int, party: str) -> bool:
        """Count a refused call of a client or a network; whether it is among the first of this minute."""
        minute = now // clock.MINUTE
        if minute != self._minute:
            self._minute = minute
            self._refused.clear()
        count = self._refused.get(party, 0) + 1
        if count > REFUSED_PER_MINUTE or (count == 1 and len(self._refused) >= _MOST_PARTIES):
            return False
        self._refused[party] = count
        return True


def shape(raw: bytes) -> str | None:
    """A JSON body with the kinds of its values in their place; the length of another body; None if there is none."""
    if not raw:
        return None
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"{len(raw)} bytes"
    text = msgspec.json.encode(_kinds(body, _MOST_DEPTH)).decode()
    return text if len(text) <= _MOST_SHAPE else f"{len(raw)} bytes of JSON"


def _kinds(value: Any, depth: int) -> Any:
    if isinstance(value, (dict, list)) and depth == 0:
        return "..."
    if isinstance(value, dict):
        names = list(value)[:_MOST_FIELDS]
        return {name if _NAME.fullmatch(name) else "?": _kinds(value[name], depth - 1) for name in names}
    if isinstance(value, list):
        return [_kinds(value[0], depth - 1), f"{len(value)} in all"] if value else []
    if value is None or isinstance(value, bool):
        return "null" if value is None else "boolean"
    return "string" if isinstance(value, str) else "number"


def _codes(refusal: ApiError) -> Sequence[Code]:
    if isinstance(refusal, OAuthError):
        return (Code(refusal.error),)
    errors = refusal.errors if isinstance(refusal, SeveralErrors) else (refusal,)
    return tuple(Code(one.code, _path(one.key)) for one in errors[:_MOST_CODES])


def _path(key: str | None) -> str | None:
    return None if key is None else key[:_MOST_KEY] if _PATH.fullmatch(key) else "?"
