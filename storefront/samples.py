"""The shop's sample customers, goods and basket. A real shop has a database here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Customer:
    """A customer of the shop; `user_id` is the Connect user id the shop chose for them."""

    key: str
    name: str
    first_name: str
    last_name: str
    user_id: str


@dataclass(frozen=True)
class Item:
    name: str
    unit: str
    price_cents: int
    picture: str


CUSTOMERS = {
    customer.key: customer
    for customer in (
        Customer("one", "Customer one", "Customer", "One", "sample-customer-1"),
        Customer("two", "Customer two", "Customer", "Two", "sample-customer-2"),
    )
}

ITEMS = (
    Item("Orchard apples", "bag of six", 449, "apples.svg"),
    Item("Vine tomatoes", "1 lb", 329, "tomatoes.svg"),
    Item("Country loaf", "baked today", 525, "bread.svg"),
    Item("Whole milk", "half gallon", 389, "milk.svg"),
    Item("Free-range eggs", "one dozen", 499, "eggs.svg"),
    Item("Garden carrots", "bunch", 219, "carrots.svg"),
)

BASKET = ((ITEMS[0], 1), (ITEMS[2], 2), (ITEMS[4], 1))
DELIVERY_FEE_CENTS = 799
