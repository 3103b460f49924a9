"""The documented bodies of an order's items and of the answers to replacements.

Sources: https://docs.instacart.com/connect/api/post_checkout/order_items/get_order_items,
.../order_items/handle_order_item_replacement.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from handcart.stores.models import Code

OrderItemId = Annotated[str, Meta(description="The `id` of one of the order's `line_items`")]


class ItemResponse(Struct, omit_defaults=True, kw_only=True):
    """A product and how much of it."""

    name: str
    image_url: str | None = None
    quantity: Annotated[str, Meta(description="Pieces, or a weight in the unit")]
    cost_unit: Annotated[str, Meta(description="each, lb or kg")]


class LineItemResponse(Struct, omit_defaults=True, kw_only=True):
    """An ordered item, and what the shopper and the customer did about it."""

    id: Annotated[str, Meta(description="The id for the answer to a replacement. It does not change")]
    line_num: str
    status: Annotated[str, Meta(description="NOT_PICKED, FOUND, REPLACED or TO_REFUND")]
    replacement_status: Annotated[
        str, Meta(description="SUBSTITUTION_STATUS_UNSPECIFIED (no replacement), PENDING, APPROVED or REJECTED")
    ]
    certified_delivery: bool
    item: ItemResponse
    replacement: ItemResponse | None = None


class OrderItemsResponse(Struct):
    """The items of an order."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A replacement waits for an answer": {
            "line_items": [
                {
                    "id": "3f8a1c5be2d94706a1b2c3d4e5f60718",
                    "line_num": "1",
                    "status": "REPLACED",
                    "replacement_status": "PENDING",
                    "certified_delivery": False,
                    "item": {"name": "Fuji apples", "quantity": "2.0", "cost_unit": "lb"},
                    "replacement": {"name": "Gala apples", "quantity": "2.0", "cost_unit": "lb"},
                }
            ]
        }
    }

    line_items: list[LineItemResponse]


class AlternativeItem(Struct, omit_defaults=True):
    """An item that the shopper looks for in place of a refused replacement."""

    upc: Annotated[Code, Meta(description="UPC, EAN or GTIN; this or rrc")] | None = None
    rrc: Annotated[Code, Meta(description="The retailer's own code of the product; this or upc")] | None = None
    count: Annotated[int, Meta(le=2**31 - 1, description="Above 0; this or weight")] | None = None
    weight: Annotated[float, Meta(le=1e6, description="Above 0; this or count")] | None = None


class AnswerReplacementRequest(Struct, kw_only=True):
    """The customer's answer to a replacement."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Approved": {"status": "APPROVED"},
        "Refused": {"status": "REJECTED"},
        "Refused, with an alternative": {
            "status": "REJECTED",
            "alternative_item": {"upc": "400000000022", "count": 2},
        },
    }

    status: Annotated[str, Meta(pattern=r"^[^\x00]*\Z", description="Required: APPROVED or REJECTED")] | None = None
    alternative_item: Annotated[AlternativeItem, Meta(description="Only with REJECTED")] | None = None
