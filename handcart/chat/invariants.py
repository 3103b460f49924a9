"""What must be true of stored messages."""

from collections.abc import Sequence

from handcart.core.invariants import Invariant

# Names and tables of the rows that `handcart check --data` counts.
COUNTED = {"chat_messages": "chat_messages"}

INVARIANTS: Sequence[Invariant] = (
    Invariant(
        "a chat message is of a customer or of a shopper, and says something",
        "SELECT retailer_id, order_id, id, sender FROM chat_messages"
        " WHERE sender NOT IN ('customer', 'shopper') OR COALESCE(phrase, body, picture) IS NULL",
    ),
)
