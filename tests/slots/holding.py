"""Shared by the tests of holds: requests for holds, refusals, and the stored holds."""

from typing import Any

import httpx

from handcart.retailers.models import Caller
from tests.support.shop import Shop
from tests.support.slots import ADDRESS, BASE, CART

FULL = (400, "Service option is not available", 1001, "service_option_id")
EXPIRED = (400, "Service option is expired", 1001, "service_option_id")
MALFORMED = (400, "is invalid", 1001, "service_option_id")


def refer(shop: Shop, user: str, reference: object) -> httpx.Response:
    return shop.post(f"{BASE}/users/{user}/service_options/reserve", {"service_option_reference": reference})


def reserve_cart(shop: Shop, user: str, option_id: int, **changes: Any) -> httpx.Response:
    body = {"address": ADDRESS, **CART, **changes}
    path = f"{BASE}/users/{user}/service_options/{option_id}/reserve/cart"
    return shop.post(path, {key: value for key, value in body.items() if value is not None})


def caller(shop: Shop) -> Caller:
    retailer = shop.retailer
    return Caller(shop.client.client_id, retailer.organization_id, retailer.id, retailer.isolation_id, (), None)


def holds(shop: Shop) -> list[tuple[str, bool]]:
    """Whose holds there are, and whether each still counts."""
    rows = shop.server.sql(
        "SELECT user_id, is_counted FROM holds WHERE retailer_id = $1 ORDER BY user_id", shop.retailer.id
    )
    return [(row["user_id"], bool(row["is_counted"])) for row in rows]
