"""PgBouncer between Handcart and PostgreSQL: orders go through it, and what is wrong with it is said."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from handcart.core.db import Tx, Unavailable
from handcart.core.db.migrate import migrate
from handcart.core.db.postgres import PostgresDatabase
from handcart.core.secret import Keys
from tests.support import postgres
from tests.support.orders import HELD, Market
from tests.support.pooler import pooler
from tests.support.server import SECRET_KEY, live_server, migrated_database

KEYS = Keys(SECRET_KEY.encode())


async def one(tx: Tx) -> Any:
    row = await tx.one("SELECT current_setting('statement_timeout') || current_setting('lock_timeout') AS limits")
    assert row is not None
    return row["limits"]


async def opened(url: str) -> Any:
    database = await PostgresDatabase.connect(url, KEYS, 4)
    try:
        return await asyncio.gather(*(database.read(one) for _ in range(20)), database.write_statement(one))
    finally:
        await database.close()


def test_transactions_are_pooled_then_orders_go_through_two_connections(postgres_cluster: str, tmp_path: Path) -> None:
    with pooler(postgres.create_database(postgres_cluster), default_pool_size="2") as running:
        migrate(running.url(), KEYS)
        assert set(asyncio.run(opened(running.url()))) == {"5s3s"}
        with live_server(running.url(), tmp_path) as server, server.clients():
            market = Market(server)
            for kind in HELD:
                market.order(kind)
            running.stop()
            running.start()
            for _ in range(20):
                if server.http().get("/ready").status_code == 200:
                    break
            market.order("delivery")
            assert server.sql("SELECT count(*) AS n FROM orders")[0]["n"] == len(HELD) + 1


def test_pooler_is_exhausted_then_unavailable_says_so(postgres_cluster: str) -> None:
    url = migrated_database(postgres_cluster)

    async def run(pooled: str) -> None:
        database = await PostgresDatabase.connect(pooled, KEYS, 2)
        other = await asyncpg.connect(pooled.partition("?")[0], statement_cache_size=0)
        try:
            await other.execute("BEGIN")
            with pytest.raises(Unavailable, match=r"the pooler had no free connection|query_wait_timeout"):
                await database.read(one)
            await other.execute("ROLLBACK")
            assert await database.read(one) == "5s3s"
        finally:
            await other.close()
            await database.close()

    with pooler(url, default_pool_size="1", query_wait_timeout="1") as running:
        asyncio.run(run(running.url()))


@pytest.mark.parametrize(
    ("settings", "query", "said"),
    [
        ({}, "", r"unsupported startup parameter.*add \?pooler=transaction"),
        (
            {
                "ignore_startup_parameters": "statement_timeout,lock_timeout,idle_in_transaction_session_timeout"
                ",tcp_user_timeout,default_transaction_isolation"
            },
            "",
            r"limits of statements were not accepted.*add \?pooler=transaction",
        ),
        ({"pool_mode": "statement"}, "?pooler=transaction", "set pool_mode = transaction"),
        ({"max_client_conn": "0"}, "?pooler=transaction", "no more connections allowed"),
        ({}, "?pooler=session", "another pooler than pooler=transaction"),
    ],
)
def test_wrong_mode_or_full_then_the_error_says_what_to_do(
    settings: dict[str, str], query: str, said: str, postgres_cluster: str
) -> None:
    with pooler(migrated_database(postgres_cluster), **settings) as running, pytest.raises(Unavailable, match=said):
        asyncio.run(opened(running.url(query)))


def test_sessions_are_pooled_then_it_works_too(postgres_cluster: str) -> None:
    with pooler(migrated_database(postgres_cluster), pool_mode="session") as running:
        assert set(asyncio.run(opened(running.url()))) == {"5s3s"}
