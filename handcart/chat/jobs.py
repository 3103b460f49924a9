"""What the worker does regularly: delete old messages."""

from collections.abc import Sequence

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.jobs import Purge


def purges(days: int) -> Sequence[Purge]:
    """The jobs of this domain. `days`: for which a message is kept after it was written."""

    async def purge(tx: Tx, most: int) -> int:
        """Delete old messages; returns their number. Their ids tell when they were written."""
        return await tx.run(
            "DELETE FROM chat_messages WHERE id IN (SELECT id FROM chat_messages WHERE id < $1 LIMIT $2)",
            ids.ids_from(clock.of_process() - days * clock.DAY),
            most,
        )

    return (purge,)
