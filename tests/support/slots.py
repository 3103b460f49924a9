"""Stores with slots for a test's retailer, and the requests that list and hold them."""

from datetime import datetime
from typing import Any

import httpx

from handcart.core import clock
from handcart.core.secret import Keys
from handcart.retailers import ops as retailers
from handcart.slots import option_ids, plans
from handcart.slots.models import SCHEDULED, WINDOW
from handcart.slots.option_ids import Offer, Option
from handcart.slots.plans import EVERY_STORE, Plan
from handcart.stores import items, queries
from handcart.stores.models import KINDS, Item, Store
from tests.support.server import SECRET_KEY
from tests.support.shop import Shop
from tests.support.stores import keep, store

SLOT_KEY = Keys(SECRET_KEY.encode()).slot_key
BASE = "/v2/fulfillment"
ADDRESS = {"address_line_1": "1 State St", "postal_code": "60601"}
ITEMS = (
    Item(rrc="milk", upc="400000000015", name="Milk"),
    Item(rrc="eggs", name="Eggs"),
    Item(rrc="ham", name="Ham", cost_unit="lb"),
    Item(rrc="wine", name="Wine", alcohol_kind="wine"),
    Item(rrc="water", name="Water", beverage_weight=26.0),
    Item(rrc="chair", name="Garden chair", is_bulky=True),
)
# All eight lists: path, the fields that each needs. `{user}` stands for a user.
CART = {"items": [{"line_num": "1", "count": 1, "item": {"rrc": "milk"}}]}
TOTALS = {"cart_total_cents": 4250, "items_count": 7}
LISTS: dict[str, tuple[str, dict[str, Any]]] = {
    "preview delivery": ("/service_options/delivery", {"postal_code": "60601"}),
    "preview pickup": ("/service_options/pickup", {"location_code": "s"}),
    "preview last mile": ("/service_options/last_mile", {"location_code": "s"}),
    "preview lastmile": ("/lastmile/service_options", {"postal_code": "60601"}),
    "delivery": (
        "/users/{user}/service_options/cart/delivery",
        {"location_code": "s", "address": ADDRESS, **CART},
    ),
    "cart": ("/users/{user}/service_options/cart", {"location_code": "s", "address": ADDRESS, **CART}),
    "pickup": ("/users/{user}/service_options/cart/pickup", {"location_code": "s", **CART}),
    "last mile": (
        "/users/{user}/service_options/cart/last_mile",
        {"location_code": "s", "address": ADDRESS, **TOTALS},
    ),
}


def moment(text: str) -> int:
    """Microseconds of a time with its offset."""
    return int(datetime.fromisoformat(text).timestamp()) * clock.SECOND


def slot_id(
    retailer_id: int,
    kind: str,
    starts_at: int,
    length: int = WINDOW,
    type_: str = SCHEDULED,
    *,
    number: int = 1,
    has_alcohol: bool = False,
    ignores_lead: bool = False,
) -> int:
    """The id of a slot of a test server's store, listed or not; `number` is the store's."""
    offer = Offer(kind, type_, length, has_alcohol, ignores_lead)
    return option_ids.encode(SLOT_KEY, retailer_id, Option(number, offer, starts_at))


def wire_time(text: str) -> str:
    """A time with its offset as lists show it."""
    return datetime.fromisoformat(text).isoformat(timespec="milliseconds")


def stock(shop: Shop, plan: Plan | None = None, code: str = "s", **fields: Any) -> Store:
    """A store in Chicago with a catalog and a plan for every kind (without one: the default)."""
    keep(shop, store(code, **fields))
    shop.server.write(items.save, shop.retailer.id, ITEMS)
    if plan is not None:
        set_plan(shop, plan)
    kept: Store = shop.server.read(queries.store, shop.retailer.id, code)
    return kept


def set_plan(shop: Shop, plan: Plan, code: str = EVERY_STORE) -> None:
    for kind in KINDS:
        shop.server.write(plans.set_plan, shop.retailer.id, code, kind, plan)


def set_rules(shop: Shop, **changes: Any) -> None:
    shop.server.write(retailers.change, shop.slug, changes)


def ask(shop: Shop, name: str, user: str = "", **changes: Any) -> httpx.Response:
    """One of `LISTS`; a change to None leaves the field out."""
    path, fields = LISTS[name]
    body = {key: value for key, value in {**fields, **changes}.items() if value is not None}
    return shop.post(BASE + path.replace("{user}", user), body)


def listed(shop: Shop, name: str, user: str = "", **changes: Any) -> list[dict[str, Any]]:
    """The slots that one of `LISTS` answers."""
    response = ask(shop, name, user, **changes)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["service_options"]
    return found


def first(shop: Shop, name: str = "preview pickup", **changes: Any) -> int:
    """The id of the first slot."""
    option_id: int = listed(shop, name, **changes)[0]["id"]
    return option_id


def reserve(shop: Shop, user: str, option_id: object) -> httpx.Response:
    """As the documentation has it: without a body."""
    return shop.http.post(f"{BASE}/users/{user}/service_options/{option_id}/reserve", headers=shop.headers)


def line(rrc: str, count: int | None = 1, line_num: str | None = None, **fields: Any) -> dict[str, Any]:
    """A line of a cart."""
    made = {"line_num": line_num or rrc, "item": {"rrc": rrc}, "count": count, **fields}
    return {name: value for name, value in made.items() if value is not None}


def counters(shop: Shop) -> list[tuple[int, int, int]]:
    """Capacity, held and booked of each ledger row of the retailer, in the order of time."""
    rows = shop.server.sql(
        "SELECT capacity, held, booked FROM slot_ledger WHERE retailer_id = $1 ORDER BY starts_at", shop.retailer.id
    )
    return [tuple(row) for row in rows]


def taken_places(shop: Shop) -> int:
    """The number of held or booked places of the retailer."""
    return sum(held + booked for _, held, booked in counters(shop))
