"""The progress of an order: its steps, and the result for each item."""

import json

import pytest
from handcart_client import Order, OrderedItem, OrderLine
from handcart_client.receiver import read_event

from storefront import progress
from storefront.carts import Cart, Placed
from tests.storefront.test_checkout import text_of
from tests.storefront.test_orders import order


def line(key, **fields):
    return OrderLine(line_num=key, **fields)


def bill(counts, *lines):
    found = progress.bill_of(counts, Order(id="SM-1", status="picking", items=tuple(lines)))
    return [(one.name, one.count, one.price_cents, one.note) for one in found]


@pytest.mark.parametrize(
    ("status", "is_delivery", "states"),
    [
        ("brand_new", True, "now ahead ahead ahead ahead"),
        ("acknowledged", False, "now ahead ahead ahead ahead"),
        ("picking", True, "done now ahead ahead ahead"),
        ("from_a_newer_server", True, "done now ahead ahead ahead"),
        ("delivering", True, "done done done now ahead"),
        ("staged", False, "done done done now ahead"),
        ("completed", False, "done done done done done"),
        ("canceled", True, ""),
    ],
)
def test_status_known_then_the_steps_follow_it(status, is_delivery, states):
    steps = progress.steps_of(Order(id="SM-1", status=status), is_delivery=is_delivery)
    assert [step.state for step in steps] == states.split()


def canceled_event(cancellation_type):
    metadata = {"order_id": "SM-1", "cancellation_type": cancellation_type}
    event = {"event_id": 1, "event_name": "fulfillment.canceled", "event_timestamp": "2026-03-04T17:20:03Z"}
    return read_event(json.dumps({**event, "event_metadata": metadata}).encode())


@pytest.mark.parametrize(
    ("reason", "events", "why"),
    [
        ("customer_driven", [canceled_event("customer mia")], "Nobody was there to receive it."),
        ("customer_driven", [canceled_event(None)], "You canceled it."),
        ("customer_driven", [], ""),
        ("retailer_driven", [canceled_event("too many out of stock items")], "Too many items were out of stock."),
        ("retailer_driven", [canceled_event("from a newer server")], "The store canceled it."),
        ("unbatchable", [], "No shopper was free to take it."),
        ("from_a_newer_server", [], ""),
        (None, [], ""),
    ],
)
def test_order_canceled_then_it_says_why_and_costs_nothing(reason, events, why):
    order = Order(id="SM-1", status="canceled", cancellation_reason=reason)
    assert progress.why_canceled(order, events) == why
    placed = Placed("SM-1", Cart({"bread": 2}), fee_cents=799, full_fee_cents=799, tip_cents=500)
    assert progress.total_cents(placed, order) == 0
    assert progress.total_cents(placed, None) == 1050 + 799 + 500


def test_item_found_then_it_costs_what_it_did():
    assert bill({"bread": 2}, line("bread", qty=2)) == [("Country loaf", 2, 1050, "")]
    assert bill({"bread": 2}) == [("Country loaf", 2, 1050, "")]


def test_item_not_in_stock_then_it_is_not_paid_for():
    assert bill({"bread": 2}, line("bread", qty=0, refunded=True)) == [
        ("Country loaf", 2, 0, "Not in stock today: you do not pay for it.")
    ]


def test_fewer_pieces_then_they_cost_less_but_a_weight_is_no_count():
    assert bill({"bread": 4}, line("bread", qty=1)) == [("Country loaf", 1, 525, "Only 1 of 4 were in stock.")]
    assert bill({"potatoes": 3}, line("potatoes", qty=2.0)) == [("New potatoes", 3, 897, "")]


@pytest.mark.parametrize(
    ("codes", "name", "cents"),
    [
        ({"delivered_upc": "400000000213"}, "Free-range eggs", 998),
        ({"delivered_rrc": "SM-000046"}, "Orchard apples", 898),
        ({"delivered_rrc": "unknown"}, "another product", 1050),
        ({}, "another product", 1050),
    ],
)
def test_item_replaced_then_the_replacement_is_named(codes, name, cents):
    replaced = line("bread", qty=2, replaced=True, item=OrderedItem(**codes))
    assert bill({"bread": 2}, replaced) == [("Country loaf", 2, cents, f"Replaced by {name}.")]


def test_shopper_adds_an_item_then_it_is_on_the_bill():
    added = line("7", qty=3, item=OrderedItem(delivered_upc="400000000015"))
    assert bill({"bread": 1}, line("bread", qty=1), added)[1] == ("Whole milk", 3, 1167, "Added.")


def test_items_changed_then_the_order_page_and_its_part_say_the_same(browser, platform):
    path = order(browser)
    assert "Change order" in browser.get(f"{path}/now").text
    placed = platform.orders[path.rpartition("/")[2]]
    placed["status"] = "delivering"
    placed["items"] = [{"line_num": "bread", "qty": 0, "item": {}, "refunded": True}]
    page, part = browser.get(path).text, browser.get(f"{path}/now").text
    assert part.strip() in page
    assert "<html" not in part
    assert "On its way to you" in text_of(part)
    assert "Not in stock today: you do not pay for it." in text_of(part)
    assert 'data-from="' in page
    placed["status"] = "completed"
    page = browser.get(path).text
    assert 'data-from="' not in page
    assert "data-is-over" in page
