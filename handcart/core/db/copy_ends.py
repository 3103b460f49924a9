"""The two ends of a copy between databases: one connection in one transaction, for either engine.

A source is locked against writes and still serves reads. A target is locked against everything, and keeps its rows
only after `commit`.
"""

import asyncio
import fcntl
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from handcart.core.db import Tx, Unavailable
from handcart.core.db.connect import BadCopy, check_url, is_postgres, sqlite_path
from handcart.core.db.sqlite import WRITE_LOCK, SqliteTx, alone, connect_file, open_lock, use
from handcart.core.secret import Keys

Batch = list[tuple[Any, ...]]
Equalizers = Sequence[tuple[int, Callable[[Any], Any]]]
_BATCH_ROWS = 1000
_BATCH_BYTES = 1 << 20
_LOCK_SECONDS = 10


@dataclass(frozen=True)
class Table:
    """A table: its columns in order with their kinds, its primary key, and the tables that it refers to.

    Kinds: `boolean`, `float`, `text`, and empty for all others.
    """

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    parents: frozenset[str]

    def select(self, collation: str = "") -> str:
        """A statement that reads all rows in the order of the key. `collation`: that of text in the order."""
        columns = ", ".join(f'"{name}"' for name in self.columns)
        order = (f'"{name}"' + (collation if self.columns[name] == "text" else "") for name in self.key)
        return f'SELECT {columns} FROM "{self.name}" ORDER BY {", ".join(order)}'  # noqa: S608 (names of the schema)


class End(Protocol):
    """One end of a copy."""

    tx: Tx

    async def tables(self) -> dict[str, Table]:
        """All tables of the database."""
        ...

    def rows(self, table: Table) -> AsyncIterator[Batch]:
        """All rows of a table in the order of its key, in batches of about a megabyte; values equal on both engines."""
        ...

    async def fill(self, table: Table, batches: AsyncIterator[Batch]) -> None:
        """Insert rows into a table."""
        ...

    async def continue_ids(self) -> None:
        """Let the ids that the database makes itself continue after the highest one."""
        ...

    async def commit(self) -> None:
        """Keep what was filled in."""
        ...


@asynccontextmanager
async def source(url: str, keys: Keys) -> AsyncIterator[End]:
    """Open a database to read it; until the block ends it accepts no writes. Raises `Unavailable`."""
    async with _source_on_postgres(url, keys) if is_postgres(url) else _source_file(sqlite_path(url), keys) as end:
        yield end


@asynccontextmanager
async def target(url: str, keys: Keys) -> AsyncIterator[End]:
    """Open a database to fill it while no other process uses it. Raises `Unavailable`."""
    async with _target_on_postgres(url, keys) if is_postgres(url) else _target_file(sqlite_path(url), keys) as end:
        yield end


async def is_in_use(url: str) -> bool:
    """Whether other processes of Handcart have the database open."""
    if is_postgres(url):
        from handcart.core.db.postgres import OTHERS

        async with _postgres(url) as connection:
            others: int = await connection.fetchval(OTHERS)
            return others > 0
    try:
        with alone(sqlite_path(url)):
            return False
    except Unavailable:
        return True


