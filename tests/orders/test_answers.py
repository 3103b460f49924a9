"""The customer's answers to the replacements that a shopper proposes."""

from typing import Any

import pytest

from handcart.batches import ops as batches
from handcart.core.errors import ApiError
from handcart.orders import ops, replacements
from handcart.orders.models import Alternative
from handcart.stores.models import ItemName
from tests.support.contents import nothing_written
from tests.support.orders import GROWN_UP, Market, line
from tests.support.picking import Picking
from tests.support.server import LiveServer

BREAD = Alternative(ItemName(rrc="bread"), count=2)
SOAP = {"rrc": "soap"}
ALREADY = (400, "Order item change already responded to", 4001)
NOTHING = (400, "Order item has no change to respond to", 4001)
UNRESOLVED = (400, "Could not resolve alternative item to a valid product", 1001)
BEFORE = ["brand_new", "acknowledged", "picking"]


def proposed(market: Market, rrc: str = "soap", **fields: Any) -> Picking:
    """An order whose first line, three times milk, has a replacement."""
    picking = Picking(market, **fields)
    picking.says(status="replaced", replacement_item={"rrc": rrc})
    return picking


def stored(picking: Picking) -> dict[str, Any]:
    """What is stored about the answer to line 1, without what is empty."""
    found: dict[str, Any] = picking.market.row(picking.id)["items"][0]
    names = ("status", "replacement_status", "substitute", "refused", "alternative")
    return {name: found[name] for name in names if name in found}


def answer(picking: Picking, approved: bool, *more: Any, line_num: str = "1") -> tuple[int, str, int | None] | None:
    """Answer; returns the refusal."""

    async def answered(tx: Any) -> None:
        order = await ops.lock(tx, picking.market.retailer.id, picking.id)
        await replacements.answer(tx, picking.market.retailer.id, order, line_num, approved, *more)

    try:
        picking.market.server.write(answered)
    except ApiError as error:
        return error.status, error.message, error.code
    return None


def happened(picking: Picking) -> list[str]:
    """The events of the order after picking began."""
    events = picking.shopping.events(picking.id)
    assert events[:3] == BEFORE
    return events[3:]


def pending(picking: Picking) -> list[str]:
    async def waiting(tx: Any) -> list[str]:
        order = await ops.lock(tx, picking.market.retailer.id, picking.id)
        return [one.line_num for one in replacements.pending(order)]

    found: list[str] = picking.market.server.write(waiting)
    return found


def test_replacement_is_proposed_then_it_waits_for_the_customer(market: Market) -> None:
    picking = proposed(market)
    row = market.row(picking.id)["items"][0]
    assert (row["replacement_status"], row["substitute"], pending(picking)) == ("PENDING", SOAP, ["1"])
    assert happened(picking) == ["item_replaced", "order_item_replacement"]
    picking.says(delivered_count=1)
    assert market.row(picking.id)["items"][0]["proposed_at"] == row["proposed_at"]


def test_customer_approves_then_the_replacement_is_kept(market: Market) -> None:
    picking = proposed(market)
    before = happened(picking)
    assert answer(picking, True) is None
    assert (stored(picking)["status"], stored(picking)["replacement_status"]) == ("replaced", "APPROVED")
    assert (happened(picking), pending(picking)) == (before, [])
    assert (picking.line["item"]["delivered_rrc"], picking.line["qty"]) == ("soap", 3)
    with nothing_written(market.server):
        assert answer(picking, True) == answer(picking, False) == answer(picking, False, BREAD) == ALREADY


