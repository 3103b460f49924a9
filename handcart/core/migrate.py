"""Bring a database to the schema of this release. Alembic and SQLAlchemy are loaded here and nowhere else."""

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Any

from handcart.core import clock, stores
from handcart.core.db import Tx, Unavailable
from handcart.core.secret import Keys
from handcart.core.stores import is_postgres, sqlite_path
from handcart.migrations import SCHEMA_VERSION

_SCRIPTS = Path(__file__).parent.parent / "migrations"


def migrate(url: str, keys: Keys) -> None:
    """Create the database's tables, or bring them up to date, and bind the database to the secret key.

    An SQLite file is created with mode 0600. Raises `WrongKey` if another key was bound before, `Unavailable` if the
    store cannot be reached.
    """
    if is_postgres(url):
        asyncio.run(_upgrade_postgres(url))
    else:
        _upgrade_sqlite(sqlite_path(url))
    asyncio.run(_bind_key(url, keys))


class WrongKey(Exception):
    """The database was made with another secret key: no stored secret could be verified with this one."""

    def __init__(self) -> None:
        super().__init__(
            "the secret key does not belong to this database: set HANDCART_SECRET_KEY (or HANDCART_SECRET_KEY_FILE) "
            "to the key that the database was created with"
        )


async def schema_version(tx: Tx) -> str | None:
    """The newest step that the database has, or None before the first one."""
    try:
        row = await tx.one("SELECT version_num FROM alembic_version")
    except Exception as error:  # the two drivers have no common class for a missing table
        if "alembic_version" not in str(error):
            raise
        return None
    return row["version_num"] if row else None


async def check_schema(tx: Tx) -> None:
    """Refuse a database of another release or another key; raises `Unavailable` or `WrongKey` with what to do."""
    await check_version(tx)
    row = await tx.one("SELECT value FROM installation WHERE name = 'secret_key_fingerprint'")
    if row is None or row["value"] != tx.keys.fingerprint:
        raise WrongKey


async def check_version(tx: Tx) -> None:
    """Refuse a database of another release; raises `Unavailable` with what to do."""
    version = await schema_version(tx)
    if version != SCHEMA_VERSION:
        found = "no tables" if version is None else f"schema {version}"
        raise Unavailable(f"the database has {found}, this release needs {SCHEMA_VERSION}: run `handcart migrate`")


async def remember_public_url(tx: Tx, public_url: str) -> None:
    """Keep where the server is reached, for the commands that print addresses."""
    await tx.run(
        "INSERT INTO installation (name, value) VALUES ('public_url', $1)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        public_url,
    )


async def public_url(tx: Tx) -> str:
    """Where the server was last reached; empty before its first start."""
    row = await tx.one("SELECT value FROM installation WHERE name = 'public_url'")
    return row["value"] if row else ""


def _upgrade_sqlite(path: str) -> None:
    import sqlalchemy as sa
    from sqlalchemy.exc import DatabaseError

    file = Path(path)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
    lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two operators who migrate at once wait for each other
        with engine.connect() as connection:
            # Set once, here: switching at each connection would race between processes.
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            connection.commit()
        with engine.begin() as connection:
            _run_alembic(connection)
    except DatabaseError as error:
        raise Unavailable(f"cannot migrate {path}: {error.orig}") from error
    finally:
        os.close(lock)
        engine.dispose()


async def _upgrade_postgres(url: str) -> None:
    import asyncpg
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    async def connect() -> Any:
        return await asyncpg.connect(url, timeout=5, server_settings={"lock_timeout": "5s"})

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            # Two operators who migrate at once wait for each other, as long as a migration may take.
            await connection.exec_driver_sql("SET LOCAL lock_timeout = '5min'")
            await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7140227)")
            await connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
            await connection.run_sync(_run_alembic)
    except (OSError, ValueError, OverflowError, asyncpg.PostgresError, SQLAlchemyError) as error:
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
    database = await stores.connect(url, keys, pool_size=1)
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
