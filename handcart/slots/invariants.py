"""What must be true of stored windows and holds."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant

# The counted places of a window must match the rows that take them: one row for each side.
UNEQUAL_COUNTS = (
    "SELECT retailer_id, store_number, kind, starts_at, CAST(sum(counted) AS BIGINT) AS in_ledger,"
    " CAST(sum(found) AS BIGINT) AS found FROM"
    " (SELECT retailer_id, store_number, kind, starts_at, {counter} AS counted, 0 AS found FROM slot_ledger"
    " UNION ALL {there}) AS sides GROUP BY retailer_id, store_number, kind, starts_at"
    " HAVING sum(counted) <> sum(found)"
)
# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"windows": "slot_ledger", "holds": "holds"}

INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "no window is oversold",
        "SELECT retailer_id, store_number, kind, starts_at, capacity, held, booked FROM slot_ledger"
        " WHERE held < 0 OR booked < 0 OR held + booked > capacity",
    ),
    Invariant(
        "the ledger's held places are the holds",
        UNEQUAL_COUNTS.format(
            counter="held",
            there="SELECT retailer_id, store_number, kind, ledger_starts_at, 0, 1 FROM holds WHERE is_counted",
        ),
    ),
    Invariant(
        "a hold's user exists",
        "SELECT h.retailer_id, h.id FROM holds h LEFT JOIN users u"
        " ON u.isolation_id = h.isolation_id AND u.user_id = h.user_id WHERE u.user_id IS NULL",
    ),
)
