"""Changing orders in state brand_new: lines by number, slot, tip, instructions, customer, window."""

from typing import Any

import pytest

from handcart.core import clock
from handcart.orders.states import WORKFLOWS
from handcart.stores import items
from handcart.stores.models import Item
from tests.support.orders import (
    ADDRESS,
    GROWN_UP,
    HELD,
    KINDS,
    LASTMILE,
    PHONE,
    SHOPPED,
    USERS,
    Market,
    line,
    refusals,
)
from tests.support.server import LiveServer
from tests.support.shop import error

HOLD = "service_option_hold_id"
TOO_LATE = (400, "too_late", 1001, "order_id")
DUPLICATE = (400, "Duplicate items were provided", 2000, "items")
NO_ALCOHOL = (400, "Invalid zip code for alcohol", 1001)
ADULT = {"birthday": GROWN_UP}


class Ordered:
    """An order of a new customer, with two lines if it has any, and how it is changed."""

    def __init__(self, market: Market, kind: str = "delivery", **fields: Any) -> None:
        self.market, self.kind = market, kind
        self.user_id = market.customer()
        if kind in SHOPPED:
            fields = {"items": [line("1", "milk", count=2), line("2", "ham", weight=1.5)], **fields}
        self.first = market.order(kind, self.user_id, **fields)
        self.id: str = self.first["id"]
        action = "/last_mile" if kind == "last_mile" else ""
        self.path = f"{LASTMILE}/{self.id}" if kind == "dispatch" else market.path(self.user_id, self.id, action)

    def put(self, **changes: Any) -> Any:
        return self.market.put(self.path, changes)

    def change(self, **changes: Any) -> dict[str, Any]:
        response = self.put(**changes)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        assert self.read().items() >= answer.items()
        return answer

    def read(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.market.read(self.user_id, self.id).json()
        return answer

    @property
    def row(self) -> dict[str, Any]:
        return self.market.row(self.id)

    def refuses(self, expected: Any, **changes: Any) -> None:
        """The change is refused, and everything stays as it was."""
        before = (self.row, self.market.ledger())
        assert error(self.put(**changes)) == expected
        assert (self.row, self.market.ledger()) == before


def lines(answer: dict[str, Any]) -> list[tuple[str, str, float]]:
    """Number, product and quantity of each line."""
    return [(one["line_num"], one["item"]["rrc"], one["qty"]) for one in answer["items"]]


@pytest.mark.parametrize("kind", SHOPPED)
def test_lines_are_sent_then_their_numbers_decide(market: Market, kind: str) -> None:
    order = Ordered(market, kind)
    ham = ("2", "ham", 1.5)
    two = line("2", "ham", weight=1.5)
    # A known number updates its line; the line keeps its product, whatever is sent.
    assert lines(order.change(items=[line("1", "milk", count=5), two])) == [("1", "milk", 5), ham]
    assert lines(order.change(items=[line("1", "bread", count=6), two])) == [("1", "milk", 6), ham]
    # Without an amount it keeps that too.
    assert lines(order.change(items=[{"line_num": "1", "item": {"rrc": "milk"}}, two])) == [("1", "milk", 6), ham]
    # A new number adds a line, one left out is removed, and a removed number brings its line back.
    assert lines(order.change(items=[line("3", "soap"), two])) == [("3", "soap", 1), ham]
    assert lines(order.change(items=[line("1", "chair", count=4)])) == [("1", "milk", 4)]
    assert lines(order.change(items=[line("3", "bread"), line("2", "bread", weight=2)])) == [
        ("3", "soap", 1),
        ("2", "ham", 2),
    ]
    # A removed product may have a new number; then its old one cannot come back beside it.
    assert lines(order.change(items=[line("9", "milk"), two])) == [("9", "milk", 1), ham]
    order.refuses(DUPLICATE, items=[line("9", "milk"), line("1", "milk"), two])
    # What is there may not be renumbered, with or without its old line; nor come twice.
    order.refuses(DUPLICATE, items=[line("4", "milk"), two])
    order.refuses(DUPLICATE, items=[line("4", "milk"), line("9", "milk"), two])
    order.refuses(DUPLICATE, items=[line("4", "soap"), line("4", "chair"), two])
    # Without items, the lines stay.
    assert lines(order.change(initial_tip_cents=7)) == [("9", "milk", 1), ham]


def test_line_is_updated_then_its_wishes_are_the_new_ones(market: Market) -> None:
    order = Ordered(market, items=[line("1", "milk", special_instructions="Cold", metadata={"a": 1})])
    wished = {"replacement_policy": "users_choice", "replacement_items": [{"rrc": "bread"}]}
    (updated,) = order.change(items=[line("1", "milk", special_instructions="Warm", weight=2, count=1, **wished)])[
        "items"
    ]
    assert (updated["special_instructions"], updated["metadata"]) == ("Warm (weight: 2)", {"a": 1})
    assert updated["replacement_policy"] == "users_choice"
    assert order.row["items"][0]["replacement_items"] == [{"rrc": "bread"}]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"items": [line("1", "milk", count=251)]}, ["Maximum total quantity of items exceeded"]),
        (
            {"items": [line("1", "milk"), line("3", "soda", count=20)]},
            ["Maximum total weight of beverage items exceeded"],
        ),
        ({"items": [line("3", "chair", count=11)]}, ["Maximum quantity of large or bulky items exceeded"]),
        ({"items": [line("3", "nothing")]}, ["Invalid items"]),
        ({"items": [line("2", "ham", count=2)]}, ["Invalid items"]),
        ({"items": [line("1", "milk", count=0)]}, ["Invalid items"]),
        ({"items": []}, ["can't be blank"]),
        ({"items": [{"line_num": "3", "count": 1, "item": {}}]}, ["can't be blank"]),
        ({"items": [line("3", "wine")]}, ["can't be blank"]),
        ({"items": [line("3", "wine")], "user": {"birthday": "2015-01-01"}}, ["is invalid"]),
        ({"user": {"phone_number": "3125550188"}}, ["is invalid"]),
        ({"user": {"birthday": "1990-02-30"}}, ["is invalid"]),
        ({"initial_tip_cents": -1}, ["is invalid"]),
        ({"initial_tip_cents": "5"}, ["is invalid"]),
        ({"special_instructions": "a" * 100_000}, ["is invalid"]),
        ({HOLD: 1}, ["is invalid"]),
        (
            {"items": [line("1", "milk", count=251), line("3", "wine"), line("4", "wine")]},
            ["can't be blank", "Duplicate items were provided", "Maximum total quantity of items exceeded"],
        ),
    ],
)
def test_change_is_against_the_rules_then_nothing_changes(
    market: Market, changes: dict[str, Any], expected: list[str]
) -> None:
    order = Ordered(market)
    before = order.row
    refused = order.put(**{"special_instructions": "other", "initial_tip_cents": 1, **changes})
    assert (refused.status_code, [message for message, _, _ in refusals(refused)]) == (400, expected)
    assert order.row == before


