"""What the worker does regularly: delete old acts."""

from handcart.acts.ops import OLDEST
from handcart.core import clock
from handcart.core.db import Tx

# Much longer than `OLDEST`, after which an act is refused: so no act is applied again after its row is gone.
KEPT = 6 * OLDEST


async def purge(tx: Tx, most: int) -> int:
    """Delete acts that were received before `KEPT`; returns their number."""
    return await tx.run(
        "DELETE FROM acts WHERE (person_id, id) IN (SELECT person_id, id FROM acts WHERE received_at < $1 LIMIT $2)",
        clock.of_process() - KEPT,
        most,
    )


PURGES = (purge,)
