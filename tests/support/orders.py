"""A retailer with stores, a catalog, slots with few places, customers, holds and orders, each in one line."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
import msgspec

from handcart.acts.verbs import MOST_WRONG_PINS
from handcart.core import clock
from handcart.core.db import Tx
from handcart.orders import ops as orders
from handcart.retailers.models import Rules
from handcart.slots import plans
from handcart.slots.plans import Plan
from handcart.stores import items, ops, queries
from handcart.stores.models import Item, Point, Store
from handcart.upkeep import integrity
from tests.support.server import LiveServer
from tests.support.shop import Shop
from tests.support.slots import slot_id
from tests.support.stores import store

USERS = "/v2/fulfillment/users"
LASTMILE = "/v2/fulfillment/lastmile/orders"
PHONE = "+13125550188"
ADDRESS = {"address_line_1": "350 W Oak St", "postal_code": "60610"}
MONTREAL = {"address_line_1": "1 Rue Saint-Paul", "postal_code": "H2Y 1H1"}
GROWN_UP = "1991-03-05"
# The user of an order who agreed to text messages.
TEXTED = {"sms_opt_in": True}
MILK = {"line_num": "1", "count": 2, "item": {"rrc": "milk"}}
SHOPPED = ("delivery", "pickup")
HELD = (*SHOPPED, "last_mile")
KINDS = (*HELD, "dispatch")

CATALOG = (
    Item(rrc="milk", upc="400000000015", name="Milk", price_cents=349, is_ebt_eligible=True),
    Item(rrc="bread", upc="400000000022", name="Bread", price_cents=425, is_ebt_eligible=True),
    Item(rrc="soap", name="Soap"),
    Item(rrc="ham", name="Ham", cost_unit="lb", price_cents=899),
    Item(rrc="apples", name="Apples", cost_unit="kg", par_weight=0.2, price_cents=399),
    Item(rrc="wine", name="Wine", alcohol_kind="wine"),
    Item(rrc="syrup", name="Cough syrup", restricted_reasons=("DXM",)),
    Item(rrc="soda", name="Soda", beverage_weight=12.5),
    Item(rrc="chair", name="Garden chair", is_bulky=True),
)
STORES = (
    store("here", sells_alcohol=True),
    store("dry", north=1),
    store("alberta", sells_alcohol=True, country="CA", region="AB"),
    store("ontario", sells_alcohol=True, country="CA", region="ON"),
    store("montreal", country="CA", region="QC", point=Point(45.505, -73.555), time_zone="America/Toronto"),
    store("counter", takes_last_mile=False),
)


class Market(Shop):
    """A shop with `CATALOG`, `STORES` and `capacity` places in each two hours of each store and kind."""

    def __init__(self, server: LiveServer, *, capacity: int = 5, is_lenient: bool = False, **rules: Any) -> None:
        super().__init__(server)
        self._begun = clock.now()
        server.write(_stock, self.retailer.id, capacity, is_lenient, Rules(**rules))
        self._stores: dict[str, Store] = {
            one.location_code: one for one in server.read(queries.stores, self.retailer.id)
        }

    def put(self, path: str, body: Any = None) -> httpx.Response:
        return self.http.put(path, json=body, headers=self.headers)

    def customer(self, user_id: str | None = None, **fields: Any) -> str:
        """Create a user, with a phone number unless that is None; returns the id."""
        user_id = user_id or f"user-{secrets.token_hex(6)}"
        user = {"user_id": user_id, "first_name": "Sample", "phone_number": PHONE, **fields}
        self.post(USERS, user).raise_for_status()
        return user_id

    def at(self, hour: int, day: int = 2, zone: str = "America/Chicago") -> int:
        """An hour on Chicago's clock, `day` days after the market opened, in microseconds."""
        today = datetime.fromtimestamp(self._begun // clock.SECOND, ZoneInfo(zone))
        then = (today + timedelta(days=day)).replace(hour=hour, minute=0, second=0, microsecond=0)
        return int(then.timestamp()) * clock.SECOND

    def option(self, kind: str = "delivery", *, hour: int = 12, day: int = 2, location: str = "here") -> int:
        """The id of the slot that starts at an hour."""
        starts_at = self.at(hour, day, self._stores[location].time_zone)
        number = self._stores[location].number
        return slot_id(self.retailer.id, kind, starts_at, number=number)

    def reserve(self, user_id: str, kind: str = "delivery", **slot: Any) -> httpx.Response:
        return self.post(f"{USERS}/{quote(user_id, '')}/service_options/{self.option(kind, **slot)}/reserve")

    def hold(self, user_id: str, kind: str = "delivery", **slot: Any) -> int:
        """The id of a hold."""
        number: int = self.reserve(user_id, kind, **slot).raise_for_status().json()["service_option_hold"]["id"]
        return number

    def body(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The body of a creation; fields given as `...` are left out."""
        common = {"order_id": f"order-{secrets.token_hex(6)}", "location_code": "here"}
        carried = {
            "first_name": "Sample",
            "last_name": "Member",
            "user_phone": PHONE,
            "items_count": 3,
            "items_weight": 4.5,
            "address": ADDRESS,
        }
        window = {"start_at": clock.to_wire(self.at(12)), "end_at": clock.to_wire(self.at(14))}
        bodies = {
            "delivery": {**common, "address": ADDRESS, "items": [MILK]},
            "pickup": {**common, "items": [MILK]},
            "last_mile": {**common, **carried},
            "dispatch": {**common, **carried, **window},
        }
        merged = {**bodies[kind], **fields}
        return {name: value for name, value in merged.items() if value is not ...}

    def send(self, kind: str, user_id: str, body: Mapping[str, Any], **options: Any) -> httpx.Response:
        """Post a creation unchanged; `headers` are added to the token."""
        headers = {**self.headers, **options.pop("headers", {})}
        return self.http.post(creation_path(kind, user_id), json=body, headers=headers, **options)

    def create(
        self, kind: str = "delivery", user_id: str | None = None, slot: Mapping[str, Any] | None = None, **fields: Any
    ) -> httpx.Response:
        """Create an order, with a hold of its user (one more, if none is named) for a slot.

        A dispatch order needs none of these, and has a user if one is named.
        """
        if kind == "dispatch":
            return self.send(kind, "", self.body(kind, **({} if user_id is None else {"user_id": user_id}), **fields))
        user_id = user_id or self.customer()
        if "service_option_hold_id" not in fields:
            fields["service_option_hold_id"] = self.hold(user_id, kind, **(slot or {}))
        return self.send(kind, user_id, self.body(kind, **fields))

    def order(self, kind: str = "delivery", user_id: str | None = None, **fields: Any) -> dict[str, Any]:
        """The response to a successful creation."""
        response = self.create(kind, user_id, **fields)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def path(self, user_id: str, order_id: str, action: str = "") -> str:
        return f"{USERS}/{quote(user_id, '')}/orders/{quote(order_id, '')}{action}"

    def read(self, user_id: str, order_id: str) -> httpx.Response:
        return self.get(self.path(user_id, order_id))

    def row(self, order_id: str) -> dict[str, Any]:
        """An order as it is stored; items and details decoded."""
        rows = self.server.sql(
            "SELECT * FROM orders WHERE retailer_id = $1 AND order_id = $2", self.retailer.id, order_id
        )
        (found,) = [dict(row) for row in rows]
        return {**found, **{name: msgspec.json.decode(found[name]) for name in ("items", "details")}}

    def history(self, order_id: str) -> list[tuple[str, str]]:
        """Status and event of each step of an order."""
        rows = self.server.sql(
            "SELECT status, what FROM order_history WHERE retailer_id = $1 AND order_id = $2 ORDER BY number",
            self.retailer.id,
            order_id,
        )
        return [(row["status"], row["what"]) for row in rows]

    def faults(self) -> list[str]:
        """What is wrong with the retailer's stored rows: those of other tests may be."""

        async def find(tx: Tx) -> list[str]:
            mine = self.retailer.id
            return [
                one.sentence
                for one in integrity.INVARIANTS
                for row in await tx.all(one.sql)
                if dict(row).get("retailer_id") == mine
            ]

        found: list[str] = self.server.read(find)
        return found

    def set_status(self, order_id: str, status: str) -> None:
        """Write the status of an order, and nothing else: no history and no events. `Shopping` makes the real steps."""
        self.server.sql(
            "UPDATE orders SET status = $1 WHERE retailer_id = $2 AND order_id = $3 RETURNING status",
            status,
            self.retailer.id,
            order_id,
        )

    def ledger(self) -> dict[tuple[str, str, int], tuple[int, int]]:
        """Held and booked places by store, kind and start, without windows where none is taken."""
        codes = {one.number: one.location_code for one in self._stores.values()}
        rows = self.server.sql(
            "SELECT store_number, kind, starts_at, held, booked FROM slot_ledger"
            " WHERE retailer_id = $1 AND held + booked > 0",
            self.retailer.id,
        )
        return {
            (codes[row["store_number"]], row["kind"], row["starts_at"]): (row["held"], row["booked"]) for row in rows
        }

    @property
    def taken(self) -> tuple[int, int]:
        """The total numbers of held and booked places."""
        places = self.ledger().values()
        return sum(held for held, _ in places), sum(booked for _, booked in places)

    @property
    def orders(self) -> int:
        """The number of orders."""
        (row,) = self.server.sql("SELECT count(*) AS orders FROM orders WHERE retailer_id = $1", self.retailer.id)
        count: int = row["orders"]
        return count


def creation_path(kind: str, user_id: str) -> str:
    """The path that creates an order of a kind; `last_mile deprecated` is the older path."""
    if kind == "dispatch":
        return LASTMILE
    if kind == "last_mile deprecated":
        return f"/v2/fulfillment/lastmile/users/{quote(user_id, '')}/orders"
    return f"{USERS}/{quote(user_id, '')}/orders/{kind}"


def line(line_num: str, rrc: str, **fields: Any) -> dict[str, Any]:
    """A line of a cart: one piece, unless fields say otherwise."""
    amount = {} if fields.keys() & {"count", "weight"} else {"count": 1}
    return {"line_num": line_num, "item": {"rrc": rrc}, **amount, **fields}


def refusals(response: httpx.Response) -> list[tuple[str, int | None, str | None]]:
    """Message, code and key of each error, in the single or the multiple form."""
    body = response.json()
    if body["error"]["code"] != 9999:
        assert set(body) == {"error", "meta"}, body
        single = [body]
    else:
        assert body["error"]["message"] == "There were issues with your request"
        single = body["error"]["errors"]
        assert len(single) > 1
    return [(one["error"]["message"], one["error"]["code"], one["meta"].get("key")) for one in single]


async def _stock(tx: Tx, retailer_id: int, capacity: int, is_lenient: bool, rules: Rules) -> None:
    await tx.run(
        "UPDATE retailers SET is_lenient = $2, rules = $3 WHERE id = $1",
        retailer_id,
        is_lenient,
        msgspec.json.encode(rules).decode(),
    )
    await ops.save(tx, retailer_id, STORES)
    await items.save(tx, retailer_id, CATALOG)
    for kind in HELD:
        await plans.set_plan(tx, retailer_id, plans.EVERY_STORE, kind, Plan(capacity=capacity))


async def lock_pin(tx: Tx, retailer_id: int, order_id: str) -> None:
    """As after too many wrong PINs at the door."""
    order = await orders.lock(tx, retailer_id, order_id)
    order.details.wrong_pins = MOST_WRONG_PINS
    await orders.keep(tx, retailer_id, order)
