"""What is near its limit: what an operator has to act on before it is full."""

import shutil
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from handcart.callbacks import webhooks
from handcart.core.db import Tx
from handcart.core.db.connect import is_postgres
from handcart.core.settings import Settings
from handcart.retailers import ops as retailers

# Part of a limit from which it counts as near.
NEAR = 0.8


class Near(Struct, frozen=True):
    """Something that is near its limit: `what` names it, `of` says whose it is; the unit is the limit's."""

    what: str
    of: str
    used: int
    most: int


async def near(tx: Tx, settings: Settings) -> Sequence[Near]:
    """The limits of which at least 80 percent are used: webhooks of a retailer, gigabytes of the disk."""
    counts = Counter(one.retailer_id for one in await webhooks.of_all(tx))
    found = [
        Near("webhooks", one.slug, counts[one.id], webhooks.MOST_WEBHOOKS) for one in await retailers.retailers(tx)
    ]
    if not is_postgres(settings.database_url) and settings.data_directory.exists():
        disk = shutil.disk_usage(settings.data_directory)
        found.append(Near("disk", str(settings.data_directory), disk.used >> 30, max(1, disk.total >> 30)))
    return [one for one in found if one.used >= NEAR * one.most]
