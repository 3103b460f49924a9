"""SQLite: reads on the event loop, writes in groups.

The ops of all waiting requests run on the event loop in one transaction, each in a savepoint; only COMMIT, which waits
for the disk, runs in a thread. Processes queue for a lock on a side file, fairer and faster than SQLite's own polling.
Figures: docs/decisions/0003-sqlite-group-commit.md.
"""

import asyncio
import fcntl
import os
import re
import sqlite3
from collections import deque
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import Context, copy_context
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from handcart.core.db import Op, P, Row, T, Unavailable, no_installation
from handcart.core.secret import Keys

# A group of this size blocks the event loop for about 3 ms.
_GROUP = 64
# A waiting op, the context of its caller's task (such as the clock, since another task runs the op), and its result.
_Waiting = tuple[Coroutine[Any, Any, Any], Context, asyncio.Future[Any]]
_LOCK_WAIT_SECONDS = 5.0
# Files beside the database: two locks, and the file of an unfinished restore.
WRITE_LOCK = ".lock"
USE_LOCK = ".use"
RESTORING = ".restoring"


@cache
def _plain(sql: str) -> tuple[str, tuple[int, ...] | None]:
    """Replace `$1`, `$2`... by `?`; also returns the argument of each (None: in order, once each).

    Python 3.12 takes `?1` for a name and warns. Statements are constants in the source, so the cache is bounded.
    """
    order = tuple(int(number) - 1 for number in re.findall(r"\$(\d+)", sql))
    in_order = order == tuple(range(len(order)))
    return re.sub(r"\$\d+", "?", re.sub(" FOR (NO KEY )?UPDATE( SKIP LOCKED)?$", "", sql)), None if in_order else order


