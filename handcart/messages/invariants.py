"""What must be true of stored messages and attempts."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant

# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"messages": "messages"}

INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "a message is being sent as long as it is under a lease",
        "SELECT id, state, leased_until FROM messages WHERE (state = 'sending') <> (leased_until IS NOT NULL)",
    ),
    Invariant(
        "a message has an end unless it waits or is being sent",
        "SELECT id, state, ended_at FROM messages WHERE (state IN ('pending', 'sending')) <> (ended_at IS NULL)",
    ),
    Invariant(
        "a message that ended without being sent says why",
        "SELECT id, state FROM messages WHERE reason IS NULL"
        " AND state IN ('failed', 'suppressed', 'expired', 'unsure')",
    ),
    Invariant(
        "a message was not sent more than twice in doubt",
        "SELECT id, state, doubts FROM messages WHERE doubts > 2 OR (doubts = 2 AND state IN ('pending', 'sending'))",
    ),
)
