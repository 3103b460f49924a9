"""Other projects' shops that keep stock and take orders. Carts are filled before; only placing orders is measured."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

from bench import install
from bench.candidates import Candidate, Workshop
from bench.candidates.peers import PEERS
from bench.check import Caller, WrongAnswer
from bench.databases import Copy, SqliteDatabase
from bench.load import Request
from bench.ordering import CREATE, GET, Ordering, Step
from bench.processes import HOST, Launch, bare_environment, free_port

RIVAL = "orders-handcart-sqlite-1k"
PREPARE_SECONDS = 900


def django_oscar_api(workshop: Workshop) -> Candidate:
    """Django Oscar with its API on SQLite under gunicorn; the second thread hides the wait for the disk."""
    directory = PEERS / "django_oscar_api"
    binaries = install.python_packages(directory / "requirements.txt", workshop.directory / "venvs" / directory.name)
    file = workshop.directory / "prepared" / directory.name / "peer.db"
    carts = workshop.scale.carts

    def make() -> SqliteDatabase:
        _prepare([str(binaries / "python"), "prepare.py", str(carts)], directory, file)
        return _settled(file, "order_order")

    database = workshop.once(directory.name, make)

    def launch(copy: Copy, port: int) -> Launch:
        options = ["--worker-class", "gthread", "--threads", "2", "--bind", f"{HOST}:{port}"]
        return Launch(
            command=[str(binaries / "gunicorn"), *options, "--log-level", "warning", "wsgi:application"],
            live_path="/live",
            environment={"BENCH_DATABASE": copy.address},
            directory=directory,
        )

    def placing(_choose: Random, _token: str) -> Iterator[Request]:
        return (_oscar_order(number) for number in range(2, carts + 1))

    def reading(_choose: Random, _token: str) -> Iterator[Request]:
        while True:
            yield Request("GET", "/api/orders/1/", _oscar_headers(1))

    def check(caller: Caller, _token: str) -> None:
        status, order = caller.send(_oscar_order(1))
        if status != 200 or order["number"] != "100001" or order["total_incl_tax"] != "7.47":
            raise WrongAnswer(f"django-oscar-api, order: {status} {order}")
        if caller.send(_oscar_order(1))[0] == 200:
            raise WrongAnswer("django-oscar-api sold one basket twice")
        if caller.send(Request("GET", "/api/orders/1/", _oscar_headers(2)))[0] == 200:
            raise WrongAnswer("django-oscar-api showed an order to a stranger")

    version = install.python_version(binaries, "django-oscar-api")
    return _peer("django-oscar-api", version, "gunicorn with 2 threads", database, launch, placing, reading, check)


def vendure(workshop: Workshop) -> Candidate:
    """Vendure on SQLite, one process."""
    directory = PEERS / "vendure"
    install.node_packages(directory)
    file = workshop.directory / "prepared" / directory.name / "peer.db"

    def make() -> tuple[SqliteDatabase, list[tuple[str, str]]]:
        carts = file.with_suffix(".carts")
        command = ["node", "prepare.mjs", str(free_port()), str(workshop.scale.slow_carts), str(carts)]
        _prepare(command, directory, file)
        pairs = [tuple(line.split()) for line in carts.read_text().splitlines()]
        return _settled(file, '"order" WHERE orderPlacedAt IS NOT NULL'), [(token, code) for token, code in pairs]

    database, carts = workshop.once(directory.name, make)

    def launch(copy: Copy, port: int) -> Launch:
        return Launch(
            command=["node", "server.mjs", str(port)],
            live_path="/health",
            environment={"BENCH_DATABASE": copy.address, "NODE_ENV": "production"},
            directory=directory,
        )

    def placing(_choose: Random, _token: str) -> Iterator[Request]:
        return (_vendure(token, VENDURE_PAY) for token, _ in carts[1:])

    def reading(_choose: Random, _token: str) -> Iterator[Request]:
        while True:
            yield _vendure(carts[0][0], VENDURE_READ % carts[0][1])

    def check(caller: Caller, _token: str) -> None:
        token, code = carts[0]
        paid = {"addPaymentToOrder": {"code": code, "state": "PaymentSettled"}}
        if (found := caller.send(_vendure(token, VENDURE_PAY))) != (200, {"data": paid}):
            raise WrongAnswer(f"vendure, order: {found}")
        status, answer = caller.send(_vendure(token, VENDURE_READ % code))
        if status != 200 or len(answer["data"]["orderByCode"]["lines"]) != 3:
            raise WrongAnswer(f"vendure, order read back: {status} {answer}")

    version = install.node_version(directory, "@vendure/core")
    return _peer("vendure", version, "better-sqlite3, one process", database, launch, placing, reading, check)


def _peer(
    name: str,
    version: str,
    how: str,
    database: SqliteDatabase,
    launch: Callable[[Copy, int], Launch],
    placing: Callable[[Random, str], Iterator[Request]],
    reading: Callable[[Random, str], Iterator[Request]],
    check: Callable[[Caller, str], None],
) -> Candidate:
    steps = [Step(CREATE, placing, is_spent=True, is_stored=True), Step(GET, reading)]
    about = f"{name} {version} on SQLite, {how}; no order stored before, carts filled beforehand"
    return Candidate(f"orders-{name}", "peer", about, 1, RIVAL, database, launch, Ordering(steps, check))


def _prepare(command: Sequence[str], directory: Path, file: Path) -> None:
    file.parent.mkdir(parents=True)
    environment = bare_environment() | {"BENCH_DATABASE": str(file)}
    log = file.with_suffix(".log")
    with log.open("wb") as output:
        result = subprocess.run(
            command, cwd=directory, env=environment, stdout=output, stderr=output, timeout=PREPARE_SECONDS, check=False
        )
    if result.returncode:
        raise install.Unavailable(f"{' '.join(command[:2])} failed: {log.read_text(errors='replace').strip()[-300:]}")


def _settled(file: Path, table: str) -> SqliteDatabase:
    database = SqliteDatabase(file, table)
    database.settle()
    return database


def _oscar_headers(number: int) -> dict[str, str]:
    return {"Content-Type": "application/json", "Authorization": f"Token {number:040x}"}


def _oscar_order(number: int) -> Request:
    address = {
        "country": f"http://{HOST}/api/countries/US/",
        "first_name": "Sample",
        "last_name": "Member",
        "line1": "350 W Oak St",
        "line4": "Chicago",
        "postcode": "60610",
        "phone_number": "+13125550188",
    }
    body = {"basket": f"http://{HOST}/api/baskets/{number}/", "shipping_address": address}
    return Request("POST", "/api/checkout/", _oscar_headers(number), json.dumps(body))


VENDURE_PAY = (
    'mutation { addPaymentToOrder(input: { method: "standard-payment", metadata: {} })'
    " { ... on Order { code state } ... on ErrorResult { errorCode message } } }"
)
VENDURE_READ = (
    '{ orderByCode(code: "%s") { code state totalWithTax lines { quantity productVariant { sku } linePriceWithTax }'
    " shippingAddress { postalCode } } }"
)


def _vendure(token: str, query: str) -> Request:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return Request("POST", "/shop-api", headers, json.dumps({"query": query}))
