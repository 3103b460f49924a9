"""Dispatch orders: no list, no hold; the caller chooses the window, and five errors have their own names."""

from typing import Any

import pytest

from handcart.core import clock
from handcart.slots import plans
from tests.support.clocks import freeze
from tests.support.orders import ADDRESS, LASTMILE, Market, refusals
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import error

INVALID_WINDOW = (400, "is invalid", 1001, "start_at")
NOT_AVAILABLE = (400, "Requested delivery window not available at this store", 1001, "start_at")
NONE_AVAILABLE = (400, "No delivery windows currently available", 1001, "start_at")
NO_ALCOHOL = (400, "Alcohol delivery not enabled for this store", 1001, "alcoholic")
CLOSED = (400, "Store is currently closed for delivery", 1001, "location_code")
INVALID_NAME = (400, "Invalid last name", 1001, "last_name")


def window(market: Market, start: float, end: float, day: int = 2) -> dict[str, str]:
    """Both ends in hours of a day on Chicago's clock."""
    base = market.at(0, day)
    return {
        "start_at": clock.to_wire(base + int(start * clock.HOUR)),
        "end_at": clock.to_wire(base + int(end * clock.HOUR)),
    }


def close_hours(market: Market, *hours: int, capacity: int = 0) -> None:
    """Set the capacity of these windows of the day after tomorrow."""
    date = clock.to_wire(market.at(12))[:10]
    market.server.write(plans.set_exception, market.retailer.id, plans.EVERY_STORE, "last_mile", date, hours, capacity)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (12, 13, None),
        (12, 14, None),
        (8, 20, None),
        (8, 21, INVALID_WINDOW),
        (12, 12.5, INVALID_WINDOW),
        (12, 12, INVALID_WINDOW),
        (14, 12, INVALID_WINDOW),
        (12.5, 14.5, INVALID_WINDOW),
        (12, 13.5, INVALID_WINDOW),
        (12 + 1 / 3600, 13 + 1 / 3600, INVALID_WINDOW),
        (-60, -58, NOT_AVAILABLE),
        (24 * 20, 24 * 20 + 2, NOT_AVAILABLE),
        (-24 * 365 * 20, -24 * 365 * 20 + 2, NOT_AVAILABLE),
        (24 * 365 * 50, 24 * 365 * 50 + 2, NOT_AVAILABLE),
        (24 * 365 * 500, 24 * 365 * 500 + 2, INVALID_WINDOW),
    ],
)
def test_window_asked_for_then_it_lasts_full_hours_and_is_within_reach(
    market: Market, start: float, end: float, expected: Any
) -> None:
    wanted = window(market, start, end)
    response = market.create("dispatch", **wanted)
    if expected:
        assert error(response) == expected
    else:
        details = response.json()["fulfillment_details"]
        assert (details["window_starts_at"], details["window_ends_at"]) == (wanted["start_at"], wanted["end_at"])


@pytest.mark.parametrize(
    "form", ["{}-06:00", "{}.000-06:00", "{}-0600", " {}-06:00 "], ids=["offset", "milliseconds", "basic", "spaces"]
)
def test_times_have_an_offset_then_the_moment_counts(market: Market, form: str) -> None:
    base = market.at(12)
    local = clock.to_wire(base - 6 * clock.HOUR)[:-1], clock.to_wire(base - 5 * clock.HOUR)[:-1]
    details = market.order("dispatch", start_at=form.format(local[0]), end_at=form.format(local[1]))
    assert details["fulfillment_details"]["window_starts_at"] == clock.to_wire(base)


@pytest.mark.parametrize("last_name", ["a/b", "a:b", "<b>", "$", "100%", "who?"])
def test_last_name_is_none_then_the_named_error_comes(market: Market, last_name: str) -> None:
    assert error(market.create("dispatch", last_name=last_name)) == INVALID_NAME


@pytest.mark.parametrize("last_name", ["O'Brien-Smith", "de la Cruz, Jr.", "李", "ß"])
def test_last_name_is_one_then_it_is_kept(market: Market, last_name: str) -> None:
    ordered = market.order("dispatch", last_name=last_name, email="member@example.com")
    details = market.row(ordered["id"])["details"]
    assert (details["first_name"], details["last_name"], details["email"]) == (
        "Sample",
        last_name,
        "member@example.com",
    )


