"""`handcart` without a guard: events are written after the commit of the change that they report."""

import asyncio
from contextvars import ContextVar
from typing import Any

from handcart.cli import main
from handcart.core.db.postgres import PostgresDatabase
from handcart.core.db.sqlite import SqliteDatabase
from handcart.orders import payloads

# As long as an external queue may take to answer. This only makes the gap longer, so that kills hit it more often.
_SECONDS = 0.05

_emit = payloads.emit
_delayed: ContextVar[list[tuple[Any, ...]]] = ContextVar("delayed")


async def _remember(tx: Any, *what: Any) -> None:
    _delayed.get().append(what)


def _write_late(database: Any) -> None:
    write = database.write

    async def write_then_emit(self: Any, op: Any, *args: Any, **kwargs: Any) -> Any:
        mine: list[tuple[Any, ...]] = []
        _delayed.set(mine)
        result = await write(self, op, *args, **kwargs)
        for what in mine:
            await asyncio.sleep(_SECONDS)
            await write(self, _emit, *what)
        return result

    database.write = write_then_emit


if __name__ == "__main__":
    payloads.emit = _remember
    _write_late(SqliteDatabase)
    _write_late(PostgresDatabase)
    main()
