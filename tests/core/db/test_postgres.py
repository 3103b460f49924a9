"""PostgreSQL: temporary errors are `Unavailable`, and the pool recovers; defects are raised unchanged."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from handcart.core.db import Tx, Unavailable
from handcart.core.db import postgres as db_postgres
from handcart.core.db.postgres import PostgresDatabase
from handcart.core.errors import ApiError
from handcart.core.secret import Keys
from tests.support import postgres
from tests.support.server import live_server
from tests.support.shop import Shop, error

KEYS = Keys(b"a secret key for tests, and for tests alone")
TABLE = "CREATE TABLE carts (name TEXT PRIMARY KEY, items INTEGER NOT NULL)"


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A separate cluster, because these tests crash it."""
    with postgres.cluster() as dsn:
        yield dsn


@pytest.fixture
async def url(cluster: str) -> str:
    dsn = postgres.create_database(cluster)
    connection = await asyncpg.connect(dsn)
    # The processes are killed, not the machine: what is written need not be on the disk, but it has to be written.
    await connection.execute(f'ALTER DATABASE "{dsn.rpartition("/")[2]}" SET synchronous_commit = on')
    await connection.close()
    return dsn


@pytest.fixture
async def database(url: str) -> AsyncIterator[PostgresDatabase]:
    connection = await asyncpg.connect(url)
    await connection.execute(TABLE)
    await connection.close()
    opened = await PostgresDatabase.connect(url, KEYS, 4)
    yield opened
    await opened.close()


async def insert(tx: Tx, name: str, items: int = 1) -> str:
    await tx.run("INSERT INTO carts (name, items) VALUES ($1, $2)", name, items)
    return name


async def names(tx: Tx) -> list[str]:
    return [row["name"] for row in await tx.all("SELECT name FROM carts ORDER BY name")]


async def backend(tx: Tx) -> int:
    row = await tx.one("SELECT pg_backend_pid() AS pid")
    assert row is not None
    pid: int = row["pid"]
    return pid


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def settled(*calls: Any) -> list[Any]:
    """The outcome of each call, in no case later than this."""
    async with asyncio.timeout(60):
        return await asyncio.gather(*calls, return_exceptions=True)


async def heals(database: PostgresDatabase, name: str) -> None:
    """In the end a write goes through again; until then callers hear that the database is unavailable."""
    async with asyncio.timeout(60):
        while True:
            try:
                await database.write(insert, name)
                return
            except Unavailable:
                await asyncio.sleep(0.05)


# Transactions


async def test_op_raises_then_rolled_back(database: PostgresDatabase) -> None:
    async def break_off(tx: Tx) -> None:
        await insert(tx, "a")
        raise KeyError("a")

    with pytest.raises(KeyError):
        await database.write(break_off)
    assert await database.read(names) == []


async def test_op_returns_an_error_then_its_writes_are_kept(database: PostgresDatabase) -> None:
    async def refuse(tx: Tx) -> ApiError:
        await insert(tx, "kept")
        return ApiError(400, "refused, and written down")

    assert isinstance(await database.write(refuse), ApiError)
    assert await database.read(names) == ["kept"]


async def test_op_breaks_a_constraint_then_it_is_a_defect_and_not_unavailable(database: PostgresDatabase) -> None:
    await database.write(insert, "taken")
    with pytest.raises(asyncpg.UniqueViolationError):
        await database.write(insert, "taken")
    assert await database.write(insert, "free") == "free"


async def test_rows_and_counts_then_as_on_sqlite(database: PostgresDatabase) -> None:
    async def count(tx: Tx) -> tuple[int, int, Any]:
        changed = await tx.run("UPDATE carts SET items = items + 1")
        none = await tx.run("DELETE FROM carts WHERE name = 'nobody'")
        return changed, none, await tx.one("SELECT 1 FROM carts WHERE name = 'nobody'")

    await settled(database.write(insert, "a"), database.write(insert, "b"))
    assert await database.write(count) == (2, 0, None)


async def test_single_statement_then_durable_and_a_second_one_is_refused(database: PostgresDatabase) -> None:
    assert await database.write_statement(insert, "a") == "a"

    async def two(tx: Tx) -> None:
        await insert(tx, "b")
        await insert(tx, "c")

    with pytest.raises(RuntimeError, match="one single statement"):
        await database.write_statement(two)
    assert await database.read(names) == ["a", "b"]


