"""The bodies of requests."""

import asyncio
from typing import Any

from handcart.core.web.body import read_body

PIECES = 200_000


class _Call:
    """A call whose body comes in many small pieces."""

    def __init__(self) -> None:
        self.left = PIECES

    def header(self, name: bytes) -> None:
        return None

    def header_values(self, name: bytes) -> tuple[str, ...]:
        return ()

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.left -= 1
        return {"type": "http.request", "body": b"0123456789" * 2, "more_body": self.left > 0}


def test_body_comes_in_many_pieces_then_it_is_not_copied_for_each() -> None:
    # With a copy for each piece, the body is refused because it takes too long.
    body = asyncio.run(read_body(_Call(), PIECES * 20))  # type: ignore[arg-type]
    assert body == b"0123456789" * 2 * PIECES
