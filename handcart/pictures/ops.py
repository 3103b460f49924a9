"""Store pictures, each under its subject; await those that were announced; delete expired ones."""

from hashlib import blake2b

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.secret import new_token
from handcart.pictures import errors, queries
from handcart.pictures.models import Encoded, Picture

#: How long a picture is awaited that was announced and does not come.
AWAITED_FOR = 3 * clock.DAY


def hash_of(sent: bytes) -> bytes:
    """The hash by which the same bytes are known when they are sent again."""
    return blake2b(sent, digest_size=32).digest()


async def store(tx: Tx, subject: str, content_hash: bytes, encoded: Encoded, *, days: int) -> tuple[Picture, bool]:
    """Store the picture of a subject for a number of days; returns it, and whether it is new.

    `content_hash`: the hash of the bytes that were sent. If the subject has a picture that was made of the same bytes,
    that one is returned; for other bytes `errors.has_other` is raised, since a picture never changes.
    """
    now = clock.of_process()
    picture = Picture(new_token(), subject, content_hash, encoded.width, encoded.height, now, now + days * clock.DAY)
    made = await tx.run(
        "INSERT INTO pictures (id, subject, content_hash, content, width, height, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (subject) DO NOTHING",
        picture.id,
        picture.subject,
        picture.content_hash,
        encoded.jpeg,
        picture.width,
        picture.height,
        picture.created_at,
        picture.expires_at,
    )
    if made:
        await tx.run("DELETE FROM awaited_pictures WHERE subject = $1", subject)
        return picture, True
    there = await queries.of_subject(tx, subject)
    if there is None or there.content_hash != content_hash:
        raise errors.has_other()
    return there, False


async def announce(tx: Tx, subject: str, retailer_id: int, order_id: str) -> None:
    """Await the picture of a subject, which proves something about an order, unless it is there already."""
    if await queries.of_subject(tx, subject) is None:
        await tx.run(
            "INSERT INTO awaited_pictures (subject, retailer_id, order_id, since, expires_at)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (subject) DO NOTHING",
            *(subject, retailer_id, order_id, clock.now(), clock.of_process() + AWAITED_FOR),
        )


async def forget(tx: Tx, subject: str) -> None:
    """Delete the picture of a subject, if there is one, and await none."""
    await tx.run("DELETE FROM pictures WHERE subject = $1", subject)
    await tx.run("DELETE FROM awaited_pictures WHERE subject = $1", subject)


async def purge(tx: Tx, most: int) -> int:
    """Delete pictures whose time has come; returns their number."""
    return await tx.run(
        "DELETE FROM pictures WHERE id IN (SELECT id FROM pictures WHERE expires_at <= $1 LIMIT $2)",
        clock.of_process(),
        most,
    )


async def purge_awaited(tx: Tx, most: int) -> int:
    """Await no longer what did not come in `AWAITED_FOR`; returns the number."""
    return await tx.run(
        "DELETE FROM awaited_pictures WHERE subject IN"
        " (SELECT subject FROM awaited_pictures WHERE expires_at <= $1 LIMIT $2)",
        clock.of_process(),
        most,
    )
