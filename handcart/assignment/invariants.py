"""What must be true of stored warnings."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant

# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"warnings": "order_warnings"}

_WITHOUT_STEP = (
    "SELECT w.retailer_id, w.order_id FROM order_warnings w WHERE {0} AND NOT EXISTS (SELECT 1 FROM order_history h"
    " WHERE h.retailer_id = w.retailer_id AND h.order_id = w.order_id AND h.what = '{1}')"
)

INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "an order that was moved because nobody took it has the step in its history",
        _WITHOUT_STEP.format("w.moved_at IS NOT NULL", "rescheduled"),
    ),
    Invariant(
        "a warning is of a known kind, and only an order that nobody took was moved",
        "SELECT retailer_id, order_id, kind FROM order_warnings"
        " WHERE kind NOT IN ('untaken', 'late', 'silent', 'stuck', 'no_photo', 'expected', 'missing', 'coming_back',"
        " 'bags', 'refused', 'unsent') OR (kind <> 'untaken' AND moved_at IS NOT NULL)",
    ),
)
