"""The clock of a shop's sandbox."""

from typing import Any

from handcart.core import clock
from tests.support.orders import Market
from tests.support.shop import Shop

CLOCK = "/v2/handcart_sandbox/clock"
NOON = "2030-06-12T17:00:00Z"  # in Chicago


def freeze(shop: Shop, at: str | None = NOON, **body: Any) -> dict[str, Any]:
    """Freeze the clock."""
    answer = turn(shop, "PUT", {"at": at, **body})
    if at and isinstance(shop, Market):
        shop._begun = clock.from_wire(at, "")  # from there its slots are named
    return answer


def advance(shop: Shop, seconds: int) -> dict[str, Any]:
    """Move the clock forward."""
    return turn(shop, "POST", {"seconds": seconds}, "/advance")


def run_to(shop: Shop, *what: str) -> dict[str, Any]:
    """Run the clock to the next thing due."""
    return turn(shop, "POST", {"what": list(what)} if what else {}, "/next")


def turn(shop: Shop, method: str, body: Any = None, verb: str = "") -> dict[str, Any]:
    """The answer of the clock to any call."""
    response = shop.http.request(method, CLOCK + verb, json=body, headers=shop.headers)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer
