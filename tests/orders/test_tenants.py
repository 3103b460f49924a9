"""Tenant isolation of stores, slots and orders: every route x every kind of id that it takes.

Another retailer's id gets the same response as a missing one, byte for byte, and the owner's data does not change. A
route without a row in `IDS` fails.
"""

import base64
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from handcart.core import clock
from handcart.core.web.call import Route
from handcart.orders import routes as orders_routes
from handcart.slots import routes as slots_routes
from handcart.stores import api as stores_api
from handcart.stores import ops as stores
from tests.support.orders import ADDRESS, HELD, MILK, Market
from tests.support.server import LiveServer, on_sqlite
from tests.support.stores import store

ROUTES = {route.operation_id: route for route in (*stores_api.ROUTES, *slots_routes.ROUTES, *orders_routes.ROUTES)}
STORE, USER, OPTION, REFERENCE, HOLD, ORDER = (
    "location_code",
    "user_id",
    "service_option_id",
    "service_option_reference",
    "service_option_hold_id",
    "order_id",
)
# Which ids a route takes, in path, query or body. Creations take an order id too: it is new there, or one's own.
IDS = {
    "find_stores_delivery": (),
    "find_stores_pickup": (),
    "find_stores_last_mile": (),
    "find_stores_dispatch": (),
    "validate_items": (STORE,),
    "preview_service_options_delivery": (),
    "preview_service_options_pickup": (STORE,),
    "preview_service_options_last_mile": (STORE,),
    "preview_service_options_last_mile_deprecated": (STORE,),
    "list_service_options_delivery": (USER, STORE),
    "list_service_options_delivery_deprecated": (USER, STORE),
    "list_service_options_pickup": (USER, STORE),
    "list_service_options_last_mile": (USER, STORE),
    "create_service_option_hold": (USER, OPTION),
    "create_service_option_hold_last_mile_deprecated": (USER, OPTION),
    "create_desired_window_hold": (USER, REFERENCE),
    "create_service_option_hold_with_cart": (USER, OPTION, STORE),
    "create_order_delivery": (USER, HOLD, STORE),
    "create_order_pickup": (USER, HOLD, STORE),
    "create_order_last_mile": (USER, HOLD, STORE),
    "create_order_last_mile_deprecated": (USER, HOLD, STORE),
    "create_order_dispatch": (USER, STORE),
    "get_order": (USER, ORDER),
    "get_order_dispatch": (USER, ORDER),
    "get_orders": (USER,),
    "update_order": (USER, ORDER, HOLD),
    "update_order_last_mile": (USER, ORDER, OPTION),
    "update_order_dispatch": (USER, ORDER, OPTION),
    "set_item_replacements": (USER, ORDER),
    "update_tip": (USER, ORDER),
    "stage_order": (USER, ORDER),
    "stage_order_dispatch": (ORDER,),
    "cancel_order": (USER, ORDER),
    "cancel_order_dispatch": (USER, ORDER),
}
TAKES_QUERY = ("get_order_dispatch", "update_order_dispatch")
CASES = [(operation, name) for operation, names in IDS.items() for name in names]
MISSING = {USER: "nobody", STORE: "nowhere", ORDER: "nothing", HOLD: 4, OPTION: 2**53 - 1}


def kind_of(operation: str) -> str:
    """The kind of slot or order that a route is tried with."""
    if "dispatch" in operation:
        return "dispatch"
    carried = any(word in operation for word in ("last_mile", "stage"))
    return "last_mile" if carried else "pickup" if "pickup" in operation else "delivery"


