"""What must be true of the figures of ended orders."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant
from handcart.reports.models import COUNTS

# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"ended_orders": "ended_orders"}

_KEY = "retailer_id, day, store_number, person_id"
_ALL = f"SELECT {_KEY}, {', '.join(COUNTS)} FROM daily_figures"  # noqa: S608 (the names above)
_MINUS = ", ".join(f"-{name} AS {name}" for name in COUNTS)

INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "the figures of a day are the sums of its ended orders",
        f"SELECT {_KEY} FROM ({_ALL} UNION ALL SELECT {_KEY}, {_MINUS} FROM ended_orders"  # noqa: S608 (the names above)
        f" UNION ALL SELECT retailer_id, day, store_number, -1 AS person_id, {_MINUS} FROM ended_orders) AS a"
        f" GROUP BY {_KEY} HAVING {' OR '.join(f'sum({name}) <> 0' for name in COUNTS)}",
    ),
    Invariant(
        "a counted order has ended, and its figures are stored",
        "SELECT o.retailer_id, o.order_id, o.status FROM orders o"
        " LEFT JOIN ended_orders e ON e.retailer_id = o.retailer_id AND e.order_id = o.order_id"
        " WHERE (o.is_counted AND o.details NOT LIKE '%\"is_test\":true%'"
        " AND (e.order_id IS NULL OR o.status NOT IN ('completed', 'canceled')))"
        " OR (e.order_id IS NOT NULL AND o.status NOT IN ('completed', 'canceled'))",
    ),
)
