"""The orders of a month with the membership's benefit, for the billing with the retailer.

The retailer passes the saving on to the member; it is settled in the regular billing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.orders import storage
from handcart.orders.models import Order
from handcart.orders.states import CANCELED
from handcart.stores import tables

# Keys of an order's metadata under which retailers may report what the member saved, in cents.
SAVING_KEYS = ("saving_cents", "delivery_saving_cents", "discount_cents")
_MOST_SAVING_CENTS = 10**9  # larger or negative numbers are ignored: metadata may contain any number
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Entry:
    """An order with the benefit. Times in ISO 8601; `saving_cents` as reported by the retailer, or None."""

    order_id: str
    user_id: str
    kind: str
    status: str
    created_at: str
    window_starts_at: str
    window_ends_at: str
    member_since: str
    member_until: str
    saving_cents: int | None


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals of the entries; canceled orders are listed too, but counted separately."""

    orders: int
    canceled: int
    saving_cents: int
    without_saving: int


def month(text: str, time_zone: str = "UTC") -> tuple[int, int]:
    """The start of a month and of the next one, in microseconds; raises `Refused`."""
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name is a directory, such as America
        raise Refused(f"there is no time zone {time_zone!r}: write it as America/Chicago") from None
    try:
        begin = datetime.strptime(text, "%Y-%m").replace(tzinfo=zone)
        end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    except ValueError:  # also for the last month that `datetime` has
        raise Refused(f"{text!r} is no month: write it as 2026-11") from None
    return int(begin.timestamp()) * clock.SECOND, int(end.timestamp()) * clock.SECOND


async def entries(tx: Tx, retailer_id: int, since: int, until: int) -> list[Entry]:
    """The orders with the benefit created from `since` to before `until`, oldest first."""
    found: list[Entry] = []
    after = (since, "")
    while True:
        orders = await storage.with_benefit(tx, retailer_id, after, until, _BATCH)
        found += [_entry(order) for order in orders]
        if len(orders) < _BATCH:
            return found
        after = (orders[-1].created_at, orders[-1].order_id)


def totals(found: Sequence[Entry]) -> Totals:
    """The totals of the entries."""
    kept = [entry for entry in found if entry.status != CANCELED]
    return Totals(
        orders=len(kept),
        canceled=len(found) - len(kept),
        saving_cents=sum(entry.saving_cents or 0 for entry in kept),
        without_saving=sum(entry.saving_cents is None for entry in kept),
    )


def to_csv(found: Sequence[Entry]) -> str:
    """The entries as CSV for spreadsheets: every cell is quoted, and no text can run as a formula."""
    names = [field.name for field in fields(Entry)]
    return tables.written(names, ([getattr(entry, name) for name in names] for entry in found))


def _entry(order: Order) -> Entry:
    return Entry(
        order_id=order.order_id,
        user_id=order.user_id or "",
        kind=order.kind,
        status=order.status,
        created_at=clock.to_wire(order.created_at),
        window_starts_at=clock.to_wire(order.window_starts_at),
        window_ends_at=clock.to_wire(order.window_ends_at),
        member_since=clock.to_wire(order.member_since or 0),
        member_until=clock.to_wire(order.member_until or 0),
        saving_cents=next(_savings(order.details.metadata or {}), None),
    )


def _savings(metadata: dict[str, Any]) -> Iterator[int]:
    for key in SAVING_KEYS:
        value = metadata.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_SAVING_CENTS:
            yield value