@pytest.mark.parametrize("how", ["write", "write_statement"])
async def test_standby_does_not_confirm_then_a_commit_is_not_acknowledged(
    url: str, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    admin = await asyncpg.connect(url)
    await admin.execute(TABLE)
    monkeypatch.setattr(db_postgres, "_STATEMENT_SECONDS", 1)
    database = await PostgresDatabase.connect(url, KEYS, 1)
    try:
        assert await getattr(database, how)(insert, "before") == "before"
        await admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        await admin.execute("SELECT pg_reload_conf()")
        refused = await first_refused(database, how)
        # The limit of statements does not end the wait for standbys: PostgreSQL would then acknowledge the commit.
        assert "did not answer in time" in str(refused)
        # PostgreSQL has the row all the same, and the connection still serves.
        assert (await database.read(names))[0] == "alone"
    finally:
        await admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await admin.execute("SELECT pg_reload_conf()")
        await database.close()
        await admin.close()


async def first_refused(database: PostgresDatabase, how: str) -> Unavailable:
    """Insert rows until PostgreSQL waits for the standby, which it does a moment after it has read its settings."""
    for number in range(200):
        try:
            await getattr(database, how)(insert, "alone" if number == 0 else f"alone {number}")
        except Unavailable as refused:
            return refused
        await asyncio.sleep(0.02)
    raise AssertionError("PostgreSQL does not wait for the standby")


async def test_more_callers_than_connections_then_all_are_served(database: PostgresDatabase) -> None:
    answers = await settled(*(database.write(insert, f"cart-{number:03}") for number in range(100)))
    assert answers == await database.read(names)


# What passes by itself


async def test_backend_killed_in_an_op_then_unavailable_and_the_pool_heals(database: PostgresDatabase) -> None:
    async def kill_own_backend(tx: Tx) -> None:
        await insert(tx, "lost")
        await tx.run("SELECT pg_terminate_backend(pg_backend_pid())")

    assert [type(answer) for answer in await settled(database.write(kill_own_backend))] == [Unavailable]
    await heals(database, "after")
    assert await database.read(names) == ["after"]


async def test_every_idle_connection_dropped_then_the_pool_heals(database: PostgresDatabase, cluster: str) -> None:
    await settled(*(database.read(backend) for _ in range(20)))
    stranger = await asyncpg.connect(cluster)
    await stranger.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'handcart'")
    await stranger.close()
    answers = await settled(*(database.write(insert, f"cart-{number}") for number in range(20)))
    assert {type(answer) for answer in answers} <= {str, Unavailable}
    await heals(database, "after")
    acknowledged = {answer for answer in answers if isinstance(answer, str)}
    assert acknowledged | {"after"} == set(await database.read(names))


async def test_server_crashes_under_the_pool_then_unavailable_and_then_it_heals(database: PostgresDatabase) -> None:
    os.kill(await database.read(backend), signal.SIGKILL)  # PostgreSQL then ends every backend and recovers
    answers = await settled(*(database.write(insert, f"cart-{number}") for number in range(20)))
    assert {type(answer) for answer in answers} <= {str, Unavailable}
    await heals(database, "after")
    acknowledged = {answer for answer in answers if isinstance(answer, str)}
    assert acknowledged | {"after"} == set(await database.read(names))


async def test_postgresql_stopped_then_unavailable_and_later_it_heals(
    database: PostgresDatabase, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_STATEMENT_SECONDS", "_RELEASE_SECONDS", "_POOL_WAIT_SECONDS", "_CONNECT_SECONDS"):
        monkeypatch.setattr(db_postgres, name, 0.5)
    hasty = await PostgresDatabase.connect(url, KEYS, 2)
    try:
        leader = parent_of(await database.read(backend))
        stopped = [leader, *children_of(leader)]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            calls = [hasty.write(insert, f"still {number}") for number in range(4)]
            outcomes = await settled(*calls, hasty.read(names))
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        assert {type(outcome) for outcome in outcomes} == {Unavailable}, outcomes
        monkeypatch.setattr(db_postgres, "_POOL_WAIT_SECONDS", 5)
        await heals(hasty, "again")
    finally:
        await hasty.close()


async def test_statement_too_long_then_unavailable_and_the_connection_serves(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(db_postgres._SERVER_SETTINGS, "statement_timeout", "500ms")
    database = await PostgresDatabase.connect(url, KEYS, 1)

    async def sleep(tx: Tx) -> None:
        await tx.run("SELECT pg_sleep(10)")

    assert [type(answer) for answer in await settled(database.write(sleep))] == [Unavailable]
    assert await database.read(backend)
    await database.close()


async def test_row_locked_for_too_long_then_unavailable(
    database: PostgresDatabase, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await database.write(insert, "a")
    monkeypatch.setitem(db_postgres._SERVER_SETTINGS, "lock_timeout", "100ms")
    impatient = await PostgresDatabase.connect(url, KEYS, 1)
    locked, done = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        await tx.run("UPDATE carts SET items = 2")
        locked.set()
        await done.wait()

    async def change(tx: Tx) -> None:
        await tx.run("UPDATE carts SET items = 3")

    holder = asyncio.ensure_future(database.write(hold))
    await locked.wait()
    assert [type(answer) for answer in await settled(impatient.write(change))] == [Unavailable]
    done.set()
    await holder
    await impatient.write(change)
    await impatient.close()


async def test_two_ops_lock_each_other_then_one_is_unavailable_and_one_is_done(database: PostgresDatabase) -> None:
    await settled(database.write(insert, "a"), database.write(insert, "b"))
    both_have_one = asyncio.Barrier(2)

    async def change(tx: Tx, first: str, second: str) -> str:
        await tx.run("UPDATE carts SET items = items + 1 WHERE name = $1", first)
        await both_have_one.wait()
        await tx.run("UPDATE carts SET items = items + 1 WHERE name = $1", second)
        return first

    answers = await settled(database.write(change, "a", "b"), database.write(change, "b", "a"))
    assert sorted(type(answer).__name__ for answer in answers) == ["Unavailable", "str"]


async def test_no_connection_free_in_time_then_unavailable(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db_postgres, "_POOL_WAIT_SECONDS", 0.1)
    database = await PostgresDatabase.connect(url, KEYS, 1)
    has_it, done = asyncio.Event(), asyncio.Event()

    async def hold(tx: Tx) -> None:
        has_it.set()
        await done.wait()

    holder = asyncio.ensure_future(database.read(hold))
    await has_it.wait()
    with pytest.raises(Unavailable, match="no database connection was free in time"):
        await database.read(backend)
    done.set()
    await holder
    assert await database.read(backend)
    await database.close()


async def test_caller_cancelled_then_rolled_back_and_the_connection_still_serves(
    database: PostgresDatabase, url: str
) -> None:
    narrow = await PostgresDatabase.connect(url, KEYS, 1)
    inside = asyncio.Event()

    async def linger(tx: Tx) -> None:
        await insert(tx, "gone")
        inside.set()
        await tx.run("SELECT pg_sleep(10)")

    task = asyncio.ensure_future(narrow.write(linger))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await settled(narrow.read(names)) == [[]]
    await narrow.close()


# Opening


async def test_settings_of_each_connection_then_bounded_and_read_committed(database: PostgresDatabase) -> None:
    async def current(tx: Tx) -> dict[str, str]:
        found = {}
        for name in ("statement_timeout", "lock_timeout", "default_transaction_isolation", "application_name"):
            row = await tx.one("SELECT current_setting($1) AS value", name)
            assert row is not None
            found[name] = row["value"]
        return found

    assert await database.read(current) == {
        "statement_timeout": "5s",
        "lock_timeout": "3s",
        "default_transaction_isolation": "read committed",
        "application_name": "handcart",
    }


BAD_URLS = {
    "nobody listens": "postgresql://handcart:x@127.0.0.1:1/postgres",
    "no such port": "postgresql://handcart:wrong@127.0.0.1:65536/postgres",
    "no such host": "postgresql://handcart:x@no-such-host.invalid/postgres",
    "wrong password": "postgresql://handcart:wrong@{server}/postgres",
    "no such user": "postgresql://nobody:x@{server}/postgres",
    "no such database": "{cluster}_missing",
}


@pytest.mark.parametrize("row", BAD_URLS)
async def test_cannot_connect_then_a_sentence_without_the_password(cluster: str, row: str) -> None:
    url = BAD_URLS[row].format(server=cluster.partition("@")[2].partition("/")[0], cluster=cluster)
    with pytest.raises(Unavailable, match=r"cannot open the PostgreSQL database: .+") as refused:
        await PostgresDatabase.connect(url, KEYS, 1)
    password = cluster.partition("@")[0].rpartition(":")[2]
    assert password not in str(refused.value)
    assert "wrong" not in str(refused.value)


# Over HTTP


def test_server_crashes_under_requests_then_503_and_then_it_heals(url: str, tmp_path: Path) -> None:
    with live_server(url, tmp_path) as server:
        shop = Shop(server)
        user_id = shop.user()
        assert shop.get_link(user_id).status_code == 400
        os.kill(server.read(backend), signal.SIGKILL)
        statuses = set()
        for _ in range(400):
            answer = shop.http.post("/v2/oauth/token", json={**shop.credentials, "grant_type": "client_credentials"})
            statuses.add(answer.status_code)
            if answer.status_code == 503:
                assert error(answer) == (503, "Service unavailable, please try again later", None, None)
                assert answer.headers["retry-after"] == "1"
            elif 503 in statuses:
                break
        assert statuses == {200, 503}
        assert error(shop.get_link(user_id))[1] == "User Not Linked"