def test_pickup_order_grows_then_it_has_no_limit(market: Market) -> None:
    order = Ordered(market, "pickup")
    assert lines(order.change(items=[line("1", "milk", count=2500)])) == [("1", "milk", 2500)]


@pytest.mark.parametrize("kind", SHOPPED)
def test_tip_instructions_and_user_sent_then_only_these_change(market: Market, kind: str) -> None:
    order = Ordered(market, kind, special_instructions="Ring", metadata={"a": 1}, locale="en-US")
    steps = [
        ({"initial_tip_cents": 800}, {}, 800),
        ({"special_instructions": ""}, {"special_instructions": ""}, 800),
        ({"user": {"phone_number": "+13125550100", "sms_opt_in": True}}, {"phone_number": "+13125550100"}, 800),
        ({"user": {"birthday": GROWN_UP}, "initial_tip_cents": 0}, {"birthday": GROWN_UP, "sms_opt_in": True}, 0),
        ({"status": "completed", "location_code": "dry", "address": ADDRESS, "is_express": True}, {}, 0),
        ({}, {}, 0),
        ({"items": None, HOLD: None, "user": None, "initial_tip_cents": None}, {"phone_number": "+13125550100"}, 0),
    ]
    details = order.row["details"]
    for changes, expected, tip in steps:
        assert order.change(**changes) == order.first
        row = order.row
        details |= {name: value for name, value in row["details"].items() if name in expected or name == "sms_opt_in"}
        assert (row["tip_cents"], row["details"]) == (tip, {**details, **expected})
    assert market.history(order.id)[1:] == [("brand_new", "updated")] * len(steps)


