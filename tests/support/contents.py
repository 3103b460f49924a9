"""The content of a database, for tests that check that nothing was written, or that nothing is left."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from tests.support.server import LiveServer

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    "postgresql": "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
}
# 40,000 constant rows, inserted by the migration.
_FACTS = "postal_codes"
# Refusals intentionally count wrong secrets.
_COUNTERS = "rate_limits"


def contents(server: LiveServer, *tables: str) -> dict[str, list[str]]:
    """Every row of these tables, or of all that requests write to, as text in a fixed order."""

    async def rows(tx: Any) -> dict[str, list[str]]:
        names = tables or [row["name"] for row in await tx.all(_TABLES[server.database]) if row["name"] != _FACTS]
        return {name: sorted(repr(tuple(row)) for row in await tx.all(f'SELECT * FROM "{name}"')) for name in names}

    found: dict[str, list[str]] = server.read(rows)
    return found


def mentions(server: LiveServer, *texts: str) -> list[str]:
    """The rows that contain one of the texts, in any column."""
    return [row for rows in contents(server).values() for row in rows if any(text in row for text in texts)]


@contextmanager
def nothing_written(server: LiveServer) -> Iterator[None]:
    """Check that the block does not change the database, except counts of rate limits."""
    with (_changes_on_sqlite if server.database == "sqlite" else _changes_on_postgres)(server) as changed:
        yield
        tables = changed()
        assert not tables, f"something was written: {tables}"


# Reading every row before and after would be slow once hundreds of tests have left rows.
Changed = Callable[[], list[str]]  # the tables that differ by now


@contextmanager
def _changes_on_sqlite(server: LiveServer) -> Iterator[Changed]:
    path = server.app.settings.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as before, closing(sqlite3.connect(path)) as after:
        before.execute("BEGIN")  # reads the state of its first read until it ends
        tables = _compared([name for (name,) in before.execute(_TABLES["sqlite"])])
        version = after.execute("PRAGMA data_version").fetchone()

        def rows(connection: sqlite3.Connection, table: str) -> list[Any]:
            return connection.execute(f'SELECT * FROM "{table}"').fetchall()

        def changed() -> list[str]:
            if after.execute("PRAGMA data_version").fetchone() == version:  # nothing was committed
                return []
            return [table for table in tables if rows(before, table) != rows(after, table)]

        yield changed


@contextmanager
def _changes_on_postgres(server: LiveServer) -> Iterator[Changed]:
    tables = _compared([row["name"] for row in server.sql(_TABLES["postgresql"])])

    def of_each(columns: str) -> list[tuple[Any, ...]]:
        """A row for each table, with its name first."""
        return list(map(tuple, server.sql(" UNION ALL ".join(f"SELECT '{t}', {columns} FROM \"{t}\"" for t in tables))))

    def next_transaction() -> int:
        """The id of the next transaction that writes or locks a row."""
        (row,) = server.sql("SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS id")
        return int(row["id"])

    first, before = next_transaction(), dict(of_each("count(*)"))

    def changed() -> list[str]:
        if next_transaction() == first:
            return []
        found = of_each(f"count(*), count(*) FILTER (WHERE xmin::text::bigint >= {first})")
        return sorted(name for name, rows, written in found if written or rows != before[name])

    yield changed


def _compared(tables: list[str]) -> list[str]:
    return [table for table in tables if table not in (_FACTS, _COUNTERS)]
