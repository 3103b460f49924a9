"""Remember handled events, so that each is handled once: an event may arrive again by a retry or a replay."""

import secrets
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import Protocol

DAY = 24 * 60 * 60


class Claim(Enum):
    """The result of claiming an event."""

    NEW = "new"
    """The caller has the event, and must `keep` or `release` it."""
    BUSY = "busy"
    """Another caller is handling it now."""
    SEEN = "seen"
    """It was already handled."""


class Seen(Protocol):
    """Remembers event ids. Called from several threads at once."""

    def claim(self, event_id: int) -> Claim: ...

    def keep(self, event_id: int) -> None:
        """Record that the event was handled."""
        ...

    def release(self, event_id: int) -> None:
        """Record that handling failed, so that the next arrival is handled."""
        ...


class MemorySeen:
    """In memory, for one process. Over `limit` events (10 MB by default) the oldest is forgotten."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._lock = Lock()
        self._busy: set[int] = set()
        self._handled: set[int] = set()
        self._oldest: deque[int] = deque()

    def claim(self, event_id: int) -> Claim:
        with self._lock:
            if event_id in self._handled:
                return Claim.SEEN
            if event_id in self._busy:
                return Claim.BUSY
            self._busy.add(event_id)
            return Claim.NEW

    def keep(self, event_id: int) -> None:
        with self._lock:
            self._busy.discard(event_id)
            if event_id not in self._handled:
                self._handled.add(event_id)
                self._oldest.append(event_id)
            if len(self._oldest) > self._limit:
                self._handled.discard(self._oldest.popleft())

    def release(self, event_id: int) -> None:
        with self._lock:
            self._busy.discard(event_id)


class SqliteSeen:
    """In an SQLite file that all processes of a machine share, also after restarts.

    lease_seconds: after this time the claim of a dead process ends. A handler must be faster, or it may be called again
    while it runs. keep_days: how long an event is remembered; longer than any sender retries.
    A power failure may lose the latest events, but not the file.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        keep_days: float = 30,
        lease_seconds: float = 120,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = Path(path)
        self._path.touch(mode=0o600)
        self._keep_seconds = keep_days * DAY
        self._lease_seconds = lease_seconds
        self._now = now
        self._lock = Lock()
        self._owner = secrets.token_hex(8)
        self._db: sqlite3.Connection | None = None  # opened at first use, after a server has forked

    def close(self) -> None:
        with self._lock:
            if self._db:
                self._db.close()
            self._db = None

    def claim(self, event_id: int) -> Claim:
        now = self._now()
        taken = self._execute(
            "INSERT INTO seen_events VALUES (:id, :owner, :until, :now) ON CONFLICT (event_id) DO UPDATE"
            " SET owner = excluded.owner, leased_until = excluded.leased_until WHERE leased_until <= :now RETURNING 1",
            {"id": str(event_id), "owner": self._owner, "until": now + self._lease_seconds, "now": now},
        )
        if taken:
            return Claim.NEW
        found = self._execute("SELECT leased_until FROM seen_events WHERE event_id = :id", {"id": str(event_id)})
        return Claim.SEEN if found == [(None,)] else Claim.BUSY

    def keep(self, event_id: int) -> None:
        now = self._now()
        self._execute(
            "INSERT INTO seen_events VALUES (:id, :owner, NULL, :now) ON CONFLICT (event_id) DO UPDATE"
            " SET leased_until = NULL",
            {"id": str(event_id), "owner": self._owner, "now": now},
        )
        self._execute(
            "DELETE FROM seen_events WHERE event_id IN"
            " (SELECT event_id FROM seen_events WHERE since < :since LIMIT 10)",
            {"since": now - self._keep_seconds},
        )

    def release(self, event_id: int) -> None:
        self._execute(
            "DELETE FROM seen_events WHERE event_id = :id AND owner = :owner AND leased_until IS NOT NULL",
            {"id": str(event_id), "owner": self._owner},
        )

    def _execute(self, sql: str, values: dict[str, object]) -> list[tuple[object, ...]]:
        with self._lock:
            if self._db is None:
                self._db = _open(self._path)
            return self._db.execute(sql, values).fetchall()


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    # Ids are texts, because a 64-bit id may exceed SQLite's integers.
    db.executescript("""
        CREATE TABLE IF NOT EXISTS seen_events (
            event_id     TEXT PRIMARY KEY,
            owner        TEXT NOT NULL,
            leased_until REAL,
            since        REAL NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS seen_events_since ON seen_events (since);
    """)
    return db
