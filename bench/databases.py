"""Prepared databases, and a fresh copy for each visit."""

import asyncio
import os
import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.measure import parent


@dataclass(frozen=True)
class Copy:
    """
    The database of one visit. `address`: the file or the DSN, empty for a database in the server's memory.

    `count`: the rows of tokens, or of orders. `root`: the process whose descendants do the database's own work.
    """

    address: str
    count: Callable[[], int] | None = None
    root: int | None = None


class Database(Protocol):
    """A prepared database."""

    def copy(self) -> AbstractContextManager[Copy]:
        """A fresh copy for the length of the block."""
        ...


class MemoryDatabase:
    """Nothing on disk: the server starts empty."""

    @contextmanager
    def copy(self) -> Iterator[Copy]:
        yield Copy("")


@dataclass(frozen=True)
class SqliteDatabase:
    """A prepared SQLite file. `table`: the counted rows, as written after FROM."""

    path: Path
    table: str

    @contextmanager
    def copy(self) -> Iterator[Copy]:
        with tempfile.TemporaryDirectory(prefix="visit-", dir=self.path.parent.parent) as directory:
            address = str(shutil.copy2(self.path, directory))
            os.sync()  # otherwise the copy would be written during the first windows
            yield Copy(address, lambda: self._count(address))

    def _count(self, address: str) -> int:
        connection = sqlite3.connect(address)
        try:
            count: int = connection.execute(f"SELECT count(*) FROM {self.table}").fetchone()[0]
            return count
        finally:
            connection.close()

    def settle(self) -> None:
        """Move everything into the file that is copied, and update the planner's statistics."""
        connection = sqlite3.connect(self.path)
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


@dataclass(frozen=True)
class PostgresDatabase:
    """A prepared PostgreSQL database, used as the template of its copies."""

    dsn: str
    table: str

    @contextmanager
    def copy(self) -> Iterator[Copy]:
        address = self.beside()
        try:
            backend = self._value(address, "SELECT pg_backend_pid()", parent)
            yield Copy(address, lambda: self._value(address, f"SELECT count(*) FROM {self.table}"), backend)
        finally:
            self._run(self._maintenance, f"DROP DATABASE {self._name(address)} WITH (FORCE)")

    def beside(self) -> str:
        """Make a copy by copying files, which is faster for large databases and leaves no writes for later."""
        name, template = f"copy_{secrets.token_hex(6)}", self._name(self.dsn)
        self._run(self._maintenance, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return f"{self.dsn.rpartition('/')[0]}/{name}"

    def settle(self) -> None:
        """Vacuum now, so that autovacuum does not run during a visit."""
        self._run(self.dsn, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")

    @property
    def _maintenance(self) -> str:
        """The database to connect to while others are copied or dropped."""
        return f"{self.dsn.rpartition('/')[0]}/postgres"

    @staticmethod
    def _name(dsn: str) -> str:
        return dsn.rpartition("/")[2]

    def _run(self, dsn: str, *statements: str) -> None:
        async def run(connection: Any) -> None:
            for statement in statements:
                await connection.execute(statement)

        connected(dsn, run)

    def _value(self, dsn: str, query: str, read: Callable[[int], int] = int) -> int:
        async def fetch(connection: Any) -> int:
            return read(await connection.fetchval(query))

        value: int = connected(dsn, fetch)
        return value


def connected(dsn: str, use: Callable[[Any], Any]) -> Any:
    """The result of the coroutine function `use`, called with an asyncpg connection to `dsn`."""
    import asyncpg  # only when PostgreSQL is measured

    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await use(connection)
        finally:
            await connection.close()

    return asyncio.run(run())
