"""Durations in words, and the clock of a shop's sandbox."""

from datetime import timedelta
from typing import Any

from handcart.core import clock
from tests.support.orders import Market
from tests.support.shop import Shop

CLOCK = "/v2/handcart_sandbox/clock"
NOON = "2030-06-12T17:00:00Z"  # in Chicago


def microseconds(**duration: float) -> int:
    """A duration in the units of `timedelta`, such as `hours=2`, as the server counts time."""
    return timedelta(**duration) // timedelta(microseconds=1)


def freeze(shop: Shop, at: str | None = NOON, **body: Any) -> dict[str, Any]:
    """Freeze the clock."""
    answer = turn(shop, "PUT", {"at": at, **body})
    if at and isinstance(shop, Market):
        shop._begun = clock.from_wire(at, "")  # from there its slots are named
    return answer


def advance(shop: Shop, **forward: float) -> dict[str, Any]:
    """Move the clock forward, as in `advance(shop, hours=2)`."""
    return turn(shop, "POST", {"seconds": microseconds(**forward) // clock.SECOND}, "/advance")


def run_to(shop: Shop, *what: str) -> dict[str, Any]:
    """Run the clock to the next thing due."""
    return turn(shop, "POST", {"what": list(what)} if what else {}, "/next")


def turn(shop: Shop, method: str, body: Any = None, verb: str = "") -> dict[str, Any]:
    """The answer of the clock to any call."""
    response = shop.http.request(method, CLOCK + verb, json=body, headers=shop.headers)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer
