"""Sample stores and a sample catalog: always the same, at real places, with invented names."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from random import Random
from typing import Any

from handcart.core.db import Tx
from handcart.stores.codes import check_digit
from handcart.stores.models import Item, Point, PostalArea, Store
from handcart.stores.postal import CANADA, locate

ITEMS = 5200
_SEED = 1
# The five cities with the most postal codes in each state, and the cities of the Canadian table.
_CITIES = (
    "SELECT region, city, time_zone, latitude, longitude, postal_code FROM ("
    "SELECT region, city, min(time_zone) AS time_zone, avg(latitude) AS latitude, avg(longitude) AS longitude,"
    " min(postal_code) AS postal_code,"
    " row_number() OVER (PARTITION BY region ORDER BY count(*) DESC, city) AS place"
    " FROM postal_codes GROUP BY region, city) AS cities WHERE place <= 5 ORDER BY region, place"
)
_KINDS = ("Organic", "Classic", "Family", "Garden", "Farmhouse", "Everyday", "Harvest", "Country", "Sunrise", "Valley")
_SIZES = ("small", "medium", "large", "double", "family pack")
# Name, cost unit, average piece in the cost unit, alcohol, pounds of beverage, bulky, lowest price in cents.
_PRODUCTS: tuple[tuple[str, str, float | None, str | None, float, bool, int], ...] = (
    ("Whole Milk", "each", None, None, 4.3, False, 249),
    ("Oat Drink", "each", None, None, 2.2, False, 299),
    ("Orange Juice", "each", None, None, 4.2, False, 349),
    ("Apple Juice", "each", None, None, 4.2, False, 279),
    ("Sparkling Water", "each", None, None, 8.8, False, 399),
    ("Spring Water", "each", None, None, 26.0, True, 449),
    ("Cola", "each", None, None, 9.0, False, 599),
    ("Ground Coffee", "each", None, None, 0.0, False, 799),
    ("Black Tea", "each", None, None, 0.0, False, 329),
    ("Red Wine", "each", None, "wine", 2.9, False, 899),
    ("White Wine", "each", None, "wine", 2.9, False, 899),
    ("Lager Beer", "each", None, "beer", 5.0, False, 999),
    ("Pale Ale", "each", None, "beer", 5.0, False, 1099),
    ("Gin", "each", None, "spirits", 2.6, False, 1799),
    ("Wheat Bread", "each", None, None, 0.0, False, 299),
    ("Rye Bread", "each", None, None, 0.0, False, 329),
    ("Bagels", "each", None, None, 0.0, False, 379),
    ("Butter", "each", None, None, 0.0, False, 419),
    ("Yogurt", "each", None, None, 0.0, False, 129),
    ("Cheddar", "each", None, None, 0.0, False, 459),
    ("Eggs", "each", None, None, 0.0, False, 359),
    ("Spaghetti", "each", None, None, 0.0, False, 169),
    ("Long Grain Rice", "each", None, None, 0.0, False, 229),
    ("Rolled Oats", "each", None, None, 0.0, False, 389),
    ("Flour", "each", None, None, 0.0, False, 319),
    ("Sugar", "each", None, None, 0.0, False, 259),
    ("Olive Oil", "each", None, None, 0.0, False, 899),
    ("Tomato Sauce", "each", None, None, 0.0, False, 219),
    ("Black Beans", "each", None, None, 0.0, False, 119),
    ("Peanut Butter", "each", None, None, 0.0, False, 349),
    ("Strawberry Jam", "each", None, None, 0.0, False, 369),
    ("Corn Flakes", "each", None, None, 0.0, False, 399),
    ("Potato Chips", "each", None, None, 0.0, False, 349),
    ("Dark Chocolate", "each", None, None, 0.0, False, 279),
    ("Frozen Peas", "each", None, None, 0.0, False, 199),
    ("Frozen Pizza", "each", None, None, 0.0, False, 599),
    ("Ice Cream", "each", None, None, 0.0, False, 499),
    ("Paper Towels", "each", None, None, 0.0, True, 1299),
    ("Dog Food", "each", None, None, 0.0, True, 2499),
    ("Laundry Detergent", "each", None, None, 0.0, False, 1199),
    ("Dish Soap", "each", None, None, 0.0, False, 299),
    ("Toothpaste", "each", None, None, 0.0, False, 349),
    ("Shampoo", "each", None, None, 0.0, False, 499),
    ("Cough Syrup", "each", None, None, 0.0, False, 899),
    ("Bananas", "lb", 0.33, None, 0.0, False, 59),
    ("Apples", "lb", 0.4, None, 0.0, False, 149),
    ("Tomatoes", "lb", 0.35, None, 0.0, False, 199),
    ("Potatoes", "lb", 0.5, None, 0.0, False, 99),
    ("Carrots", "lb", None, None, 0.0, False, 109),
    ("Onions", "lb", 0.45, None, 0.0, False, 99),
    ("Sliced Ham", "lb", None, None, 0.0, False, 799),
    ("Sliced Turkey", "lb", None, None, 0.0, False, 899),
    ("Ground Beef", "lb", None, None, 0.0, False, 599),
    ("Chicken Breast", "lb", 0.75, None, 0.0, False, 449),
    ("Salmon Fillet", "lb", 0.5, None, 0.0, False, 1099),
    ("Pork Chops", "lb", 0.6, None, 0.0, False, 399),
)
_NO_FOOD = ("Paper Towels", "Dog Food", "Laundry Detergent", "Dish Soap", "Toothpaste", "Shampoo", "Cough Syrup")
# Departments with their aisle and temperature, and the products on their shelves in sequence.
_DEPARTMENTS: Mapping[tuple[str, str, str], Sequence[str]] = {
    ("Produce", "1", "ambient"): ("Bananas", "Apples", "Tomatoes", "Potatoes", "Carrots", "Onions"),
    ("Bakery", "2", "ambient"): ("Wheat Bread", "Rye Bread", "Bagels"),
    ("Deli", "3", "cold"): ("Sliced Ham", "Sliced Turkey"),
    ("Meat & Seafood", "4", "cold"): ("Ground Beef", "Chicken Breast", "Pork Chops", "Salmon Fillet"),
    ("Breakfast", "5", "ambient"): ("Corn Flakes", "Rolled Oats", "Peanut Butter", "Strawberry Jam"),
    ("Pantry", "6", "ambient"): (
        *("Spaghetti", "Tomato Sauce", "Long Grain Rice", "Black Beans"),
        *("Flour", "Sugar", "Olive Oil"),
    ),
    ("Snacks", "7", "ambient"): ("Potato Chips", "Dark Chocolate"),
    ("Coffee & Tea", "8", "ambient"): ("Ground Coffee", "Black Tea"),
    ("Drinks", "9", "ambient"): ("Orange Juice", "Apple Juice", "Sparkling Water", "Spring Water", "Cola"),
    ("Wine, Beer & Spirits", "10", "ambient"): ("Red Wine", "White Wine", "Lager Beer", "Pale Ale", "Gin"),
    ("Household", "11", "ambient"): ("Paper Towels", "Laundry Detergent", "Dish Soap"),
    ("Pets", "11", "ambient"): ("Dog Food",),
    ("Health & Beauty", "12", "ambient"): ("Toothpaste", "Shampoo", "Cough Syrup"),
    ("Dairy", "13", "cold"): ("Whole Milk", "Oat Drink", "Butter", "Yogurt", "Cheddar", "Eggs"),
    ("Frozen", "14", "frozen"): ("Frozen Peas", "Frozen Pizza", "Ice Cream"),
}
_PLACES = {
    noun: {"department": department, "aisle": aisle, "shelf": str(shelf), "temperature": temperature}
    for (department, aisle, temperature), nouns in _DEPARTMENTS.items()
    for shelf, noun in enumerate(nouns, 1)
}


async def stores(tx: Tx) -> list[Store]:
    """A store in each of some 300 cities of the United States and Canada, open around the clock."""
    rows = await tx.all(_CITIES)
    cities = [_us_city(row) for row in rows]
    for city, province in dict.fromkeys(values[:2] for values in CANADA.values()):
        code = _canadian_code(city, province)
        place = await locate(tx, code)
        assert place is not None
        cities.append((place, code, "CA"))
    return [_store(number, *city) for number, city in enumerate(cities, 1)]


def items(count: int = ITEMS) -> Iterator[Item]:
    """A catalog of at most 28,000 products. UPCs begin with 4, which GS1 reserves for use inside a company."""
    random = Random(_SEED)  # noqa: S311 (not a secret)
    named = product(range(1, 11), _KINDS, _SIZES, _PRODUCTS)
    for number, (line, kind, size, one) in enumerate(islice(named, count), 1):
        yield _item(number, f"{kind} {one[0]} {line}, {size}", one, random.randrange(0, 400, 10))


def _item(number: int, name: str, product: Any, markup: int) -> Item:
    noun, cost_unit, par_weight, alcohol_kind, beverage_weight, is_bulky, price_cents = product
    digits = f"4{number:010}"
    return Item(
        rrc=f"SM-{number:06}",
        upc=digits + check_digit(digits),
        name=name,
        cost_unit=cost_unit,
        par_weight=par_weight,
        alcohol_kind=alcohol_kind,
        restricted_reasons=("DXM",) if noun == "Cough Syrup" else (),
        is_ebt_eligible=alcohol_kind is None and noun not in _NO_FOOD,
        is_bulky=is_bulky,
        beverage_weight=beverage_weight,
        price_cents=price_cents + markup,
        **_PLACES[noun],
    )


def _us_city(row: Any) -> tuple[PostalArea, str, str]:
    point = Point(round(row["latitude"], 4), round(row["longitude"], 4))
    return PostalArea(point, row["time_zone"], row["city"], row["region"]), row["postal_code"], "US"


def _canadian_code(city: str, province: str) -> str:
    """A postal code in the city, according to the table."""
    beginning = next(beginning for beginning, values in CANADA.items() if values[:2] == (city, province))
    return beginning + "0E1A1"[len(beginning) - 1 :]


def _store(number: int, place: PostalArea, postal_code: str, country: str) -> Store:
    """A store. Every third sells no alcohol, every fourth delivers at long distance, every seventh is pickup only."""
    delivers = number % 7 != 0
    return Store(
        location_code=f"SM-{number:04}",
        name=f"Sample Market {place.city}",
        address_line_1=f"{100 + number} Main St",
        city=place.city,
        region=place.region,
        postal_code=postal_code,
        country=country,
        point=place.point,
        time_zone=place.time_zone,
        takes_delivery=delivers,
        takes_last_mile=delivers,
        sells_alcohol=number % 3 != 0,
        delivers_long_distance=number % 4 == 0,
    )
