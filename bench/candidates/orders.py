"""Handcart and the limit program on stores, slots, holds and orders: with few stored orders, and with many."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from bench.candidates import Candidate, FlowPlan, Workshop
from bench.candidates import handcart as ours
from bench.candidates import limit as bare
from bench.check import Caller, WrongAnswer
from bench.databases import Copy, PostgresDatabase, SqliteDatabase
from bench.limit.replay import Sample
from bench.load import Request
from bench.ordering import CREATE, GET, LIFE, LIST, RESERVE, Ordering, Step
from bench.processes import Launch
from bench.stock import CREATE as CREATE_ID
from bench.stock import GET as GET_ID
from bench.stock import HORIZON_DAYS, Stock, multiply, stock
from bench.stock import LIST as LIST_ID
from bench.stock import RESERVE as RESERVE_ID
from tests.support.postgres import cluster, create_database

FEW, MANY = "1k", "1m"
TABLE = "orders"
SAMPLE_CUSTOMER = 137  # whose numbers occur nowhere else in the statements
_USER = "/v2/fulfillment/users/{user_id}"
_PATHS = {
    LIST_ID: ("POST", f"{_USER}/service_options/cart/delivery"),
    RESERVE_ID: ("POST", f"{_USER}/service_options/{{service_option_id}}/reserve"),
    CREATE_ID: ("POST", f"{_USER}/orders/delivery"),
    GET_ID: ("GET", f"{_USER}/orders/{{order_id}}"),
}

_SILENT = """
from handcart.cli import main
from handcart.orders import payloads

async def emit(*_given):
    pass

