"""Check the stored data for consistency: `handcart check --data`.

Independent of the code that writes. Each check is one statement of plain SQL, so it sees a consistent state even while
servers run. Every row it returns is an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handcart.core.db import Tx

MOST_EXAMPLES = 5
# The places of a window's orders and holds must match the ledger's counts: one row for each side.
_COUNTED = (
    "SELECT retailer_id, store_number, kind, starts_at, CAST(sum(counted) AS BIGINT) AS in_ledger,"
    " CAST(sum(found) AS BIGINT) AS found FROM"
    " (SELECT retailer_id, store_number, kind, starts_at, {counter} AS counted, 0 AS found FROM slot_ledger"
    " UNION ALL {there}) AS sides GROUP BY retailer_id, store_number, kind, starts_at"
    " HAVING sum(counted) <> sum(found)"
)
# The event names that a step of an order's history may list.
EVENT_NAMES = (
    *("brand_new", "acknowledged", "picking", "order_item_replacement", "order_item_refund", "checkout", "delivering"),
    *("order_location", "late_delivery", "customer_missing", "staged", "customer_acknowledged", "runner_not_found"),
    *("pickup_runner_started", "unable_to_find_customer", "pickup_geofence_reached", "late_pickup", "delivered"),
    *("rescheduled", "canceled", "tip_adjustment", "at_store", "acknowledged_for_delivery", "bags_verified"),
    *("item_found", "item_replaced", "item_refunded", "item_not_picked"),
    *("arrival_at_customer", "at_store_eta", "rating_updated", "rating_reminder", "chat_message_created"),
)
# Ids begin with the real time, and ids of orders, webhooks and events (without its last 10 bits) have the same form, so
# they show what came first, whatever the retailers' clocks show. Events are deleted by age, so an order that is younger
# than its retailer's oldest event still has all its events.
_OWED = (
    "WITH names (name) AS (VALUES {names}),"
    " steps AS MATERIALIZED (SELECT d.events, n.name FROM (SELECT DISTINCT events FROM order_history) d"
    " JOIN names n ON ' ' || d.events || ' ' LIKE '% ' || n.name || ' %'),"
    " written AS MATERIALIZED (SELECT retailer_id, subject, name, count(*) AS found FROM events"
    " GROUP BY retailer_id, subject, name),"
    " oldest AS (SELECT retailer_id, min(event_id) / 1024 AS number FROM events GROUP BY retailer_id)"
    " SELECT h.retailer_id, h.order_id, s.name, count(*) AS owed, COALESCE(w.found, 0) AS found FROM order_history h"
    " JOIN steps s ON s.events = h.events JOIN oldest f ON f.retailer_id = h.retailer_id"
    " JOIN orders o ON o.retailer_id = h.retailer_id AND o.order_id = h.order_id AND o.number > f.number"
    " LEFT JOIN written w ON w.retailer_id = h.retailer_id AND w.subject = h.order_id AND w.name = s.name"
    " GROUP BY h.retailer_id, h.order_id, s.name, w.found HAVING count(*) > COALESCE(w.found, 0)"
)
# A minute in such ids, after which transactions that began before the webhook have ended.
_MINUTE = 60_000 * 4096


@dataclass(frozen=True, slots=True)
class Check:
    """A rule, and the statement that finds violations."""

    name: str
    sql: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed check: the number of violations, and a few examples."""

    name: str
    places: int
    examples: Sequence[dict[str, Any]]


