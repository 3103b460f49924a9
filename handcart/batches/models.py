"""The data of batches that other domains use."""

from collections.abc import Sequence

from msgspec import Struct


class Batch(Struct):
    """Orders that a shopper handles together. `order_ids`: the orders that are still in the batch."""

    id: int
    type: str
    workflow_state: str
    shopper_id: int
    order_ids: Sequence[str]
    is_live: bool
