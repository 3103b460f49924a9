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


@pytest.mark.parametrize("durable", [True, False])
def test_durability_is_chosen_then_the_server_has_it(durable: bool) -> None:
    with postgres.cluster(durable=durable) as dsn:
        assert ask(dsn, "SHOW fsync") == ("on" if durable else "off")


def test_template_is_named_then_its_tables_are_copied() -> None:
    with postgres.cluster() as dsn:
        template = postgres.create_database(dsn)
        ask(template, "CREATE TABLE carts AS SELECT 7 AS items")
        copy = postgres.create_database(dsn, template.rpartition("/")[2])
        assert copy != template
        assert ask(copy, "SELECT items FROM carts") == 7


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