@dataclass
class Tenant:
    """A retailer with one of everything that has an id; a hold and an order of one kind.

    All tenants have a user by the same id, so that nothing but the retailer sets their orders apart.
    """

    market: Market
    ids: dict[str, Any]

    @classmethod
    def make(cls, server: LiveServer, operation: str) -> "Tenant":
        market, name, kind = Market(server), secrets.token_hex(6), kind_of(operation)
        user_id = market.customer("everybody's")
        server.write(stores.save, market.retailer.id, [store(f"store-{name}")])
        order = market.order(kind, user_id)
        held = kind if kind in HELD else "last_mile"
        ids = {USER: user_id, STORE: f"store-{name}", ORDER: order["id"], HOLD: market.hold(user_id, held, hour=15)}
        ids[OPTION] = market.option(held, hour=18)
        ids[REFERENCE] = reference(ids[OPTION])
        return cls(market, ids)

    def call(self, operation: str, **other: Any) -> httpx.Response:
        """A request that is right but for the ids given; the store is the one of its slots, if no other is named."""
        ids = {**self.ids, STORE: "here", **other}
        route: Route = ROUTES[operation]
        path = route.path
        for name in (USER, OPTION, ORDER):
            path = path.replace(f"{{{name}}}", quote(str(ids[name]), safe=""))
        query = {USER: ids[USER]} if operation in TAKES_QUERY else {}
        body = None if route.body is None else self.body(operation, ids)
        return self.market.http.request(route.method, path, params=query, json=body, headers=self.market.headers)

    def body(self, operation: str, ids: dict[str, Any]) -> dict[str, Any]:
        if operation.startswith("create_order"):
            return self.market.body(kind_of(operation), **{name: ids[name] for name in (USER, HOLD, STORE)})
        given = {name: ids[name] for name in IDS[operation] if name != ORDER}
        if operation.startswith(("update_order", "update_tip")):
            window = {"start_at": self.market.at(18), "end_at": self.market.at(20)}
            moved = {name: clock.to_wire(at) for name, at in window.items()}
            return {**given, "tip_amount_cents": 5, **(moved if OPTION in given else {})}
        where = {"address": ADDRESS, "postal_code": "60601", "find_by": ADDRESS, "selections": [{"line_num": "1"}]}
        return {**given, **where, "items": [MILK], "cart_total_cents": 100, "items_count": 1}


def reference(option_id: int) -> str:
    """As a list with desired windows makes them: only the id decides."""
    return base64.b64encode(b'{"id":%d,"starts_at":"","ends_at":""}' % option_id).decode()


def told(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """All that an answer tells, but for the request's own name and time."""
    return answer.status_code, answer.content, {**answer.headers, "x-request-id": "", "date": ""}


def owned(tenant: Tenant) -> list[str]:
    """All rows that belong to a tenant."""
    columns = dict.fromkeys(("orders", "order_history", "slot_ledger", "stores"), "retailer_id")
    columns |= dict.fromkeys(("holds", "users"), "isolation_id")
    owner = tenant.market.retailer.id
    sql = "SELECT * FROM {} WHERE {} = $1"
    rows = [row for table, by in columns.items() for row in tenant.market.server.sql(sql.format(table, by), owner)]
    assert len(rows) > len(columns)
    return sorted(repr(tuple(row)) for row in rows)


def test_route_is_added_then_it_has_a_row_here() -> None:
    assert set(IDS) == set(ROUTES)
    for operation, route in ROUTES.items():
        in_path = {name for name in (USER, OPTION, ORDER) if f"{{{name}}}" in route.path}
        in_body = {name for name in MISSING.keys() | {REFERENCE} if name in getattr(route.body, "__annotations__", {})}
        if operation.startswith("create_order"):
            in_body -= {ORDER}
        in_query = {USER} if operation in TAKES_QUERY else set()
        assert set(IDS[operation]) == in_path | in_body | in_query, operation


@pytest.mark.parametrize(("operation", "name"), CASES)
@on_sqlite
def test_id_of_another_retailer_then_answered_like_a_missing_one(server: LiveServer, operation: str, name: str) -> None:
    owner, caller = Tenant.make(server, operation), Tenant.make(server, operation)
    foreign = owner.market.customer() if name == USER else owner.ids[name]
    missing = reference(MISSING[OPTION]) if name == REFERENCE else MISSING[name]
    before = owned(owner), owned(caller)
    expected = caller.call(operation, **{name: missing})
    assert expected.status_code in (400, 404), expected.text
    assert told(caller.call(operation, **{name: foreign})) == told(expected)
    assert (owned(owner), owned(caller)) == before
    # It was the id, and nothing else, that stood in the way.
    assert owner.call(operation).status_code == (400 if operation == "update_tip" else 200), owner.call(operation).text


@pytest.mark.parametrize("operation", [name for name in IDS if name.startswith("find_stores")])
def test_stores_found_then_only_those_of_the_retailer(server: LiveServer, operation: str) -> None:
    tenants = [Tenant.make(server, operation) for _ in range(2)]
    for tenant, other in (tenants, tenants[::-1]):
        text = tenant.call(operation).text
        assert tenant.ids[STORE] in text
        assert other.ids[STORE] not in text


@pytest.mark.parametrize("operation", [name for name in IDS if name.startswith("create_order")])
def test_order_id_of_another_retailer_then_it_is_free(server: LiveServer, operation: str) -> None:
    owner, caller = Tenant.make(server, operation), Tenant.make(server, operation)
    before = owned(owner)
    kind = kind_of(operation)
    body = caller.market.body(kind, order_id=owner.ids[ORDER], service_option_hold_id=caller.ids[HOLD])
    path = "last_mile deprecated" if operation.endswith("deprecated") else kind
    assert caller.market.send(path, caller.ids[USER], body).json()["id"] == owner.ids[ORDER]
    assert owned(owner) == before
