"""Write what must not be lost: again, if the database does not answer."""

import asyncio
from typing import ParamSpec, TypeVar

from handcart.core.db import Database, Op, Unavailable

# Pauses before each further try.
PAUSES = (0.1, 0.5, 1, 2, 5, 10)

T = TypeVar("T")
P = ParamSpec("P")


async def write(database: Database, op: Op[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As `database.write`, tried again while the database is unavailable, for about 20 seconds."""
    for pause in PAUSES:
        try:
            return await database.write(op, *args, **kwargs)
        except Unavailable:
            await asyncio.sleep(pause)
    return await database.write(op, *args, **kwargs)
