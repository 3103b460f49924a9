"""SQLite for the limit program: reads on the loop, one transaction for all waiting writes, COMMIT in a thread."""

import asyncio
import fcntl
import os
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from bench.limit.replay import Step

MOST_PER_COMMIT = 64


@cache
def positional(sql: str) -> str:
    """`$1` as SQLite's positional `?1`."""
    return re.sub(r"\$(\d+)", r"?\1", sql)


class Sqlite:
    """One file, shared with the other workers by a lock on a file beside it."""

    def __init__(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        self._reader, self._writer = self._connect(path), self._connect(path)
        self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        self._thread = ThreadPoolExecutor(1)
        self._waiting: list[tuple[list[Step], asyncio.Future[None]]] = []
        self._committing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Does nothing."""

    async def one(self, sql: str, *args: Any) -> Any:
        """The first row, or None."""
        return self._reader.execute(positional(sql), args).fetchone()

    async def all(self, sql: str, *args: Any) -> list[Any]:
        """All rows."""
        return self._reader.execute(positional(sql), args).fetchall()

    async def insert(self, sql: str, *args: Any) -> None:
        """Insert a row; it is on the disk when this returns."""
        await self._written([("run", positional(sql), args)])

    async def run(self, steps: list[Step], *, is_write: bool) -> None:
        """Run statements; their writes are on disk when this returns."""
        if is_write:
            await self._written(steps)
            return
        for _, sql, args in steps:
            self._reader.execute(sql, args).fetchall()

    async def _written(self, steps: list[Step]) -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._waiting.append((steps, done))
        if self._committing is None:
            self._committing = loop.create_task(self._commit())
        await done

    async def _commit(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await loop.run_in_executor(self._thread, fcntl.flock, self._lock, fcntl.LOCK_EX)
            group, self._waiting = self._waiting[:MOST_PER_COMMIT], self._waiting[MOST_PER_COMMIT:]
            self._writer.execute("BEGIN IMMEDIATE")
            for steps, _ in group:
                for _, sql, args in steps:
                    self._writer.execute(sql, args).fetchall()
            await loop.run_in_executor(self._thread, self._writer.commit)
            fcntl.flock(self._lock, fcntl.LOCK_UN)
            for _, done in group:
                if not done.done():
                    done.set_result(None)
        self._committing = None

    @staticmethod
    def _connect(path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        return connection
