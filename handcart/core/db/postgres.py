"""PostgreSQL through asyncpg: a pool, prepared statements, no reset query when a connection is released.

So session state (`SET`, advisory locks, `LISTEN`) must never be used on these connections, only transaction-local
forms.

Behind a pooler of transactions (`?pooler=transaction` in the URL), each op is a transaction, statements have no names,
and the limits are set in each transaction in place of start-up parameters.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from handcart.core import log
from handcart.core.db import Op, P, Row, T, Tx, Unavailable
from handcart.core.secret import Keys

_CONNECT_SECONDS = 3
_POOL_WAIT_SECONDS = 2
# The server cancels a statement after 5 s, see below. If it does not, it is considered dead and the connection closed.
_STATEMENT_SECONDS = 6
_RELEASE_SECONDS = 1
_CLOSE_SECONDS = 5
_SERVER_SETTINGS = {
    "application_name": "handcart",
    "statement_timeout": "5s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_user_timeout": "5000",
    "default_transaction_isolation": "read committed",
}
# The limits that belong to a transaction, and how a pooler of transactions gets them.
_IN_TRANSACTION = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
_SET_LIMITS = "; ".join(f"SET LOCAL {name} = '{_SERVER_SETTINGS[name]}'" for name in _IN_TRANSACTION)
_PAGE = "docs/operations/pooler.md"
# Temporary errors; anything else that asyncpg raises is a defect of Handcart.
PASSING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server is closing the connection
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)

# The number of connections of Handcart's other processes to the same database.
OTHERS = (
    "SELECT count(*) AS others FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = current_setting('application_name') AND pid <> pg_backend_pid()"
)


class PostgresTx:
    """`core.db.Tx` on one connection."""

    def __init__(self, connection: Any, keys: Keys, public_url: str = "") -> None:
        self._connection = connection
        self.keys = keys
        self.public_url = public_url

    async def one(self, sql: str, *args: Any) -> Row | None:
        return await self._connection.fetchrow(sql, *args)

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        rows: Sequence[Row] = await self._connection.fetch(sql, *args)
        return rows

    async def run(self, sql: str, *args: Any) -> int:
        status: str = await self._connection.execute(sql, *args)
        return int(status.rpartition(" ")[2])

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        await self._connection.executemany(sql, rows)

    async def attempt(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._connection.transaction():
            return await op(self, *args, **kwargs)


class _SingleStatement(PostgresTx):
    """Allows only one statement, because each statement is its own transaction."""

    _is_spent = False

    async def one(self, sql: str, *args: Any) -> Row | None:
        self._spend()
        return await super().one(sql, *args)

    async def all(self, sql: str, *args: Any) -> Sequence[Row]:
        self._spend()
        return await super().all(sql, *args)

    async def run(self, sql: str, *args: Any) -> int:
        self._spend()
        return await super().run(sql, *args)

    async def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        raise RuntimeError("an op of one single statement ran several")

    async def attempt(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        raise RuntimeError("an op of one single statement cannot be undone in part")

    def _spend(self) -> None:
        if self._is_spent:
            raise RuntimeError("an op of one single statement ran a second one")
        self._is_spent = True


class PostgresDatabase:
    """`core.db.Database` on one server."""

    kind = "postgresql"

    def __init__(self, pool: Any, keys: Keys, public_url: str = "", *, is_pooled: bool = False) -> None:
        self._pool = pool
        self._is_pooled = is_pooled
        self.keys = keys
        self.public_url = public_url

    @classmethod
    async def connect(cls, url: str, keys: Keys, pool_size: int, public_url: str = "") -> "PostgresDatabase":
        url, is_pooled = without_pooler(url)
        how: dict[str, Any] = {"server_settings": _SERVER_SETTINGS}
        if is_pooled:
            how = {"server_settings": {"application_name": "handcart"}, "statement_cache_size": 0}
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=pool_size,
                timeout=_CONNECT_SECONDS,
                command_timeout=_STATEMENT_SECONDS,
                reset=_leave_as_it_is,
                **how,
            )
        except asyncpg.ProtocolViolationError as error:
            hint = "" if "startup parameter" not in str(error) else f": {_ASK_FOR_POOLER}"
            raise Unavailable(f"cannot open the PostgreSQL database: {error}{hint}") from error
        except (*PASSING, asyncpg.PostgresError, OverflowError) as error:  # OverflowError: a port over 65535
            raise Unavailable(f"cannot open the PostgreSQL database: {error}") from error
        except ValueError:  # its text contains a part of the URL, which may be the password
            raise Unavailable("cannot open the PostgreSQL database: its URL cannot be read") from None
        database = cls(pool, keys, public_url, is_pooled=is_pooled)
        try:
            await database.read(_check_limits)
        except BaseException:
            await database.close()
            raise
        return database

    async def read(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._is_pooled:
            return await self.write(op, *args, **kwargs)
        async with self._connection() as connection:
            return await op(PostgresTx(connection, self.keys, self.public_url), *args, **kwargs)

    async def write(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._connection() as connection, connection.transaction():
            if self._is_pooled:
                await connection.execute(_SET_LIMITS)
            return await op(PostgresTx(connection, self.keys, self.public_url), *args, **kwargs)

    async def write_statement(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._connection() as connection, self._unnamed(connection):
            return await op(_SingleStatement(connection, self.keys, self.public_url), *args, **kwargs)

    async def close(self) -> None:
        """Close all connections, even if the server does not answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._pool.close()  # aborts the connections when cancelled

    @asynccontextmanager
    async def _unnamed(self, connection: Any) -> AsyncIterator[None]:
        """Behind a pooler, a transaction: only there two messages reach the same server."""
        if not self._is_pooled:
            yield
            return
        async with connection.transaction():
            await connection.execute(_SET_LIMITS)
            yield

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        try:
            connection = await self._pool.acquire(timeout=_POOL_WAIT_SECONDS)
        except PASSING as error:
            raise Unavailable(str(error) or "no database connection was free in time") from error
        try:
            yield connection
        except TimeoutError as error:
            said = (
                "the pooler had no free connection, or the database did not answer" if self._is_pooled else str(error)
            )
            raise Unavailable(said or "the database did not answer in time") from error
        except PASSING as error:
            hint = f": set pool_mode = transaction, see {_PAGE}" if "statement pooling mode" in str(error) else ""
            raise Unavailable(f"{error}{hint}") from error
        finally:
            await self._release(connection)

    async def _release(self, connection: Any) -> None:
        """Release a connection. The pool closes one that cannot be reset; a commit stays committed."""
        try:
            await self._pool.release(connection, timeout=_RELEASE_SECONDS)
        except PASSING as error:
            log.counted("database connection given up", cause=str(error) or type(error).__name__)


async def _leave_as_it_is(connection: Any) -> None:
    """Replaces asyncpg's reset query at every release, which costs about a third of a point read."""


_ASK_FOR_POOLER = f"this is a pooler such as PgBouncer; add ?pooler=transaction to the database URL, see {_PAGE}"


def without_pooler(url: str) -> tuple[str, bool]:
    """The URL for PostgreSQL's driver, and whether it names a pooler of transactions. Raises `Unavailable`."""
    base, _, query = url.partition("?")
    parts = query.split("&") if query else []
    chosen = [part for part in parts if part.startswith("pooler=")]
    if chosen not in ([], ["pooler=transaction"]):
        raise Unavailable(f"the database URL has another pooler than pooler=transaction: see {_PAGE}")
    rest = "&".join(part for part in parts if part not in chosen)
    return base + ("?" + rest if rest else ""), bool(chosen)


async def _check_limits(tx: Tx) -> None:
    """Check that statements have their limit. A pooler that ignores start-up parameters would have dropped it."""
    row = await tx.one("SELECT current_setting('statement_timeout') AS value")
    if row is None or row["value"] != _SERVER_SETTINGS["statement_timeout"]:
        raise Unavailable(f"the limits of statements were not accepted: {_ASK_FOR_POOLER}")
