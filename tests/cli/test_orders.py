"""`handcart orders`: dispatch by commands, with the same refusals as the board."""

import pytest

from handcart.acts.verbs import MOST_WRONG_PINS
from handcart.assignment.errors import SENTENCES
from handcart.core import clock
from handcart.staff.models import command_line
from tests.cli.conftest import Run, answer, refusal
from tests.support.acting import Acting
from tests.support.contents import nothing_written
from tests.support.orders import TEXTED, Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.shoppers import add_shopper
from tests.support.working import Working

CANCELLATION = ("--cancellation-reason", "retailer_driven", "--cancellation-type", "store early closure")


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


def test_order_is_given_taken_moved_and_canceled_then_its_story_is_shown(run: Run, market: Market) -> None:
    of, person = ("--retailer", market.slug), add_shopper(market.server, "Ada Sample")
    first, second = (market.order(order_id=one)["id"] for one in ("first", "second"))
    given = answer(run("orders", "assign", first, second, *of, "--shopper", str(person.id), "--json"))
    assert (given["type"], given["shopper"], given["orders"]) == ("delivery", str(person.id), [first, second])
    taken = answer(run("orders", "unassign", first, *of, "--reason", "gone home", "--keep-picked", "--json"))
    assert (taken["batch"], taken["shopper_name"]) == (None, None)
    slots = answer(run("orders", "slots", first, *of, "--json"))["slots"]
    start = clock.to_wire(market.at(15))
    assert start in [one["starts_at"] for one in slots]
    moved = answer(run("orders", "reschedule", first, *of, "--start", start, "--reason", "customer called", "--json"))
    assert moved["window_starts_at"] == start
    canceled = run("orders", "cancel", first, *of, "--reason", "roof leaks", *CANCELLATION)
    assert "canceled" in canceled.output
    shown = answer(run("orders", "show", first, *of, "--json"))
    assert [one["what"] for one in shown["story"]] == [
        *("created", "assign_orders", "assign_orders", "rescheduled", "reschedule_orders", "canceled", "cancel_orders")
    ]
    assert {one["who"] for one in shown["story"] if "who" in one} == {command_line().name}
    text = run("orders", "show", first, *of).output
    assert "roof leaks" in text
    assert "retailer_driven" in text


def test_orders_are_listed_then_those_that_need_a_person_come_first(run: Run, market: Market) -> None:
    of = ("--retailer", market.slug)
    for number in range(3):
        market.order("dispatch", order_id=f"order {number}")
    Shopping(market).batch("order 1")
    market.server.sql(
        "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at) VALUES ($1, 'order 2', 'late', 1)"
        " RETURNING kind",
        market.retailer.id,
    )
    found = answer(run("orders", "list", *of, "--limit", "2", "--json"))
    assert [one["order_id"] for one in found["orders"]] == ["order 2", "order 0"]
    rest = answer(run("orders", "list", *of, "--after", found["after"], "--json"))
    assert [one["order_id"] for one in rest["orders"]] == ["order 1"]
    unassigned = run("orders", "list", *of, "--store", "here", "--need", "unassigned", "--kind", "dispatch").output
    assert ["order 1" in unassigned, "order 0" in unassigned] == [False, True]
    person = add_shopper(market.server)
    assert run("orders", "list", *of, "--shopper", str(person.id)).output == "There are no such orders.\n"
    assert "There may be more: add --after" in run("orders", "list", *of, "--limit", "1").output


def test_order_is_delivered_then_its_shopper_and_receipt_are_shown(run: Run, market: Market) -> None:
    acting = Acting(Working(market.server), market, market.order(order_id="one")["id"])
    acting.did("start")
    acting.did("checkout", receipt_number="T-77", total_cents=1234, rest_found=True)
    Shopping(market).reach(acting.batch_id, "completed")
    shown = answer(run("orders", "show", "one", "--retailer", market.slug, "--json"))
    assert (shown["shopper"], shown["last_shopper"]) == (None, "Sam Sample")
    assert (shown["receipt_number"], shown["receipt_cents"]) == ("T-77", 1234)
    assert "Sam Sample" in run("orders", "list", "--retailer", market.slug, "--state", "completed").output


def test_pin_is_locked_then_a_command_unlocks_it(run: Run, server: LiveServer) -> None:
    market = Market(server, delivery_pin=True)
    of = ("--retailer", market.slug, "--reason", "customer called")
    acting = Acting(Working(server), market, market.order(order_id="one", user=TEXTED)["id"])
    Shopping(market).reach(acting.batch_id, "delivering")
    acting.send(*[acting.act("deliver", order="one", how="handed_over", pin="9999") for _ in range(MOST_WRONG_PINS)])
    run("orders", "unlock-pin", "one", *of)
    assert market.row("one")["details"].get("wrong_pins", 0) == 0
    assert refusal(run("orders", "unlock-pin", "one", *of)).startswith(SENTENCES["pin_not_locked"])
    shown = answer(run("orders", "show", "one", *of[:2], "--json"))
    told = [(one["what"], one["reason"]) for one in shown["story"] if "who" in one]
    assert told == [("unlock_pins", "customer called")]


def test_words_that_name_nothing_then_one_sentence(run: Run, market: Market) -> None:
    market.order(order_id="one")
    of = ("--retailer", market.slug)
    wrong = [
        (("list", "--retailer", "no-retailer"), "there is no retailer 'no-retailer'"),
        (("list", "--store", "here"), "name the retailer of the store"),
        (("list", *of, "--store", "nowhere"), "there is no store 'nowhere'"),
        (("list", "--state", "tired"), "there is no state 'tired': write brand_new,"),
        (("list", "--kind", "parcel"), "there is no kind 'parcel': write delivery,"),
        (("list", "--need", "rest"), "there is no need 'rest': write any,"),
        (("show", "no order", *of), SENTENCES["unknown_order"]),
        (("slots", "no order", *of), SENTENCES["unknown_order"]),
        (("unassign", "one", *of, "--reason", "why"), SENTENCES["has_none"]),
        (("unlock-pin", "one", *of, "--reason", "why"), SENTENCES["pin_not_locked"]),
        (("unassign", "no order", *of, "--reason", "why"), SENTENCES["unknown_order"]),
        (("cancel", "one", *of, "--reason", "", *CANCELLATION), SENTENCES["reason"]),
        (("cancel", "one", *of, "--reason", "why", *CANCELLATION[:3], "rain"), SENTENCES["unknown_reason"]),
        (("reschedule", "one", *of, "--start", "2027-01-01T00:00:00Z", "--reason", "why"), SENTENCES["slot_taken"]),
    ]
    with nothing_written(market.server):
        told = [(refusal(run("orders", *command)), sentence) for command, sentence in wrong]
    assert [(text, sentence) for text, sentence in told if not text.startswith(sentence)] == []
    assert run("orders", "reschedule", "one", *of, "--start", "noon", "--reason", "why").exit_code == 2
