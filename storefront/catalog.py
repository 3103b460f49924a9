"""The shop's products: names, prices, pictures, and their codes at the platform."""

from dataclasses import dataclass

from handcart_client import ItemName, OrderItem

MOST_OF_ONE = 24


@dataclass(frozen=True)
class Item:
    """A product, with a UPC or the shop's own code (rrc). `pounds`: the weight of a piece, if it is sold by weight."""

    key: str
    name: str
    unit: str
    price_cents: int
    upc: str | None = None
    rrc: str | None = None
    pounds: float | None = None
    is_alcohol: bool = False

    @property
    def picture(self) -> str:
        return f"{self.key}.svg"


ITEMS = {
    item.key: item
    for item in (
        Item("apples", "Orchard apples", "bag of six", 449, rrc="SM-000046"),
        Item("tomatoes", "Vine tomatoes", "1 lb", 329, rrc="SM-000047", pounds=1.0),
        Item("bread", "Country loaf", "baked today", 525, upc="400000000152"),
        Item("milk", "Whole milk", "half gallon", 389, upc="400000000015"),
        Item("eggs", "Free-range eggs", "one dozen", 499, upc="400000000213"),
        Item("carrots", "Garden carrots", "1 lb bunch", 219, rrc="SM-000049", pounds=1.0),
        Item("bananas", "Ripe bananas", "hand of five", 189, rrc="SM-000045"),
        Item("potatoes", "New potatoes", "2 lb bag", 299, rrc="SM-000048", pounds=2.0),
        Item("butter", "Salted butter", "8 oz", 419, upc="400000000183"),
        Item("cheddar", "Aged cheddar", "7 oz", 599, upc="400000000206"),
        Item("yogurt", "Plain yogurt", "32 oz", 449, upc="400000000190"),
        Item("juice", "Orange juice", "half gallon", 479, upc="400000000039"),
        Item("coffee", "Ground coffee", "12 oz", 1099, upc="400000000084"),
        Item("spaghetti", "Spaghetti", "1 lb", 229, upc="400000000220"),
        Item("oil", "Olive oil", "17 fl oz", 1239, upc="400000000275"),
        Item("chocolate", "Dark chocolate", "3.5 oz", 419, upc="400000000343"),
        Item("ice-cream", "Vanilla ice cream", "1 pint", 599, upc="400000000374"),
        Item("wine", "Red table wine", "750 ml", 1029, upc="400000000107", is_alcohol=True),
    )
}


def lines(counts: dict[str, int]) -> list[tuple[Item, int]]:
    """The products of a cart in catalog order, each with its count."""
    return [(item, counts[key]) for key, item in ITEMS.items() if counts.get(key)]


def order_items(counts: dict[str, int]) -> list[OrderItem]:
    """The products in the form of the API. A product's key is its line number, so that its line never changes.

    How products are counted and weighed: https://docs.instacart.com/connect/fulfillment_guide/concepts/product_quantity
    """
    return [
        OrderItem(
            line_num=item.key,
            item=ItemName(upc=item.upc, rrc=item.rrc),
            count=None if item.pounds else count,
            weight=item.pounds * count if item.pounds else None,
        )
        for item, count in lines(counts)
    ]


def total_cents(counts: dict[str, int]) -> int:
    return sum(item.price_cents * count for item, count in lines(counts))


def has_alcohol(counts: dict[str, int]) -> bool:
    return any(item.is_alcohol for item, _ in lines(counts))
