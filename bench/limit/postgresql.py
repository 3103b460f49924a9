"""PostgreSQL for the limit program: asyncpg's pool without its reset query; each insert is its own transaction."""

from typing import Any

import asyncpg

from bench.limit.replay import Step

POOL_SIZE = 10
METHODS = {"one": "fetchrow", "all": "fetch", "run": "execute"}


async def leave_as_it_is(_connection: Any) -> None:
    """Replaces asyncpg's reset query at every release."""


class Postgresql:
    """One database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Any = None

    async def open(self) -> None:
        """Connect."""
        self._pool = await asyncpg.create_pool(self._url, min_size=1, max_size=POOL_SIZE, reset=leave_as_it_is)

    async def one(self, sql: str, *args: Any) -> Any:
        """The first row, or None."""
        async with self._pool.acquire() as connection:
            return await connection.fetchrow(sql, *args)

    async def all(self, sql: str, *args: Any) -> list[Any]:
        """All rows."""
        async with self._pool.acquire() as connection:
            rows: list[Any] = await connection.fetch(sql, *args)
            return rows

    async def insert(self, sql: str, *args: Any) -> None:
        """Insert a row; it is on the disk when this returns."""
        async with self._pool.acquire() as connection:
            await connection.execute(sql, *args)

    async def run(self, steps: list[Step], *, is_write: bool) -> None:
        """Run statements on one connection; writes are one transaction, on disk when this returns."""
        async with self._pool.acquire() as connection:
            if not is_write:
                await self._run(connection, steps)
                return
            async with connection.transaction():
                await self._run(connection, steps)

    @staticmethod
    async def _run(connection: Any, steps: list[Step]) -> None:
        for method, sql, args in steps:
            await getattr(connection, METHODS[method])(sql, *args)
