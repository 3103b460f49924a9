"""Ours, as an operator starts it: logs and metrics on, nothing switched off but the limit on requests per client."""

import json
from dataclasses import dataclass

from bench.candidates import SCOPE, Candidate, FlowPlan, Workshop
from bench.data import HANDCART, furnish
from bench.databases import Copy, Database, PostgresDatabase, SqliteDatabase
from bench.linking import Linking
from bench.load import Request
from bench.processes import HOST, Launch
from tests.support.postgres import cluster, create_database

READ = "/v2/fulfillment/users/{}/link"
TOKENS = "tokens"


@dataclass(frozen=True)
class Prepared:
    """A filled database and the data for requests to it."""

    database: Database
    plan: FlowPlan


def on_sqlite(workshop: Workshop, workers: int) -> Candidate:
    return _candidate(workshop, "sqlite", workers, sqlite(workshop))


def on_postgresql(workshop: Workshop, workers: int) -> Candidate:
    return _candidate(workshop, "postgresql", workers, postgresql(workshop))


def sqlite(workshop: Workshop) -> Prepared:
    """The filled SQLite file, made once."""

    def make() -> Prepared:
        path = workshop.directory / "prepared" / "handcart" / "handcart.db"
        path.parent.mkdir(parents=True)
        plan = furnish(f"sqlite:///{path}", workshop.scale)
        database = SqliteDatabase(path, TOKENS)
        database.settle()
        return Prepared(database, plan)

    return workshop.once("handcart on SQLite", make)


def postgresql(workshop: Workshop) -> Prepared:
    """The filled PostgreSQL database, made once, in a cluster that waits for the disk as in production."""

    def make() -> Prepared:
        dsn = create_database(workshop.stack.enter_context(cluster(durable=True)))
        plan = furnish(dsn, workshop.scale)
        database = PostgresDatabase(dsn, TOKENS)
        database.settle()
        return Prepared(database, plan)

    return workshop.once("handcart on PostgreSQL", make)


def url_of(copy: Copy) -> str:
    """The database URL of a copy."""
    return copy.address if "://" in copy.address else f"sqlite:///{copy.address}"


def token_request(plan: FlowPlan, secret: str | None = None) -> Request:
    """The documented request: JSON."""
    fields = {
        "client_id": plan.client_id,
        "client_secret": secret or plan.client_secret,
        "grant_type": "client_credentials",
        "scope": SCOPE,
    }
    return Request("POST", "/v2/oauth/token", {"Content-Type": "application/json"}, json.dumps(fields))


def launch(
    workshop: Workshop, plan: FlowPlan, workers: int, copy: Copy, port: int, environment: str = "production"
) -> Launch:
    """The server on a copy. Production requires a request limit, set too high to be reached; a sandbox needs none."""
    limit = "1000000" if environment == "production" else "0"
    serve = ["--environment", environment, "--host", HOST, "--port", str(port), "--workers", str(workers)]
    if environment == "production":
        serve += ["--public-url", "https://connect.example.org"]
    return Launch(
        command=[str(HANDCART), "serve", "--database", url_of(copy), *serve],
        live_path="/live",
        environment={
            "HANDCART_SECRET_KEY": plan.secret_key,
            "HANDCART_RATE_LIMIT_PER_SECOND": limit,
            "HANDCART_TRUSTED_PROXIES": "none",
        },
        directory=workshop.directory,
    )


def _candidate(workshop: Workshop, kind: str, workers: int, prepared: Prepared) -> Candidate:
    name = f"handcart-{kind}-{workers}"
    return Candidate(
        name=name,
        kind="handcart",
        about=f"handcart serve --workers {workers} on {kind}, access log on",
        workers=workers,
        rival=name,
        database=prepared.database,
        # Production allows 20 sign-ins per second from one address, too few for the flows.
        launch=lambda copy, port: launch(workshop, prepared.plan, workers, copy, port, "sandbox"),
        part=Linking(
            token=token_request(prepared.plan),
            wrong_secret=token_request(prepared.plan, "wrong"),
            read=READ,
            links=workshop.scale.links,
            flow=prepared.plan,
        ),
    )
