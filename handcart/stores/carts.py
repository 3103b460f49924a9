"""Check a cart against its retailer's catalog and rules.

https://docs.instacart.com/connect/fulfillment_guide/concepts/product_quantity, .../faq,
.../concepts/compliance/alcohol_compliance
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from handcart.core import errors
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.retailers.models import Retailer
from handcart.stores import items
from handcart.stores.items import Wanted
from handcart.stores.models import DELIVERY, Code, Count, Item, ItemCode, ItemName, Store, Weight

INVALID_ITEMS = 2000
MOST_LINES = 1000

Policy = Literal["no_replacements", "users_choice", "shoppers_choice"]
Instructions = Annotated[str, Meta(max_length=2000, pattern=r"^[^\x00]*\Z")]
LineNum = Code


class OrderItem(Struct, omit_defaults=True):
    """A line of a cart."""

    line_num: LineNum
    item: ItemName
    count: Count | None = None
    weight: Weight | None = None
    special_instructions: Instructions | None = None
    replacement_policy: Policy | None = None
    replacement_items: Annotated[list[ItemName], Meta(max_length=10)] | None = None
    metadata: dict[str, Any] | None = None


Lines = Annotated[list[OrderItem], Meta(min_length=1, max_length=MOST_LINES)]


class Line(Struct, frozen=True):
    """A line with its product, if the catalog has it, and the quantity and unit wanted."""

    asked: OrderItem
    item: Item | None
    qty: float
    qty_unit: str
    special_instructions: str

    @property
    def product(self) -> str:
        """Equal for two lines that want the same product."""
        if self.item is not None:
            return f"rrc:{self.item.rrc}"
        name = self.asked.item
        return f"rrc:{name.rrc}" if name.upc is None else f"upc:{items.plain_upc(name.upc)}"

    @property
    def is_alcohol(self) -> bool:
        return self.item is not None and self.item.alcohol_kind is not None

    @property
    def is_restricted(self) -> bool:
        """Whether the product is only for adults."""
        return self.item is not None and bool(self.item.alcohol_kind or self.item.restricted_reasons)


class Cart(Struct, frozen=True):
    """The result of reading a list of lines; `refusals` prevent the order, `warnings` do not."""

    lines: Sequence[Line]
    refusals: Sequence[ApiError]
    warnings: Sequence[ApiError]

    @property
    def has_alcohol(self) -> bool:
        return any(line.is_alcohol for line in self.lines)

    @property
    def is_restricted(self) -> bool:
        return any(line.is_restricted for line in self.lines)


async def read(tx: Tx, retailer: Retailer, store: Store, kind: str, asked: Sequence[OrderItem]) -> Cart:
    """Look up and check the lines; raises `can't be blank` for lines that name no product."""
    nameless = [place for place, one in enumerate(asked) if one.item.upc is None and one.item.rrc is None]
    if nameless:
        raise errors.combine([errors.blank(f"items[{place}].item") for place in nameless])
    wanted = [Wanted(_code(one.item), one.count, one.weight, one.line_num) for one in asked]
    found = await items.find(tx, retailer.id, [one.code for one in wanted])
    lines = [_line(one, item) for one, item in zip(asked, found, strict=True)]
    refusals = _duplicates(lines)
    unknown = [line for line in lines if line.item is None]
    warnings = [_about("Invalid items", unknown)] if unknown and retailer.is_lenient else []
    wrong = [line for line, one in zip(lines, wanted, strict=True) if _is_wrong(line, one, retailer.is_lenient)]
    if wrong:
        refusals.append(_about("Invalid items", wrong))
    if store.sells_alcohol is False and any(line.is_alcohol for line in lines):
        refusals.append(_about("Some items are not deliverable", [line for line in lines if line.is_alcohol]))
    if kind == DELIVERY:
        rules = retailer.rules
        refusals += _limits(lines, rules.most_units, rules.most_beverage_pounds, rules.most_bulky_items)
    return Cart(lines, refusals, warnings)


def without(cart: Cart, dropped: Sequence[Line]) -> Cart:
    """The cart without some lines, with a warning that names them."""
    warning = _about("Some items were removed", dropped)
    kept = [line for line in cart.lines if line not in dropped]
    return Cart(kept, cart.refusals, [*cart.warnings, warning])


def duplicates(lines: Sequence[Line]) -> ApiError:
    """The error for a product or line number that occurs on several lines."""
    return _about("Duplicate items were provided", lines)


def nothing_to_order() -> ApiError:
    """The error for a cart without lines."""
    return ApiError(400, "can't be blank", key="items")


def refusals() -> Sequence[ApiError]:
    """The errors that `read` may return, for the OpenAPI description."""
    return (
        errors.blank("items[0].item"),
        ApiError(400, "Invalid items", INVALID_ITEMS, "items", more={"line_nums": ["2"]}),
        ApiError(400, "Duplicate items were provided", INVALID_ITEMS, "items", more={"line_nums": ["2"]}),
        ApiError(400, "Some items are not deliverable", INVALID_ITEMS, "items", more={"line_nums": ["2"]}),
    )


def limit_refusals() -> Sequence[ApiError]:
    """The limits of delivery orders, for the OpenAPI description."""
    return tuple(_over(message) for message in _LIMITS)


_LIMITS = (
    "Maximum total quantity of items exceeded",
    "Maximum total weight of beverage items exceeded",
    "Maximum quantity of large or bulky items exceeded",
)


def _code(name: ItemName) -> ItemCode:
    return ItemCode(name.upc, name.rrc)


def _line(asked: OrderItem, item: Item | None) -> Line:
    """A line by count or by weight, depending on how the item is sold; the other value is a note for the shopper."""
    note = asked.special_instructions or ""
    by_weight = item is not None and item.cost_unit != "each" and (item.par_weight is None or asked.count is None)
    if item is None:
        by_weight = asked.count is None and asked.weight is not None
    if by_weight:
        unit = item.cost_unit if item is not None else "lb"
        extra = f"count: {asked.count}" if asked.count is not None else ""
        return Line(asked, item, asked.weight or 0, unit, _joined(note, extra))
    extra = f"weight: {asked.weight:g}" if asked.weight is not None else ""
    return Line(asked, item, asked.count or 0, "each", _joined(note, extra))


def _joined(note: str, extra: str) -> str:
    return f"{note} ({extra})" if note and extra else note or extra


def _is_wrong(line: Line, wanted: Wanted, is_lenient: bool) -> bool:
    if line.item is None and not is_lenient:
        return True
    return line.qty <= 0 or (line.item is not None and items.quantity_problem(line.item, wanted) is not None)


def _duplicates(lines: Sequence[Line]) -> list[ApiError]:
    """The errors for products or line numbers that occur twice."""
    numbers: set[str] = set()
    products: set[str] = set()
    again = []
    for line in lines:
        if line.asked.line_num in numbers or line.product in products:
            again.append(line)
        numbers.add(line.asked.line_num)
        products.add(line.product)
    return [duplicates(again)] if again else []


def _limits(lines: Sequence[Line], units: int, pounds: float, bulky: int) -> list[ApiError]:
    counted = sum(line.qty for line in lines if line.qty_unit == "each")
    weighed = sum(line.qty * line.item.beverage_weight for line in lines if line.item is not None)
    large = sum(line.qty for line in lines if line.item is not None and line.item.is_bulky)
    over = (counted > units, round(weighed, 6) > pounds, large > bulky)  # 92 x 2.6 + 8 x 0.1 is slightly over 240
    return [_over(message) for message, is_over in zip(_LIMITS, over, strict=True) if is_over]


def _over(message: str) -> ApiError:
    return ApiError(400, message, INVALID_ITEMS, "items")


def _about(message: str, lines: Sequence[Line]) -> ApiError:
    more: Mapping[str, Any] = {"line_nums": [line.asked.line_num for line in lines]}
    return ApiError(400, message, INVALID_ITEMS, "items", more=more)