@pytest.mark.parametrize("kind", SHOPPED)
def test_new_slot_is_held_then_the_order_moves_and_leaves_its_place(server: LiveServer, kind: str) -> None:
    market = Market(server, capacity=2)
    order = Ordered(market, kind)
    old, new = (("here", kind, market.at(hour)) for hour in (12, 15))
    hold = market.hold(order.user_id, kind, hour=15)
    assert market.ledger() == {old: (0, 1), new: (1, 0)}
    moved = order.change(**{HOLD: str(hold)})
    assert moved["fulfillment_details"]["window_starts_at"] == clock.to_wire(market.at(15))
    assert moved["fulfillment_details"]["window_ends_at"] == clock.to_wire(market.at(17))
    assert market.ledger() == {new: (0, 1)}
    order.refuses((400, "is invalid", 1001, HOLD), **{HOLD: hold})  # it is used
    same = market.hold(order.user_id, kind, hour=15)
    assert market.ledger() == {new: (1, 1)}
    assert order.change(**{HOLD: same}) == moved
    assert market.ledger() == {new: (0, 1)}


@pytest.mark.parametrize("kind", SHOPPED)
def test_new_slot_refused_then_the_old_place_is_kept(server: LiveServer, later: Any, kind: str) -> None:
    market = Market(server, capacity=1)
    order = Ordered(market, kind)
    neighbour = market.customer()
    wrong_kind = SHOPPED[SHOPPED.index(kind) - 1]
    for slot, of_kind, owner in (
        ({"hour": 15, "location": "dry"}, kind, order.user_id),
        ({"hour": 15}, wrong_kind, order.user_id),
        ({"hour": 15}, "last_mile", order.user_id),
        ({"hour": 15}, kind, neighbour),
    ):
        hold = market.hold(owner, of_kind, **slot)
        order.refuses((400, "is invalid", 1001, HOLD), **{HOLD: hold})
    mine = market.hold(order.user_id, kind, hour=18)
    with later(minutes=10, seconds=1):
        taken = market.hold(neighbour, kind, hour=18)
        order.refuses((400, "Service option is not available", 1001, HOLD), **{HOLD: mine, "initial_tip_cents": 5})
        market.order(kind, neighbour, service_option_hold_id=taken)
        order.refuses((400, "Service option is not available", 1001, HOLD), **{HOLD: mine})
    assert order.read()["fulfillment_details"] == order.first["fulfillment_details"]
    assert market.post(market.path(order.user_id, order.id, "/cancel")).status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_order_is_no_longer_brand_new_then_it_stays_as_it_is(market: Market, kind: str) -> None:
    order = Ordered(market, kind)
    hold = {HOLD: market.hold(order.user_id, kind, hour=15)} if kind in SHOPPED else {}
    for status in WORKFLOWS[kind].states.keys() - {"brand_new"}:
        market.set_status(order.id, status)
        order.refuses(TOO_LATE, initial_tip_cents=1, **hold)
        order.refuses(TOO_LATE)


def test_alcohol_comes_in_then_the_order_is_attended_for_good(market: Market) -> None:
    order = Ordered(market, leave_unattended=True)
    wet = [line("1", "milk"), line("3", "wine")]
    order.change(items=wet, user=ADULT)
    assert (order.row["has_alcohol"], order.row["leave_unattended"]) == (True, False)
    order.change(items=[line("1", "milk")])
    assert (order.row["has_alcohol"], order.row["leave_unattended"]) == (False, False)
    for kind in ("last_mile", "dispatch"):
        order = Ordered(market, kind, leave_unattended=True)
        order.change(initial_tip_cents=1)
        assert order.row["leave_unattended"]
        order.change(alcoholic=True)
        assert (order.row["has_alcohol"], order.row["leave_unattended"]) == (True, False)
        order.change(alcoholic=False)
        assert (order.row["has_alcohol"], order.row["leave_unattended"]) == (False, False)


@pytest.mark.parametrize("kind", KINDS)
def test_window_without_alcohol_then_alcohol_cannot_be_added(server: LiveServer, kind: str) -> None:
    market = Market(server, capacity=20, alcohol_from_hour=10, alcohol_until_hour=16)
    wet = {"items": [line("5", "wine")], "user": ADULT} if kind in SHOPPED else {"alcoholic": True}
    early = {"start_at": clock.to_wire(market.at(8)), "end_at": clock.to_wire(market.at(10))}
    order = Ordered(market, kind, **({"slot": {"hour": 8}} if kind in HELD else early))
    order.refuses((*NO_ALCOHOL, "items" if kind in SHOPPED else "alcoholic"), **wet)
    order = Ordered(market, kind, **wet)
    if kind in SHOPPED:
        late = {HOLD: market.hold(order.user_id, kind, hour=16)}
        order.refuses((*NO_ALCOHOL, "items"), **late)
        order.change(**late, items=[line("2", "milk")])
    else:
        late = {"service_option_id": market.option("last_mile", hour=16)}
        order.refuses((400, "Service option is not available", 1001, "service_option_id"), **late)
        order.change(**late, alcoholic=False)


