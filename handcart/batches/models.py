"""What others see of shoppers and batches."""

from collections.abc import Sequence

from msgspec import Struct


class Shopper(Struct, frozen=True):
    """Who picks and carries."""

    id: int
    email: str | None
    phone: str | None


class Batch(Struct):
    """Orders that a shopper serves together. `order_ids`: those that are still in it."""

    id: int
    type: str
    workflow_state: str
    shopper_id: int
    order_ids: Sequence[str]
    is_live: bool