def test_customer_refuses_then_the_line_is_refunded(market: Market) -> None:
    picking = proposed(market)
    assert answer(picking, False) is None
    assert stored(picking) == {"status": "to_refund", "replacement_status": "REJECTED", "refused": SOAP}
    assert (picking.line["qty"], picking.line["refunded"]) == (0, True)
    assert happened(picking)[2:] == ["item_refunded", "order_item_refund"]
    with nothing_written(market.server):
        assert answer(picking, True) == ALREADY
        refused = picking.shopping.item(picking.shopper_id, picking.id, "1", replacement_item={"rrc": "soap"})
        assert refused.json()["error"]["message"] == "Replacement was refused by the customer"
    picking.says(replacement_item={"rrc": "bread"})
    assert (stored(picking)["replacement_status"], pending(picking)) == ("PENDING", ["1"])
    picking.says(status="not_found")
    assert stored(picking)["replacement_status"] == "REJECTED"


def test_customer_names_an_alternative_then_the_shopper_looks_for_it(market: Market) -> None:
    picking = proposed(market)
    assert answer(picking, False, BREAD) is None
    bread = {"upc": "400000000022", "rrc": "bread"}
    wish = {"refused": SOAP, "alternative": {"item": bread, "count": 2}}
    assert stored(picking) == {"replacement_status": "REJECTED", **wish}
    assert happened(picking)[2:] == ["item_not_picked"]
    assert answer(picking, True) == ALREADY
    picking.says(status="replaced")
    assert stored(picking) == {"status": "replaced", "replacement_status": "APPROVED", "substitute": bread, **wish}
    assert (picking.line["qty"], picking.line["item"]["delivered_rrc"]) == (2, "bread")
    assert happened(picking)[3:] == ["item_replaced", "order_item_replacement"]


def test_alternative_is_never_looked_for_then_the_line_is_refunded(market: Market) -> None:
    picking = proposed(market)
    assert answer(picking, False, BREAD) is None
    assert picking.shopping.reach(picking.batch_id, "checkout") == "checkout"
    assert (picking.line["qty"], picking.line["refunded"]) == (0, True)
    assert happened(picking)[3:] == ["item_refunded", "order_item_refund", "checkout"]
    assert market.row(picking.id)["bag_count"] == 0


def test_product_is_found_after_all_then_no_answer_is_left(market: Market) -> None:
    picking = proposed(market)
    assert answer(picking, False, BREAD) is None
    picking.says(status="found")
    assert stored(picking) == {"status": "found"}
    assert answer(picking, True) == NOTHING


def test_replacement_is_not_answered_then_it_is_bought(market: Market) -> None:
    picking = proposed(market)
    picking.shopping.reach(picking.batch_id, "verifying_replacements")
    assert pending(picking) == ["1"]
    picking.shopping.reach(picking.batch_id, "checkout")
    assert (stored(picking)["replacement_status"], pending(picking)) == ("PENDING", [])
    assert (picking.line["qty"], picking.line["item"]["delivered_rrc"]) == (3, "soap")
    with nothing_written(market.server):
        assert answer(picking, True) == answer(picking, False, BREAD) == NOTHING


def test_newer_proposal_is_made_then_the_older_one_takes_no_answer(market: Market) -> None:
    picking = proposed(market)
    older = market.row(picking.id)["items"][0]["proposed_at"]
    picking.says(replacement_item={"rrc": "bread"})
    newer = market.row(picking.id)["items"][0]["proposed_at"]
    assert older < newer
    with nothing_written(market.server):
        assert answer(picking, True, None, older) == ALREADY
    assert answer(picking, True, None, newer) is None


def test_shopper_takes_what_the_customer_chose_then_it_is_approved(market: Market) -> None:
    picking = Picking(market, {**line("1", "milk", count=3), "replacement_items": [{"upc": "0400000000022"}]})
    picking.says(replacement_item={"rrc": "bread"})
    assert stored(picking)["replacement_status"] == "APPROVED"
    assert answer(picking, False) == ALREADY


@pytest.mark.parametrize(("wish", "status"), [("soap", "APPROVED"), ("bread", "PENDING")])
def test_customer_chooses_while_asked_then_the_same_item_is_approved(market: Market, wish: str, status: str) -> None:
    picking = proposed(market)
    chosen = {"selections": [{"line_num": "1", "count": 1, "replacement_items": [{"rrc": wish}]}]}
    market.put(market.path(picking.user_id, picking.id, "/replacement_selections"), chosen).raise_for_status()
    assert stored(picking)["replacement_status"] == status