def test_alcoholic_dispatch_order_stretched_then_all_of_its_window_counts(server: LiveServer) -> None:
    market = Market(server, alcohol_from_hour=10, alcohol_until_hour=16)
    order = Ordered(market, "dispatch", alcoholic=True)
    stretched = {"start_at": clock.to_wire(market.at(12)), "end_at": clock.to_wire(market.at(17))}
    order.refuses((*NO_ALCOHOL, "alcoholic"), **stretched)
    order.change(**stretched, alcoholic=False)


@pytest.mark.parametrize("kind", ["last_mile", "dispatch"])
def test_totals_are_sent_then_they_change_and_the_rest_stays(market: Market, kind: str) -> None:
    order = Ordered(market, kind, cart_total=12.5)
    before = order.row["details"]
    changes = {"items_count": 9, "bags_count": 3, "items_weight": 14.25, "bag_label": "B", "special_instructions": "x"}
    answer = order.change(**changes, initial_tip_cents=4)
    assert answer == {**order.first, "fulfillment_details": {**order.first["fulfillment_details"], "bag_count": 3}}
    assert (order.row["details"], order.row["tip_cents"]) == ({**before, **changes}, 4)
    order.change(**dict.fromkeys([*changes, "cart_total", "start_at", "end_at", "service_option_id", "alcoholic"]))
    assert (order.row["details"], order.row["tip_cents"]) == ({**before, **changes}, 4)
    for wrong in ({"items_count": -1}, {"items_weight": "4"}, {"alcoholic": 1}, {"bag_label": "a\0"}):
        order.refuses((400, "is invalid", 1001, *wrong), **wrong)
    dry = Ordered(market, kind, location_code="dry", **({"slot": {"location": "dry"}} if kind in HELD else {}))
    dry.refuses((400, "Alcohol delivery not enabled for this store", 1001, "alcoholic"), alcoholic=True)


def window(market: Market, start: float, end: float) -> dict[str, str]:
    """Both ends in hours of the day after tomorrow."""
    base = market.at(0)
    return {
        "start_at": clock.to_wire(base + int(start * clock.HOUR)),
        "end_at": clock.to_wire(base + int(end * clock.HOUR)),
    }


@pytest.mark.parametrize("kind", ["last_mile", "dispatch"])
def test_listed_slot_is_named_then_the_order_moves_there(server: LiveServer, kind: str) -> None:
    market = Market(server, capacity=1)
    order = Ordered(market, kind)
    first, second = (("here", "last_mile", market.at(hour)) for hour in (12, 15))
    assert market.ledger() == {first: (0, 1)}
    moved = order.change(service_option_id=str(market.option("last_mile", hour=15)))
    assert (
        moved["fulfillment_details"].items()
        >= {
            "window_starts_at": clock.to_wire(market.at(15)),
            "window_ends_at": clock.to_wire(market.at(17)),
        }.items()
    )
    assert market.ledger() == {second: (0, 1)}
    part = window(market, 12.5, 13.5)
    inside = order.change(service_option_id=market.option("last_mile", hour=12), **part)["fulfillment_details"]
    assert (inside["window_starts_at"], inside["window_ends_at"]) == (part["start_at"], part["end_at"])
    assert market.ledger() == {first: (0, 1)}
    market.order("dispatch", **window(market, 15, 17))
    option = {"service_option_id": market.option("last_mile", hour=15)}
    for wrong, expected in (
        ({"service_option_id": market.option("delivery", hour=15)}, ("is invalid", 1001, "service_option_id")),
        (
            {"service_option_id": market.option("last_mile", hour=15, location="dry")},
            ("is invalid", 1001, "service_option_id"),
        ),
        ({**option, **window(market, 15, 17.5)}, ("is invalid", 1001, "start_at")),
        ({**option, **window(market, 16, 16)}, ("is invalid", 1001, "start_at")),
        ({**option, "start_at": part["start_at"]}, ("can't be blank", 1001, "end_at")),
        (option, ("Service option is not available", 1001, "service_option_id")),
        (
            {"service_option_id": market.option("last_mile", day=-1)},
            ("Service option is expired", 1001, "service_option_id"),
        ),
        ({"service_option_id": 2**53 - 1}, ("Service option is not available", 1001, "service_option_id")),
    ):
        order.refuses((400, *expected), **wrong)


