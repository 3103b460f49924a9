"""The data of batches that other domains use."""

from collections.abc import Sequence

from msgspec import Struct

from handcart.orders.models import Order


class Batch(Struct):
    """Orders that a shopper handles together. `order_ids`: the orders that are still in the batch."""

    id: int
    type: str
    workflow_state: str
    shopper_id: int
    order_ids: Sequence[str]
    is_live: bool


class PersonsBatch(Struct, frozen=True):
    """A batch of one of the operator's shoppers. `orders`: its orders by their ids, also the canceled ones.

    `end_kind`: how it ended before its last state: unassigned, canceled or dropped_out.
    """

    retailer_id: int
    id: int
    type: str
    workflow_state: str
    accepted_at: int | None
    ended_at: int | None
    end_kind: str | None
    end_reason: str | None
    ended_by: str | None
    orders: Sequence[Order]
