"""A database in memory: no waiting for a disk, no files left behind. Only for `handcart.testing`."""

import sqlite3

from handcart.core.db import Op, P, T, Unavailable
from handcart.core.db.sqlite import SqliteTx, connect_file
from handcart.core.secret import Keys


class MemoryDatabase:
    """`core.db.Database` on a copy of another one. Ops never suspend, so they run one after another."""

    kind = "sqlite"

    def __init__(self, source: sqlite3.Connection, keys: Keys, public_url: str = "") -> None:
        self.keys = keys
        self.public_url = public_url
        self.connection = connect_file(":memory:")
        source.backup(self.connection)
        self._tx = SqliteTx(self.connection, keys, public_url)

    async def read(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await op(self._tx, *args, **kwargs)
        except sqlite3.OperationalError as error:
            raise Unavailable(str(error)) from error

    async def write(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        self.connection.execute("BEGIN")
        try:
            result = await self.read(op, *args, **kwargs)
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()
        return result

    async def write_statement(self, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.write(op, *args, **kwargs)

    async def close(self) -> None:
        self.connection.close()
