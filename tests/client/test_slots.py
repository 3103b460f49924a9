from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from handcart_client import (
    Address,
    Availability,
    BadRequest,
    DesiredWindow,
    ItemName,
    ItemProblem,
    NotFound,
    OrderItem,
    ServiceOption,
    ServiceOptionHold,
    ServiceOptions,
    SlotFlags,
    WarningDetail,
    Window,
)

from tests.client.fakes import Caller, FakeServer, error_body

CHICAGO = timezone(timedelta(hours=-5))
BEGIN, END = datetime(2026, 6, 11, 17, tzinfo=CHICAGO), datetime(2026, 6, 11, 19, tzinfo=CHICAGO)
OPTION = {
    "id": 1280750203,
    "date": "2026-06-11",
    "window": {"start_at": "2026-06-11T17:00:00.000-05:00", "end_at": "2026-06-11T19:00:00.000-05:00", "type": "eta"},
    "availability": {"available": False, "reasons": ["no_capacity"]},
    "flags": {"long_distance_delivery": True},
    "service_option_reference": "eyJpZCI6MX0=",
    "handoff_at": "2026-06-11T18:30:00.000-05:00",
    "from_a_newer_server": 1,
}
WARNING = {"error": {"message": "Invalid items", "code": 2000}, "meta": {"key": "items", "line_nums": ["1"]}}
SLOT = ServiceOption(
    id=1280750203,
    date="2026-06-11",
    window=Window(start_at=BEGIN, end_at=END, type="eta"),
    availability=Availability(available=False, reasons=("no_capacity",)),
    flags=SlotFlags(long_distance_delivery=True),
    service_option_reference="eyJpZCI6MX0=",
    handoff_at=datetime(2026, 6, 11, 18, 30, tzinfo=CHICAGO),
)
LISTED = ServiceOptions(
    service_options=(SLOT,),
    warnings=(
        WarningDetail(error=ItemProblem(message="Invalid items", code=2000), meta={"key": "items", "line_nums": ["1"]}),
    ),
)
HOLD = {"service_option_hold": {"id": 55, "expires_at": "2026-06-11T15:42:10.000Z", "service_option": OPTION}}

ADDRESS = Address(address_line_1="350 W Oak St", postal_code="60610")
ADDRESS_SENT = {"address_line_1": "350 W Oak St", "postal_code": "60610"}
ITEMS = [OrderItem(line_num="1", count=3, item=ItemName(upc="400000000015"))]
ITEMS_SENT = [{"line_num": "1", "count": 3, "item": {"upc": "400000000015"}}]
CART = {"address": ADDRESS, "location_code": "SM-1", "items": ITEMS}
CART_SENT = {"address": ADDRESS_SENT, "location_code": "SM-1", "items": ITEMS_SENT}
WINDOWS = [DesiredWindow(BEGIN, END)]
WINDOWS_SENT = [{"starts_at": "2026-06-11T17:00:00-05:00", "ends_at": "2026-06-11T19:00:00-05:00"}]
FLAGS = {"with_eta_options": True, "with_priority_eta_options": False}
TOTALS = {"cart_total_cents": 4250, "items_count": 7}
EARLIEST = {"earliest_option_start_at": BEGIN}
EARLIEST_SENT = {"earliest_option_start_at": "2026-06-11T17:00:00-05:00"}
LAST_MILE = {"location_code": "SM-1", "units_count": 2.5, **TOTALS, **FLAGS}

