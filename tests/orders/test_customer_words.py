"""Orders are found by the name and the phone number of their customers, and by neither after these were deleted."""

from typing import Any

import pytest

from handcart.orders import customer_words
from tests.support.orders import Market
from tests.support.server import LiveServer


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server, capacity=50)


def found(market: Market, text: str, retailer_id: int | None = None, most: int = 10) -> list[str]:
    """The ids of the orders that a search finds, the newest first."""
    asked: tuple[Any, ...] = (retailer_id or market.retailer.id, text, "", (), most)
    numbers = market.server.read(customer_words.orders, *asked)
    ids = {
        row["number"]: row["order_id"]
        for row in market.server.sql(
            "SELECT number, order_id FROM orders WHERE retailer_id = $1", retailer_id or market.retailer.id
        )
    }
    return [ids[number] for number in numbers]


def test_name_or_phone_is_searched_then_its_orders_are_found(market: Market) -> None:
    user_id = market.customer(first_name="Zoë", last_name="O'Neill-Ruiz", phone_number="+13125550177")
    market.order("delivery", user_id, order_id="one")
    market.order("pickup", user_id, order_id="two")
    market.order("delivery", order_id="other")
    expected = [
        *((text, ["two", "one"]) for text in ("zoe", "ZOË", "rui", "neill zo", "0177", "+1 (312) 555-0177")),
        *((text, ["two", "one"]) for text in ("3125550177", "zoe 0177")),
        *((text, []) for text in ("oe", "zoe zebra", "177", "zoe 0178", "", " - ", "%", "313 555 0177")),
    ]
    assert [(text, found(market, text)) for text, _ in expected] == expected
    assert found(market, "zoe", most=1) == ["two"]


def test_order_of_another_retailer_then_it_is_not_found(market: Market, server: LiveServer) -> None:
    other = Market(server)
    user_id = other.customer(first_name="Quentinia")
    other.order("delivery", user_id, order_id="theirs")
    assert found(other, "quentinia") == ["theirs"]
    assert found(market, "quentinia") == []
    assert len(server.read(customer_words.orders, None, "quentinia", "", (), 10)) == 1


def test_phone_number_is_changed_then_the_old_one_finds_nothing(market: Market) -> None:
    user_id = market.customer(first_name="Wanda", phone_number=None)
    market.order("delivery", user_id, order_id="one", user={"phone_number": "+13125550181"})
    assert found(market, "0181") == ["one"]
    changed = market.put(market.path(user_id, "one"), {"user": {"phone_number": "+13125550182"}})
    assert changed.status_code == 200, changed.text
    assert (found(market, "0181"), found(market, "0182"), found(market, "wanda")) == ([], ["one"], ["one"])


def test_user_is_deleted_then_no_word_of_the_user_is_stored(market: Market, server: LiveServer) -> None:
    user_id = market.customer(first_name="Xaverine")
    market.order("delivery", user_id, order_id="one")
    market.order("dispatch", user_id, order_id="two")
    number = market.row("one")["number"]
    assert found(market, "xaverine")
    assert market.post(f"/v2/fulfillment/users/{user_id}/privacy_request").json() == {"success": True}
    assert found(market, "xaverine") == []
    numbers = (number, market.row("two")["number"])
    assert server.sql("SELECT word FROM order_words WHERE number IN ($1, $2)", *numbers) == []