def test_shopper_drops_out_then_proposals_and_answers_are_forgotten(market: Market) -> None:
    for approved, alternative in ((True, None), (False, None), (False, BREAD)):
        picking = proposed(market)
        assert answer(picking, approved, alternative) is None
        market.server.write(batches.drop_out, market.retailer.id, picking.batch_id)
        assert stored(picking) == {}
        assert answer(picking, True) == NOTHING


def test_alternative_cannot_be_had_then_the_answer_is_refused(market: Market) -> None:
    picking, with_ebt = proposed(market), proposed(market, "ham", paid_with_ebt=True)
    rows = [
        (picking, Alternative(ItemName(rrc="unknown"), count=1)),
        (picking, Alternative(ItemName(rrc="milk"), count=1)),
        (picking, Alternative(ItemName(upc="0400000000015"), count=1)),
        (picking, Alternative(ItemName(rrc="soap"), count=1)),
        (picking, Alternative(ItemName(rrc="wine"), count=1)),
        (picking, Alternative(ItemName(rrc="syrup"), count=1)),
        (picking, Alternative(ItemName(rrc="bread"), weight=1.5)),
        (picking, Alternative(ItemName(rrc="ham"), count=1)),
        (with_ebt, Alternative(ItemName(rrc="soap"), count=1)),
    ]
    with nothing_written(market.server):
        assert [answer(one, False, alternative) for one, alternative in rows] == [UNRESOLVED] * len(rows)
    assert answer(picking, False, Alternative(ItemName(rrc="apples"), weight=0.5)) is None
    assert answer(with_ebt, False, BREAD) is None


def test_retailer_is_lenient_then_an_unknown_alternative_is_taken(server: LiveServer) -> None:
    picking = proposed(Market(server, is_lenient=True))
    assert answer(picking, False, Alternative(ItemName(upc="036000291452"), count=1)) is None
    assert stored(picking)["alternative"] == {"item": {"upc": "036000291452"}, "count": 1}


def test_order_has_alcohol_then_an_alternative_may_be_alcohol(market: Market) -> None:
    order = {"items": [line("1", "milk"), line("2", "wine")], "user": {"birthday": GROWN_UP}}
    picking = proposed(market, **order)
    assert answer(picking, False, Alternative(ItemName(rrc="wine"), count=1)) is None
    picking.says(status="replaced")
    assert picking.line["item"]["delivered_rrc"] == "wine"


def test_alternative_is_sold_by_weight_then_the_shopper_gets_the_weight(market: Market) -> None:
    picking = proposed(market)
    assert answer(picking, False, Alternative(ItemName(rrc="ham"), weight=1.5)) is None
    picking.says(replacement_item={"rrc": "ham"}, delivered_weight=1.42)
    row = market.row(picking.id)["items"][0]
    assert (row["delivered_weight"], "delivered_count" in row) == (1.42, False)


def test_line_was_removed_then_it_takes_no_answer(market: Market) -> None:
    user_id = market.customer()
    order_id = market.order(user_id=user_id, items=[line("1", "milk"), line("2", "soap")])["id"]
    market.put(market.path(user_id, order_id), {"items": [line("2", "soap")]}).raise_for_status()

    async def answered(tx: Any) -> None:
        order = await ops.lock(tx, market.retailer.id, order_id)
        await replacements.answer(tx, market.retailer.id, order, "1", True)

    with nothing_written(market.server), pytest.raises(ApiError, match="Order item 1 not found"):
        market.server.write(answered)


def test_line_takes_no_answer_then_it_is_refused(market: Market) -> None:
    picking = Picking(market)
    picking.adds(item={"rrc": "soap"})
    with nothing_written(market.server):
        assert answer(picking, True) == answer(picking, True, line_num="2") == NOTHING
        assert answer(picking, True, line_num="9") == (404, "Order item 9 not found", 4000)