LISTS: list[tuple[str, tuple[str, ...], dict[str, Any], str, dict[str, Any]]] = [
    (
        "preview_delivery",
        (),
        {"postal_code": "60610", "desired_windows": WINDOWS, **TOTALS, **FLAGS},
        "/service_options/delivery",
        {"postal_code": "60610", "desired_windows": WINDOWS_SENT, **TOTALS, **FLAGS},
    ),
    ("preview_pickup", (), {"location_code": "SM-1"}, "/service_options/pickup", {"location_code": "SM-1"}),
    (
        "preview_last_mile",
        (),
        {**LAST_MILE, **EARLIEST},
        "/service_options/last_mile",
        {**LAST_MILE, **EARLIEST_SENT},
    ),
    (
        "preview_last_mile_deprecated",
        (),
        {"postal_code": "60610"},
        "/lastmile/service_options",
        {"postal_code": "60610"},
    ),
    (
        "list_delivery",
        ("u/1",),
        {**CART, "desired_windows": WINDOWS, **FLAGS},
        "/users/u%2F1/service_options/cart/delivery",
        {**CART_SENT, "desired_windows": WINDOWS_SENT, **FLAGS},
    ),
    ("list_delivery_deprecated", ("u",), CART, "/users/u/service_options/cart", CART_SENT),
    (
        "list_pickup",
        ("u",),
        {"location_code": "SM-1", "items": ITEMS, "with_eta_options": True},
        "/users/u/service_options/cart/pickup",
        {"location_code": "SM-1", "items": ITEMS_SENT, "with_eta_options": True},
    ),
    (
        "list_last_mile",
        ("u",),
        {**LAST_MILE, **EARLIEST, "address": ADDRESS, "with_handoff_time": True},
        "/users/u/service_options/cart/last_mile",
        {**LAST_MILE, **EARLIEST_SENT, "address": ADDRESS_SENT, "with_handoff_time": True},
    ),
]
RESERVATIONS: list[tuple[str, tuple[Any, ...], dict[str, Any], str, dict[str, Any] | None]] = [
    ("reserve", ("u/1", 7), {}, "/users/u%2F1/service_options/7/reserve", None),
    (
        "reserve_reference",
        ("u", "eyJpZCI6MX0="),
        {},
        "/users/u/service_options/reserve",
        {"service_option_reference": "eyJpZCI6MX0="},
    ),
    ("reserve_with_cart", ("u", 7), CART, "/users/u/service_options/7/reserve/cart", CART_SENT),
    ("reserve_last_mile_deprecated", ("u", 7), {}, "/lastmile/users/u/service_options/7/reserve", None),
]


@pytest.mark.parametrize(("method", "args", "fields", "path", "sent"), LISTS, ids=[row[0] for row in LISTS])
def test_list_then_what_is_given_is_sent_and_the_slots_are_read(
    caller: Caller, fake: FakeServer, method: str, args: Any, fields: Any, path: str, sent: Any
) -> None:
    fake.answer(504)
    fake.answer(body={"service_options": [OPTION], "warnings": [WARNING]})
    assert caller(lambda client: getattr(client.slots, method)(*args, **fields)) == LISTED
    assert fake.last.method == "POST"
    assert fake.last.url.raw_path.decode() == "/v2/fulfillment" + path
    assert fake.sent == sent
    assert len(fake.requests) == 2  # repeated after the 504


@pytest.mark.parametrize(
    ("method", "args", "fields", "path", "sent"), RESERVATIONS, ids=[row[0] for row in RESERVATIONS]
)
def test_reservation_then_what_is_given_is_sent_and_the_hold_is_read(
    caller: Caller, fake: FakeServer, method: str, args: Any, fields: Any, path: str, sent: Any
) -> None:
    fake.answer(502)
    fake.answer(body=HOLD)
    hold = caller(lambda client: getattr(client.slots, method)(*args, **fields))
    expires_at = datetime(2026, 6, 11, 15, 42, 10, tzinfo=UTC)
    assert hold == ServiceOptionHold(id=55, expires_at=expires_at, service_option=SLOT)
    assert fake.last.method == "POST"
    assert fake.last.url.raw_path.decode() == "/v2/fulfillment" + path
    assert fake.last.content == b"" if sent is None else fake.sent == sent


def test_server_answers_with_fewer_fields_then_the_slots_are_read(caller: Caller, fake: FakeServer) -> None:
    option = {"id": 1, "window": {"start_at": "2026-06-11T17:00:00Z", "end_at": "2026-06-11T19:00:00Z"}}
    fake.answer(body={"service_options": [{**option, "availability": {"available": True}}]})
    slot = caller(lambda client: client.slots.preview_pickup(location_code="SM-1")).service_options[0]
    assert (slot.date, slot.flags.long_distance_delivery, slot.availability.reasons) == (None, None, ())
    fake.answers.clear()
    fake.answer(body={"service_options": []})
    assert caller(lambda client: client.slots.preview_pickup(location_code="SM-1")) == ServiceOptions()


def test_slot_gone_or_slot_unknown_then_two_kinds_of_error(caller: Caller, fake: FakeServer) -> None:
    fake.answer(400, error_body("Service option is not available", "service_option_id"))
    with pytest.raises(BadRequest) as gone:
        caller(lambda client: client.slots.reserve("u", 7))
    assert gone.value.key == "service_option_id"
    fake.answers.clear()
    fake.answer(404, {"error": {"message": "Resource not found", "code": 4000}, "meta": {}})
    with pytest.raises(NotFound):
        caller(lambda client: client.slots.reserve("u", 7))


@pytest.mark.parametrize("option_id", ["7", "../../x", None, 7.5])
def test_option_id_that_is_no_number_then_never_sent(caller: Caller, fake: FakeServer, option_id: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        caller(lambda client: client.slots.reserve("u", option_id))
    assert fake.requests == []
