"""
Record the statements of a Handcart operation and run them again with other values, without rules, parsing or
computing the response. So the limit program always runs the same statements as Handcart.

A `Sample` is one request with the values that differ between requests. In the replay, each of these values is
replaced by the value of the current request; times keep their distance from now.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import msgspec

from handcart.core import clock
from handcart.core.db import Database, Tx
from handcart.core.web.call import Route
from handcart.orders.routes import ROUTES as ORDERS
from handcart.retailers.models import Caller
from handcart.slots.routes import ROUTES as SLOTS

FAR = 60 * clock.DAY  # values further from now than this are not moved as times

LEAST = 100  # smaller numbers are not unique in the statements

Value = str | int
Step = tuple[str, str, Sequence[Any]]


class Sample(msgspec.Struct):
    """A request. `caller`: fields of `Caller`. `values`: the values that differ between requests, by name."""

    operation_id: str
    caller: dict[str, Any]
    path: dict[str, str]
    body: dict[str, Any] | None
    values: dict[str, Value]


@dataclass(frozen=True)
class Script:
    """The statements of one operation and its response to the sample."""

    is_write: bool
    steps: Sequence["_Statement"]
    answer: bytes

    def bound(self, values: Mapping[str, Value]) -> list[Step]:
        """Method of `Tx`, statement and arguments for a request with these values."""
        now = clock.now()
        return [(step.method, step.sql, step.bound(values, now)) for step in self.steps]


@dataclass(frozen=True)
class _Statement:
    method: str
    sql: str
    args: Sequence[Any]
    names: Sequence[tuple[int, str]]
    moments: Sequence[tuple[int, int]]

    def bound(self, values: Mapping[str, Value], now: int) -> Sequence[Any]:
        if not self.names and not self.moments:
            return self.args
        args = list(self.args)
        for place, name in self.names:
            args[place] = values[name]
        for place, distance in self.moments:
            args[place] = now + distance
        return args


class _Recorder:
    """A `Tx` that records its statements."""

    def __init__(self, tx: Tx) -> None:
        self.keys, self.public_url = tx.keys, tx.public_url
        self.seen: list[Step] = []
        self._tx = tx

    async def one(self, sql: str, *args: Any) -> Any:
        self.seen.append(("one", sql, args))
        return await self._tx.one(sql, *args)

    async def all(self, sql: str, *args: Any) -> Any:
        self.seen.append(("all", sql, args))
        return await self._tx.all(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        self.seen.append(("run", sql, args))
        return await self._tx.run(sql, *args)

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self.seen += [("run", sql, row) for row in rows]
        await self._tx.many(sql, rows)


class _Recorded(Exception):
    """Carries the recording out of a transaction and rolls it back."""

    def __init__(self, seen: Sequence[Step], answer: bytes) -> None:
        super().__init__("recorded")
        self.seen, self.answer = seen, answer


async def perform(database: Database, sample: Sample) -> None:
    """Carry out a sample and commit."""
    await database.write(_handle, sample)


async def record(database: Database, sample: Sample) -> Script:
    """Carry out a sample, roll back, return its script. Raises ValueError for ambiguous values."""
    if any(type(value) is int and value < LEAST for value in sample.values.values()):
        raise ValueError(f"numbers below {LEAST} are too common to be told apart: {sample.values}")
    try:
        await database.write(_record, sample)
    except _Recorded as done:
        plain = _plain if database.kind == "sqlite" else _as_it_is
        now = clock.now()
        steps = [_templated(method, *plain(sql, args), sample.values, now) for method, sql, args in done.seen]
        return Script(_route(sample).tx == "write", steps, done.answer)
    raise RuntimeError("nothing was recorded")


async def _record(tx: Tx, sample: Sample) -> None:
    recorder = _Recorder(tx)
    answer = await _handle(recorder, sample)
    raise _Recorded(recorder.seen, msgspec.json.encode(answer))


async def _handle(tx: Tx, sample: Sample) -> Any:
    route = _route(sample)
    raw = msgspec.json.encode(sample.body or {})
    call = SimpleNamespace(
        caller=Caller(**{**sample.caller, "scopes": tuple(sample.caller["scopes"])}),
        path=sample.path,
        body=msgspec.json.decode(raw, type=route.body) if route.body else None,
        raw=raw,
        header=lambda name: None,
        header_values=lambda name: [],
    )
    answer = await route.handler(tx, call)
    if not isinstance(answer, msgspec.Struct):
        raise RuntimeError(f"{sample.operation_id} refused its sample: {answer}")
    return answer


def _route(sample: Sample) -> Route:
    return next(route for route in (*SLOTS, *ORDERS) if route.operation_id == sample.operation_id)


def _templated(method: str, sql: str, args: Sequence[Any], values: Mapping[str, Value], now: int) -> _Statement:
    named = {(type(value), value): name for name, value in values.items()}
    names = [(place, named[type(arg), arg]) for place, arg in enumerate(args) if (type(arg), arg) in named]
    taken = {place for place, _ in names}
    moments = [
        (place, arg - now)
        for place, arg in enumerate(args)
        if place not in taken and type(arg) is int and abs(arg - now) < FAR
    ]
    return _Statement(method, sql, args, names, moments)


def _as_it_is(sql: str, args: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    return sql, args


def _plain(sql: str, args: Sequence[Any]) -> tuple[str, Sequence[Any]]:
    """`$1`, `$2`... as `?`, with an argument for each."""
    order = [int(number) - 1 for number in re.findall(r"\$(\d+)", sql)]
    return re.sub(r"\$\d+", "?", sql.removesuffix(" FOR UPDATE")), [args[place] for place in order]
