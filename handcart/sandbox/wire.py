"""Request and response bodies of the sandbox endpoints.

Sources: https://docs.instacart.com/connect/api/sandbox/shoppers/create_shopper, .../batches/generate_batch,
.../batches/advance_batch_state, .../shoppers/create_shopper_order_item, .../shoppers/update_shopper_order_item,
.../orders/simulate_order_callback, .../instacart_users/create_instacart_user,
.../instacart_users/authorize_instacart_user.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from handcart.core.wire import DigitId, WireId

MOST_ORDERS = 100
PathId = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Text = Annotated[str, Meta(max_length=255, pattern=r"^[^\x00]*$(?!\n)")]
Line = Annotated[
    str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$(?!\n)")
]


class CreateShopperRequest(Struct):
    """A shopper to make up; nothing is required."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Anybody": {},
        "Somebody": {"email": "shopper@example.com", "phone": "8005550101"},
    }

    email: Text | None = None
    phone: Text | None = None


class IdResponse(Struct):
    """What was made, by its id."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"The id": {"id": 21850710}}

    id: int


class BatchOrder(Struct):
    """An order to batch. Its user need not be named."""

    id: Line
    user_id: Line | None = None


class GenerateBatchRequest(Struct):
    """Orders for a shopper. Without a type, it is the one that the first order waits for."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A delivery": {
            "shopper_id": 21850710,
            "batch_type": "delivery",
            "orders": [{"id": "ORD-77120", "user_id": "38b15dd0"}],
        }
    }

    shopper_id: WireId | DigitId
    orders: Annotated[list[BatchOrder], Meta(min_length=1, max_length=MOST_ORDERS)]
    batch_type: Text | None = None
    workflow_state: Text | None = None


class BatchResponse(Struct):
    """A batch and where it stands."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A batch": {"id": 1, "workflow_state": "acknowledged"}}

    id: int
    workflow_state: str


class AdvanceBatchRequest(Struct):
    """The state to come to; without it, the next one."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"One step": {}, "A target": {"workflow_state": "picking"}}

    workflow_state: Text | None = None
