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
    accepted_at: int | None = None


class PersonsBatch(Struct, frozen=True):
    """A live batch of one of the operator's shoppers.

    `orders`: all that it ever had, by their ids. `order_ids`: those that are still in it.
    """

    retailer_id: int
    id: int
    type: str
    workflow_state: str
    accepted_at: int | None
    orders: Sequence[Order]
    order_ids: Sequence[str]


class Removed(Struct, frozen=True):
    """An order that was taken away from its shopper.

    `kind`: unassigned, canceled or dropped_out. `goods`: what the shopper does with the goods, one of `states`.
    """

    retailer_id: int
    batch_id: int
    order_id: str
    kind: str
    reason: str | None
    by: str | None
    at: int
    goods: str


class Finished(Struct, frozen=True):
    """A batch in which a shopper finished an order. `person_id`: the operator's shopper, 0 if it stands for nobody."""

    batch_id: int
    type: str
    person_id: int
    at: int
