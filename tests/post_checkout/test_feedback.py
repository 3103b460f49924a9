"""Order Feedback: ratings by both endpoints, their events, and the reminder."""

import json
from typing import Any

import httpx
import pytest

from handcart.orders.models import HIGHLIGHTS, RATINGS
from tests.support.contents import mentions, nothing_written
from tests.support.orders import KINDS, Market
from tests.support.post_checkout import NO_USER, NOT_FOUND, Customer, emit_delayed
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.shop import error

RATING = {
    "rating_value": "STARS4",
    "highlights": ["SMART_BAGGING", "SMOOTH_DELIVERY"],
    "thank_you_note": "Careful with the eggs, thanks",
}
SCOPE = "Connect::Orders::RatingService"


def rate(caller: Customer, order_id: str, body: Any = None, user_id: str | None = None) -> httpx.Response:
    """Rate an order: by the backend's path if a user is named, else by the frontend's."""
    user = "" if user_id is None else f"users/{user_id}/"
    headers = {"Authorization": f"Bearer {caller.token}"}
    path = f"/v2/feedback/{user}orders/{order_id}/rating"
    return caller.shop.http.post(path, json=RATING if body is None else body, headers=headers)


def completed(market: Market, kind: str = "delivery") -> tuple[str, str]:
    """A completed order and its user."""
    user_id = market.customer()
    order_id = str(market.order(kind, user_id)["id"])
    Shopping(market).complete(order_id, kind)
    return order_id, user_id


def told(market: Market, order_id: str) -> list[Any]:
    """The metadata of the order's events rating_updated."""
    rows = market.server.sql(
        "SELECT body FROM events WHERE retailer_id = $1 AND subject = $2 AND name = 'rating_updated' ORDER BY event_id",
        market.retailer.id,
        order_id,
    )
    return [json.loads(row["body"])["event_metadata"] for row in rows]


def test_order_of_each_kind_is_rated_by_both_paths_then_stored(market: Market) -> None:
    client = Customer(market, scope=SCOPE)
    for kind in KINDS:
        order_id, user_id = completed(market, kind)
        first = rate(client, order_id, user_id=user_id)
        second = rate(Customer(market, user_id, SCOPE), order_id, {"rating_value": "STARS1"})
        for answer in (first, second):
            assert (answer.status_code, answer.json()) == (200, {"success": True}), kind
        rating = market.row(order_id)["details"]["rating"]
        assert (rating["value"], "highlights" in rating, "thank_you_note" in rating) == ("STARS1", False, False)


def test_rating_is_made_and_changed_then_each_change_is_told_once(market: Market, shopping: Shopping) -> None:
    order_id, user_id = completed(market)
    client = Customer(market, scope=SCOPE)
    rate(client, order_id, user_id=user_id).raise_for_status()
    with nothing_written(market.server):
        rate(client, order_id, user_id=user_id).raise_for_status()
    rate(client, order_id, {"rating_value": "STARS2"}, user_id).raise_for_status()
    assert shopping.events(order_id).count("rating_updated") == 2
    assert told(market, order_id) == [
        {"order_id": order_id, **RATING},
        {"order_id": order_id, "rating_value": "STARS2"},
    ]


def test_order_is_rated_within_an_hour_then_nobody_is_reminded(market: Market, later: Any) -> None:
    (rated, user_id), (unrated, _) = completed(market), completed(market)
    rate(Customer(market, scope=SCOPE), rated, user_id=user_id).raise_for_status()
    with later(minutes=61):
        emit_delayed(market)
    rows = market.server.sql(
        "SELECT subject FROM events WHERE retailer_id = $1 AND name = 'rating_reminder' AND subject IN ($2, $3)",
        *(market.retailer.id, rated, unrated),
    )
    assert [row["subject"] for row in rows] == [unrated]


def test_every_value_and_highlight_then_accepted(market: Market) -> None:
    order_id, user_id = completed(market)
    client = Customer(market, scope=SCOPE)
    for value in RATINGS:
        assert rate(client, order_id, {"rating_value": value, "highlights": list(HIGHLIGHTS)}, user_id).is_success


