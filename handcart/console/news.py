"""News for open pages of the console: versions of what a page shows, which name and tell nothing."""

from collections.abc import Mapping, Sequence

from handcart.acts import queries as acts
from handcart.assignment import queries as assignment
from handcart.chat import queries as chat
from handcart.core.db import Tx
from handcart.core.web.versions import version_of
from handcart.events import queries as events
from handcart.retailers import ops as retailers
from handcart.staff import queries as staff

# Addresses of the streams: of the orders that a person sees; of an order, below its page.
PATH = "/console/news"
OF_ORDER = "/news"

# The retailer and the number of an order; number 0: all orders of the retailer; retailer 0: those of all retailers.
Key = tuple[int, int]


async def versions(tx: Tx, keys: Sequence[Key]) -> Mapping[Key, str]:
    """The newest version of what each of these keys names."""
    of_one = [key for key in keys if key[1]]
    found = {
        # An order that is given to a shopper has no new step, but a row of the audit log.
        key: version_of(one, await staff.newest(tx, key[0]))
        for key, one in (await chat.versions(tx, of_one)).items()
    }
    for retailer_id, number in keys:
        if not number:
            found[retailer_id, number] = await _of_many(tx, retailer_id)
    return found


async def version(tx: Tx, retailer_id: int, number: int = 0) -> str:
    """The newest version of what a key names."""
    key = retailer_id, number
    return (await versions(tx, [key]))[key]


async def _of_many(tx: Tx, retailer_id: int) -> str:
    """A version of all orders: their newest event, what the operator's people and the shoppers did last, warnings.

    Each of these is the last entry of an index, so the version costs the same however many orders are stored.
    """
    ids = [retailer_id] if retailer_id else [one.id for one in await retailers.retailers(tx)]
    return version_of(
        [await events.last_event_id(tx, one) for one in ids],
        await staff.newest(tx, retailer_id or None),
        None if retailer_id else await acts.newest(tx),
        await assignment.newest_warning(tx),
    )
