"""Migrate a database to the schema of this release. Only this module loads Alembic and SQLAlchemy."""

import asyncio
import fcntl
import os
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from handcart.core import clock, settings
from handcart.core.db import Tx, Unavailable
from handcart.core.db.connect import check_url, connect, is_postgres, sqlite_path
from handcart.core.errors import Refused
from handcart.core.secret import Keys
from handcart.core.settings import Settings, SettingsError
from handcart.migrations import SCHEMA_VERSION

_SCRIPTS = Path(__file__).parents[2] / "migrations"
_BOUND = "SELECT value FROM installation WHERE name = 'secret_key_fingerprint'"


def migrate(url: str, keys: Keys) -> None:
    """Create or update the database's tables, and bind the database to the secret key.

    An SQLite file is created with mode 0600. Raises `WrongKey`, without changes, if another key is bound already;
    `Unavailable` if the database cannot be reached.
    """
    bound = bound_key(url)
    if bound not in (None, keys.fingerprint):
        raise WrongKey(bound, keys.fingerprint)
    if is_postgres(url):
        asyncio.run(_upgrade_postgres(url))
    else:
        _upgrade_sqlite(sqlite_path(url))
    asyncio.run(_bind_key(url, keys))


class WrongKey(Refused):
    """The database belongs to another secret key, so no stored secret can be verified with this one.

    `bound`: the fingerprint of the database's key; None if it has none. `given`: the fingerprint of the key in use.
    """

    def __init__(self, bound: str | None, given: str) -> None:
        super().__init__(
            "the secret key does not belong to this database: set HANDCART_SECRET_KEY (or HANDCART_SECRET_KEY_FILE) "
            f"to the key that the database was created with (its fingerprint is {bound or 'unknown'}, that of the key"
            f" in use is {given}: see `handcart key show`)"
        )


def keys_for(chosen: Settings) -> Keys:
    """The installation's keys; creates a key file if neither the database nor the key file exists.

    Raises `SettingsError` if the database exists and its key does not: a new key could not read its secrets.
    """
    bound = bound_key(chosen.database_url)
    if bound is not None and not chosen.secret_key and not chosen.key_file.exists():
        raise SettingsError(
            f"the database was made with a secret key that is not at {chosen.key_file}: copy that key there, or set"
            f" HANDCART_SECRET_KEY_FILE (its fingerprint is {bound}; a backup of the database does not contain the key)"
        )
    return settings.keys(chosen, may_make=bound is None)


def bound_key(url: str) -> str | None:
    """The fingerprint of the secret key that a database belongs to; None before its first migration.

    Works without the key. Raises `Unavailable` if the database cannot be read.
    """
    if is_postgres(url):
        return asyncio.run(_bound_on_postgres(url))
    return bound_in_file(Path(sqlite_path(url)))


def bound_in_file(file: Path) -> str | None:
    """As `bound_key`, for an SQLite file."""
    import sqlite3

    if not file.exists() or not file.stat().st_size:
        return None
    with closing(sqlite3.connect(file)) as connection:
        try:
            row = connection.execute(_BOUND).fetchone()
        except sqlite3.DatabaseError as error:
            if "no such table" in str(error):
                return None
            raise Unavailable(f"cannot migrate {file}: {error}") from error
    return row[0] if row else None


async def _bound_on_postgres(url: str) -> str | None:
    import asyncpg

    from handcart.core.db.postgres import without_pooler

    check_url(url)
    url, _ = without_pooler(url)
    try:
        connection = await asyncpg.connect(url, timeout=5, statement_cache_size=0)
        try:
            async with connection.transaction():
                found: str | None = await connection.fetchval(_BOUND)
        finally:
            await connection.close()
    except asyncpg.UndefinedTableError:
        return None
    except (OSError, OverflowError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unavailable(f"cannot migrate the PostgreSQL database: {error}") from error
    except ValueError:  # its text contains a part of the URL, which may be the password
        raise Unavailable("cannot migrate the PostgreSQL database: its URL cannot be read") from None
    return found


async def schema_version(tx: Tx) -> str | None:
    """The newest migration of the database; None before the first one."""
    try:
        row = await tx.one("SELECT version_num FROM alembic_version")
    except Exception as error:  # the two drivers have no common class for a missing table
        if "alembic_version" not in str(error):
            raise
        return None
    return row["version_num"] if row else None


async def check_schema(tx: Tx) -> None:
    """Check that the database fits this release and key; raises `Unavailable` or `WrongKey`, which say what to do."""
    await check_version(tx)
    row = await tx.one(_BOUND)
    bound = row["value"] if row else None
    if bound != tx.keys.fingerprint:
        raise WrongKey(bound, tx.keys.fingerprint)


async def check_version(tx: Tx) -> None:
    """Check that the database fits this release; raises `Unavailable`, which says what to do."""
    version = await schema_version(tx)
    if version != SCHEMA_VERSION:
        found = "no tables" if version is None else f"schema {version}"
        raise Unavailable(f"the database has {found}, this release needs {SCHEMA_VERSION}: run `handcart migrate`")


def _create_private(file: Path) -> None:
    """Create an empty file that only its owner can read. An existing file is not opened.

    To close any descriptor of a database drops all locks that SQLite holds on it for this process (fcntl(2),
    sqlite.org/howtocorrupt.html section 2.2).
    """
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _upgrade_sqlite(path: str) -> None:
    import sqlalchemy as sa
    from sqlalchemy.exc import DatabaseError

    from handcart.core.db import sqlite

    file = Path(path)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    in_use = sqlite.use(path)
    _create_private(file)
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
    lock = sqlite.open_lock(path, sqlite.WRITE_LOCK)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # concurrent migrations run one after another
        with engine.connect() as connection:
            # Set only here: setting it per connection would race between processes.
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            connection.commit()
        with engine.begin() as connection:
            _run_alembic(connection)
    except DatabaseError as error:
        raise Unavailable(f"cannot migrate {path}: {error.orig}") from error
    finally:
        os.close(lock)
        engine.dispose()
        os.close(in_use)


async def _upgrade_postgres(url: str) -> None:
    import asyncpg
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    from handcart.core.db.postgres import without_pooler

    url, _ = without_pooler(url)

    async def connect(*_: Any, **__: Any) -> Any:
        return await asyncpg.connect(url, timeout=5, statement_cache_size=0)

    # Statements without names: behind a pooler, a connection to the server has those of other clients.
    unnamed = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": str}
    engine = create_async_engine(
        "postgresql+asyncpg://", connect_args={"async_creator_fn": connect, **unnamed}, poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            # Concurrent migrations run one after another; this is the maximum duration of one.
            await connection.exec_driver_sql("SET LOCAL lock_timeout = '5min'")
            await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7140227)")
            await connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
            await connection.run_sync(_run_alembic)
    except (OSError, OverflowError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as error:
        raise Unavailable(f"cannot migrate the PostgreSQL database: {getattr(error, 'orig', error)}") from error
    finally:
        await engine.dispose()


def _run_alembic(connection: Any) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def _bind_key(url: str, keys: Keys) -> None:
    database = await connect(url, keys, pool_size=1)
    try:
        await database.write(_remember_key)
        await database.read(check_schema)
    finally:
        await database.close()


async def _remember_key(tx: Tx) -> None:
    await tx.run(
        "INSERT INTO installation (name, value) VALUES ('secret_key_fingerprint', $1), ('created_at', $2)"
        " ON CONFLICT (name) DO NOTHING",
        tx.keys.fingerprint,
        str(clock.of_process()),
    )
