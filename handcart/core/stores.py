"""Opening the store that a database URL names; only the driver in use is loaded, for the sake of start-up time."""

from handcart.core.db import Database
from handcart.core.secret import Keys


class BadDatabaseUrl(ValueError):
    """A URL that names no store; the text says what to write."""


async def connect(url: str, keys: Keys, pool_size: int = 10) -> Database:
    """Open the store at `url`: `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://...`.

    Raises `BadDatabaseUrl` for any other URL, `Unavailable` if it cannot be opened.
    """
    if is_postgres(url):
        from handcart.core.db_postgres import PostgresDatabase

        return await PostgresDatabase.connect(url, keys, pool_size)
    path = sqlite_path(url)
    from handcart.core.db_sqlite import SqliteDatabase

    return SqliteDatabase(path, keys)


def is_postgres(url: str) -> bool:
    """Whether the URL names a PostgreSQL server."""
    return url.startswith(("postgresql://", "postgres://"))


def sqlite_path(url: str) -> str:
    """The file of an SQLite URL; three slashes lead to a relative path, four to an absolute one."""
    path = url.removeprefix("sqlite:///")
    if path in ("", ":memory:", url):
        # Not the URL itself: it may hold a password.
        raise BadDatabaseUrl("cannot use this database URL: write sqlite:///path/to/file.db or postgresql://...")
    return path
