"""Retailers of a test's own."""

import secrets
from typing import Any

from handcart.retailers import ops
from tests.support.server import LiveServer


def new_slug() -> str:
    """A slug that no retailer has."""
    return f"shop-{secrets.token_hex(6)}"


def make_retailer(server: LiveServer, slug: str | None = None, **options: Any) -> Any:
    """Create a retailer."""
    return server.write(
        ops.create_retailer, **{"slug": new_slug() if slug is None else slug, "name": "Sample Market", **options}
    )
