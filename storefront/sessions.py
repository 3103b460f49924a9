"""Server-side sessions: a browser's data, its cart, the links that it started; and the orders with their events.

The cookie has 32 random bytes; the database has only their hash. A session is stored from the first form that the
browser posts: looking at pages writes nothing. Links that a session started end with it.
"""

import hashlib
import re
import secrets
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
from handcart_client import Order
from handcart_client.receiver import Event, read_event

from storefront.carts import Cart, Placed

SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")
SESSION_SECONDS = 12 * 60 * 60
LINK_SECONDS = 10 * 60
LINKS_PER_SESSION = 5
ORDERS_SHOWN = 20
STANDING_SECONDS = 10 * 60  # after this time the platform is asked again, in case an event was lost

SCHEMA = """
CREATE TABLE IF NOT EXISTS sessions (
    id_hash    TEXT PRIMARY KEY,
    customer   TEXT,
    notice     TEXT,
    expires_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS sessions_expiry ON sessions (expires_at);
CREATE TABLE IF NOT EXISTS link_attempts (
    session_hash  TEXT NOT NULL REFERENCES sessions (id_hash) ON DELETE CASCADE,
    state_hash    TEXT NOT NULL,
    code_verifier TEXT NOT NULL,
    expires_at    REAL NOT NULL,
    PRIMARY KEY (session_hash, state_hash)
);
CREATE TABLE IF NOT EXISTS carts (
    session_hash TEXT PRIMARY KEY REFERENCES sessions (id_hash) ON DELETE CASCADE,
    cart         BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS orders (
    order_id  TEXT PRIMARY KEY,
    customer  TEXT NOT NULL,
    placed_at REAL NOT NULL,
    placed    BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS order_events (
    event_id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL,
    body     BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS order_events_order ON order_events (order_id);
-- version counts what has happened to an order; the platform was asked for it last at found_version
CREATE TABLE IF NOT EXISTS order_standings (
    order_id      TEXT PRIMARY KEY,
    version       INTEGER NOT NULL,
    found_version INTEGER,
    found_at      REAL,
    found         BLOB
);
"""


# Tables of earlier releases, which had one more column. Their sessions would have ended within hours.
OLD_SESSIONS = "DROP TABLE IF EXISTS carts; DROP TABLE IF EXISTS link_attempts; DROP TABLE IF EXISTS sessions;"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Session:
    """`id` is the cookie's value, `customer` a key of the shop's customers, None before sign-in.

    `is_kept`: the session is in the database. Until then it has no customer, cart or notice.
    """

    id: str = field(repr=False)
    customer: str | None = None
    is_kept: bool = False

    @property
    def form_token(self) -> str:
        """Proves that a form comes from a page of the browser with this cookie: nobody else can compute it."""
        return _hash(f"form token of {self.id}")


def new_session() -> Session:
    """A session that is not stored yet."""
    return Session(secrets.token_urlsafe(32))


@dataclass(frozen=True)
class LinkAttempt:
    code_verifier: str = field(repr=False)
    is_expired: bool


