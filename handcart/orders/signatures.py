"""Signatures that customers draw, as rows: sealed, and deleted when their time has come."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from handcart.core import clock
from handcart.core.db import Tx

#: How long a drawn signature is kept.
KEPT = 30 * clock.DAY
#: Signatures are drawn on a sheet of this many units.
WIDTH, HEIGHT = 600, 200
_MOST_TEXT = 32 << 10
_MOST_POINTS = 4_000

# A stroke is a flat list of coordinates: x, y, x, y, ...
_Stroke = Annotated[list[Annotated[int, Meta(ge=0, le=WIDTH)]], Meta(min_length=2)]
_strokes = msgspec.json.Decoder(Annotated[list[_Stroke], Meta(max_length=200)])


def read(text: str) -> list[list[int]]:
    """The strokes of a signature from JSON; empty for an empty text. Raises `ValueError`."""
    if not text:
        return []
    if len(text) > _MOST_TEXT:
        raise ValueError("too long")
    try:
        drawn: list[list[int]] = _strokes.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError("no strokes") from error
    if sum(map(len, drawn)) > 2 * _MOST_POINTS:
        raise ValueError("too many points")
    if any(len(stroke) % 2 or any(y > HEIGHT for y in stroke[1::2]) for stroke in drawn):
        raise ValueError("outside of the sheet")
    return drawn


async def keep(tx: Tx, retailer_id: int, order_id: str, drawn: Sequence[Sequence[int]]) -> None:
    """Keep what the customer of an order drew."""
    await tx.run(
        "INSERT INTO signatures (retailer_id, order_id, strokes, expires_at) VALUES ($1, $2, $3, $4)",
        *(retailer_id, order_id, tx.keys.seal(msgspec.json.encode(drawn).decode()), clock.now() + KEPT),
    )


async def find(tx: Tx, retailer_id: int, order_id: str) -> Sequence[Sequence[int]] | None:
    """The strokes of an order's signature; None if there are none, or no longer."""
    row = await tx.one(
        "SELECT strokes FROM signatures WHERE retailer_id = $1 AND order_id = $2 AND expires_at > $3",
        *(retailer_id, order_id, clock.now()),
    )
    return None if row is None else _strokes.decode(tx.keys.open(bytes(row["strokes"])))


async def forget(tx: Tx, retailer_id: int, order_id: str) -> None:
    """Delete the drawn signature of an order, if there is one."""
    await tx.run("DELETE FROM signatures WHERE retailer_id = $1 AND order_id = $2", retailer_id, order_id)


async def purge(tx: Tx, most: int) -> int:
    """Delete drawn signatures whose time has come; returns their number."""
    return await tx.run(
        "DELETE FROM signatures WHERE (retailer_id, order_id) IN"
        " (SELECT retailer_id, order_id FROM signatures WHERE expires_at <= $1 LIMIT $2)",
        *(clock.now(), most),
    )
