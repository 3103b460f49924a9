"""The cluster of `support/postgres.py` is real, copies databases, and ends with its owner."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import pytest

from tests.support import postgres

ROOT = Path(__file__).resolve().parents[2]
OWNER = """
from tests.support import postgres
with postgres.cluster() as dsn:
    print(dsn, flush=True)
    input()
"""


def ask(dsn: str, question: str) -> str:
    async def answer() -> str:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(answer())


def test_durability_is_chosen_then_the_server_has_it(postgres_cluster: str) -> None:
    assert ask(postgres_cluster, "SHOW fsync") == "off"
    with postgres.cluster(durable=True) as dsn:
        assert ask(dsn, "SHOW fsync") == "on"


def test_template_is_named_then_its_tables_are_copied(postgres_cluster: str) -> None:
    template = postgres.create_database(postgres_cluster)
    ask(template, "CREATE TABLE carts AS SELECT 7 AS items")
    copy = postgres.create_database(postgres_cluster, template.rpartition("/")[2])
    assert copy != template
    assert ask(copy, "SELECT items FROM carts") == 7


def test_two_transactions_wait_for_each_other_then_a_deadlock_is_counted(postgres_cluster: str) -> None:
    """Else no count would prove that a race met none."""
    dsn, other = (postgres.create_database(postgres_cluster) for _ in range(2))

    async def lock(first: int, second: int, meeting: asyncio.Barrier) -> None:
        connection = await asyncpg.connect(dsn, server_settings={"deadlock_timeout": "10ms"})
        try:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", first)
                await meeting.wait()
                await connection.execute("SELECT pg_advisory_xact_lock($1)", second)
        finally:
            await connection.close()

    async def meet() -> list[BaseException | None]:
        meeting = asyncio.Barrier(2)
        return await asyncio.gather(lock(1, 2, meeting), lock(2, 1, meeting), return_exceptions=True)

    met = [type(error) for error in asyncio.run(meet()) if error is not None]
    assert met == [asyncpg.DeadlockDetectedError]
    assert [ask(database, postgres.DEADLOCKS) for database in (dsn, other)] == [1, 0]


def test_owner_is_killed_then_the_cluster_leaves_nothing() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    dsn = owner.stdout.readline().strip()
    directory = Path(ask(dsn, "SHOW data_directory")).parent
    owner.kill()
    owner.communicate()
    deadline = time.monotonic() + postgres.STOP_SECONDS
    while directory.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not directory.exists()
    with pytest.raises(ConnectionRefusedError):
        ask(dsn, "SELECT 1")
