"""Every operation about an order after checkout: who may call it, and for which order."""

from typing import Any

import httpx
import pytest

from handcart.core.web.call import Route
from handcart.post_checkout.routes import ROUTES
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.post_checkout import NO_USER, NOT_FOUND, Customer
from tests.support.server import LiveServer
from tests.support.shop import Shop, error

IDS = [route.operation_id for route in ROUTES]


def call(route: Route, caller: Customer, order_id: str, user_id: str = "") -> httpx.Response:
    """A call that is well-formed: its body is the one of the documentation."""
    examples: dict[str, Any] = getattr(route.body, "EXAMPLES", {})
    path = route.path.format(order_id=order_id, user_id=user_id, order_item_id="1111")
    body = next(iter(examples.values()), None)
    headers = {"Authorization": f"Bearer {caller.token}"}
    return caller.shop.http.request(route.method, path, json=body, headers=headers)


@pytest.fixture(scope="module")
def elsewhere(server: LiveServer) -> Market:
    return Market(server)


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_order_of_somebody_else_then_not_found_and_nothing_changes(
    market: Market, elsewhere: Market, route: Route
) -> None:
    user_id, other_id = market.customer(), market.customer()
    order_id = str(market.order("pickup", user_id)["id"])
    elsewhere.customer(user_id)
    scope = str(route.scope)
    callers = [
        Customer(market, other_id, scope),
        Customer(elsewhere, user_id, scope),
        Customer(elsewhere, scope=scope),
    ]
    with nothing_written(market.server):
        for caller in callers:
            assert error(call(route, caller, order_id, user_id)) == NOT_FOUND


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_order_without_a_user_then_a_client_reads_so(market: Market, route: Route) -> None:
    order_id, user_id = str(market.order("dispatch")["id"]), market.customer()
    caller = Customer(market, scope=str(route.scope))
    with nothing_written(market.server):
        assert error(call(route, caller, order_id, user_id)) == NO_USER


@pytest.mark.parametrize("route", ROUTES, ids=IDS)
def test_token_lacks_the_scope_then_forbidden(shop: Shop, route: Route) -> None:
    user_id = shop.user()
    others = {"connect:fulfillment", "connect:post_checkout", "Connect::Orders::RatingService"} - {route.scope}
    callers = [Customer(shop, scope=other) for other in sorted(others)]
    callers += [Customer(shop, user_id, other) for other in sorted(others - {"connect:fulfillment"})]
    with nothing_written(shop.server):
        for caller in callers:
            status, message, code, _ = error(call(route, caller, "ORD-1", user_id))
            assert (status, code) == (403, None)
            assert message == f'Access to this resource requires scope "{route.scope}".'
