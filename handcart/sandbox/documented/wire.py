"""Request and response bodies of the sandbox endpoints.

Sources: https://docs.instacart.com/connect/api/sandbox/shoppers/create_shopper, .../batches/generate_batch,
.../batches/advance_batch_state, .../shoppers/create_shopper_order_item, .../shoppers/update_shopper_order_item,
.../orders/simulate_order_callback, .../instacart_users/create_instacart_user,
.../instacart_users/authorize_instacart_user.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from handcart.core.phone import PHONE_PATTERN
from handcart.core.web.wire import ID_PATTERN, NUMBER_TOO, WireId
from handcart.stores.models import Count, ItemName, Weight

MOST_ORDERS = 100
# Path parameters.
_Id = Annotated[int, Meta(ge=0, le=2**53 - 1)]
ShopperId = Annotated[_Id, Meta(description="The id of a shopper, from its creation", examples=[21850710])]
BatchId = Annotated[_Id, Meta(description="The id of a batch, from its generation", examples=[1])]
InstacartUserId = Annotated[_Id, Meta(description="The id of an account, from its creation", examples=[940626754])]
Text = Annotated[str, Meta(max_length=255, pattern=r"^[^\x00]*\Z")]
Url = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[^\x00]+\Z")]
Line = Annotated[str, Meta(min_length=1, max_length=255, pattern=ID_PATTERN), NUMBER_TOO]


OrderId = Annotated[Line, Meta(description="The retailer's own id of an order", examples=["ORD-77120"])]
LineNum = Annotated[Line, Meta(description="The number of a line of the order", examples=["1"])]


class CreateShopperRequest(Struct):
    """A shopper to create. All fields are optional."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Anybody": {},
        "Somebody": {"email": "shopper@example.com", "phone": "8005550101"},
    }

    email: Text | None = None
    phone: Text | None = None


class IdResponse(Struct):
    """The id of what was created."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"The id": {"id": 21850710}}

    id: int


class BatchOrder(Struct):
    """An order for the batch. Its user is optional."""

    id: Line
    user_id: Line | None = None


class GenerateBatchRequest(Struct):
    """Orders for a shopper. Default of `batch_type`: the type that the first order waits for."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A delivery": {
            "shopper_id": 21850710,
            "batch_type": "delivery",
            "orders": [{"id": "ORD-77120", "user_id": "38b15dd0"}],
        }
    }

    shopper_id: WireId
    orders: Annotated[list[BatchOrder], Meta(min_length=1, max_length=MOST_ORDERS)]
    batch_type: Literal["delivery", "pickup", "delivery_only", "runner_customer"] | None = None
    workflow_state: Text | None = None


class BatchResponse(Struct):
    """A batch and its state."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A batch": {"id": 1, "workflow_state": "acknowledged"}}

    id: int
    workflow_state: str


class AdvanceBatchRequest(Struct):
    """The state to advance to. Default: the next one."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"One step": {}, "A target": {"workflow_state": "picking"}}

    workflow_state: Text | None = None


class ShopperOrderItemScan(Struct):
    """A barcode that the shopper scanned."""

    scanned_string: Line
    scanned_string_type: Annotated[Line, Meta(description="Such as `upca`")]


Scans = Annotated[list[ShopperOrderItemScan], Meta(max_length=1000)]
_SCAN = {"scanned_string": "400000000022", "scanned_string_type": "upca"}


class CreateItemRequest(Struct):
    """An item that the shopper adds. Default amount: one."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Bread": {"item": {"upc": "400000000022"}, "delivered_count": 2, "scans": [_SCAN]}
    }

    item: ItemName
    delivered_count: Count | None = None
    delivered_weight: Weight | None = None
    scans: Scans | None = None


class UpdateItemRequest(Struct):
    """What the shopper did with an item. Default of `status`: replaced if there is a replacement, else found."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Found": {"status": "found", "delivered_count": 1, "scans": [_SCAN]},
        "Replaced": {"status": "replaced", "delivered_count": 2, "replacement_item": {"rrc": "SM-000002"}},
        "Refunded": {"status": "to_refund", "delivered_count": 0},
    }

    status: Literal["not_found", "found", "replaced", "to_refund"] | None = None
    delivered_count: Count | None = None
    delivered_weight: Weight | None = None
    replacement_item: ItemName | None = None
    scans: Scans | None = None


class SimulateCallbackRequest(Struct):
    """The event of the order."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Canceled": {"event_name": "canceled"},
        "Rescheduled": {"event_name": "rescheduled"},
        "Late": {"event_name": "late_delivery"},
    }

    event_name: Literal["canceled", "rescheduled", "late_delivery"]


class CreateInstacartUserRequest(Struct):
    """An account of the platform. If one of the two flags is set, it is a member for a year."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A member": {
            "email": "member@example.com",
            "phone": "8005550101",
            "password": "a long password of your own",
            "instacartplus_member": True,
        }
    }

    email: Annotated[str, Meta(max_length=254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\Z")]
    phone: Annotated[str, Meta(max_length=32, pattern=PHONE_PATTERN)]
    password: Annotated[str, Meta(min_length=1, max_length=1024, pattern=r"^[^\x00]+\Z")]
    express_member: Annotated[bool, Meta(description="Deprecated; use instacartplus_member")] | None = None
    instacartplus_member: bool | None = None


class AuthorizeRequest(Struct):
    """The parameters of the authorization URL. Default of `client_id`: the token's client."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A link": {"redirect_uri": "https://shop.example/account/link", "scope": "openid account_linking"}
    }

    redirect_uri: Url
    scope: Url
    code_challenge_method: Text | None = None
    code_challenge: Text | None = None
    response_type: Text | None = None
    client_id: Text | None = None
    state: Url | None = None
    hint: Url | None = None


class AuthorizeResponse(Struct):
    """The code to exchange at the token endpoint."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"The code": {"code": "zth2LONsv7xVq76ocOcS9ZYwc_eZLdDNX74Z9gSgilk"}}

    code: str
