"""What must be true of stored money."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant

# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"money_lines": "money_lines"}

_KEY = "retailer_id, month, kind, person_id"

INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "the sum of a month is the sum of its lines",
        f"SELECT {_KEY} FROM (SELECT {_KEY}, quantity, cents FROM month_sums"  # noqa: S608 (the names above)
        f" UNION ALL SELECT {_KEY}, -quantity AS quantity, -cents AS cents FROM money_lines) AS a"
        f" GROUP BY {_KEY} HAVING sum(quantity) <> 0 OR sum(cents) <> 0",
    ),
    Invariant(
        "a line is of a known kind, and pay and tips alone have a shopper",
        "SELECT retailer_id, order_id, kind FROM money_lines WHERE kind NOT IN ('goods', 'refund', 'fee_order',"
        " 'fee_goods', 'fee_minimum', 'tip', 'pay_batch', 'pay_item', 'pay_mile')"
        " OR (person_id <> 0 AND kind NOT IN ('tip', 'pay_batch', 'pay_item', 'pay_mile'))"
        " OR (person_id = 0 AND kind IN ('pay_batch', 'pay_item', 'pay_mile'))",
    ),
    Invariant(
        "the lines of an order's tip are its tip",
        "SELECT l.retailer_id, l.order_id, sum(l.cents) AS cents FROM money_lines l"
        " LEFT JOIN ended_orders e ON e.retailer_id = l.retailer_id AND e.order_id = l.order_id"
        " WHERE l.kind = 'tip' GROUP BY l.retailer_id, l.order_id, e.tip_cents"
        " HAVING sum(l.cents) <> coalesce(e.tip_cents, 0)",
    ),
)
