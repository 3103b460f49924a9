"""What must be true of stored events."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant

# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"events": "events"}

INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "an event's body has its id",
        "SELECT retailer_id, event_id FROM events WHERE body NOT LIKE '{\"event_id\":' || event_id || ',%'",
    ),
)
