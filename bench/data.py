"""Fill a database of Handcart: migrated and set up by commands, then rows in bulk directly by SQL."""

import json
import secrets
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.candidates import EXPIRED_AT, SCOPE, FlowPlan, Scale
from bench.databases import connected
from bench.flow import email_of, session_of, user_of
from bench.processes import bare_environment
from handcart.core.secret import Keys
from handcart.sign_in.models import CUSTOMER
from handcart.sign_in.passwords import hash_new

HANDCART = Path(sys.executable).with_name("handcart")
REDIRECT_URI = "http://127.0.0.1:9/cb"
SECOND = 1_000_000
DAY = 86400 * SECOND

OWNER = "SELECT client_id, organization_id, r.id, isolation_id FROM clients JOIN retailers r USING (organization_id)"


@dataclass(frozen=True)
class Table:
    """Rows for one table."""

    name: str
    columns: tuple[str, ...]
    rows: Iterable[tuple[Any, ...]]


@dataclass(frozen=True)
class Owner:
    """The owner of the rows."""

    client_id: str
    organization_id: int
    retailer_id: int
    isolation_id: int


def furnish(url: str, scale: Scale) -> FlowPlan:
    """Migrate the database at `url`, create a retailer with a client, fill the tables."""
    secret_key = secrets.token_urlsafe(32)
    _handcart(url, secret_key, "migrate")
    _handcart(url, secret_key, "retailer", "create", "--slug", "bench", "--name", "Bench")
    options = ["--retailer", "bench", "--redirect-uri", REDIRECT_URI, "--scope", f"{SCOPE} account_linking", "--json"]
    client = json.loads(_handcart(url, secret_key, "client", "create", *options))
    password = secrets.token_urlsafe(16)
    plan = FlowPlan(
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        redirect_uri=REDIRECT_URI,
        password=password,
        secret_key=secret_key,
        accounts=scale.flows,
    )
    keys, password_hash = Keys(secret_key.encode()), hash_new(password)
    fill(url, lambda owner: tables(owner, keys, password_hash, scale))
    return plan


def tables(owner: Owner, keys: Keys, password_hash: str, scale: Scale) -> Iterator[Table]:
    """
    All rows: `scale.links` linked users whose accounts are members, the requested number of old tokens, and
    `scale.flows` accounts that are members, signed in and not linked, each with a user to link it to.
    """
    now = time.time_ns() // 1000
    ends_at = int(datetime.fromisoformat(EXPIRED_AT).astimezone(UTC).timestamp()) * SECOND
    linked, waiting = range(1, scale.links + 1), range(scale.flows)
    account_of = {number: scale.links + 1 + number for number in waiting}
    emails = [*((id_, f"member-{id_}@example.com") for id_ in linked), *((account_of[n], email_of(n)) for n in waiting)]
    users = [*(f"user-{id_ - 1}" for id_ in linked), *(user_of(n) for n in waiting)]
    isolation, retailer, organization = owner.isolation_id, owner.retailer_id, owner.organization_id

    yield Table(
        "accounts",
        ("id", "email", "password_hash", "created_at"),
        ((id_, email, password_hash, now) for id_, email in emails),
    )
    yield Table("memberships", ("account_id", "starts_at", "ends_at"), ((id_, now - DAY, ends_at) for id_, _ in emails))
    yield Table(
        "users",
        ("isolation_id", "user_id", "first_name", "created_at"),
        ((isolation, user, "Sample", now) for user in users),
    )
    yield Table(
        "links",
        ("isolation_id", "user_id", "account_id", "retailer_id", "token_hash", "linked_at"),
        ((isolation, f"user-{id_ - 1}", id_, retailer, secrets.token_bytes(32), now) for id_ in linked),
    )
    yield Table(
        "sessions",
        ("session_hash", "id", "audience", "person_id", "created_at", "seen_at", "unlocked_at"),
        ((keys.hash(session_of(n)), n + 1, CUSTOMER.name, account_of[n], now, now, now) for n in waiting),
    )
    yield Table(
        "tokens",
        (
            "token_hash",
            "client_id",
            "organization_id",
            "retailer_id",
            "isolation_id",
            "scope",
            "created_at",
            "expires_at",
        ),
        (
            (secrets.token_bytes(32), owner.client_id, organization, retailer, isolation, SCOPE, now, now + DAY)
            for _ in range(scale.tokens)
        ),
    )


def _handcart(url: str, secret_key: str, *arguments: str) -> str:
    """Run a command of Handcart on the database; returns its output."""
    environment = bare_environment() | {"HANDCART_DATABASE": url, "HANDCART_SECRET_KEY": secret_key}
    command = [str(HANDCART), *arguments]
    result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return result.stdout


def fill(url: str, make: Callable[[Owner], Iterable[Table]]) -> Owner:
    """Insert the rows that `make` returns for the existing retailer; returns their owner."""
    if url.startswith("sqlite"):
        return _fill_sqlite(url.removeprefix("sqlite:///"), make)

    async def copy(connection: Any) -> Owner:
        owner = Owner(*await connection.fetchrow(OWNER))
        for table in make(owner):
            await connection.copy_records_to_table(table.name, records=table.rows, columns=table.columns)
        return owner

    owner: Owner = connected(url, copy)
    return owner


def _fill_sqlite(path: str, make: Callable[[Owner], Iterable[Table]]) -> Owner:
    connection = sqlite3.connect(path)
    owner = Owner(*connection.execute(OWNER).fetchone())
    for table in make(owner):
        places = ", ".join("?" * len(table.columns))
        statement = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({places})"
        connection.executemany(statement, table.rows)
    connection.commit()
    connection.close()
    return owner