class SqliteTx:
    """`core.db.Tx` on one connection."""

    def __init__(self, connection: sqlite3.Connection, keys: Keys, public_url: str = "") -> None:
        self._execute = connection.execute
        self.keys = keys
        self.public_url = public_url

    async def one(self, sql: str, *args: Any) -> Row | None:
        return self._cursor(sql, args).fetchone()

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        return self._cursor(sql, args).fetchall()

    async def run(self, sql: str, *args: Any) -> int:
        return self._cursor(sql, args).rowcount

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        for args in rows:
            self._cursor(sql, args)

    async def attempt(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self._execute("SAVEPOINT attempt")
        try:
            result = await op(self, *args, **kwargs)
        except BaseException:
            self._execute("ROLLBACK TO attempt")
            raise
        finally:
            self._execute("RELEASE attempt")
        return result

    def _cursor(self, sql: str, args: Sequence[Any]) -> sqlite3.Cursor:
        plain, order = _plain(sql)
        return self._execute(plain, args if order is None else [args[place] for place in order])


class SqliteDatabase:
    """`core.db.Database` on one file."""

    kind = "sqlite"

    def __init__(self, path: str, keys: Keys, public_url: str = "") -> None:
        if not Path(path).exists() and not Path(f"{path}{RESTORING}").exists():
            raise Unavailable(no_installation(path))
        if not may_write(path):
            raise Unavailable(
                f"user {os.geteuid()} cannot write {path} and its directory: run this as the user who owns them"
            )
        self._in_use = use(path)
        self.keys = keys
        self.public_url = public_url
        self._reader = connect_file(path)
        self._writer = connect_file(path)
        self._read_tx = SqliteTx(self._reader, keys, public_url)
        self._write_tx = SqliteTx(self._writer, keys, public_url)
        self._lock = open_lock(path, WRITE_LOCK)
        self._thread = ThreadPoolExecutor(1, "sqlite-commit")
        self._waiting: deque[_Waiting] = deque()
        self._draining: asyncio.Task[None] | None = None

    async def read(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await op(self._read_tx, *args, **kwargs)
        except sqlite3.OperationalError as error:
            raise Unavailable(str(error)) from error

    async def write(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._waiting.append((op(self._write_tx, *args, **kwargs), copy_context(), done))  # type: ignore[arg-type]
        if self._draining is None:
            self._draining = loop.create_task(self._drain())
        return await done

    async def write_statement(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.write(op, *args, **kwargs)

    async def close(self) -> None:
        if self._draining is not None:
            await self._draining
        self._thread.shutdown()
        self._reader.close()
        self._writer.close()
        os.close(self._lock)
        os.close(self._in_use)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._commit_group()
        finally:
            self._draining = None

    async def _commit_group(self) -> None:
        loop = asyncio.get_running_loop()
        group: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        try:
            if not self._try_lock():
                await self._wait_for_lock()
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                changes = self._writer.total_changes
                while self._waiting and len(group) < _GROUP:
                    op, context, done = self._waiting[0]  # stays queued until it has run
                    group.append((done, *self._run(op, context)))
                    self._waiting.popleft()
                if self._writer.total_changes != changes:
                    await loop.run_in_executor(self._thread, self._writer.commit)
                else:
                    self._writer.commit()
            finally:
                try:
                    if self._writer.in_transaction:
                        self._writer.rollback()
                finally:
                    fcntl.flock(self._lock, fcntl.LOCK_UN)
        except Exception as error:  # no caller may be left waiting
            self._refuse(group, error)
            return
        for done, result, refusal in group:
            _settle(done, result, refusal)

    def _run(self, op: Coroutine[Any, Any, Any], context: Context) -> tuple[Any, BaseException | None]:
        """Run one op inside its own savepoint."""
        self._writer.execute("SAVEPOINT op")
        try:
            result = context.run(_run_in_one_go, op)
        except Exception as error:  # an op's error is for its own caller only
            self._writer.execute("ROLLBACK TO op")
            self._writer.execute("RELEASE op")
            if isinstance(error, sqlite3.OperationalError):
                return None, Unavailable(str(error))
            return None, error
        self._writer.execute("RELEASE op")
        return result, None

    def _try_lock(self) -> bool:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    async def _wait_for_lock(self) -> None:
        """Wait for another process's group. Ops that wait too long are refused; the wait goes on."""
        loop = asyncio.get_running_loop()
        locked = loop.run_in_executor(self._thread, fcntl.flock, self._lock, fcntl.LOCK_EX)
        while True:
            finished, _ = await asyncio.wait({locked}, timeout=_LOCK_WAIT_SECONDS)
            if finished:
                return
            self._refuse([], Unavailable("another process holds the database's write lock"))

    def _refuse(self, group: list[tuple[asyncio.Future[Any], Any, BaseException | None]], error: Exception) -> None:
        refusal = error if isinstance(error, Unavailable) else Unavailable(str(error))
        for done, _, _ in group:
            _settle(done, None, refusal)
        while self._waiting:
            op, _, done = self._waiting.popleft()
            op.close()
            _settle(done, None, refusal)


class ReadOnlySqlite:
    """`core.db.Database` on a file that this user cannot write; for read-only commands."""

    kind = "sqlite"

    def __init__(self, path: str, keys: Keys, public_url: str = "") -> None:
        self.keys = keys
        self.public_url = public_url
        self._path = path
        # Without a write-ahead log no process is writing, and SQLite need not create files to coordinate.
        how = "mode=ro" if os.path.exists(f"{path}-wal") else "mode=ro&immutable=1"
        self._connection = sqlite3.connect(f"file:{quote(path)}?{how}", uri=True, isolation_level=None)
        self._connection.row_factory = sqlite3.Row

    async def read(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await op(SqliteTx(self._connection, self.keys, self.public_url), *args, **kwargs)
        except sqlite3.OperationalError as error:
            raise Unavailable(f"cannot read {self._path}: {error}") from error

    async def write(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        raise Unavailable(f"user {os.geteuid()} cannot write {self._path}")

    async def write_statement(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.write(op, *args, **kwargs)

    async def close(self) -> None:
        self._connection.close()


def open_file(path: str, keys: Keys, may_only_read: bool, public_url: str = "") -> SqliteDatabase | ReadOnlySqlite:
    """Open a database file; read-only if `may_only_read` and this user cannot write it. Raises `Unavailable`."""
    if may_only_read and os.path.exists(path) and not may_write(path):
        return ReadOnlySqlite(path, keys, public_url)
    return SqliteDatabase(path, keys, public_url)


def may_write(path: str) -> bool:
    """Whether this user can write an existing database: the file, and its directory for the files beside it."""
    return os.access(path, os.W_OK) and os.access(os.path.dirname(path) or ".", os.W_OK)


def connect_file(path: str) -> sqlite3.Connection:
    """A connection with the settings that durability depends on; WAL is set once, by the migration."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.row_factory = sqlite3.Row
    # The lock file orders Handcart's processes; this is for others, such as the sqlite3 shell.
    connection.execute("PRAGMA busy_timeout = 5000")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def open_lock(path: str, suffix: str) -> int:
    """Open or create a lock file beside a database; returns the descriptor, which no child process inherits.

    The file belongs to the owner of the database, also when root runs a command.
    """
    file = f"{path}{suffix}"
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return os.open(file, os.O_RDWR | os.O_CLOEXEC)
    give_to_owner(path, file)
    return descriptor


def give_to_owner(path: str, file: str | Path) -> None:
    """Give a file that root created to the owner of the database at `path`, or else of its directory."""
    if os.geteuid() == 0:
        there = os.stat(path if os.path.exists(path) else os.path.dirname(path) or ".")
        os.chown(file, there.st_uid, there.st_gid)


def use(path: str) -> int:
    """Mark the database as used by this process until the returned descriptor is closed or the process ends.

    Raises `Unavailable` while `handcart restore` or `handcart key rotate` runs, and after an interrupted restore.
    """
    if os.path.exists(f"{path}{RESTORING}"):
        raise Unavailable(f"a restore into {path} was interrupted: run `handcart restore` with the same file again")
    descriptor = open_lock(path, USE_LOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Unavailable(f"{path} is being restored, or its key is being rotated: wait until this has ended") from None
    return descriptor


@contextmanager
def alone(path: str) -> Iterator[None]:
    """Keep all other processes (servers, workers, commands) from using the database until the block ends.

    This is a lock, released when the process ends, also by SIGKILL. Raises `Unavailable` while another process uses it.
    """
    descriptor = open_lock(path, USE_LOCK)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable(
                f"{path} is in use: stop `handcart serve`, `handcart worker` and the demo first"
            ) from None
        yield
    finally:
        os.close(descriptor)


def write_alone(path: str, keys: Keys, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run an op in one transaction while no other process uses the database; raises `Unavailable` as `alone` does."""
    with alone(path), closing(connect_file(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        result: T = _run_in_one_go(op(SqliteTx(connection, keys), *args, **kwargs))  # type: ignore[arg-type]
        connection.commit()
        return result


def _run_in_one_go(op: Coroutine[Any, Any, Any]) -> Any:
    try:
        op.send(None)
    except StopIteration as finished:
        return finished.value
    op.close()
    raise RuntimeError("an op may await nothing but its transaction")


def _settle(done: asyncio.Future[Any], result: Any, refusal: BaseException | None) -> None:
    if done.done():  # the caller was cancelled
        return
    if refusal is None:
        done.set_result(result)
    else:
        done.set_exception(refusal)
