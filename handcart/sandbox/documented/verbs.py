"""Which documented operations of the sandbox do the same as which verbs of acts. docs/acts.md shows the table.

Both change orders through `batches.ops` and `batches.picking`. The operations keep their documented errors, and may
pass several states at once, so they do not call the verbs. A test does the same work in both ways and compares it.
"""

from collections.abc import Sequence

from msgspec import Struct


class Equal(Struct, frozen=True):
    """An operation, the `workflow_state` or `status` that its body has, and the verb that does the same."""

    operation: str
    said: str
    verb: str


_ITEM = "update_shopper_order_item"
EQUAL: Sequence[Equal] = (
    Equal("generate_batch", "", "accept"),
    Equal("advance_batch", "picking", "start"),
    Equal(_ITEM, "found", "find"),
    Equal(_ITEM, "replaced", "replace"),
    Equal(_ITEM, "to_refund", "refund"),
    Equal(_ITEM, "not_found", "put_back"),
    Equal("create_shopper_order_item", "", "add"),
    Equal("advance_batch", "verifying_replacements", "review"),
    Equal("advance_batch", "checkout", "checkout"),
    Equal("advance_batch", "receipt_sanity_check", "bag"),
    Equal("advance_batch", "bags_check", "check_bags"),
    Equal("advance_batch", "staged", "stage"),
    Equal("advance_batch", "at_store", "arrive"),
    Equal("advance_batch", "bags_verified", "verify_bags"),
    Equal("advance_batch", "delivering", "leave"),
    Equal("advance_batch", "completed", "deliver"),
)