class Sessions:
    """Stores sessions in the SQLite file at `path`, or in memory if it is None. `now` returns Unix seconds."""

    def __init__(self, path: Path | None = None, now: Callable[[], float] = time.time) -> None:
        if path is not None:
            path.touch(mode=0o600)
        self._now = now
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.execute("PRAGMA foreign_keys = ON")
        if self._db.execute("PRAGMA user_version").fetchone()[0] < SCHEMA_VERSION:
            self._db.executescript(OLD_SESSIONS)
        self._db.executescript(f"{SCHEMA} PRAGMA user_version = {SCHEMA_VERSION};")

    def close(self) -> None:
        self._db.close()

    def start(self, customer: str | None = None) -> Session:
        """A stored session with a new id."""
        return self.keep(replace(new_session(), customer=customer))

    def keep(self, session: Session) -> Session:
        """Store a session. It ends after `SESSION_SECONDS`."""
        self._db.execute("DELETE FROM sessions WHERE expires_at <= ?", (self._now(),))
        self._db.execute(
            "INSERT OR IGNORE INTO sessions VALUES (?, ?, NULL, ?)",
            (_hash(session.id), session.customer, self._now() + SESSION_SECONDS),
        )
        return replace(session, is_kept=True)

    def find(self, session_id: str) -> Session | None:
        """The session of a cookie, stored or not; None if the shop did not make the cookie."""
        if not SESSION_ID.fullmatch(session_id):
            return None
        row = self._db.execute(
            "SELECT customer FROM sessions WHERE id_hash = ? AND expires_at > ?", (_hash(session_id), self._now())
        ).fetchone()
        return Session(session_id, row[0], is_kept=True) if row else Session(session_id)

    def end(self, session: Session) -> None:
        self._db.execute("DELETE FROM sessions WHERE id_hash = ?", (_hash(session.id),))

    def leave_notice(self, session: Session, notice: str) -> None:
        """Store the key of a notice for this browser's next page."""
        self._db.execute("UPDATE sessions SET notice = ? WHERE id_hash = ?", (notice, _hash(session.id)))

    def take_notice(self, session: Session) -> str | None:
        if not session.is_kept:
            return None
        row = self._db.execute("SELECT notice FROM sessions WHERE id_hash = ?", (_hash(session.id),)).fetchone()
        if row is None or row[0] is None:
            return None
        self._db.execute("UPDATE sessions SET notice = NULL WHERE id_hash = ?", (_hash(session.id),))
        return str(row[0])

    def begin_link(self, session: Session, state: str, code_verifier: str) -> None:
        """Store a link that this browser starts. Several tabs can; only the newest `LINKS_PER_SESSION` are kept."""
        self._db.execute(
            "INSERT INTO link_attempts VALUES (?, ?, ?, ?)",
            (_hash(session.id), _hash(state), code_verifier, self._now() + LINK_SECONDS),
        )
        self._db.execute(
            "DELETE FROM link_attempts WHERE session_hash = :session AND rowid NOT IN"
            " (SELECT rowid FROM link_attempts WHERE session_hash = :session ORDER BY rowid DESC LIMIT :kept)",
            {"session": _hash(session.id), "kept": LINKS_PER_SESSION},
        )

    def claim_link(self, session: Session, state: str) -> LinkAttempt | None:
        """Take the link that this session started with `state`, once; None if there is none or it was taken.

        One statement claims it, so a second answer with the same state finds nothing. The look-up is by hash:
        its timing says nothing about the value.
        """
        row = self._db.execute(
            "DELETE FROM link_attempts WHERE session_hash = ? AND state_hash = ? RETURNING code_verifier, expires_at",
            (_hash(session.id), _hash(state)),
        ).fetchone()
        return LinkAttempt(row[0], is_expired=row[1] <= self._now()) if row else None

    def cart(self, session: Session) -> Cart:
        """The cart of a session, empty at first."""
        if not session.is_kept:
            return Cart()
        row = self._db.execute("SELECT cart FROM carts WHERE session_hash = ?", (_hash(session.id),)).fetchone()
        return msgspec.json.decode(row[0], type=Cart) if row else Cart()

    def keep_cart(self, session: Session, cart: Cart) -> None:
        self._db.execute("INSERT OR REPLACE INTO carts VALUES (?, ?)", (_hash(session.id), msgspec.json.encode(cart)))

    def keep_order(self, customer: str, placed: Placed) -> None:
        """Store a new or changed order."""
        self._db.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET placed = excluded.placed",
            (placed.order_id, customer, self._now(), msgspec.json.encode(placed)),
        )

    def order(self, customer: str, order_id: str) -> Placed | None:
        """A customer's order; None for another customer's order."""
        row = self._db.execute(
            "SELECT placed FROM orders WHERE order_id = ? AND customer = ?", (order_id, customer)
        ).fetchone()
        return msgspec.json.decode(row[0], type=Placed) if row else None

    def orders(self, customer: str) -> list[Placed]:
        """A customer's latest orders, the newest first."""
        rows = self._db.execute(
            "SELECT placed FROM orders WHERE customer = ? ORDER BY placed_at DESC, rowid DESC LIMIT ?",
            (customer, ORDERS_SHOWN),
        )
        return [msgspec.json.decode(row[0], type=Placed) for row in rows]

    def keep_event(self, order_id: str, event: Event) -> bool:
        """Store an event of an order; False if it is stored already."""
        known = "SELECT 1 FROM order_events WHERE event_id = ?"
        if self._db.execute(known, (str(event.event_id),)).fetchone():
            return False
        # First: if the event is lost after this, the platform is only asked once more.
        self.outdate_order(order_id)
        body = msgspec.json.encode(event.raw)
        self._db.execute("INSERT INTO order_events VALUES (?, ?, ?)", (str(event.event_id), order_id, body))
        return True

    def events(self, order_id: str) -> list[Event]:
        """The events of an order in chronological order, even if they arrived in another order."""
        rows = self._db.execute("SELECT body FROM order_events WHERE order_id = ?", (order_id,))
        return sorted((read_event(row[0]) for row in rows), key=lambda event: (event.event_timestamp, event.event_id))

    def outdate_order(self, order_id: str) -> None:
        """Note a change of an order: its stored state is stale."""
        self._db.execute(
            "INSERT INTO order_standings (order_id, version) VALUES (?, 1)"
            " ON CONFLICT DO UPDATE SET version = version + 1",
            (order_id,),
        )

    def order_version(self, order_id: str) -> int:
        """The number of changes of an order."""
        row = self._db.execute("SELECT version FROM order_standings WHERE order_id = ?", (order_id,)).fetchone()
        return int(row[0]) if row else 0

    def keep_standing(self, found: Order, version: int) -> None:
        """Store the platform's state of an order, read at this version of the order."""
        self._db.execute(
            "INSERT INTO order_standings VALUES (:id, :version, :version, :now, :found) ON CONFLICT DO UPDATE"
            " SET found_version = excluded.found_version, found_at = excluded.found_at, found = excluded.found",
            {"id": found.id, "version": version, "now": self._now(), "found": msgspec.json.encode(found)},
        )

    def standing(self, order_id: str) -> Order | None:
        """The stored state of an order; None if the order has changed since, or the state is too old."""
        row = self._db.execute(
            "SELECT found FROM order_standings WHERE order_id = ? AND found_version = version AND found_at > ?",
            (order_id, self._now() - STANDING_SECONDS),
        ).fetchone()
        return msgspec.json.decode(row[0], type=Order) if row else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
