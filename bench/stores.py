"""Prepared databases, and the fresh copy of one that each visit works on."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from bench.measure import parent
from tests.support.postgres import create_database


@dataclass(frozen=True)
class Copy:
    """
    One visit's own store. `address`: the file or the DSN, empty for a store inside the server's memory.

    `count_tokens`: the rows of issued tokens. `root`: the process whose descendants do the store's own work.
    """

    address: str
    count_tokens: Callable[[], int] | None = None
    root: int | None = None


class Store(Protocol):
    """A prepared store."""

    def copy(self) -> AbstractContextManager[Copy]:
        """A fresh copy for the length of the block."""
        ...


class MemoryStore:
    """Nothing on disk: the server begins empty."""

    @contextmanager
    def copy(self) -> Iterator[Copy]:
        yield Copy("")


@dataclass(frozen=True)
class SqliteStore:
    """A prepared SQLite file, with all that lies beside it in its directory."""

    path: Path
    token_table: str

    @contextmanager
    def copy(self) -> Iterator[Copy]:
        with tempfile.TemporaryDirectory(prefix="visit-", dir=self.path.parent.parent) as directory:
            address = str(shutil.copy2(self.path, directory))
            yield Copy(address, lambda: self._count(address))

    def _count(self, address: str) -> int:
        connection = sqlite3.connect(address)
        try:
            count: int = connection.execute(f"SELECT count(*) FROM {self.token_table}").fetchone()[0]
            return count
        finally:
            connection.close()

    def settle(self) -> None:
        """Move everything into the one file that is copied, and let the planner know the tables."""
        connection = sqlite3.connect(self.path)
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()


@dataclass(frozen=True)
class PostgresStore:
    """A prepared PostgreSQL database; copies are made beside it from it as a template."""

    dsn: str
    token_table: str

    @contextmanager
    def copy(self) -> Iterator[Copy]:
        address = create_database(self.dsn, self._name(self.dsn))
        try:
            backend = self._value(address, "SELECT pg_backend_pid()", parent)
            yield Copy(address, lambda: self._value(address, f"SELECT count(*) FROM {self.token_table}"), backend)
        finally:
            self._run(self.dsn, f"DROP DATABASE {self._name(address)} WITH (FORCE)")

    def settle(self) -> None:
        """Leave nothing for autovacuum to do during a visit."""
        self._run(self.dsn, "VACUUM (FREEZE, ANALYZE)", "CHECKPOINT")

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
    """What the coroutine function `use` answers, given an asyncpg connection to `dsn`."""
    import asyncpg  # only when PostgreSQL is measured

    async def run() -> Any:
        connection = await asyncpg.connect(dsn)
        try:
            return await use(connection)
        finally:
            await connection.close()

    return asyncio.run(run())