CHECKS: Sequence[Check] = (
    Check(
        "no window is oversold",
        "SELECT retailer_id, store_number, kind, starts_at, capacity, held, booked FROM slot_ledger"
        " WHERE held < 0 OR booked < 0 OR held + booked > capacity",
    ),
    Check(
        "the ledger's held places are the holds",
        _COUNTED.format(
            counter="held",
            there="SELECT retailer_id, store_number, kind, ledger_starts_at, 0, 1 FROM holds WHERE is_counted",
        ),
    ),
    Check(
        "the ledger's booked places are the orders",
        _COUNTED.format(
            counter="booked",
            there="SELECT retailer_id, store_number, CASE WHEN kind = 'dispatch' THEN 'last_mile' ELSE kind END,"
            " ledger_starts_at, 0, 1 FROM orders WHERE ledger_starts_at IS NOT NULL",
        ),
    ),
    Check(
        "a canceled order has no place, any other has one",
        "SELECT retailer_id, order_id, status, ledger_starts_at FROM orders"
        " WHERE (status = 'canceled') <> (ledger_starts_at IS NULL)",
    ),
    Check(
        "a delivery or pickup order has items",
        "SELECT retailer_id, order_id, kind FROM orders WHERE kind IN ('delivery', 'pickup') AND length(items) < 10",
    ),
    Check(
        "an order has a history that ends with its status",
        "SELECT o.retailer_id, o.order_id, o.status, h.status AS in_history FROM orders o"
        " LEFT JOIN order_history h ON h.retailer_id = o.retailer_id AND h.order_id = o.order_id AND h.number ="
        " (SELECT max(number) FROM order_history l WHERE l.retailer_id = o.retailer_id AND l.order_id = o.order_id)"
        " WHERE h.status IS NULL OR h.status <> o.status",
    ),
    Check(
        "an order's user exists",
        "SELECT o.retailer_id, o.order_id FROM orders o LEFT JOIN users u"
        " ON u.isolation_id = o.isolation_id AND u.user_id = o.user_id"
        " WHERE o.user_id IS NOT NULL AND u.user_id IS NULL",
    ),
    Check(
        "an order stands where its batch does, or was canceled",
        "SELECT o.retailer_id, o.order_id, o.status, b.id, b.type, b.workflow_state"
        " FROM batches b JOIN batch_orders l ON l.retailer_id = b.retailer_id AND l.batch_id = b.id AND l.is_live"
        " JOIN orders o ON o.retailer_id = l.retailer_id AND o.order_id = l.order_id"
        " WHERE o.status <> 'canceled' AND o.status <> CASE"
        " WHEN b.workflow_state = 'receipt_sanity_check' THEN 'checkout'"
        " WHEN b.type = 'runner_customer' AND b.workflow_state = 'brand_new' THEN 'runner_awaiting'"
        " WHEN b.type = 'runner_customer' AND b.workflow_state = 'at_store' THEN 'user_at_store'"
        " WHEN b.type = 'delivery_only' AND b.workflow_state = 'acknowledged' THEN 'acknowledged_for_delivery'"
        " ELSE b.workflow_state END",
    ),
    Check(
        "an order that shoppers are at is in a batch",
        "SELECT o.retailer_id, o.order_id, o.status FROM orders o LEFT JOIN batch_orders l"
        " ON l.retailer_id = o.retailer_id AND l.order_id = o.order_id AND l.is_live"
        " WHERE l.batch_id IS NULL AND o.status NOT IN ('brand_new', 'staged', 'completed', 'canceled')",
    ),
    Check(
        "a batch has orders until it ends, and then none",
        "SELECT b.retailer_id, b.id, b.type, b.workflow_state, b.ended_at FROM batches b"
        " LEFT JOIN batch_orders l ON l.retailer_id = b.retailer_id AND l.batch_id = b.id AND l.is_live"
        " WHERE (b.ended_at IS NULL) = (l.order_id IS NULL)"
        " OR (b.ended_at IS NULL AND b.workflow_state = CASE b.type WHEN 'pickup' THEN 'staged' ELSE 'completed' END)",
    ),
    Check(
        "a hold's user exists",
        "SELECT h.retailer_id, h.id FROM holds h LEFT JOIN users u"
        " ON u.isolation_id = h.isolation_id AND u.user_id = h.user_id WHERE u.user_id IS NULL",
    ),
    Check(
        "every event that an order's history owes was written",
        _OWED.format(names=", ".join(f"('{name}')" for name in EVENT_NAMES)),
    ),
    Check(
        "an event's body has its id",
        "SELECT retailer_id, event_id FROM events WHERE body NOT LIKE '{\"event_id\":' || event_id || ',%'",
    ),
    Check(
        "an event that was queued has a delivery for each webhook that wants it",
        # Webhooks changed since are skipped, because their earlier subscriptions are unknown; so are unused ones,
        # because it is unknown whether a server here serves their environment.
        "SELECT e.retailer_id, e.event_id, e.name, w.id AS webhook_id FROM webhooks w"  # noqa: S608 (a number)
        f" JOIN events e ON e.retailer_id = w.retailer_id AND e.is_queued AND e.event_id / 1024 > w.id + {_MINUTE}"
        " AND (w.events = 'all' OR ' ' || w.events || ' ' LIKE '% ' || e.name || ' %')"
        " LEFT JOIN deliveries d"
        " ON d.retailer_id = e.retailer_id AND d.event_id = e.event_id AND d.webhook_id = w.id"
        " WHERE w.status = 'enabled' AND w.updated_at = w.created_at AND d.event_id IS NULL"
        " AND EXISTS (SELECT 1 FROM deliveries o WHERE o.retailer_id = w.retailer_id AND o.webhook_id = w.id)",
    ),
    Check(
        "a delivery that waits has its event",
        "SELECT d.retailer_id, d.event_id, d.webhook_id, d.state FROM deliveries d"
        " LEFT JOIN events e ON e.retailer_id = d.retailer_id AND e.event_id = d.event_id"
        " WHERE d.state IN ('pending', 'sending') AND e.event_id IS NULL",
    ),
    Check(
        "a delivery is being sent as long as it is under a lease",
        "SELECT retailer_id, event_id, webhook_id, state, leased_until FROM deliveries"
        " WHERE (state = 'sending') <> (leased_until IS NOT NULL)",
    ),
    Check(
        "what was delivered was attempted",
        "SELECT d.retailer_id, d.event_id, d.webhook_id FROM deliveries d"
        # only younger ones: deliveries and attempts are deleted at different times
        " JOIN events e ON e.retailer_id = d.retailer_id AND e.event_id = d.event_id"
        " LEFT JOIN attempts a"
        " ON a.retailer_id = d.retailer_id AND a.event_id = d.event_id AND a.webhook_id = d.webhook_id"
        " WHERE d.state = 'delivered' AND a.event_id IS NULL",
    ),
)


async def faults(tx: Tx) -> list[Fault]:
    """Run every check; returns the failed ones."""
    found = []
    for check in CHECKS:
        rows = await tx.all(check.sql)
        if rows:
            found.append(Fault(check.name, len(rows), [dict(row) for row in rows[:MOST_EXAMPLES]]))
    return found


async def counts(tx: Tx) -> dict[str, int]:
    """The number of checked rows per table."""
    row = await tx.one(
        "SELECT (SELECT count(*) FROM slot_ledger) AS windows, (SELECT count(*) FROM holds) AS holds,"
        " (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM batches) AS batches,"
        " (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM events) AS events,"
        " (SELECT count(*) FROM deliveries) AS deliveries"
    )
    assert row is not None
    return dict(row)
