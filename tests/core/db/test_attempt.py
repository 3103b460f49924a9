"""An op within an op: if it raises, its writes are undone, and those before and after it stay."""

import secrets

import pytest

from handcart.core.db import Tx
from handcart.retailers import ops as retailers
from tests.support.server import LiveServer


class Undone(Exception):
    """Raised on purpose."""


async def make(tx: Tx, slug: str, is_undone: bool) -> str:
    await retailers.create_retailer(tx, slug=slug, name="Sample Market")
    if is_undone:
        raise Undone
    return slug


async def nested(tx: Tx, slug: str) -> str:
    await make(tx, f"{slug}-1", is_undone=False)
    for name in ("2", "3"):
        with pytest.raises(Undone):
            await tx.attempt(outer, f"{slug}-{name}")
    return await tx.attempt(make, f"{slug}-4", is_undone=False)


async def outer(tx: Tx, slug: str) -> None:
    await tx.attempt(make, f"{slug}-kept", is_undone=False)
    await tx.attempt(make, slug, is_undone=True)


def test_attempts_fail_then_only_their_own_writes_are_undone(server: LiveServer) -> None:
    slug = f"shop-{secrets.token_hex(6)}"
    assert server.write(nested, slug) == f"{slug}-4"
    rows = server.sql("SELECT slug FROM retailers WHERE slug LIKE $1 ORDER BY slug", f"{slug}-%")
    assert [row["slug"] for row in rows] == [f"{slug}-1", f"{slug}-4"]