def test_last_mile_order_without_a_slot_then_it_moves_within_its_place(server: LiveServer) -> None:
    market = Market(server)
    order = Ordered(market, "last_mile")
    for start, end in ((12, 13), (12.25, 13.75), (12, 14)):
        inside = order.change(**window(market, start, end))["fulfillment_details"]
        assert inside["window_starts_at"] == window(market, start, end)["start_at"]
    for start, end in ((11, 13), (12, 14.5), (15, 17), (13, 13), (13, 12)):
        order.refuses((400, "is invalid", 1001, "start_at"), **window(market, start, end))
    order.refuses((400, "can't be blank", 1001, "end_at"), start_at=window(market, 12, 13)["start_at"])


def test_dispatch_order_names_a_window_then_it_moves_if_a_place_is_free(server: LiveServer) -> None:
    market = Market(server, capacity=1)
    order = Ordered(market, "dispatch")
    market.order("dispatch", **window(market, 18, 20))
    longer = order.change(**window(market, 12, 15))["fulfillment_details"]
    assert (longer["window_starts_at"], longer["window_ends_at"]) == tuple(window(market, 12, 15).values())
    order.change(**window(market, 9, 10))
    for start, end in ((9.5, 11), (9, 9.5), (9, 9), (10, 9), (9, 22)):
        order.refuses((400, "is invalid", 1001, "start_at"), **window(market, start, end))
    order.refuses((400, "Service option is not available", 1001, "start_at"), **window(market, 18, 19))
    order.refuses((400, "Service option is expired", 1001, "start_at"), **window(market, -72, -71))
    order.refuses((400, "can't be blank", 1001, "start_at"), end_at=window(market, 9, 10)["end_at"])
    assert order.read()["fulfillment_details"]["window_starts_at"] == window(market, 9, 10)["start_at"]
    assert market.taken == (0, 2)


def test_wrong_route_is_taken_then_the_order_is_not_found(market: Market) -> None:
    missing = (404, "Resource not found", 4000, None)
    stranger = market.customer()
    shopped, carried = Ordered(market), Ordered(market, "last_mile")
    for path in (
        market.path(shopped.user_id, shopped.id, "/last_mile"),
        f"{LASTMILE}/{shopped.id}",
        market.path(carried.user_id, carried.id),
        market.path(stranger, shopped.id),
        market.path(stranger, carried.id, "/last_mile"),
        f"{LASTMILE}/{carried.id}?user_id={stranger}",
        market.path(shopped.user_id, shopped.id.upper()),
    ):
        assert error(market.put(path, {"initial_tip_cents": 9})) == missing, path
    # The older path of dispatch orders serves last mile ones as well.
    assert market.put(f"{LASTMILE}/{carried.id}?user_id={carried.user_id}", {}).status_code == 200
    assert market.put(f"{LASTMILE}/{carried.id}", {}).status_code == 200
    assert error(market.put(f"{USERS}/nobody/orders/{shopped.id}", {})) == (400, "User Not Found", 1001, "user_id")
    assert market.row(shopped.id)["tip_cents"] == 0


def test_user_has_a_phone_number_then_an_update_may_give_another(market: Market) -> None:
    order = Ordered(market)
    order.refuses((400, "is invalid", 1001, "user.phone_number"), user={"phone_number": "0"})
    order.change(user={"phone_number": "+442079460018"})
    assert order.row["details"]["phone_number"] == "+442079460018"
    assert market.row(market.order("delivery", order.user_id)["id"])["details"]["phone_number"] == PHONE


def test_birthday_rules_out_alcohol_then_its_line_goes_and_the_rest_stays(server: LiveServer) -> None:
    ordered = Ordered(
        Market(server, underage="remove"),
        items=[line("1", "milk", count=2, replacement_policy="no_replacements"), line("2", "wine", count=1)],
        user={**ADULT, "phone_number": PHONE},
    )
    answer = ordered.change(user={"birthday": "2020-01-01"})
    assert [(one["line_num"], one["replacement_policy"]) for one in answer["items"]] == [("1", "no_replacements")]
    assert [warning["meta"]["line_nums"] for warning in answer["warnings"]] == [["2"]]
    assert not ordered.row["has_alcohol"]


def test_two_products_share_a_upc_then_a_line_keeps_the_one_ordered(server: LiveServer) -> None:
    market = Market(server)
    twins = [Item(rrc=rrc, upc="400000000039", name=rrc, cost_unit=unit) for rrc, unit in (("a", "each"), ("b", "lb"))]
    market.server.write(items.save, market.retailer.id, twins)
    for rrc, before, after in (("a", {"count": 1}, {"count": 2}), ("b", {"weight": 1.5}, {"weight": 2.5})):
        ordered = Ordered(market, items=[line("1", rrc, **before)])
        (changed,) = ordered.change(items=[line("1", rrc, **after)])["items"]
        assert (changed["item"]["rrc"], changed["qty"]) == (rrc, *after.values())
