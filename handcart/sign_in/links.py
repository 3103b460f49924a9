"""One-time links: a random token in a URL, its keyed hash in the database. They invite people and replace passwords.

A link has a purpose, such as `invitation`. Of one purpose, a person has at most one link that works.
"""

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.secret import new_token
from handcart.sign_in.models import Audience, Link

# Ended links are kept for this time, so that a page can say why a link does not work.
_KEPT = 30 * clock.DAY


async def make(tx: Tx, audience: Audience, purpose: str, person_id: int, seconds: int) -> str:
    """Make a link that works once, for `seconds`; the person's older links of this purpose end. Returns the token."""
    await end(tx, audience, person_id, purpose)
    token, now = new_token(), clock.of_process()
    await tx.run(
        "INSERT INTO one_time_links (token_hash, audience, purpose, person_id, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        tx.keys.hash(token),
        audience.name,
        purpose,
        person_id,
        now,
        now + seconds * clock.SECOND,
    )
    return token


async def look(tx: Tx, audience: Audience, purpose: str, token: str) -> Link | None:
    """A link and its state; None if there is no such link."""
    row = await tx.one(
        "SELECT person_id, expires_at, used_at FROM one_time_links"
        " WHERE token_hash = $1 AND audience = $2 AND purpose = $3",
        tx.keys.hash(token),
        audience.name,
        purpose,
    )
    if row is None:
        return None
    is_over = row["expires_at"] <= clock.of_process()
    state = "used" if row["used_at"] is not None else "expired" if is_over else "open"
    return Link(row["person_id"], state)


async def find(tx: Tx, audience: Audience, purpose: str, token: str) -> int | None:
    """The id of the person whom a link is for; None if it was used, has ended, or does not exist."""
    link = await look(tx, audience, purpose, token)
    return link.person_id if link is not None and link.state == "open" else None


async def use(tx: Tx, audience: Audience, purpose: str, token: str) -> int | None:
    """As `find`, and the link has been used. Of two calls at once, only one gets the id."""
    row = await tx.one(
        "UPDATE one_time_links SET used_at = $4 WHERE token_hash = $1 AND audience = $2 AND purpose = $3"
        " AND used_at IS NULL AND expires_at > $4 RETURNING person_id",
        tx.keys.hash(token),
        audience.name,
        purpose,
        clock.of_process(),
    )
    return row["person_id"] if row else None


async def end(tx: Tx, audience: Audience, person_id: int, purpose: str | None = None) -> None:
    """End the open links of a person: those of one purpose, or all."""
    await tx.run(
        "UPDATE one_time_links SET expires_at = $3 WHERE audience = $1 AND person_id = $2 AND used_at IS NULL"
        " AND expires_at > $3 AND purpose = COALESCE($4, purpose)",
        audience.name,
        person_id,
        clock.of_process(),
        purpose,
    )


async def purge(tx: Tx, most: int) -> int:
    """Delete links that ended long ago; returns their number."""
    return await tx.run(
        "DELETE FROM one_time_links WHERE token_hash IN"
        " (SELECT token_hash FROM one_time_links WHERE expires_at < $1 LIMIT $2)",
        clock.of_process() - _KEPT,
        most,
    )