def test_store_does_not_serve_then_the_named_error_comes(market: Market) -> None:
    assert error(market.create("dispatch", location_code="counter")) == CLOSED
    assert error(market.create("dispatch", location_code="dry", alcoholic=True)) == NO_ALCOHOL
    assert error(market.create("dispatch", location_code="gone")) == (400, "is invalid", 1001, "location_code")
    several = market.create(
        "dispatch", location_code="counter", alcoholic=True, last_name="<", user_phone="0", **window(market, 12, 12)
    )
    assert (several.status_code, refusals(several)) == (
        400,
        [("is invalid", 1001, "user_phone"), INVALID_NAME[1:], NO_ALCOHOL[1:], INVALID_WINDOW[1:], CLOSED[1:]],
    )


@pytest.mark.parametrize("starts", [7, 21])
def test_alcohol_is_outside_its_hours_then_the_window_is_not_available(server: LiveServer, starts: int) -> None:
    market = Market(server)
    asked = {**window(market, starts, starts + 2), "alcoholic": True}
    assert error(market.create("dispatch", **asked)) == NOT_AVAILABLE
    soonest = market.order("dispatch", fallback_to_soonest_sameday=True, **asked)["fulfillment_details"]
    assert soonest["window_starts_at"] == window(market, 8, 10)["start_at"]


def test_window_full_then_the_soonest_of_that_day_serves_if_asked_for(server: LiveServer) -> None:
    market = Market(server, capacity=1)
    close_hours(market, *range(24))
    close_hours(market, 9, 12, 17, capacity=1)
    asked = window(market, 12, 14)
    first = market.order("dispatch", **asked, fallback_to_soonest_sameday=True)
    assert first["fulfillment_details"]["window_starts_at"] == asked["start_at"]
    assert error(market.create("dispatch", **asked)) == NOT_AVAILABLE
    assert error(market.create("dispatch", **asked, fallback_to_soonest_sameday=False)) == NOT_AVAILABLE
    second, third = (market.order("dispatch", **asked, fallback_to_soonest_sameday=True) for _ in range(2))
    starts = [one["fulfillment_details"]["window_starts_at"] for one in (second, third)]
    assert starts == [window(market, 9, 11)["start_at"], window(market, 17, 19)["start_at"]]
    assert third["fulfillment_details"]["window_ends_at"] == window(market, 17, 19)["end_at"]
    assert error(market.create("dispatch", **asked, fallback_to_soonest_sameday=True)) == NONE_AVAILABLE
    assert market.taken == (0, 3)
    market.post(f"{LASTMILE}/{second['id']}/cancel", {}).raise_for_status()
    fourth = market.order("dispatch", **asked, fallback_to_soonest_sameday=True)
    assert fourth["fulfillment_details"] == second["fulfillment_details"]


@on_sqlite
def test_full_window_ends_at_midnight_then_the_soonest_of_its_first_day(server: LiveServer) -> None:
    market = Market(server, capacity=1)
    asked = window(market, 22, 24)
    market.order("dispatch", **asked)
    soonest = market.order("dispatch", **asked, fallback_to_soonest_sameday=True)["fulfillment_details"]
    assert soonest["window_starts_at"] == window(market, 0, 2)["start_at"]


@on_sqlite
def test_etas_offered_then_a_full_window_still_moves_to_a_scheduled_one(server: LiveServer) -> None:
    market = Market(server, capacity=1, offers_eta=True)
    freeze(market)
    asked = window(market, 14, 16, day=0)
    market.order("dispatch", **asked)
    soonest = market.order("dispatch", **asked, fallback_to_soonest_sameday=True)["fulfillment_details"]
    assert soonest["window_starts_at"] == window(market, 13, 15, day=0)["start_at"]


def test_window_is_taken_by_holds_then_dispatch_waits_for_them(server: LiveServer, later: Any) -> None:
    market = Market(server, capacity=1)
    market.hold(market.customer(), "last_mile")
    assert error(market.create("dispatch")) == NOT_AVAILABLE
    with later(minutes=10, seconds=1):
        assert market.create("dispatch").status_code == 200
    assert market.taken == (0, 1)


def test_user_named_then_they_must_exist(market: Market) -> None:
    user_id = market.customer()
    assert market.row(market.order("dispatch", user_id)["id"])["user_id"] == user_id
    assert market.row(market.order("dispatch")["id"])["user_id"] is None
    assert error(market.create("dispatch", "nobody")) == (400, "User Not Found", 1001, "user_id")
    market.post(f"/v2/fulfillment/users/{user_id}/privacy_request").raise_for_status()
    assert error(market.create("dispatch", user_id)) == (403, "User Not Active", None, None)


def test_kinds_differ_then_their_places_do_too(server: LiveServer) -> None:
    market = Market(server, capacity=1)
    for kind in ("delivery", "pickup", "dispatch"):
        market.order(kind, address=ADDRESS)
    refused = market.reserve(market.customer(), "last_mile")
    assert error(refused) == (400, "Service option is not available", 1001, "service_option_id")
