"""SQLite: acknowledged writes are durable, failed ops do not affect others, and no op waits for ever."""

import asyncio
import resource
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from handcart.core.db import Tx, Unavailable, sqlite
from handcart.core.db.sqlite import SqliteDatabase
from handcart.core.errors import ApiError
from handcart.core.secret import Keys

KEYS = Keys(b"a secret key for tests, and for tests alone")
HOLD_LOCK = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE carts (name TEXT PRIMARY KEY, items INTEGER, parent TEXT REFERENCES carts)")
    connection.close()
    opened = SqliteDatabase(str(path), KEYS)
    yield opened
    await opened.close()


async def insert(tx: Tx, name: str, items: Any = 1) -> str:
    await tx.run("INSERT INTO carts (name, items) VALUES ($1, $2)", name, items)
    return name


async def names(tx: Tx) -> list[str]:
    return [row["name"] for row in await tx.all("SELECT name FROM carts ORDER BY name")]


async def settled(*calls: Any) -> list[Any]:
    """The outcome of each call, in no case later than this."""
    async with asyncio.timeout(60):
        return await asyncio.gather(*calls, return_exceptions=True)


def statements(database: SqliteDatabase) -> list[str]:
    """Set what the writer runs from now on."""
    ran: list[str] = []
    database._writer.set_trace_callback(ran.append)
    return ran


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers wait for the lock as long as it takes, however slow the machine is."""
    monkeypatch.setattr(sqlite, "_LOCK_WAIT_SECONDS", 50)


# Groups


async def test_many_at_once_then_few_commits_and_all_rows(database: SqliteDatabase) -> None:
    ran = statements(database)
    answers = await settled(*(database.write(insert, f"cart-{number:03}") for number in range(200)))
    assert answers == [f"cart-{number:03}" for number in range(200)]
    assert await database.read(names) == answers
    assert ran.count("COMMIT") == 4  # groups of 64


async def test_op_raises_then_it_alone_is_rolled_back(database: SqliteDatabase) -> None:
    async def break_off(tx: Tx, name: str) -> None:
        await insert(tx, name)
        raise KeyError(name)

    ran = statements(database)
    answers = await settled(database.write(insert, "a"), database.write(break_off, "b"), database.write(insert, "c"))
    assert [answers[0], type(answers[1]), answers[2]] == ["a", KeyError, "c"]
    assert await database.read(names) == ["a", "c"]
    assert ran.count("COMMIT") == 1


async def test_op_returns_an_error_then_its_writes_are_kept(database: SqliteDatabase) -> None:
    async def refuse(tx: Tx) -> ApiError:
        await insert(tx, "kept")
        return ApiError(400, "refused, and written down")

    assert isinstance(await database.write(refuse), ApiError)
    assert await database.read(names) == ["kept"]


async def test_op_breaks_a_constraint_then_it_alone_hears_of_it(database: SqliteDatabase) -> None:
    await database.write(insert, "taken")

    async def orphan(tx: Tx) -> None:
        await tx.run("INSERT INTO carts (name, parent) VALUES ('orphan', 'nobody')")

    answers = await settled(database.write(insert, "taken"), database.write(orphan), database.write(insert, "free"))
    assert [type(answer) for answer in answers] == [sqlite3.IntegrityError, sqlite3.IntegrityError, str]
    assert await database.read(names) == ["free", "taken"]


async def test_op_awaits_something_else_then_it_alone_is_refused(database: SqliteDatabase) -> None:
    async def slow(tx: Tx) -> None:
        await insert(tx, "slow")
        await asyncio.sleep(0)

    answers = await settled(database.write(slow), database.write(insert, "quick"))
    assert isinstance(answers[0], RuntimeError)
    assert await database.read(names) == ["quick"]


async def test_op_in_a_group_then_it_reads_its_own_writes_and_those_before_it(database: SqliteDatabase) -> None:
    answers = await settled(database.write(insert, "a"), database.write(names), database.write(insert, "b"))
    assert answers == ["a", ["a"], "b"]


async def test_answer_then_another_connection_sees_the_row(database: SqliteDatabase, tmp_path: Path) -> None:
    await database.write(insert, "a")
    with sqlite3.connect(tmp_path / "shop.db") as stranger:
        assert stranger.execute("SELECT name FROM carts").fetchall() == [("a",)]
    stranger.close()


async def test_nothing_written_then_no_wait_for_the_disk(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError("a thread was asked to commit")

    monkeypatch.setattr(database._thread, "submit", refuse)
    assert await database.write(names) == []


async def test_write_statement_then_as_write(database: SqliteDatabase) -> None:
    assert await database.write_statement(insert, "a") == "a"
    assert await database.read(names) == ["a"]


async def test_caller_cancelled_then_the_others_get_their_answers(database: SqliteDatabase) -> None:
    gone = [asyncio.ensure_future(database.write(insert, f"gone-{number}")) for number in range(3)]
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    assert await settled(database.write(insert, "stays")) == ["stays"]
    assert all(isinstance(answer, asyncio.CancelledError) for answer in await settled(*gone))
    assert "stays" in await database.read(names)
    assert await settled(database.write(insert, "after")) == ["after"]


@pytest.mark.usefixtures("patient")
async def test_two_databases_on_one_file_then_no_write_is_lost(database: SqliteDatabase, tmp_path: Path) -> None:
    await database.write(insert, "shared", 0)
    other = SqliteDatabase(str(tmp_path / "shop.db"), KEYS)

    async def add_one(tx: Tx) -> None:
        row = await tx.one("SELECT items FROM carts WHERE name = 'shared'")
        assert row is not None
        await tx.run("UPDATE carts SET items = $1 WHERE name = 'shared'", row["items"] + 1)

    async def one_by_one(place: SqliteDatabase) -> None:
        for _ in range(100):
            await place.write(add_one)

    await settled(*(one_by_one(place) for place in (database, other) for _ in range(3)))
    await other.close()

    async def items(tx: Tx) -> Any:
        row = await tx.one("SELECT items FROM carts WHERE name = 'shared'")
        return row and row["items"]

    assert await database.read(items) == 600


# Locks


@contextmanager
def lock_held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the lock of our processes until its input ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, f"{path}.lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdin
    assert holder.stdout.readline() == "locked\n"
    try:
        yield holder
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()


async def test_another_process_holds_the_lock_then_unavailable_and_later_well(
    database: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_LOCK_WAIT_SECONDS", 0.1)
    with lock_held(tmp_path / "shop.db"):
        answers = await settled(*(database.write(insert, f"early-{number}") for number in range(3)))
        assert {type(answer) for answer in answers} == {Unavailable}
        assert await database.read(names) == []  # readers do not wait
    assert await settled(database.write(insert, "late")) == ["late"]
    assert await database.read(names) == ["late"]


@pytest.mark.usefixtures("patient")
async def test_lock_let_go_while_waiting_then_the_write_goes_through(database: SqliteDatabase, tmp_path: Path) -> None:
    with lock_held(tmp_path / "shop.db") as holder:
        waiting = asyncio.ensure_future(database.write(insert, "patient"))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert holder.stdin
        holder.stdin.close()
        assert await settled(waiting) == ["patient"]


@pytest.mark.usefixtures("patient")
async def test_holder_killed_then_its_lock_is_gone(database: SqliteDatabase, tmp_path: Path) -> None:
    with lock_held(tmp_path / "shop.db") as holder:
        waiting = asyncio.ensure_future(database.write(insert, "patient"))
        await asyncio.sleep(0.1)
        holder.kill()
        assert await settled(waiting) == ["patient"]


async def test_stranger_holds_sqlites_own_lock_then_unavailable_and_later_well(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    database._writer.execute("PRAGMA busy_timeout = 50")
    stranger = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    answers = await settled(database.write(insert, "a"), database.write(insert, "b"))
    assert {type(answer) for answer in answers} == {Unavailable}
    stranger.rollback()
    stranger.close()
    assert await settled(database.write(insert, "c")) == ["c"]


# Disks


@contextmanager
def no_file_may_grow(most_bytes: int) -> Iterator[None]:
    """Writes beyond this size fail in the kernel, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_commit_fails_on_the_disk_then_no_acknowledgment_and_later_well(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    assert await settled(database.write(insert, "before")) == ["before"]
    size = (tmp_path / "shop.db-wal").stat().st_size
    with no_file_may_grow(size):
        answers = await settled(*(database.write(insert, f"lost-{number}") for number in range(5)))
    assert {type(answer) for answer in answers} == {Unavailable}
    assert await settled(database.write(insert, "after")) == ["after"]
    assert await database.read(names) == ["after", "before"]


async def test_disk_full_in_the_middle_of_an_op_then_every_caller_hears_of_it(
    database: SqliteDatabase, tmp_path: Path
) -> None:
    database._writer.execute("PRAGMA cache_size = 10")  # so that an op has to write before its commit
    await database.write(insert, "before")
    size = (tmp_path / "shop.db-wal").stat().st_size
    with no_file_may_grow(size):
        answers = await settled(
            database.write(insert, "small"),
            database.write(insert, "large", b"x" * 1_000_000),
            database.write(insert, "another"),
        )
    assert {type(answer) for answer in answers} == {Unavailable}
    assert await settled(database.write(insert, "after")) == ["after"]
    assert await database.read(names) == ["after", "before"]


async def test_database_full_then_the_op_that_needs_room_is_refused(database: SqliteDatabase) -> None:
    pages = database._writer.execute("PRAGMA page_count").fetchone()[0]
    database._writer.execute(f"PRAGMA max_page_count = {pages}")
    answers = await settled(database.write(insert, "large", b"x" * 1_000_000), database.write(insert, "small"))
    assert isinstance(answers[0], Unavailable)
    acknowledged = [answer for answer in answers if isinstance(answer, str)]
    assert await database.read(names) == acknowledged
    database._writer.execute("PRAGMA max_page_count = 1000000")
    assert await settled(database.write(insert, "large", b"x" * 1_000_000)) == ["large"]


async def test_sqlite_has_ended_the_transaction_then_every_caller_hears_of_it(
    database: SqliteDatabase,
) -> None:
    async def lose_the_transaction(tx: Tx) -> None:
        await tx.run("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    answers = await settled(
        database.write(insert, "a"), database.write(lose_the_transaction), database.write(insert, "b")
    )
    assert {type(answer) for answer in answers} == {Unavailable}
    assert await settled(database.write(insert, "c")) == ["c"]
    assert await database.read(names) == ["c"]


async def test_lock_file_fails_then_unavailable_and_no_caller_waits_for_ever(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise OSError(37, "No locks available")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite.fcntl, "flock", fail)
        answers = await settled(database.write(insert, "a"), database.write(insert, "b"))
    assert {type(answer) for answer in answers} == {Unavailable}
    assert await settled(database.write(insert, "c")) == ["c"]


async def test_no_thread_can_be_started_then_unavailable_and_no_caller_waits(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(database._thread, "submit", fail)
        answers = await settled(database.write(insert, "a"), database.write(insert, "b"))
    assert {type(answer) for answer in answers} == {Unavailable}
    assert await settled(database.write(insert, "c")) == ["c"]
    assert await database.read(names) == ["c"]


async def test_commit_and_rollback_fail_then_the_lock_is_let_go(
    database: SqliteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        """A writer on a disk that fails."""

        def __init__(self, writer: sqlite3.Connection) -> None:
            self._writer = writer

        def __getattr__(self, name: str) -> Any:
            return getattr(self._writer, name)

        def commit(self) -> None:
            raise sqlite3.OperationalError("disk I/O error")

        def rollback(self) -> None:
            self._writer.rollback()
            raise sqlite3.OperationalError("disk I/O error")

    other = SqliteDatabase(str(tmp_path / "shop.db"), KEYS)
    with monkeypatch.context() as patch:
        patch.setattr(database, "_writer", Broken(database._writer))
        assert isinstance((await settled(database.write(insert, "a")))[0], Unavailable)
    assert await settled(other.write(insert, "b")) == ["b"]
    await other.close()


async def test_reader_fails_then_unavailable(database: SqliteDatabase) -> None:
    async def ask(tx: Tx) -> None:
        await tx.one("SELECT * FROM no_such_table")

    with pytest.raises(Unavailable, match="no_such_table"):
        await database.read(ask)


# Opening and closing


@pytest.mark.usefixtures("our_commits")
async def test_pragmas_then_durable_and_checked(database: SqliteDatabase) -> None:
    for connection in (database._reader, database._writer):
        found = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
        assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_no_file_then_a_sentence_and_no_file_is_made(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"there is no installation at /.* \(no nothing\.db\)\. If yours is"):
        SqliteDatabase(str(tmp_path / "nothing.db"), KEYS)
    assert list(tmp_path.iterdir()) == []


async def test_closed_with_writes_under_way_then_they_are_finished(database: SqliteDatabase, tmp_path: Path) -> None:
    other = SqliteDatabase(str(tmp_path / "shop.db"), KEYS)
    writes = [asyncio.ensure_future(other.write(insert, f"cart-{number}")) for number in range(10)]
    await asyncio.sleep(0)
    await other.close()
    assert await settled(*writes) == [f"cart-{number}" for number in range(10)]


async def test_lock_file_then_private(database: SqliteDatabase, tmp_path: Path) -> None:
    assert (tmp_path / "shop.db.lock").stat().st_mode & 0o777 == 0o600


async def test_placeholders_out_of_order_or_repeated_then_each_gets_its_argument(database: SqliteDatabase) -> None:
    async def ask(tx: Tx) -> Any:
        return tuple(await tx.one("SELECT $2, $1, $2, $3", "a", "b", "c") or ())

    assert await database.read(ask) == ("b", "a", "b", "c")
