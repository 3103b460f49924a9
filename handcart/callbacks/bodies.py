"""The bodies of callbacks as receivers get them: as they were stored, with the retailer's slug if its switch is on.

The slug is added when an event is sent or shown, so that writing an event costs nothing more, and the switch counts for
events that were written before it was changed.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from handcart.core.db import Tx
from handcart.events.models import Event
from handcart.retailers import ops as retailers


async def slug(tx: Tx, retailer_id: int) -> str | None:
    """What callbacks have as `retailer_id`; None for a retailer without `retailer_id_in_callbacks`."""
    retailer = await retailers.retailer(tx, retailer_id)
    return retailer.slug if retailer.rules.retailer_id_in_callbacks else None


def with_retailer(body: str, slug: str | None) -> str:
    """The body of an event with the retailer's slug in its metadata; the stored body without a slug."""
    if slug is None:
        return body
    whole = msgspec.json.decode(body)
    whole["event_metadata"]["retailer_id"] = slug
    return msgspec.json.encode(whole).decode()


async def shown(tx: Tx, retailer_id: int, events: Sequence[Event]) -> Sequence[Event]:
    """Events with the bodies that are sent."""
    named = await slug(tx, retailer_id)
    return events if named is None else [replace(one, body=with_retailer(one.body, named)) for one in events]
