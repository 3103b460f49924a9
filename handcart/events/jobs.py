"""Delete old events, in small steps run by the worker."""

from collections.abc import Sequence

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.jobs import Purge
from handcart.events import expiry
from handcart.events.expiry import DeleteUpTo

# How long an event can be sent and replayed. Its deliveries can be read for longer.
KEEP = 30 * clock.DAY


def purges(before: Sequence[DeleteUpTo]) -> Sequence[Purge]:
    """The jobs of this domain. `before`: for each reader, deletes its work for events that are deleted now."""

    async def purge_events(tx: Tx, most: int) -> int:
        """Delete events older than 30 days, with the work that still waits for them; returns the number of rows."""
        return await expiry.delete_older(tx, "events", KEEP, most, before)

    return (purge_events,)
