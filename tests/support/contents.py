"""What a database holds, for tests that ask whether anything was written, or whether anything is left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.server import LiveServer

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    "postgresql": "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
}
# Facts that the migration brought, 40,000 of them.
_FACTS = "postal_codes"
# Counting wrong secrets is what a refusal is meant to write.
_COUNTERS = "rate_limits"


def contents(server: LiveServer, *tables: str) -> dict[str, list[str]]:
    """Every row of these tables, or of all that requests write to, as text in a fixed order."""

    async def rows(tx: Any) -> dict[str, list[str]]:
        names = tables or [row["name"] for row in await tx.all(_TABLES[server.store]) if row["name"] != _FACTS]
        return {name: sorted(repr(tuple(row)) for row in await tx.all(f'SELECT * FROM "{name}"')) for name in names}

    found: dict[str, list[str]] = server.read(rows)
    return found


def mentions(server: LiveServer, *texts: str) -> list[str]:
    """The rows that hold one of the texts, anywhere."""
    return [row for rows in contents(server).values() for row in rows if any(text in row for text in texts)]


@contextmanager
def nothing_written(server: LiveServer) -> Iterator[None]:
    """The block leaves the database as it was; only rate limits may count."""
    before = contents(server)
    yield
    after = contents(server)
    assert {**after, _COUNTERS: []} == {**before, _COUNTERS: []}
