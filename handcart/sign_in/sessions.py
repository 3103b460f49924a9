"""Sessions of signed-in browsers: a random cookie, its keyed hash in the database, idle and absolute lifetimes.

Before sign-in nothing is stored for the cookie; it only binds forms and pending requests to one browser.
ASVS 5.0: 7.2.3, 7.2.4, 7.3.1, 7.4.1.
"""

from collections.abc import Sequence

from handcart.core import clock, ids
from handcart.core.db import Row, Tx
from handcart.core.secret import new_token
from handcart.sign_in.models import AUDIENCES, Audience, Session

# Minimum time between two updates of a row, so that not every page view is a write.
_TOUCH = 5 * clock.MINUTE
# Maximum characters of the name of a browser or device.
MOST_NAME = 60

_LIVE = (
    "SELECT id, person_id, name, created_at, seen_at, unlocked_at, wrong_pins FROM sessions"
    " WHERE audience = $1 AND seen_at > $2 AND created_at > $3"
)


async def start(tx: Tx, audience: Audience, person_id: int, old: str, name: str = "") -> str:
    """Start a session with a new cookie; end the old one, and the oldest if there are too many. Returns the cookie.

    `name` says in lists of sessions which browser or device it is. The session is unlocked.
    """
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
        "INSERT INTO sessions (session_hash, id, audience, person_id, name, created_at, seen_at, unlocked_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $6, $6)",
        tx.keys.hash(cookie),
        ids.new_id(),
        audience.name,
        person_id,
        name[:MOST_NAME],
        now,
    )
    return cookie


async def find(tx: Tx, audience: Audience, cookie: str) -> Session | None:
    """The session of a cookie; None if it has ended."""
    row = await tx.one(f"{_LIVE} AND session_hash = $4", *_since(audience), tx.keys.hash(cookie))
    return _session(row) if row else None


async def person_of(tx: Tx, audience: Audience, cookie: str) -> int | None:
    """The id of the person who is signed in with this cookie; None if the session has ended."""
    session = await find(tx, audience, cookie)
    return session.person_id if session else None


async def of_person(tx: Tx, audience: Audience, person_id: int) -> Sequence[Session]:
    """The sessions of a person that have not ended; first the one that was used last."""
    rows = await tx.all(f"{_LIVE} AND person_id = $4 ORDER BY seen_at DESC, id DESC", *_since(audience), person_id)
    return [_session(row) for row in rows]


def needs_touch(seen_at: int) -> bool:
    """Whether `touch` would change a session that is in use."""
    return seen_at < clock.of_process() - _TOUCH


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


async def end_one(tx: Tx, audience: Audience, person_id: int, session_id: int) -> bool:
    """End one session of a person by its id; False if there is no such session."""
    return (
        await tx.run(
            "DELETE FROM sessions WHERE audience = $1 AND person_id = $2 AND id = $3",
            audience.name,
            person_id,
            session_id,
        )
        > 0
    )


async def end_all(tx: Tx, audience: Audience, person_id: int, *, keep: str = "") -> None:
    """End all sessions of a person, except that of the cookie `keep`."""
    await tx.run(
        "DELETE FROM sessions WHERE audience = $1 AND person_id = $2 AND session_hash <> $3",
        audience.name,
        person_id,
        tx.keys.hash(keep),
    )


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


def _since(audience: Audience) -> tuple[str, int, int]:
    now = clock.of_process()
    return audience.name, now - audience.idle, now - audience.absolute


def _session(row: Row) -> Session:
    return Session(
        row["id"],
        row["person_id"],
        row["name"],
        row["created_at"],
        row["seen_at"],
        row["unlocked_at"],
        row["wrong_pins"],
    )