class _SqliteEnd:
    def __init__(self, connection: sqlite3.Connection, keys: Keys) -> None:
        self._connection = connection
        self.tx: Tx = SqliteTx(connection, keys)

    async def tables(self) -> dict[str, Table]:
        names = await self.tx.all("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        return {name: self._table(name) for (name,) in names}

    def _table(self, name: str) -> Table:
        columns = self._connection.execute(f'PRAGMA table_info("{name}")').fetchall()
        parents = self._connection.execute(f'PRAGMA foreign_key_list("{name}")').fetchall()
        kinds = {"BOOLEAN": "boolean", "DOUBLE": "float", "TEXT": "text"}
        return Table(
            name,
            {column["name"]: kinds.get(column["type"], "") for column in columns},
            tuple(column["name"] for column in sorted(columns, key=lambda one: one["pk"]) if column["pk"]),
            frozenset(parent["table"] for parent in parents) - {name},
        )

    async def rows(self, table: Table) -> AsyncIterator[Batch]:
        for batch in _batches(map(tuple, self._connection.execute(table.select())), _equalizers(table)):
            yield batch

    async def fill(self, table: Table, batches: AsyncIterator[Batch]) -> None:
        places = ", ".join("?" for _ in table.columns)
        columns = ", ".join(f'"{name}"' for name in table.columns)
        insert = f'INSERT INTO "{table.name}" ({columns}) VALUES ({places})'  # noqa: S608 (names from the schema)
        async for batch in batches:
            self._connection.executemany(insert, batch)

    async def continue_ids(self) -> None:
        """Nothing: SQLite has no sequences."""

    async def commit(self) -> None:
        self._connection.commit()
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@asynccontextmanager
async def _source_file(path: str, keys: Keys) -> AsyncIterator[End]:
    in_use = use(path)
    lock = open_lock(path, WRITE_LOCK)
    try:
        await _lock_writes(lock, path)
        with _begun_in_file(path) as connection:
            yield _SqliteEnd(connection, keys)
    finally:
        os.close(lock)
        os.close(in_use)


@contextmanager
def _begun_in_file(path: str) -> Iterator[sqlite3.Connection]:
    """A connection in a transaction that keeps others from writing; at the end it is rolled back."""
    try:
        with closing(connect_file(path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
    except sqlite3.OperationalError as error:  # such as a full disk
        raise Unavailable(f"{path}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise BadCopy(f"{path}: {error}: run `handcart check --data` on both databases") from error


async def _lock_writes(lock: int, path: str) -> None:
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise Unavailable(f"another process holds the write lock of {path}: wait until it has ended") from None
            await asyncio.sleep(0.002)


@asynccontextmanager
async def _target_file(path: str, keys: Keys) -> AsyncIterator[End]:
    with alone(path), _begun_in_file(path) as connection:
        yield _SqliteEnd(connection, keys)


class _PostgresEnd:
    def __init__(self, connection: Any, keys: Keys) -> None:
        from handcart.core.db.postgres import PostgresTx

        self._connection = connection
        self.tx: Tx = PostgresTx(connection, keys)

    async def tables(self) -> dict[str, Table]:
        return {row["name"]: _described(row) for row in await self.tx.all(_TABLES)}

    async def rows(self, table: Table) -> AsyncIterator[Batch]:
        # asyncpg fetches a fixed number of rows at once.
        widest = await self._connection.fetchval(f'SELECT max(pg_column_size(one)) FROM "{table.name}" AS one')  # noqa: S608
        few = max(1, min(_BATCH_ROWS, _BATCH_BYTES // (widest or 1)))
        equal = _equalizers(table)
        batch: Batch = []
        # Text in the order of SQLite: byte by byte, whatever the collation of the database is.
        async for row in self._connection.cursor(table.select(' COLLATE "C"'), prefetch=few):
            batch.append(_equal(tuple(row), equal))
            if len(batch) == few:
                yield batch
                batch = []
        if batch:
            yield batch

    async def fill(self, table: Table, batches: AsyncIterator[Batch]) -> None:
        async def records() -> AsyncIterator[tuple[Any, ...]]:
            async for batch in batches:
                for row in batch:
                    yield row

        import asyncpg

        try:
            await self._connection.copy_records_to_table(table.name, records=records(), columns=list(table.columns))
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise BadCopy(f"PostgreSQL does not accept a row of the table {table.name}: {error}") from error

    async def continue_ids(self) -> None:
        for name, column, sequence in await self.tx.all(_SEQUENCES):
            highest = f'SELECT max("{column}") FROM "{name}"'  # noqa: S608 (names of the schema)
            await self._connection.fetchval(f"SELECT setval($1::text::regclass, ({highest}))", sequence)

    async def commit(self) -> None:
        await self._connection.execute("COMMIT")
        await self._connection.execute("ANALYZE")


_TABLES = """
SELECT relname AS name, columns, kinds, key,
       ARRAY(SELECT confrelid::regclass::text FROM pg_constraint
             WHERE contype = 'f' AND conrelid = one.oid AND confrelid <> one.oid) AS parents
FROM pg_class AS one
CROSS JOIN LATERAL (
    SELECT array_agg(attname::text ORDER BY attnum) AS columns,
           array_agg(atttypid::regtype::text ORDER BY attnum) AS kinds
    FROM pg_attribute WHERE attrelid = one.oid AND attnum > 0 AND NOT attisdropped
) AS columns
LEFT JOIN LATERAL (
    SELECT array_agg(attname::text ORDER BY place) AS key
    FROM pg_constraint, unnest(conkey) WITH ORDINALITY AS part (number, place), pg_attribute
    WHERE contype = 'p' AND conrelid = one.oid AND attrelid = one.oid AND attnum = number
) AS keys ON true
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace
"""
# The columns whose values a sequence makes.
_SEQUENCES = """
SELECT attrelid::regclass::text AS name, attname::text AS column,
       pg_get_serial_sequence(attrelid::regclass::text, attname::text) AS sequence
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND attnum > 0 AND NOT attisdropped
  AND pg_get_serial_sequence(attrelid::regclass::text, attname::text) IS NOT NULL
"""


def _described(row: Any) -> Table:
    kinds = {"boolean": "boolean", "double precision": "float", "text": "text"}
    types = dict(zip(row["columns"], row["kinds"], strict=True))
    return Table(
        row["name"],
        {name: kinds.get(kind, "") for name, kind in types.items()},
        tuple(row["key"] or ()),
        frozenset(row["parents"]),
    )


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[Any]:
    """A connection without limits of time, closed at the end. Raises `Unavailable` for all that may pass by itself."""
    import asyncpg

    from handcart.core.db.postgres import PASSING, without_pooler

    check_url(url)
    if without_pooler(url)[1]:
        raise BadCopy("name PostgreSQL itself and not its pooler: the URL of the server, without ?pooler=transaction")
    try:
        connection = await asyncpg.connect(url, timeout=_LOCK_SECONDS, server_settings={"application_name": "handcart"})
        try:
            yield connection
        finally:
            connection.terminate()  # what was not committed is rolled back; a dead connection is not waited for
    except (*PASSING, OverflowError) as error:  # OverflowError: a port over 65535
        raise Unavailable(f"PostgreSQL: {str(error) or type(error).__name__}") from error


@asynccontextmanager
async def _begun(url: str, keys: Keys, lock: str) -> AsyncIterator[End]:
    async with _postgres(url) as connection:
        await connection.execute(
            "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
            f" SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"
        )
        end = _PostgresEnd(connection, keys)
        await connection.execute(lock.format(", ".join(f'"{name}"' for name in await end.tables())))
        yield end


def _source_on_postgres(url: str, keys: Keys) -> AbstractAsyncContextManager[End]:
    # The lock keeps all others from writing, so each statement sees the same rows.
    return _begun(url, keys, "LOCK TABLE {} IN SHARE MODE")


def _target_on_postgres(url: str, keys: Keys) -> AbstractAsyncContextManager[End]:
    return _begun(url, keys, "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE")


def _batches(rows: Iterable[tuple[Any, ...]], equalizers: Equalizers) -> Iterator[Batch]:
    batch: Batch = []
    size = 0
    for row in rows:
        batch.append(_equal(row, equalizers))
        size += sum(len(value) for value in row if isinstance(value, str | bytes))
        if len(batch) == _BATCH_ROWS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _equalizers(table: Table) -> Equalizers:
    """What makes values equal on both engines: SQLite has 0 and 1 for booleans, and stores -0.0 as 0.0."""
    change: dict[str, Callable[[Any], Any]] = {"boolean": bool, "float": lambda value: value + 0.0}
    return [(place, change[kind]) for place, kind in enumerate(table.columns.values()) if kind in change]


def _equal(row: tuple[Any, ...], equalizers: Equalizers) -> tuple[Any, ...]:
    if not equalizers:
        return row
    values = list(row)
    for place, change in equalizers:
        if values[place] is not None:
            values[place] = change(values[place])
    return tuple(values)
