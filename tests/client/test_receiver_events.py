"""Events as types, with any content from the sender."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from handcart_client.receiver import (
    Coordinates,
    EventItem,
    EventName,
    EventWindow,
    Metadata,
    NotAnEvent,
    read_event,
)

from handcart.events.kinds import KINDS
from tests.client.callbacks import body_of, size


def moment(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, 4, hour, minute, tzinfo=UTC)


def test_event_arrives_then_it_has_types_and_its_own_json() -> None:
    event = read_event(body_of(order_url="https://status.example/o/1", store_location="S-0042", of_tomorrow={"a": 1}))
    assert event.event_id == 7312640098812345678
    assert event.event_name == EventName.PICKING
    assert event.event_timestamp == datetime(2026, 3, 4, 17, 20, 3, tzinfo=UTC)
    assert event.order_id == "ORD-1"
    assert event.metadata.order_url == "https://status.example/o/1"
    assert event.metadata.store_location == "S-0042"
    assert event.raw["event_metadata"]["of_tomorrow"] == {"a": 1}


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"delivery_window": {"starts_at": "2026-03-04T18:20:00Z", "ends_at": "2026-03-04 18:40:00"}},
         {"delivery_window": EventWindow(starts_at=moment(18, 20), ends_at=moment(18, 40))}),
        ({"new_window": {"starts_at": "2026-03-04T12:50:00-06:00", "ends_at": "soon"}},
         {"new_window": EventWindow(starts_at=datetime(2026, 3, 4, 12, 50, tzinfo=timezone(timedelta(hours=-6))))}),
        ({"new_window": "tomorrow"}, {}),
        ({"order_items": [{"line_num": "2", "qty": 1, "qty_unit": "each", "replaced": True, "refunded": False,
                           "item_upc": "00041220576463", "item_rrc": "", "scan_code": "041220576463"}]},
         {"order_items": (EventItem(line_num="2", qty=1, qty_unit="each", replaced=True, item_upc="00041220576463",
                                    item_rrc="", scan_code="041220576463"),)}),
        ({"order_items": [{"requested_item_upc": "1", "requested_item_rrc": None, "delivered_item_upc": "2",
                           "delivered_item_rrc": "R-91", "qty": "1.5"}, "?"]},
         {"order_items": (EventItem(requested_item_upc="1", delivered_item_upc="2", delivered_item_rrc="R-91",
                                    qty=1.5),)}),
        ({"order_items": {"line_num": "1"}}, {}),
        ({"cancellation_reason": "retailer_driven", "cancellation_type": "store early closure"},
         {"cancellation_reason": "retailer_driven", "cancellation_type": "store early closure"}),
        ({"status_link": "https://a.example", "pickup_link": "https://b.example"},
         {"status_link": "https://a.example", "pickup_link": "https://b.example"}),
        ({"latitude": 41.9, "longitude": -87.6}, {"coordinates": Coordinates(latitude=41.9, longitude=-87.6)}),
        ({"coordinates": {"latitude": 41, "longitude": -87}},
         {"coordinates": Coordinates(latitude=41, longitude=-87)}),
        ({"latitude": "here"}, {}),
        ({"delivery_photo_url": "https://img.example/1.jpg", "certified_delivery_name": "Sample Member"},
         {"delivery_photo_url": "https://img.example/1.jpg", "certified_delivery_name": "Sample Member"}),
        ({"tip_amount_cents": 500}, {"tip_amount_cents": 500}),
        ({"tip_amount_cents": "five", "bag_label": "B-7"}, {"bag_label": "B-7"}),
        ({"eta": "2026-03-04T18:00:00Z"}, {"eta": moment(18)}),
        ({"eta": 600}, {}),
        ({"rating_value": "STARS4", "highlights": ["SMART_BAGGING"], "thank_you_note": "\N{WRAPPED PRESENT}"},
         {"rating_value": "STARS4", "highlights": ("SMART_BAGGING",), "thank_you_note": "\N{WRAPPED PRESENT}"}),
        ({"shopper_name": "Sample S.", "retailer_id": None}, {"shopper_name": "Sample S."}),
    ],
)  # fmt: skip
def test_metadata_read_then_known_fields_are_typed_and_odd_ones_left_out(
    sent: dict[str, Any], read: dict[str, Any]
) -> None:
    event = read_event(body_of(**sent))
    assert event.metadata == Metadata(order_id="ORD-1", **read)
    assert event.raw["event_metadata"] == {"order_id": "ORD-1", **sent}


def test_chat_message_is_created_then_there_is_a_topic_and_no_order() -> None:
    body = b"""{"event_id": 4471, "event_name": "chat_message_created", "event_timestamp": "2026-03-04T17:29:00Z",
        "event_metadata": {"topic_id": "2093"}}"""
    event = read_event(body)
    assert (event.event_name, event.order_id, event.metadata.topic_id) == ("chat_message_created", None, "2093")


def test_names_are_compared_then_the_server_has_the_same() -> None:
    assert {name.value for name in EventName} == {event.wire_name for event in KINDS.values() if not event.is_own}


@pytest.mark.parametrize(
    ("event_id", "read"), [("7312640098812345678", 7312640098812345678), (0, 0), ((1 << 64) - 1, (1 << 64) - 1)]
)
def test_id_is_large_or_a_text_then_no_digit_is_lost(event_id: int | str, read: int) -> None:
    assert read_event(body_of(event_id)).event_id == read


def test_name_is_unknown_then_it_is_an_event_like_any_other() -> None:
    body = body_of().replace(b"fulfillment.picking", b"fulfillment.of_tomorrow")
    assert read_event(body).event_name == "fulfillment.of_tomorrow"


@pytest.mark.parametrize(
    ("escaped", "read"),
    [
        (r"\ud83d\ude00", "\N{GRINNING FACE}"),
        (r"\ud83d", "\N{REPLACEMENT CHARACTER}"),
        (r"\ude00\uD83D!", "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}!"),
        (r"\\ud83d", r"\ud83d"),
        (r"\\\ud83d\\", "\\\N{REPLACEMENT CHARACTER}\\"),
        (r"\ud83d\ud83d\ude00", "\N{REPLACEMENT CHARACTER}\N{GRINNING FACE}"),
        (r"\ud83d\u0041", "\N{REPLACEMENT CHARACTER}A"),
        (r"\u0000", "\0"),
    ],
)
def test_text_holds_half_a_character_then_only_that_character_is_marked(escaped: str, read: str) -> None:
    body = body_of(bag_label="here").replace(b'"here"', f'"{escaped}"'.encode())
    assert read_event(body).metadata.bag_label == read


GOOD = json.loads(body_of())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{",
        b"\xff\xfe{}",
        b'{"event_id": "\xed\xa0\x80"}',
        b"[" * 100_000,
        *(
            json.dumps({**GOOD, **wrong}).encode()
            for wrong in (
                {"event_id": None},
                {"event_id": -1},
                {"event_id": 1 << 64},
                {"event_id": 7.5},
                {"event_id": True},
                {"event_id": "7e3"},
                {"event_id": "\N{ARABIC-INDIC DIGIT SEVEN}"},
                {"event_id": "9" * 21},
                {"event_name": ""},
                {"event_name": 7},
                {"event_timestamp": "now"},
                {"event_timestamp": None},
                {"event_timestamp": 1767225600},
                {"event_metadata": []},
                {"event_metadata": None},
            )
        ),
    ],
    ids=size,
)
def test_body_is_no_event_then_it_is_refused_without_a_word_of_it(body: bytes) -> None:
    with pytest.raises(NotAnEvent) as caught:
        read_event(body)
    assert str(caught.value).isascii()
    assert caught.value.__cause__ is None