payloads.emit = emit
main()
"""

Write = Callable[[Sample, dict[str, str]], Request]


@dataclass(frozen=True)
class Prepared:
    """A filled database; `orders`: the number of stored orders."""

    database: SqliteDatabase | PostgresDatabase
    stock: Stock
    orders: int


def handcart(workshop: Workshop, kind: str, size: str) -> Candidate:
    """Handcart."""
    prepared = _prepared(workshop, kind, size)
    plan = prepared.stock.plan

    def launch(copy: Copy, port: int) -> Launch:
        return ours.launch(workshop, plan, 1, copy, port)

    part = Ordering(_steps(prepared, _documented), lambda *given: _check(prepared, *given), _token(plan))
    about = f"handcart serve --workers 1 on {kind}, access log on, {prepared.orders:,} orders stored"
    name = f"orders-handcart-{kind}-{size}"
    return Candidate(name, "handcart", about, 1, name, prepared.database, launch, part)


def silent(workshop: Workshop, kind: str) -> Candidate:
    """Handcart without events, to measure what events cost."""
    loud = handcart(workshop, kind, FEW)

    def launch(copy: Copy, port: int) -> Launch:
        launched = loud.launch(copy, port)
        return replace(launched, command=[sys.executable, "-c", _SILENT, *launched.command[1:]])

    about = f"{loud.about}, its events cut out"
    return replace(loud, name=f"orders-silent-{kind}-{FEW}", kind="silent", about=about, rival=loud.name, launch=launch)


def limit(workshop: Workshop, kind: str, size: str) -> Candidate:
    """The limit program, which replays statements recorded from Handcart."""
    prepared = _prepared(workshop, kind, size)
    plan = prepared.stock.plan
    samples = workshop.directory / "prepared" / f"{kind}-{size}.samples"
    samples.parent.mkdir(exist_ok=True)
    samples.write_bytes(msgspec.json.encode({sample.operation_id: sample for sample in _samples(prepared.stock)}))

    def launch(copy: Copy, port: int) -> Launch:
        return bare.launch(plan, 1, copy, port, BENCH_SAMPLES=str(samples))

    part = Ordering(_steps(prepared, _bare), _check_limit, _token(plan))
    about = f"bare ASGI that runs the statements of ours on {kind} and nothing else, {prepared.orders:,} orders stored"
    rival = f"orders-handcart-{kind}-{size}"
    return Candidate(f"orders-limit-{kind}-{size}", "limit", about, 1, rival, prepared.database, launch, part)


def sandbox(workshop: Workshop, kind: str) -> Candidate:
    """Handcart as a sandbox: orders are created, and the robot shopper completes them."""
    prepared = _prepared(workshop, kind, FEW)
    found, plan = prepared.stock, prepared.stock.plan

    def launch(copy: Copy, port: int) -> Launch:
        return ours.launch(workshop, plan, 1, copy, port, "sandbox")

    def ordering(_choose: Random, token: str) -> Iterator[Request]:
        for number in range(SAMPLE_CUSTOMER + 1, found.users):
            yield _documented(found.sample(CREATE_ID, found.values(number)), _headers(token))

    def run(order: Request) -> Sequence[Request]:
        order_id = json.loads(order.body)["order_id"]
        return [Request("POST", f"/v2/handcart_sandbox/orders/{order_id}/run", order.headers, "{}")]

    step = Step(LIFE, ordering, is_spent=True, is_stored=True, then=run)
    part = Ordering([step], lambda *given: _check(prepared, *given), _token(plan))
    about = f"handcart serve --environment sandbox --workers 1 on {kind}: robot shopper, request log, virtual clock"
    name = f"orders-sandbox-{kind}"
    return Candidate(name, "handcart", about, 1, name, prepared.database, launch, part)


def _prepared(workshop: Workshop, kind: str, size: str) -> Prepared:
    orders = workshop.scale.few_orders if size == FEW else workshop.scale.many_orders

    def make() -> Prepared:
        make_database = _sqlite if kind == "sqlite" else _postgresql
        database, found = make_database(workshop, size, orders)
        database.settle()
        return Prepared(database, found, orders)

    return workshop.once(f"orders on {kind}, {size}", make)


def _sqlite(workshop: Workshop, size: str, orders: int) -> tuple[SqliteDatabase, Stock]:
    def first() -> tuple[Path, Stock]:
        path = workshop.directory / "prepared" / "orders" / "handcart.db"
        path.parent.mkdir(parents=True)
        found = stock(f"sqlite:///{path}", workshop.scale)
        SqliteDatabase(path, TABLE).settle()
        return path, found

    empty, found = workshop.once("stock on SQLite", first)
    path = empty.parent.with_name(f"orders-{size}") / "handcart.db"
    path.parent.mkdir()
    shutil.copy2(empty, path)
    multiply(f"sqlite:///{path}", found, orders)
    return SqliteDatabase(path, TABLE), found


def _postgresql(workshop: Workshop, size: str, orders: int) -> tuple[PostgresDatabase, Stock]:
    def first() -> tuple[PostgresDatabase, Stock]:
        dsn = create_database(workshop.stack.enter_context(cluster(durable=True)))
        return PostgresDatabase(dsn, TABLE), stock(dsn, workshop.scale)

    empty, found = workshop.once("stock on PostgreSQL", first)
    database = PostgresDatabase(empty.beside(), TABLE)
    multiply(database.dsn, found, orders)
    return database, found


def _token(plan: FlowPlan) -> Request:
    return ours.token_request(plan)


def _samples(found: Stock) -> list[Sample]:
    values = found.values(SAMPLE_CUSTOMER)
    of_orders = found.sample(GET_ID, found.stored(SAMPLE_CUSTOMER))
    return [*(found.sample(operation, values) for operation in (LIST_ID, RESERVE_ID, CREATE_ID)), of_orders]


def _steps(prepared: Prepared, write: Write) -> list[Step]:
    """The first half of the users reserve, the second half order; some of the first half are left for the check."""
    found, half = prepared.stock, prepared.stock.users // 2

    def anyone(choose: Random, token: str) -> Iterator[Request]:
        while True:
            yield write(found.sample(LIST_ID, found.values(choose.randrange(found.users))), _headers(token))

    def reserving(_choose: Random, token: str) -> Iterator[Request]:
        for number in range(SAMPLE_CUSTOMER + 1, half):
            yield write(found.sample(RESERVE_ID, found.values(number)), _headers(token))

    def ordering(_choose: Random, token: str) -> Iterator[Request]:
        for number in range(half, found.users):
            yield write(found.sample(CREATE_ID, found.values(number)), _headers(token))

    def reading(choose: Random, token: str) -> Iterator[Request]:
        while True:
            yield write(found.sample(GET_ID, found.stored(choose.randrange(prepared.orders))), _headers(token))

    return [
        Step(LIST, anyone),
        Step(RESERVE, reserving, is_spent=True),
        Step(CREATE, ordering, is_spent=True, is_stored=True),
        Step(GET, reading),
    ]


def _headers(token: str) -> dict[str, str]:
    return {"Accept": "application/json", "Content-Type": "application/json", "Authorization": f"Bearer {token}"}


def _documented(sample: Sample, headers: dict[str, str]) -> Request:
    method, path = _PATHS[sample.operation_id]
    body = "" if sample.body is None else json.dumps(sample.body)
    return Request(method, path.format(**sample.path), headers, body)


def _bare(sample: Sample, headers: dict[str, str]) -> Request:
    return Request("POST", f"/{sample.operation_id}", headers, json.dumps(sample.values))


def _check(prepared: Prepared, caller: Caller, token: str) -> None:
    """Check lists of slots, a hold, its order, the same order read back; and the right refusals."""
    found, headers = prepared.stock, _headers(token)

    def ask(operation: str, values: dict[str, Any]) -> Any:
        status, answer = caller.send(_documented(found.sample(operation, values), headers))
        return answer if status == 200 else status

    def expect(what: str, is_right: bool, answer: Any) -> None:
        if not is_right:
            raise WrongAnswer(f"{what}: {json.dumps(answer)[:500]}")

    values = found.values(SAMPLE_CUSTOMER)
    slots = ask(LIST_ID, values)
    expect("slots", isinstance(slots, dict) and len(slots["service_options"]) > 24 * (HORIZON_DAYS - 2), slots)
    expect("slots to be had", all(slot["availability"]["available"] for slot in slots["service_options"]), slots)
    hold = ask(RESERVE_ID, values)
    expect("hold", isinstance(hold, dict), hold)
    expect("order without its hold", ask(CREATE_ID, values) == 400, None)
    order = ask(CREATE_ID, values | {"hold_id": hold["service_option_hold"]["id"]})
    expect("order", isinstance(order, dict) and len(order["items"]) == len(found.cart), order)
    read = ask(GET_ID, values)
    expect("order read back", read["id"] == order["id"] and read["items"] == order["items"], read)
    expect("no such order", ask(GET_ID, values | {"order_id": "nothing"}) == 404, None)
    stored = ask(GET_ID, found.stored(prepared.orders - 1))
    expect("stored order", isinstance(stored, dict) and len(stored["items"]) == len(found.cart), stored)


def _check_limit(caller: Caller, token: str) -> None:
    """Check that it requires a token. Its stored rows show that it does the measured work."""
    if caller.send(Request("POST", f"/{GET_ID}", _headers("x" * 43), "{}"))[0] != 401:
        raise WrongAnswer("the limit program let an unknown token pass")