def test_order_is_not_completed_then_refused(market: Market) -> None:
    user_id = market.customer()
    order_id = market.order("delivery", user_id)["id"]
    client = Customer(market, scope=SCOPE)
    with nothing_written(market.server):
        answer = rate(client, order_id, user_id=user_id)
    assert error(answer) == (400, "Order is not completed", 1001, "order_id")


WRONG: dict[str, tuple[Any, str, str]] = {
    "no value": ({}, "can't be blank", "rating_value"),
    "six stars": ({"rating_value": "STARS6"}, "is not included in the list", "rating_value"),
    "lower case": ({"rating_value": "stars1"}, "is not included in the list", "rating_value"),
    "a number": ({"rating_value": 5}, "is invalid", "rating_value"),
    "long value": ({"rating_value": "S" * 65}, "is invalid", "rating_value"),
    "highlight unknown": ({**RATING, "highlights": ["LOUD"]}, "is not included in the list", "highlights"),
    "highlights as text": ({**RATING, "highlights": "SMART_BAGGING"}, "is invalid", "highlights"),
    "many highlights": ({**RATING, "highlights": ["SMART_BAGGING"] * 21}, "is invalid", "highlights"),
    "note as a number": ({**RATING, "thank_you_note": 5}, "is invalid", "thank_you_note"),
    "long note": ({**RATING, "thank_you_note": "x" * 1001}, "is invalid", "thank_you_note"),
    "NUL": ({**RATING, "thank_you_note": "a\0"}, "is invalid", "thank_you_note"),
}


@pytest.fixture(scope="module")
def rated(market: Market) -> tuple[str, str]:
    return completed(market)


@pytest.mark.parametrize("row", WRONG)
def test_wrong_rating_then_the_field_is_named(market: Market, rated: tuple[str, str], row: str) -> None:
    body, message, key = WRONG[row]
    client = Customer(market, scope=SCOPE)
    with nothing_written(market.server):
        answer = rate(client, rated[0], body, rated[1])
    assert error(answer) == (400, message, 1001, key)


def test_note_has_hidden_characters_then_they_are_left_out(market: Market, rated: tuple[str, str]) -> None:
    note = " Thanks\u202e \u2066so\u200b much\r\n\x1b<b>Kim</b> 👩\u200d👧 "
    rate(Customer(market, scope=SCOPE), rated[0], {**RATING, "thank_you_note": note}, rated[1]).raise_for_status()
    stored = market.row(rated[0])["details"]["rating"]["thank_you_note"]
    assert stored == "Thanks so much\n<b>Kim</b> 👩\u200d👧"


def test_order_of_another_user_then_not_found(market: Market, rated: tuple[str, str]) -> None:
    order_id, other = rated[0], market.customer()
    client, of_other = Customer(market, scope=SCOPE), Customer(market, other, SCOPE)
    with nothing_written(market.server):
        for caller, user_id in ((of_other, None), (of_other, rated[1]), (client, other)):
            assert error(rate(caller, order_id, user_id=user_id)) == NOT_FOUND
        assert error(rate(client, "unknown", user_id=other)) == NOT_FOUND
        assert rate(client, order_id, user_id="nobody").json()["error"]["message"] == "User Not Found"
    assert error(rate(client, market.order("dispatch")["id"])) == NO_USER


def test_scope_of_another_api_then_forbidden(market: Market, rated: tuple[str, str]) -> None:
    for scope in ("connect:post_checkout", "connect:fulfillment"):
        assert rate(Customer(market, scope=scope), rated[0]).status_code == 403


def test_user_is_deleted_then_the_note_is_nowhere(server: LiveServer) -> None:
    market = Market(server)
    order_id, user_id = completed(market)
    note = f"Thanks from {user_id}"
    rate(Customer(market, scope=SCOPE), order_id, {**RATING, "thank_you_note": note}, user_id).raise_for_status()
    assert mentions(server, note)
    market.post(f"/v2/fulfillment/users/{user_id}/privacy_request").raise_for_status()
    assert mentions(server, note) == []
    assert told(market, order_id) == [
        {"order_id": order_id, "rating_value": "STARS4", "highlights": RATING["highlights"]}
    ]
    assert market.faults() == []
