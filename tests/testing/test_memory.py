"""The in-memory database behaves as those on disk: an op is applied completely or not at all, and nothing is shared."""

import sqlite3
from typing import Any

import pytest

from handcart.core.db import Tx, Unavailable
from handcart.core.secret import Keys
from handcart.testing.memory import MemoryDatabase

KEYS = Keys(b"a secret key for tests, and for tests alone")


async def add(tx: Tx, name: str, error: Exception | None = None) -> int:
    changed = await tx.run("INSERT INTO names VALUES ($1)", name)
    if error is not None:
        raise error
    return changed


async def names(tx: Tx) -> list[Any]:
    return [row["name"] for row in await tx.all("SELECT name FROM names ORDER BY name")]


async def test_ops_write_then_each_counts_as_a_whole_and_copies_stay_apart() -> None:
    source = sqlite3.connect(":memory:")
    source.execute("CREATE TABLE names (name TEXT PRIMARY KEY)")
    first, second = MemoryDatabase(source, KEYS), MemoryDatabase(source, KEYS)

    assert await first.write(add, "kept") == 1
    with pytest.raises(ValueError, match="whatever"):
        await first.write(add, "taken back", ValueError("whatever"))
    with pytest.raises(Unavailable):
        await first.read(lambda tx: tx.all("SELECT 1 FROM nowhere"))
    assert await first.write_statement(add, "kept too") == 1

    assert await first.read(names) == ["kept", "kept too"]
    assert await second.read(names) == []
    for database in (first, second):
        await database.close()
    source.close()
