"""Sessions of signed-in browsers: a random cookie, its keyed hash in the database, idle and absolute lifetimes.

Before sign-in nothing is stored for the cookie; it only binds forms and pending requests to one browser.
ASVS 5.0: 7.2.3, 7.2.4, 7.3.1, 7.4.1.
"""

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.secret import new_token
from handcart.sign_in.models import AUDIENCES, Audience

# Minimum time between two updates of a row, so that not every page view is a write.
_TOUCH = 5 * clock.MINUTE


async def start(tx: Tx, audience: Audience, person_id: int, old: str) -> str:
    """Start a session with a new cookie; end the old one, and the oldest if there are too many. Returns the cookie."""
    await end(tx, old)
    cookie, now = new_token(), clock.of_process()
    await tx.run(
        "DELETE FROM sessions WHERE session_hash IN (SELECT session_hash FROM sessions WHERE audience = $1"
        " AND person_id = $2 ORDER BY created_at DESC LIMIT 1000 OFFSET $3)",
        audience.name,
        person_id,
        audience.most_sessions - 1,
    )
    await tx.run(
        "INSERT INTO sessions (session_hash, id, audience, person_id, created_at, seen_at)"
        " VALUES ($1, $2, $3, $4, $5, $5)",
        tx.keys.hash(cookie),
        ids.new_id(),
        audience.name,
        person_id,
        now,
    )
    return cookie


async def person_of(tx: Tx, audience: Audience, cookie: str) -> int | None:
    """The id of the person who is signed in with this cookie; None if the session has ended."""
    now = clock.of_process()
    row = await tx.one(
        "SELECT person_id FROM sessions WHERE session_hash = $1 AND audience = $2 AND seen_at > $3 AND created_at > $4",
        tx.keys.hash(cookie),
        audience.name,
        now - audience.idle,
        now - audience.absolute,
    )
    return row["person_id"] if row else None


async def touch(tx: Tx, cookie: str) -> None:
    """Record that the session is in use."""
    now = clock.of_process()
    await tx.run(
        "UPDATE sessions SET seen_at = $2 WHERE session_hash = $1 AND seen_at < $3",
        tx.keys.hash(cookie),
        now,
        now - _TOUCH,
    )


async def end(tx: Tx, cookie: str) -> None:
    """End one session."""
    await tx.run("DELETE FROM sessions WHERE session_hash = $1", tx.keys.hash(cookie))


async def end_all(tx: Tx, audience: Audience, person_id: int) -> None:
    """End all sessions of a person."""
    await tx.run("DELETE FROM sessions WHERE audience = $1 AND person_id = $2", audience.name, person_id)


async def purge(tx: Tx, most: int) -> int:
    """Delete ended sessions of all audiences; returns their number."""
    now, deleted = clock.of_process(), 0
    for audience in AUDIENCES:
        deleted += await tx.run(
            "DELETE FROM sessions WHERE session_hash IN (SELECT session_hash FROM sessions WHERE audience = $1"
            " AND (seen_at < $2 OR created_at < $3) LIMIT $4)",
            audience.name,
            now - audience.idle,
            now - audience.absolute,
            most - deleted,
        )
    return deleted
