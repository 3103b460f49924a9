"""The drill of docs/operations/backup.md on PostgreSQL: base backup, archive, kill, recovery to a point in time."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from handcart.core.db import Tx, connect
from handcart.core.db.migrate import check_schema, migrate
from handcart.core.secret import Keys
from handcart.retailers import ops as retailers
from tests.support import postgres, process
from tests.support.server import SECRET_KEY

pytestmark = pytest.mark.serial

KEYS = Keys(SECRET_KEY.encode())


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory that the server's user may write to: not pytest's own, which is closed to others."""
    made = Path(tempfile.mkdtemp(prefix="handcart-archive-"))
    postgres.give(made)
    yield made
    shutil.rmtree(made)


def on(url: str, op: Any, *args: Any, **options: Any) -> Any:
    async def run() -> Any:
        database = await connect.connect(url, KEYS, 1)
        try:
            return await database.write(op, *args, **options)
        finally:
            await database.close()

    return asyncio.run(run())


def ask(url: str, question: str) -> Any:
    async def answer() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()

    return asyncio.run(answer())


def wait_until(url: str, question: str) -> None:
    for _ in range(600):
        if ask(url, question):
            return
        ask(url, "SELECT pg_sleep(0.1)")
    raise AssertionError(f"never true: {question}")


async def slugs(tx: Tx) -> list[str]:
    await check_schema(tx)
    return [row["slug"] for row in await tx.all("SELECT slug FROM retailers ORDER BY slug")]


def test_recovered_to_a_moment_then_all_commits_before_it_and_none_after(directory: Path) -> None:
    archive, base = directory / "wal", directory / "base"
    archive.mkdir()
    postgres.give(archive)
    # fsync=off: the crash is one of the server, not of the machine.
    settings = ["fsync=off", "archive_mode=on", f"archive_command=test ! -f {archive}/%f && cp %p {archive}/%f"]
    with postgres.cluster(durable=True, settings=settings) as url:
        migrate(url, KEYS)
        on(url, retailers.create_retailer, slug="a-before-the-base", name="Sample Market")
        server = urlsplit(url)
        subprocess.run(
            [postgres.binary("pg_basebackup"), "--pgdata", base, "--checkpoint", "fast", "--no-sync"],
            env=os.environ
            | {
                "PGHOST": str(server.hostname),
                "PGPORT": str(server.port),
                "PGUSER": str(server.username),
                "PGPASSWORD": str(server.password),
            },
            check=True,
            capture_output=True,
        )
        on(url, retailers.create_retailer, slug="b-before-the-moment", name="Sample Market")
        moment = ask(url, "SELECT clock_timestamp()")
        on(url, retailers.create_retailer, slug="c-after-the-moment", name="Sample Market")
        segment = ask(url, "SELECT pg_walfile_name(pg_switch_wal())")
        ask(url, "CHECKPOINT")
        wait_until(url, f"SELECT coalesce(last_archived_wal >= '{segment}', false) FROM pg_stat_archiver")
    # The cluster was ended by SIGQUIT, as a crash ends it, and its data directory is gone.
    recovery = ["fsync=off", f"restore_command=cp {archive}/%f %p", f"recovery_target_time={moment.isoformat()}"]
    (base / "recovery.signal").touch()
    postgres.give(base)
    with postgres.cluster(durable=True, base=base, settings=[*recovery, "recovery_target_action=promote"]) as again:
        recovered = server._replace(
            netloc=f"{server.username}:{server.password}@127.0.0.1:{urlsplit(again).port}"
        ).geturl()
        assert on(recovered, slugs) == ["a-before-the-base", "b-before-the-moment"]
        wait_until(recovered, "SELECT NOT pg_is_in_recovery()")
        on(recovered, retailers.create_retailer, slug="d-after-the-recovery", name="Sample Market")
        assert process.run("check", "--database", recovered, "--data").returncode == 0
