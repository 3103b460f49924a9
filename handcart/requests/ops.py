"""Store calls in batches, and delete old ones."""

from collections.abc import Mapping, Sequence

import msgspec

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.requests.models import Entry

COLUMNS = (
    *("id", "at", "request_id", "method", "route", "status", "milliseconds"),
    *("retailer_id", "client_id", "rule", "codes", "shape"),
)
_ROWS_AT_ONCE = 50


async def store(tx: Tx, entries: Sequence[Entry], uses: Mapping[str, int]) -> None:
    """Store calls, and when each client was last used (microseconds)."""
    for start in range(0, len(entries), _ROWS_AT_ONCE):
        some = entries[start : start + _ROWS_AT_ONCE]
        rows = ", ".join(f"({_numbers(index)})" for index in range(len(some)))
        await tx.run(
            f"INSERT INTO request_log ({', '.join(COLUMNS)}) VALUES {rows} ON CONFLICT (id) DO NOTHING",  # noqa: S608
            *(value for one in some for value in _values(one)),
        )
    for client_id, at in sorted(uses.items()):
        await tx.run(
            "INSERT INTO client_uses (client_id, used_at) VALUES ($1, $2)"
            " ON CONFLICT (client_id) DO UPDATE SET used_at = excluded.used_at"
            " WHERE client_uses.used_at < excluded.used_at",
            client_id,
            at,
        )


async def purge_old(tx: Tx, days: int, most: int) -> int:
    """Delete calls that are older than some days; returns their number. Their ids tell when they were stored."""
    return await _delete(tx, ids.ids_from(clock.of_process() - days * clock.DAY), most)


async def purge_many(tx: Tx, rows: int, most: int) -> int:
    """Delete the oldest calls if there are more than some rows; returns their number."""
    first = await tx.one("SELECT id FROM request_log ORDER BY id DESC LIMIT 1 OFFSET $1", rows)
    return 0 if first is None else await _delete(tx, first["id"] + 1, most)


async def _delete(tx: Tx, before: int, most: int) -> int:
    return await tx.run(
        "DELETE FROM request_log WHERE id IN (SELECT id FROM request_log WHERE id < $1 ORDER BY id LIMIT $2)",
        before,
        most,
    )


def _numbers(row: int) -> str:
    """The parameters of one row of many."""
    first = row * len(COLUMNS) + 1
    return ", ".join(f"${number}" for number in range(first, first + len(COLUMNS)))


def _values(one: Entry) -> list[object]:
    there = msgspec.structs.asdict(one)
    codes = msgspec.json.encode(one.codes).decode() if one.codes else None
    return [codes if name == "codes" else there[name] for name in COLUMNS]
