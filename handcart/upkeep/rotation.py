"""Replace an installation's secret key: `handcart key rotate`.

Hashes are hashed again and sealed secrets sealed again, in one transaction, so that tokens, client secrets and links
keep working. This module knows the tables of all domains; a test compares them with the schema.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from handcart.core import settings
from handcart.core.db import Row, Tx, Unavailable, no_installation
from handcart.core.db.connect import is_postgres, sqlite_path
from handcart.core.db.migrate import bound_key, check_schema
from handcart.core.secret import Keys
from handcart.core.settings import Settings, SettingsError
from handcart.staff import audit
from handcart.staff.models import command_line

# Called with the current step, the amount done, and the total.
Progress = Callable[[str, int, int], None]
_BATCH = 1000
_STEP = 20_000


@dataclass(frozen=True)
class Column:
    """A column whose values depend on the secret key; `key`: the columns that identify a row."""

    table: str
    name: str
    key: Sequence[str]


HASHED = (
    Column("client_secrets", "secret_hash", ("client_id", "secret_hash")),
    Column("authorization_codes", "code_hash", ("code_hash",)),
    Column("tokens", "code_hash", ("token_hash",)),
    Column("tokens", "token_hash", ("token_hash",)),
    Column("deleted_users", "user_id_hash", ("isolation_id", "user_id_hash")),
    Column("links", "token_hash", ("isolation_id", "user_id")),
    Column("one_time_links", "token_hash", ("token_hash",)),
    Column("messages", "address_hash", ("id",)),
    Column("suppressions", "address_hash", ("channel", "address_hash")),
    Column("push_subscriptions", "endpoint_hash", ("id",)),
    Column("replies", "address_hash", ("gateway", "id")),
)
SEALED = (
    Column("signatures", "strokes", ("retailer_id", "order_id")),
    *(
        Column("webhooks", name, ("retailer_id", "id"))
        for name in ("client_secret", "signing_secret", "old_signing_secret")
    ),
    Column("messages", "address", ("id",)),
    Column("messages", "content", ("id",)),
    Column("push_subscriptions", "subscription", ("id",)),
    Column("vapid_keys", "private_key", ("id",)),
    Column("replies", "content", ("gateway", "id")),
)
# Tables that are emptied: sign-in sessions, pending authorizations, and counts of rate limits.
ENDED = ("sessions", "authorization_requests", "rate_limits")


@dataclass(frozen=True)
class Rotated:
    """The result of a rotation: fingerprints of both keys, the path of the old key, and counts."""

    fingerprint: str
    old_fingerprint: str
    old_key: Path
    hashed: int
    sealed: int
    sessions: int


def rotate(chosen: Settings, progress: Progress) -> Rotated:
    """Give the installation a new secret key, and keep the old one beside it for old backups.

    The new key is on disk before the database is changed; after an interrupted rotation, run it again.
    Raises `Unavailable` while servers or other commands use the database, `SettingsError` if the key is not in a file.
    """
    if chosen.secret_key:
        raise SettingsError(
            "the secret key is in HANDCART_SECRET_KEY, which this command cannot change: write the key into a file of"
            " mode 0600, set HANDCART_SECRET_KEY_FILE to this file instead, then rotate"
        )
    file, coming = chosen.key_file, chosen.key_file.with_name(f"{chosen.key_file.name}.next")
    old = settings.keys(chosen)
    bound = bound_key(chosen.database_url)
    if bound is None:
        if is_postgres(chosen.database_url):
            raise Unavailable("the database has no tables: run `handcart migrate` first")
        raise Unavailable(no_installation(sqlite_path(chosen.database_url)))
    if coming.exists() and settings.read_keys(coming.read_text().strip()).fingerprint == bound:
        return _swap(file, coming, old, settings.read_keys(coming.read_text().strip()), (0, 0, 0))
    coming.unlink(missing_ok=True)
    text = settings.new_key(old)
    new = settings.read_keys(text)
    settings.write_private(coming, text)
    _give(coming, file)
    try:
        counts = _write(chosen.database_url, old, new, progress)
    except BaseException:
        if bound_key(chosen.database_url) != new.fingerprint:
            coming.unlink()
        raise
    return _swap(file, coming, old, new, counts)


def _swap(file: Path, coming: Path, old: Keys, new: Keys, counts: tuple[int, int, int]) -> Rotated:
    kept = file.with_name(f"{file.name}.{old.fingerprint}")
    if not kept.exists():
        os.link(file, kept)
    os.replace(coming, file)
    descriptor = os.open(file.parent, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    return Rotated(new.fingerprint, old.fingerprint, kept, *counts)


def _give(file: Path, like: Path) -> None:
    """Give a file that root created to the owner of another file."""
    if os.geteuid() == 0:
        os.chown(file, like.stat().st_uid, like.stat().st_gid)


def _write(url: str, old: Keys, new: Keys, progress: Progress) -> tuple[int, int, int]:
    if not is_postgres(url):
        from handcart.core.db.sqlite import write_alone

        return write_alone(sqlite_path(url), old, _rotate, new, progress)
    return asyncio.run(_write_on_postgres(url, old, new, progress))


async def _write_on_postgres(url: str, old: Keys, new: Keys, progress: Progress) -> tuple[int, int, int]:
    from handcart.core.db.postgres import PostgresDatabase

    database = await PostgresDatabase.connect(url, old, 1)
    try:
        return await database.write(_rotate_alone, new, progress)
    finally:
        await database.close()


async def _rotate_alone(tx: Tx, new: Keys, progress: Progress) -> tuple[int, int, int]:
    """As `_rotate`, for PostgreSQL: refuses while servers run, and locks the fingerprint that starting servers read."""
    await tx.one("SELECT set_config('statement_timeout', '0', true)")
    await tx.all("LOCK TABLE installation IN ACCESS EXCLUSIVE MODE")
    from handcart.core.db.postgres import OTHERS

    row = await tx.one(OTHERS)
    assert row is not None
    if row["others"]:
        raise Unavailable(
            f"{row['others']} connections of Handcart are open: stop `handcart serve`, `handcart worker` and other"
            " commands on every machine first"
        )
    return await _rotate(tx, new, progress)


async def _rotate(tx: Tx, new: Keys, progress: Progress) -> tuple[int, int, int]:
    await check_schema(tx)
    hashed = sealed = 0
    for column in HASHED:
        hashed += await _change(tx, column, new.hash_again, progress)
    for column in SEALED:
        sealed += await _change(tx, column, lambda secret: new.seal(tx.keys.open(secret)), progress)
    ended = [await tx.run(f"DELETE FROM {table}") for table in ENDED]  # noqa: S608 (the names above)
    await tx.run("UPDATE installation SET value = $1 WHERE name = 'secret_key_fingerprint'", new.fingerprint)
    detail = {"fingerprint": new.fingerprint, "old_fingerprint": tx.keys.fingerprint}
    await audit.record(tx, command_line(), "handcart key rotate", "installation", detail=detail)
    return hashed, sealed, ended[0]


async def _change(tx: Tx, column: Column, change: Callable[[bytes], bytes], progress: Progress) -> int:
    """Change every value of a column; returns their number."""
    rows = [row for row in await _values(tx, column) if row[column.name]]  # values of deleted webhooks are empty
    where = " AND ".join(f"{name} = ${place}" for place, name in enumerate(column.key, 2))
    update = f"UPDATE {column.table} SET {column.name} = $1 WHERE {where}"  # noqa: S608 (the names above)
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        await tx.many(update, [(change(bytes(value)), *key) for value, *key in batch])
        progress(f"Changing {column.table}", start + len(batch), len(rows))
    return len(rows)


async def _values(tx: Tx, column: Column) -> list[Row]:
    """All values of a column with the keys of their rows, read in steps, so that no statement takes long.

    Values are changed only after all are read; otherwise a row whose key changes could be read twice.
    """
    names = ", ".join(column.key)
    later = ", ".join(f"${place}" for place in range(2, len(column.key) + 2))
    select = f"SELECT {column.name}, {names} FROM {column.table} WHERE {column.name} IS NOT NULL"  # noqa: S608
    rest = f"ORDER BY {names} LIMIT $1"
    rows = list(await tx.all(f"{select} {rest}", _STEP))
    last = rows
    while len(last) == _STEP:
        last = list(await tx.all(f"{select} AND ({names}) > ({later}) {rest}", _STEP, *tuple(last[-1])[1:]))
        rows += last
    return rows
