"""Tenant isolation (ASVS 8.2.2, 8.4.1): two retailers x every fulfillment route x every kind of id.

Another retailer's id gets the same response as a missing one, byte for byte, in any state.
"""

import secrets
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from handcart import app
from handcart.core import clock
from handcart.core.web.call import Route
from tests.support.oauth import Organization, token_for
from tests.support.server import LiveServer
from tests.support.shop import Shop

ROUTES = [route for route in app.api_routes() if route.path.startswith("/v2/fulfillment")]
# Stores, slots and orders have their own table: tests/orders/test_tenants.py.
ROUTES_OF_USERS = [route for route in ROUTES if route.tag in ("Users", "Account linking")]
ADDRESS = {"address_line_1": "50 Sample St", "postal_code": "60610"}
NO_TOKEN = "A" * 43
TABLES = ("users", "addresses", "links")


def call(shop: Shop, route: Route, user_id: str, linking_token: str = NO_TOKEN) -> httpx.Response:
    body = {"user_id": user_id, "first_name": "Sample", "linking_token": linking_token, **ADDRESS}
    path = route.path.replace("{user_id}", user_id)
    return shop.http.request(route.method, path, json=body, headers=shop.headers)


def told(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    """All that an answer tells, but for the request's own name and time."""
    return answer.status_code, answer.content, {**answer.headers, "x-request-id": "", "date": ""}


def make_user(owner: Shop, user_id: str) -> None:
    owner.post("/v2/fulfillment/users", {"user_id": user_id, "first_name": "Owned"}).raise_for_status()


def make_linked_user(owner: Shop, user_id: str) -> None:
    make_user(owner, user_id)
    owner.post(f"/v2/fulfillment/users/{user_id}/addresses", ADDRESS).raise_for_status()
    account = owner.account(member_for=clock.DAY)
    owner.link(user_id, token_for(owner, account)).raise_for_status()


def make_deleted_user(owner: Shop, user_id: str) -> None:
    make_user(owner, user_id)
    owner.post(f"/v2/fulfillment/users/{user_id}/privacy_request").raise_for_status()


STATES: dict[str, Callable[[Shop, str], None]] = {
    "active": make_user,
    "linked": make_linked_user,
    "deleted": make_deleted_user,
}


def retailers_apart(server: LiveServer) -> list[Shop]:
    return [Shop(server), Shop(server), Shop(server)]


def banners_of_one_organization(server: LiveServer) -> list[Shop]:
    group, other = Organization(server), Organization(server)
    return [group.at(group.banners[0]), group.at(group.banners[1]), other.at(other.banners[0])]


# Each makes an owner, a caller who asks for what is the owner's, and a control for whom it does not exist anywhere.
TENANTS = [retailers_apart, banners_of_one_organization]


def rows_of(server: LiveServer, user_id: str) -> set[tuple[Any, ...]]:
    found = [server.sql(f"SELECT * FROM {table} WHERE user_id = $1", user_id) for table in TABLES]
    return {tuple(row) for rows in found for row in rows}


@pytest.mark.parametrize("tenants", TENANTS)
@pytest.mark.parametrize("state", STATES)
def test_foreign_user_id_then_the_answer_of_a_missing_one(server: LiveServer, state: str, tenants: Any) -> None:
    owner, caller, control = tenants(server)
    for route in ROUTES_OF_USERS:
        user_id = f"user-{secrets.token_hex(6)}"
        missing = told(call(control, route, user_id))
        STATES[state](owner, user_id)
        owned = rows_of(server, user_id)
        assert told(call(caller, route, user_id)) == missing, route.operation_id
        assert owned <= rows_of(server, user_id), route.operation_id


def test_foreign_linking_token_then_the_answer_of_an_unknown_one(server: LiveServer) -> None:
    owner, caller, control = retailers_apart(server)
    for route in ROUTES_OF_USERS:
        user_id, token = f"user-{secrets.token_hex(6)}", token_for(owner, owner.account())
        for place in (caller, control):
            make_user(place, user_id)
        assert told(call(caller, route, user_id, token)) == told(call(control, route, user_id)), route.operation_id
        assert owner.link(owner.user(), token).json() == {"success": True}, route.operation_id


def test_foreign_banner_then_the_answer_of_an_unknown_one(server: LiveServer) -> None:
    owner, group = Shop(server), Organization(server)
    user_id = owner.user()
    foreign, unknown = (group.at(banner) for banner in (owner.slug, "nobody"))
    for route in ROUTES:
        assert told(call(foreign, route, user_id)) == told(call(unknown, route, user_id)), route.operation_id


def test_table_of_routes_then_not_empty_and_every_route_is_guarded() -> None:
    assert len(ROUTES) >= 7
    assert {route.scope for route in ROUTES} == {"connect:fulfillment"}
