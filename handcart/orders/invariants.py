"""What must be true of stored orders."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant
from handcart.events.kinds import KINDS
from handcart.slots.invariants import UNEQUAL_COUNTS

# Ids begin with the real time, and ids of orders, webhooks and events (without its last 10 bits) have the same form, so
# they show what came first, whatever the retailers' clocks show. Events are deleted by age, so an order that is younger
# than its retailer's oldest event still has all its events.
_MISSING = (
    "WITH names (name) AS (VALUES {names}),"
    " steps AS MATERIALIZED (SELECT d.events, n.name FROM (SELECT DISTINCT events FROM order_history) d"
    " JOIN names n ON ' ' || d.events || ' ' LIKE '% ' || n.name || ' %'),"
    " written AS MATERIALIZED (SELECT retailer_id, subject, name, count(*) AS found FROM events"
    " GROUP BY retailer_id, subject, name),"
    " oldest AS (SELECT retailer_id, min(event_id) / 1024 AS number FROM events GROUP BY retailer_id)"
    " SELECT h.retailer_id, h.order_id, s.name, count(*) AS listed, COALESCE(w.found, 0) AS found FROM order_history h"
    " JOIN steps s ON s.events = h.events JOIN oldest f ON f.retailer_id = h.retailer_id"
    " JOIN orders o ON o.retailer_id = h.retailer_id AND o.order_id = h.order_id AND o.number > f.number"
    " LEFT JOIN written w ON w.retailer_id = h.retailer_id AND w.subject = h.order_id AND w.name = s.name"
    " GROUP BY h.retailer_id, h.order_id, s.name, w.found HAVING count(*) > COALESCE(w.found, 0)"
)
# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"orders": "orders"}

INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "the ledger's booked places are the orders",
        UNEQUAL_COUNTS.format(
            counter="booked",
            there="SELECT retailer_id, store_number, CASE WHEN kind = 'dispatch' THEN 'last_mile' ELSE kind END,"
            " ledger_starts_at, 0, 1 FROM orders WHERE ledger_starts_at IS NOT NULL",
        ),
    ),
    Invariant(
        "a canceled order has no place, any other has one",
        "SELECT retailer_id, order_id, status, ledger_starts_at FROM orders"
        " WHERE (status = 'canceled') <> (ledger_starts_at IS NULL)",
    ),
    Invariant(
        "a delivery or pickup order has items",
        "SELECT retailer_id, order_id, kind FROM orders WHERE kind IN ('delivery', 'pickup') AND length(items) < 10",
    ),
    Invariant(
        "an order has a history that ends with its status",
        "SELECT o.retailer_id, o.order_id, o.status, h.status AS in_history FROM orders o"
        " LEFT JOIN order_history h ON h.retailer_id = o.retailer_id AND h.order_id = o.order_id AND h.number ="
        " (SELECT max(number) FROM order_history l WHERE l.retailer_id = o.retailer_id AND l.order_id = o.order_id)"
        " WHERE h.status IS NULL OR h.status <> o.status",
    ),
    Invariant(
        "an order's user exists",
        "SELECT o.retailer_id, o.order_id FROM orders o LEFT JOIN users u"
        " ON u.isolation_id = o.isolation_id AND u.user_id = o.user_id"
        " WHERE o.user_id IS NOT NULL AND u.user_id IS NULL",
    ),
    Invariant(
        "every event that an order's history lists was written",
        _MISSING.format(names=", ".join(f"('{name}')" for name in KINDS)),
    ),
)
