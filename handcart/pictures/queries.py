"""Find pictures that have not expired."""

from typing import Any

from handcart.core import clock
from handcart.core.db import Tx
from handcart.pictures.models import Picture

_PICTURE = "SELECT id, subject, content_hash, width, height, created_at, expires_at FROM pictures"


async def of_subject(tx: Tx, subject: str) -> Picture | None:
    """The picture of a subject, such as `act/<person id>/<act id>`."""
    return _picture(await tx.one(f"{_PICTURE} WHERE subject = $1 AND expires_at > $2", subject, clock.of_process()))


async def is_awaited(tx: Tx, subject: str) -> bool:
    """Whether the picture of a subject was announced and has not come yet."""
    return await tx.one("SELECT 1 AS one FROM awaited_pictures WHERE subject = $1", subject) is not None


async def find(tx: Tx, picture_id: str) -> Picture | None:
    """A picture by its id."""
    return _picture(await tx.one(f"{_PICTURE} WHERE id = $1 AND expires_at > $2", picture_id, clock.of_process()))


async def jpeg(tx: Tx, picture: Picture) -> bytes:
    """The content of a picture, a JPEG."""
    row = await tx.one("SELECT content FROM pictures WHERE id = $1", picture.id)
    return b"" if row is None else bytes(row["content"])


def _picture(row: Any) -> Picture | None:
    return None if row is None else Picture(**{**dict(row), "content_hash": bytes(row["content_hash"])})
