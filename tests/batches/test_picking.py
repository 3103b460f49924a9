"""A shopper's updates of items, repeated and changed; and who may choose replacements."""

from typing import Any

import pytest

from tests.support.orders import Market, line
from tests.support.picking import Picking
from tests.support.server import LiveServer
from tests.support.shop import error

WISHED = [{"rrc": "bread"}, {"rrc": "soap"}]


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Market:
    return Market(server, capacity=1000)


def got(shown: dict[str, Any]) -> tuple[Any, ...]:
    """Amount, delivered code, and whether it was replaced or refunded."""
    return shown["qty"], shown["item"]["delivered_rrc"], shown["replaced"], shown.get("refunded", False)


def test_line_updated_again_then_what_was_said_stays_with_its_status(market: Market) -> None:
    picking = Picking(market)
    first = picking.line
    scan = {"scanned_string": "400000000015", "scanned_string_type": "upca"}
    assert got(picking.says()) == (3, "milk", False, False)
    assert got(picking.says(delivered_count=2)) == (2, "milk", False, False)
    assert picking.says(scans=[scan])["scan_code"] == "400000000015"
    assert got(picking.says(status="found")) == (2, "milk", False, False)
    assert got(picking.says(status="replaced", replacement_item={"rrc": "soap"})) == (3, "soap", True, False)
    assert "scan_code" not in picking.line
    assert got(picking.says(delivered_count=1)) == (1, "soap", True, False)
    assert got(picking.says(replacement_item={"rrc": "bread"})) == (1, "bread", True, False)
    assert got(picking.says(status="to_refund")) == (0, "", False, True)
    assert picking.says(status="not_found") == first
    assert got(picking.says(status="found", delivered_count=0)) == (0, "milk", False, False)
    whats = [what for _, what in market.history(picking.id)][3:]
    found, replaced, refunded = ["item found"] * 4, ["item replaced"] * 3, ["item refunded", "item put back"]
    assert whats == [*found, *replaced, *refunded, "item found"]
    events = ["item_found"] * 4 + ["item_replaced", "order_item_replacement"] * 3
    events += ["item_refunded", "order_item_refund", "item_not_picked", "item_found"]
    assert picking.shopping.events(picking.id) == ["brand_new", "acknowledged", "picking", *events]


def test_item_is_weighed_then_its_amount_is_its_weight(market: Market) -> None:
    picking = Picking(market, line("1", "ham", weight=2.5))
    assert got(picking.says(delivered_weight=2.25, delivered_count=4))[0] == 2.25
    added = picking.adds(item={"rrc": "apples"}, delivered_weight=1.5)
    assert (added["qty"], added["qty_unit"]) == (1.5, "kg")
    added = picking.adds(item={"rrc": "unknown"}, delivered_weight=0.5)
    assert (added["qty"], added["qty_unit"]) == (0.5, "lb")
    assert picking.shopping.reach(picking.batch_id, "checkout") == "checkout"
    row = market.row(picking.id)
    assert row["bag_count"] == 1


def test_items_are_added_then_each_gets_the_next_number(market: Market) -> None:
    picking = Picking(market, line("41", "milk"))
    assert [picking.adds(item={"rrc": code})["line_num"] for code in ("soap", "soap", "bread")] == ["42", "43", "44"]
    added = picking.adds(item={"upc": "0400000000015"}, delivered_count=0)
    assert (added["qty"], added["item"]["delivered_rrc"], added["item"]["requested_rrc"]) == (0, "milk", "")
    named = Picking(market, line("first", "milk"))
    assert named.adds(item={"rrc": "soap"})["line_num"] == "1"


@pytest.mark.parametrize(
    ("policy", "wishes", "chosen"),
    [
        ("users_choice", WISHED, (3, "bread", True, False)),
        ("shoppers_choice", None, (3, "", True, False)),
        ("no_replacements", None, None),
        ("no_replacements", WISHED, None),
    ],
)
def test_no_replacement_named_then_the_customers_wish_decides(
    market: Market, policy: str, wishes: Any, chosen: Any
) -> None:
    asked = line("1", "milk", count=3, replacement_policy=policy)
    picking = Picking(market, asked if wishes is None else {**asked, "replacement_items": wishes})
    if chosen is None:
        refused = picking.shopping.item(picking.shopper_id, picking.id, "1", status="replaced")
        assert error(refused) == (400, "Item must not be replaced", 1001, "status")
        assert got(picking.says(status="to_refund")) == (0, "", False, True)
    else:
        assert got(picking.says(status="replaced")) == chosen


def test_alcohol_comes_into_an_order_then_it_is_not_left_at_the_door(market: Market) -> None:
    for say in (
        lambda picking: picking.adds(item={"rrc": "wine"}),
        lambda picking: picking.says(replacement_item={"rrc": "wine"}),
    ):
        picking = Picking(market, leave_unattended=True)
        assert market.row(picking.id)["leave_unattended"]
        say(picking)
        row = market.row(picking.id)
        assert (bool(row["has_alcohol"]), bool(row["leave_unattended"])) == (True, False)


def test_order_is_full_then_nothing_is_added(market: Market) -> None:
    items = [line(str(number), f"thing-{number}") for number in range(1, 251)]
    picking = Picking(Market(market.server, is_lenient=True), items[0])
    market.server.sql(
        "UPDATE orders SET items = $2 WHERE order_id = $1 RETURNING 1",
        picking.id,
        "["
        + ",".join(f'{{"line_num":"{n}","qty":1.0,"qty_unit":"each","product":"rrc:{n}"}}' for n in range(1000))
        + "]",
    )
    refused = picking.shopping.item(picking.shopper_id, picking.id, item={"rrc": "soap"})
    assert error(refused) == (400, "is invalid", 1001, "item")
