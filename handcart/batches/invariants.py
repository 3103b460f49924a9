"""What must be true of stored batches and their orders."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant

# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"batches": "batches"}

INVARIANTS: Sequence[Invariant] = (
    Invariant(
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
    Invariant(
        "an order that shoppers are at is in a batch, or paid and taken away",
        "SELECT o.retailer_id, o.order_id, o.status FROM orders o LEFT JOIN batch_orders l"
        " ON l.retailer_id = o.retailer_id AND l.order_id = o.order_id AND l.is_live"
        " WHERE l.batch_id IS NULL AND o.status NOT IN ('brand_new', 'staged', 'completed', 'canceled')"
        " AND NOT (o.status IN ('checkout', 'bags_check') AND EXISTS (SELECT 1 FROM batch_orders h"
        " WHERE h.retailer_id = o.retailer_id AND h.order_id = o.order_id AND h.left_kind = 'unassigned'))",
    ),
    Invariant(
        "a batch has orders until it ends, and then none",
        "SELECT b.retailer_id, b.id, b.type, b.workflow_state, b.ended_at FROM batches b"
        " LEFT JOIN batch_orders l ON l.retailer_id = b.retailer_id AND l.batch_id = b.id AND l.is_live"
        " WHERE (b.ended_at IS NULL) = (l.order_id IS NULL)"
        " OR (b.ended_at IS NULL AND b.workflow_state = CASE b.type WHEN 'pickup' THEN 'staged' ELSE 'completed' END)",
    ),
)
