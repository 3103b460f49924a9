"""Read the log of calls."""

from collections.abc import Sequence
from typing import Any

import msgspec

from handcart.core.db import Tx
from handcart.requests.models import Code, Entry, Filters
from handcart.requests.ops import COLUMNS

# Above every id.
_NEWEST = 1 << 53
_FIND = f"SELECT {', '.join(COLUMNS)} FROM request_log WHERE id < $1"  # noqa: S608


async def find(tx: Tx, filters: Filters, before: int | None = None, limit: int = 100) -> Sequence[Entry]:
    """Calls with ids below `before` (None: the newest), the newest first.

    Each filter has an index that ends with the id; several filters use one of them, on a table of bounded size.
    """
    given = {name: value for name, value in msgspec.structs.asdict(filters).items() if value is not None}
    where = "".join(f" AND {name} = ${number}" for number, name in enumerate(given, 3))
    rows = await tx.all(
        f"{_FIND}{where} ORDER BY id DESC LIMIT $2", _NEWEST if before is None else before, limit, *given.values()
    )
    return [_entry(row) for row in rows]


async def last_use(tx: Tx, client_id: str) -> int | None:
    """When an API client last called with a token, to some seconds (microseconds); None if it never did."""
    row = await tx.one("SELECT used_at FROM client_uses WHERE client_id = $1", client_id)
    return None if row is None else int(row["used_at"])


def _entry(row: Any) -> Entry:
    codes = msgspec.json.decode(row["codes"], type=list[Code]) if row["codes"] else ()
    return Entry(**{**{name: row[name] for name in COLUMNS}, "codes": codes})
