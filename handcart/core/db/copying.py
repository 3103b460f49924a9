"""Copy everything from one database to an empty one, of either engine: `handcart copy`.

The target is filled and read back in one transaction, so a copy that is interrupted leaves it empty. Both ends are
read as a stream: the memory does not depend on the size of the database.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import msgspec

from handcart.core.db import Tx, Unavailable, no_installation
from handcart.core.db.connect import BadCopy, is_postgres, sqlite_path
from handcart.core.db.copy_ends import Batch, End, Table, is_in_use, source, target
from handcart.core.db.migrate import bound_key, check_schema, migrate
from handcart.core.secret import Keys

# Called with the current step, the number of rows done, and the total.
Progress = Callable[[str, int, int], None]
_PAGE = "docs/operations/outgrow-sqlite.md"
# Tables that a migration fills: an empty database has their rows. Those of `installation` are replaced, the others
# are the same in every database of this release, and only compared.
_NOTES = "installation"
_CONSTANT = frozenset({"alembic_version", "postal_codes"})
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True)
class Content:
    """What a table holds: the number of its rows, and the SHA-256 of their JSON lines in the order of the key."""

    rows: int
    digest: str


@dataclass(frozen=True)
class Copied:
    """A checked copy. `source_in_use`: other processes of Handcart still have the source open, and may write to it."""

    tables: dict[str, Content]
    source_in_use: bool

    @property
    def rows(self) -> int:
        return sum(content.rows for content in self.tables.values())


async def copy(
    source_url: str, target_url: str, keys: Keys, finish: Callable[[Tx], Awaitable[Any]], progress: Progress
) -> Copied:
    """Copy all rows of a database to an empty one, compare both, and keep the copy if they are equal.

    The target gets its tables if it has none. Until the end, servers of the source can read and cannot write.
    `finish` runs in the target's transaction, after the comparison. Raises `BadCopy` for a target that is not empty or
    ends with other rows, `WrongKey` if one of both belongs to another key, `Unavailable` for another schema, or a
    database that does not answer or is in use. Then the target holds no row of the source.
    """
    _check_urls(source_url, target_url)
    async with source(source_url, keys) as read_from:
        await check_schema(read_from.tx)
        await _prepare(target_url, keys)
        async with target(target_url, keys) as write_to:
            await check_schema(write_to.tx)
            tables = await read_from.tables()
            if await write_to.tables() != tables:
                raise BadCopy("the two databases have different tables: run `handcart check --data` on both")
            await _check_empty(write_to, tables)
            contents = await _fill(read_from, write_to, tables, progress)
            await finish(write_to.tx)
            await write_to.continue_ids()
            await write_to.commit()
    return Copied(contents, await is_in_use(source_url))


def _check_urls(source_url: str, target_url: str) -> None:
    paths = [url if is_postgres(url) else str(Path(sqlite_path(url)).resolve()) for url in (source_url, target_url)]
    if paths[0] == paths[1]:
        raise BadCopy("--from and --to name the same database: name an empty one with --to")
    if not is_postgres(source_url) and not Path(paths[0]).exists():
        raise Unavailable(no_installation(paths[0]))


async def _prepare(url: str, keys: Keys) -> None:
    """Make the tables of a target that has none."""

    def make() -> None:
        if bound_key(url) is None:
            migrate(url, keys)

    await asyncio.to_thread(make)  # both run an event loop of their own


async def _check_empty(end: End, tables: dict[str, Table]) -> None:
    for name in sorted(tables.keys() - _CONSTANT - {_NOTES}):
        if await end.tx.one(f'SELECT 1 FROM "{name}" LIMIT 1'):  # noqa: S608 (names of the schema)
            raise BadCopy(
                f"the target is not empty: its table {name} has rows. Name an empty database with --to: a new file for"
                f" SQLite, a database from `createdb` for PostgreSQL (see {_PAGE})"
            )


async def _fill(read_from: End, write_to: End, tables: dict[str, Table], progress: Progress) -> dict[str, Content]:
    counts = {name: await _count(read_from, name) for name in tables}
    steps = _Steps(progress, sum(counts.values()))
    await write_to.tx.run(f"DELETE FROM {_NOTES}")  # noqa: S608 (a constant)
    contents = {}
    # A table comes after those that it refers to.
    for name in TopologicalSorter({name: table.parents for name, table in tables.items()}).static_order():
        table = tables[name]
        content = _Digest()
        batches = content.of(read_from.rows(table), steps, "Copying")
        if name in _CONSTANT:
            async for _ in batches:
                pass
        else:
            await write_to.fill(table, batches)
        contents[name] = content.end()
    steps.done = 0
    for name, expected in sorted(contents.items()):
        found = _Digest()
        async for _ in found.of(write_to.rows(tables[name]), steps, "Comparing"):
            pass
        if found.end() != expected:
            raise BadCopy(
                f"the table {name} of the target differs from the source ({found.end().rows:,} rows in place of"
                f" {expected.rows:,}, or other values), so nothing was kept: check both databases, and copy again"
            )
    return dict(sorted(contents.items()))


async def _count(end: End, name: str) -> int:
    row = await end.tx.one(f'SELECT count(*) AS rows FROM "{name}"')  # noqa: S608 (names of the schema)
    assert row is not None
    count: int = row["rows"]
    return count


@dataclass
class _Steps:
    progress: Progress
    total: int
    done: int = 0


class _Digest:
    def __init__(self) -> None:
        self._rows = 0
        self._hash = hashlib.sha256()

    async def of(self, batches: AsyncIterator[Batch], steps: _Steps, label: str) -> AsyncIterator[Batch]:
        """Pass batches on, and count them in."""
        async for batch in batches:
            self._rows += len(batch)
            self._hash.update(_encoder.encode_lines(batch))
            yield batch
            steps.done += len(batch)
            steps.progress(label, steps.done, steps.total)

    def end(self) -> Content:
        return Content(self._rows, self._hash.hexdigest())
