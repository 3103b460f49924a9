"""The database interface of the domains: plain SQL in a portable subset, with a driver for each of two databases.

SQL uses `$1`, `$2`... An op is `async def op(tx, ...)` and awaits nothing but `tx`. On SQLite such awaits never
suspend, so a whole op runs without interruption. An op that returns is committed, one that raises is rolled back.

`FOR UPDATE` at the end of a statement (or `FOR NO KEY UPDATE`, optionally with `SKIP LOCKED`) locks the rows on
PostgreSQL; on SQLite there is only one writer at a time.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from handcart.core.secret import Keys

Row = Any  # sqlite3.Row or asyncpg.Record: read by row["column"], or unpacked in order
T = TypeVar("T")
P = ParamSpec("P")


class Unavailable(Exception):
    """The database did not answer, or did not accept the write, in time. Nothing was acknowledged."""


class Tx(Protocol):
    """One open transaction (or, for reads, one connection).

    `public_url`: the installation's URL without a slash at the end, for links; empty if the process knows none.
    """

    keys: Keys
    public_url: str

    async def one(self, sql: str, *args: Any) -> Row | None:
        """The first row, or None."""
        ...

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        """All rows."""
        ...

    async def run(self, sql: str, *args: Any) -> int:
        """The number of rows changed."""
        ...

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement once per row of arguments, without a round trip for each."""
        ...

    async def attempt(self, op: "Op[P, T]", *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an op in this transaction. If it raises, its writes are undone and those before it stay."""
        ...


# Maximum bytes of rows that one list reads and returns; the next page has the rest.
MOST_LISTED_BYTES = 1 << 20
_FIRST_ROWS = 20


async def within(
    most: int, fetch: Callable[[Row | None, int], Awaitable[Sequence[Row]]], size: Callable[[Row], int]
) -> list[Row]:
    """The first rows of a list: at most `most`, and as many as fit in `MOST_LISTED_BYTES`, but at least one.

    `fetch(last, few)` reads the next `few` rows after `last`; None is the beginning. `size` returns the bytes of a row.
    """
    found: list[Row] = []
    few, bytes_so_far, longest = _FIRST_ROWS, 0, 1
    while True:
        few = min(few, most - len(found))
        rows = await fetch(found[-1] if found else None, few)
        for row in rows:
            bytes_so_far += size(row)
            longest = max(longest, size(row))
            if found and bytes_so_far > MOST_LISTED_BYTES:
                return found
            found.append(row)
        if len(rows) < few or len(found) == most:
            return found
        # As many as fit if no row is longer than the longest so far.
        few = max(1, (MOST_LISTED_BYTES - bytes_so_far) // longest)


Op = Callable[Concatenate[Tx, P], Awaitable[T]]


class Database(Protocol):
    """A database. `kind` is `sqlite` or `postgresql`."""

    kind: str
    keys: Keys
    public_url: str

    async def read(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a reading op; each statement sees what was committed before it."""
        ...

    async def write(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an op in one transaction; returns when the transaction is durable."""
        ...

    async def write_statement(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run an op of one single statement; returns when it is durable.

        On PostgreSQL this saves the round trips of a transaction. Raises `RuntimeError` at a second statement.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


def no_installation(missing: str | Path) -> str:
    """The sentences for an installation whose file `missing` is not there.

    Settings that were forgotten look the same as an installation that was never made, and `handcart migrate` would make
    a second one, so that is named last.
    """
    file = Path(missing).absolute()
    return (
        f"there is no installation at {file.parent} (no {file.name}). If yours is elsewhere, set HANDCART_DATABASE or"
        " HANDCART_DATA. To start a new one here, run `handcart migrate`."
    )
