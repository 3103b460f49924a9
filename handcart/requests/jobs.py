"""What the worker does regularly: delete old calls."""

from collections.abc import Sequence

from handcart.core.db import Tx
from handcart.core.jobs import Purge
from handcart.requests import ops


def purges(days: int, rows: int) -> Sequence[Purge]:
    """The jobs of this domain. `days`: for which a call is kept; `rows`: the maximum number of calls."""

    async def purge_old(tx: Tx, most: int) -> int:
        return await ops.purge_old(tx, days, most)

    async def purge_many(tx: Tx, most: int) -> int:
        return await ops.purge_many(tx, rows, most)

    return (purge_old, purge_many)
