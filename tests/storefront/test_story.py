"""An order's events in words; events with missing fields cause no error."""

import json
from datetime import UTC

import pytest
from handcart_client.receiver import EventName, read_event

from storefront import story

ITEMS = [
    {"line_num": "bread", "replaced": True},
    {"line_num": "eggs", "replaced": True},
    {"line_num": "milk", "refunded": True},
    {"line_num": "from elsewhere", "refunded": True},
]
WINDOW = {"starts_at": "2026-03-04T18:20:00Z", "ends_at": "2026-03-04T18:40:00Z"}


def told(name, *, is_delivery=True, **metadata):
    event = {"event_id": 1, "event_name": name, "event_timestamp": "2026-03-04T17:20:03Z"}
    events = [read_event(json.dumps({**event, "event_metadata": metadata}).encode())]
    return [line.text for line in story.told(events, UTC, is_delivery=is_delivery)]


@pytest.mark.parametrize(
    ("name", "metadata", "text"),
    [
        (EventName.ORDER_ITEM_REPLACEMENT, {"order_items": ITEMS}, "Replaced: Country loaf, Free-range eggs"),
        (EventName.ORDER_ITEM_REFUND, {"order_items": ITEMS}, "Not in stock today: Whole milk"),
        (EventName.ORDER_ITEM_REFUND, {}, "Not in stock today: one of your items"),
        (EventName.CUSTOMER_ACKNOWLEDGED, {"shopper_name": "Sample S."}, "Sample S. knows that you are here"),
        (EventName.CUSTOMER_ACKNOWLEDGED, {"shopper_name": "{who}"}, "{who} knows that you are here"),
        (EventName.CUSTOMER_ACKNOWLEDGED, {}, "Somebody knows that you are here"),
        (EventName.TIP_ADJUSTMENT, {"tip_amount_cents": 1205}, "The tip is now $12.05"),
        (EventName.DELIVERED, {}, "Delivered"),
        ("fulfillment.of_tomorrow", {}, "There is news about your order"),
    ],
)
def test_event_comes_then_its_sentence(name, metadata, text):
    assert told(name, **metadata) == [text]


def test_pickup_then_the_sentences_of_a_pickup():
    assert told(EventName.STAGED, is_delivery=False) == ["Ready for you at the store"]
    assert told(EventName.DELIVERED, is_delivery=False) == ["Picked up"]


@pytest.mark.parametrize("name", EventName)
def test_any_event_then_told_or_left_out_on_purpose(name):
    assert len(told(name)) == (name not in story.UNTOLD)
    assert told(name) != ["There is news about your order"]


@pytest.mark.parametrize(
    ("metadata", "has_window"),
    [
        ({"new_window": WINDOW}, True),
        ({"delivery_window": WINDOW}, True),
        ({"new_window": {"starts_at": "2026-03-04T18:20:00Z"}}, False),
        ({}, False),
    ],
)
def test_window_complete_then_it_is_told(metadata, has_window):
    event = {"event_id": 1, "event_name": EventName.RESCHEDULED, "event_timestamp": "2026-03-04T17:20:03Z"}
    events = [read_event(json.dumps({**event, "event_metadata": metadata}).encode())]
    assert (story.told(events, UTC, is_delivery=True)[0].window is not None) == has_window
