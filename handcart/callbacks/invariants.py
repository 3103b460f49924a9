"""What must be true of stored deliveries and attempts."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant

# Ids of webhooks, and ids of events without their last 10 bits, begin with the real time. A minute in such ids:
# transactions that began before a webhook was created have ended by then.
_MINUTE = 60_000 * 4096
# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"deliveries": "deliveries"}

INVARIANTS: Sequence[Invariant] = (
    Invariant(
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
    Invariant(
        "a delivery that waits has its event",
        "SELECT d.retailer_id, d.event_id, d.webhook_id, d.state FROM deliveries d"
        " LEFT JOIN events e ON e.retailer_id = d.retailer_id AND e.event_id = d.event_id"
        " WHERE d.state IN ('pending', 'sending') AND e.event_id IS NULL",
    ),
    Invariant(
        "a delivery is being sent as long as it is under a lease",
        "SELECT retailer_id, event_id, webhook_id, state, leased_until FROM deliveries"
        " WHERE (state = 'sending') <> (leased_until IS NOT NULL)",
    ),
    Invariant(
        "what was delivered was attempted",
        "SELECT d.retailer_id, d.event_id, d.webhook_id FROM deliveries d"
        # only younger ones: deliveries and attempts are deleted at different times
        " JOIN events e ON e.retailer_id = d.retailer_id AND e.event_id = d.event_id"
        " LEFT JOIN attempts a"
        " ON a.retailer_id = d.retailer_id AND a.event_id = d.event_id AND a.webhook_id = d.webhook_id"
        " WHERE d.state = 'delivered' AND a.event_id IS NULL",
    ),
)
