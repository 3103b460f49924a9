"""Open the database of a database URL. Only the driver in use is loaded, for a faster start."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from handcart.core.db import Database
from handcart.core.errors import Refused
from handcart.core.secret import Keys

# One host and port or several, separated by commas; the host may be missing (RFC 3986 3.2, and libpq's lists).
_HOSTS = re.compile(r"(\[[0-9A-Fa-f:.]*\]|[^:\[\]]*)(:[0-9]+)?")


class BadDatabaseUrl(Refused):
    """An invalid database URL; the text says what to write."""


class BadCopy(Refused):
    """A file that is not a usable copy of a Handcart database, or cannot become one; the text says what to do."""


async def connect(
    url: str, keys: Keys, pool_size: int = 10, *, may_only_read: bool = False, public_url: str = ""
) -> Database:
    """Open the database at `url`: `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://...`.

    A PostgreSQL URL with `?pooler=transaction` names PgBouncer in transaction mode.

    `may_only_read`: accept an SQLite file that this user cannot write, for a read-only command. `public_url`: the
    installation's URL, for links that operations make.
    Raises `BadDatabaseUrl` for any other URL, `Unavailable` if it cannot be opened.
    """
    if is_postgres(url):
        from handcart.core.db.postgres import PostgresDatabase

        check_url(url)
        return await PostgresDatabase.connect(url, keys, pool_size, public_url)
    path = sqlite_path(url)
    from handcart.core.db.sqlite import open_file

    return open_file(path, keys, may_only_read, public_url)


@contextmanager
def in_use(url: str) -> Iterator[None]:
    """Mark an SQLite database as used by this process, so that it is not restored until the block ends.

    For a process that starts others and opens no database itself. Raises `Unavailable` as `connect` does.
    """
    if is_postgres(url):
        yield
        return
    from handcart.core.db import sqlite

    descriptor = sqlite.use(sqlite_path(url))
    try:
        yield
    finally:
        os.close(descriptor)


def is_postgres(url: str) -> bool:
    """Whether the URL names a PostgreSQL server."""
    return url.startswith(("postgresql://", "postgres://"))


def check_url(url: str) -> None:
    """Refuse a PostgreSQL URL with unencoded special characters: a part of the password would be read as another part.

    Raises `BadDatabaseUrl`, which contains no part of the URL, since messages end up in logs.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets without an address
        raise _unreadable() from None
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if "#" in url or "@" in parts.path + parts.query or not all(map(_HOSTS.fullmatch, hosts)):
        raise _unreadable()


def _unreadable() -> BadDatabaseUrl:
    return BadDatabaseUrl(
        "the database URL cannot be read: in the user name and the password encode special characters, such as"
        " %23 for #, %2F for /, %3A for :, %3F for ?, %40 for @"
    )


def sqlite_path(url: str) -> str:
    """The file of an SQLite URL; three slashes lead to a relative path, four to an absolute one."""
    path = url.removeprefix("sqlite:///")
    if path in ("", ":memory:", url):
        # Without the URL, which may contain a password.
        raise BadDatabaseUrl("cannot use this database URL: write sqlite:///path/to/file.db or postgresql://...")
    return path
