"""The code, the signature and the photo that prove that an order reached its customer."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from handcart import worker
from handcart.core import clock
from handcart.core.db import Tx
from handcart.orders import ops, proof, signatures
from handcart.orders.models import Order
from handcart.orders.proof import SignatureRefused
from handcart.retailers.models import Rules
from handcart.shopper_app import wire
from tests.support import pictures
from tests.support.acting import Acting
from tests.support.contents import nothing_written
from tests.support.orders import TEXTED, Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.working import Working

STROKES = [[10, 20, 30, 40, 50, 20], [70, 60]]
ON = Rules(delivery_pin=True, certified_from_cents=500)


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        found = Market(server, capacity=1000, delivery_pin=True, certified_from_cents=500)
        server.sql(
            "UPDATE items SET price_cents = 500 WHERE retailer_id = $1 AND rrc = 'milk' RETURNING rrc",
            found.retailer.id,
        )
        yield found


@pytest.fixture
def working(server: LiveServer) -> Working:
    return Working(server)


async def _sign(tx: Tx, market: Market, order_id: str, name: str, strokes: Any) -> None:
    retailer_id = market.retailer.id
    await proof.sign(tx, retailer_id, await ops.lock(tx, retailer_id, order_id), name, strokes)


def sign(market: Market, order_id: str, name: str = "Ada Lovelace", strokes: Any = STROKES) -> str | None:
    """Sign for an order as its page does; returns the reason of a refusal, which changes nothing."""
    try:
        market.server.write(_sign, market, order_id, name, strokes)
    except SignatureRefused as refused:
        return refused.reason
    return None


def order_of(market: Market, order_id: str) -> Order:
    found: Order = market.server.write(ops.lock, market.retailer.id, order_id)
    return found


def code(market: Market, order_id: str, rules: Rules = ON) -> str | None:
    found: str | None = market.server.read(proof.code, rules, order_of(market, order_id))
    return found


def needs_signature(market: Market, order_id: str, rules: Rules = ON) -> bool:
    order = order_of(market, order_id)
    return bool(market.server.read(proof.needs_signature, market.retailer.id, rules, order))


def at_the_door(market: Market, working: Working, kind: str = "delivery", **fields: Any) -> Acting:
    """A shopper at the door with an order."""
    acting = Acting(working, market, market.order(kind, **fields)["id"])
    Shopping(market).reach(acting.batch_id, "delivering")
    return acting


@pytest.mark.parametrize(
    ("kind", "fields", "is_asked"),
    [
        ("delivery", {"user": TEXTED}, True),
        ("delivery", {}, False),
        ("delivery", {"user": {"sms_opt_in": False}}, False),
        ("delivery", {"user": TEXTED, "leave_unattended": True}, False),
        ("pickup", {"user": TEXTED}, False),
        ("last_mile", {}, True),
        ("last_mile", {"customer_sms_opt_out": False}, True),
        ("last_mile", {"customer_sms_opt_out": True}, False),
        ("dispatch", {}, True),
        ("dispatch", {"customer_sms_opt_out": True}, False),
    ],
)
@on_sqlite
def test_order_is_created_then_code_and_signature_are_as_documented(
    market: Market, kind: str, fields: dict[str, Any], is_asked: bool
) -> None:
    carried = {"cart_total": 5.0} if kind in ("last_mile", "dispatch") else {}
    order_id = market.order(kind, **fields, **carried)["id"]
    assert code(market, order_id) == ("0188" if is_asked else None)
    assert needs_signature(market, order_id) is is_asked
    off = Rules()
    assert (code(market, order_id, off), needs_signature(market, order_id, off)) == (None, False)


@pytest.mark.parametrize(("cents", "is_asked"), [(501, False), (500, True), (499, True), (0, True)])
@on_sqlite
def test_item_has_the_value_of_the_setting_then_the_customer_signs(market: Market, cents: int, is_asked: bool) -> None:
    order_id = market.order(user=TEXTED, items=[line("1", "soap"), line("2", "milk")])["id"]
    rules = Rules(certified_from_cents=cents)
    assert needs_signature(market, order_id, rules) is is_asked
    order = order_of(market, order_id)
    found = market.server.read(proof.certified_lines, market.retailer.id, rules, order)
    assert ("2" in found) is is_asked


def test_order_has_an_item_of_value_then_post_checkout_says_so(market: Market) -> None:
    path = "/v2/post_checkout/orders/{}"
    order_id = market.order(user=TEXTED, items=[line("1", "soap"), line("2", "milk")])["id"]
    assert market.get(path.format(order_id) + "/handling").json()["certified_delivery"] is True
    listed = market.get(path.format(order_id) + "/items").json()["line_items"]
    assert [one["certified_delivery"] for one in listed] == [False, True]
    other = market.order(items=[line("2", "milk")])["id"]  # the customer did not agree to text messages
    assert market.get(path.format(other) + "/handling").json()["certified_delivery"] is False
    assert [one["certified_delivery"] for one in market.get(path.format(other) + "/items").json()["line_items"]] == [
        False
    ]


def test_item_of_value_is_refunded_then_nobody_signs(market: Market, working: Working) -> None:
    order_id = market.order(user=TEXTED, items=[line("1", "soap"), line("2", "milk")])["id"]
    acting = Acting(working, market, order_id, workflow_state="picking")
    assert needs_signature(market, order_id)
    acting.did("refund", order=order_id, line="2")
    assert not needs_signature(market, order_id)


def test_customer_signs_then_the_order_is_handed_over_with_the_name(market: Market, working: Working) -> None:
    acting = at_the_door(market, working, user=TEXTED)
    (order_id,) = acting.order_ids
    assert working.run().batches[0].orders[0].signature == wire.NEEDED
    assert acting.refused("deliver", order=order_id, how="left", photo=True) == "must_hand_over"
    assert acting.refused("deliver", order=order_id, how="handed_over", pin="0188") == "signature_needed"
    assert sign(market, order_id, " Ada  Lovelace ") is None
    assert working.run().batches[0].orders[0].signature == wire.SIGNED
    assert sign(market, order_id) == "signed_already"
    acting.did("deliver", order=order_id, how="handed_over", pin="0188")
    shown = market.row(order_id)["details"]["proof"]
    assert (shown["signer"], shown["signature_picture"], shown["has_pin"]) == ("Ada Lovelace", True, True)
    assert delivered(market, order_id)["certified_delivery_name"] == "Ada Lovelace"
    drawing = market.server.read(proof.drawing, market.retailer.id, order_id)
    assert drawing == "M10 20L30 40L50 20M70 60L70 60"
    assert sign(market, order_id) == "signed_already"


def test_customer_types_the_name_then_nothing_is_drawn(market: Market, working: Working) -> None:
    acting = at_the_door(market, working, "last_mile", cart_total=200.0)
    (order_id,) = acting.order_ids
    assert sign(market, order_id, strokes=[]) is None
    acting.did("deliver", order=order_id, how="handed_over", pin="0188")
    shown = market.row(order_id)["details"]["proof"]
    assert (shown["signer"], "signature_picture" in shown) == ("Ada Lovelace", False)
    assert market.server.read(proof.drawing, market.retailer.id, order_id) is None


def test_nobody_signs_then_the_order_goes_back(market: Market, working: Working) -> None:
    acting = at_the_door(market, working, user=TEXTED)
    (order_id,) = acting.order_ids
    acting.did("bring_back", order=order_id, reason="not_signed")
    with nothing_written(market.server):
        assert sign(market, order_id) == "not_now"
    acting.did("returned", order=order_id)
    assert market.row(order_id)["status"] == "canceled"
    with nothing_written(market.server):
        assert sign(market, order_id) == "not_now"


def test_order_needs_no_signature_then_none_is_taken(market: Market, working: Working) -> None:
    waiting = market.order(user=TEXTED)["id"]
    other = at_the_door(market, working, user=TEXTED, items=[line("1", "soap")]).order_ids[0]
    silent = at_the_door(market, working).order_ids[0]
    with nothing_written(market.server):
        assert [sign(market, one) for one in (waiting, other, silent)] == ["not_now", "not_needed", "not_needed"]


@pytest.mark.parametrize(
    ("reason", "name", "strokes"),
    [
        ("name", "", STROKES),
        ("name", "  ", STROKES),
        ("name", "x" * 101, STROKES),
        ("name", "Ada\x00", STROKES),
        ("name", "Ada\u202elovelace", STROKES),
        ("strokes", "Ada", [[]]),
        ("strokes", "Ada", [[1]]),
        ("strokes", "Ada", [[1, 2, 3]]),
        ("strokes", "Ada", [[601, 0]]),
        ("strokes", "Ada", [[0, 201]]),
        ("strokes", "Ada", [[-1, 0]]),
        ("strokes", "Ada", [[0.5, 0]]),
        ("strokes", "Ada", [["1", "2"]]),
        ("strokes", "Ada", [[1, 2]] * 201),
        ("strokes", "Ada", [[1, 2] * 4001]),
        ("strokes", "Ada", [[100, 100] * 800_000]),
    ],
)
@on_sqlite
def test_signature_has_another_form_then_refused(market: Market, reason: str, name: str, strokes: Any) -> None:
    acting = at_the_door(market, Working(market.server), user=TEXTED)
    with nothing_written(market.server):
        assert sign(market, acting.order_ids[0], name, strokes) == reason


@pytest.mark.parametrize("text", ["{}", "null", "[", "[[1,2]", "[" * 30_000, "[[1e400,2]]", "x" * (10 << 20), "\x00"])
def test_form_has_no_strokes_then_refused(text: str) -> None:
    with pytest.raises(SignatureRefused):
        proof.read_strokes(text)
    assert proof.read_strokes("") == []
    assert proof.read_strokes(json.dumps(STROKES)) == STROKES


def test_signature_is_stored_then_it_is_sealed_and_ends_after_30_days(
    market: Market, working: Working, later: Any
) -> None:
    (order_id,) = at_the_door(market, working, user=TEXTED).order_ids
    sign(market, order_id)
    key = (market.retailer.id, order_id)
    (row,) = market.server.sql("SELECT strokes FROM signatures WHERE retailer_id = $1 AND order_id = $2", *key)
    assert b"10,20" not in bytes(row["strokes"])
    assert signatures.purge in worker.PURGES
    with later(days=30, seconds=1):
        assert market.server.read(proof.drawing, *key) is None
        assert market.server.write(signatures.purge, 100) >= 1
    assert market.server.sql("SELECT 1 FROM signatures WHERE retailer_id = $1 AND order_id = $2", *key) == []


def test_user_is_deleted_then_the_signature_is_gone(server: LiveServer, working: Working) -> None:
    market = Market(server, certified_from_cents=0)
    user = market.customer()
    acting = at_the_door(market, working, user_id=user, user=TEXTED)
    (order_id,) = acting.order_ids
    assert sign(market, order_id) is None
    acting.did("deliver", order=order_id, how="handed_over")
    server.write(ops.forget_user, market.retailer.isolation_id, user)
    assert server.sql("SELECT 1 FROM signatures WHERE order_id = $1", order_id) == []
    assert "Lovelace" not in json.dumps(market.row(order_id)["details"])


def delivered(market: Market, order_id: str) -> dict[str, Any]:
    """The metadata of an order's event `delivered`."""
    (row,) = market.server.sql("SELECT body FROM events WHERE subject = $1 AND name = 'delivered'", order_id)
    found: dict[str, Any] = json.loads(row["body"])["event_metadata"]
    return found


def test_shopper_takes_a_photo_then_its_address_is_told_and_shows_it(server: LiveServer, working: Working) -> None:
    market = Market(server)
    acting = at_the_door(market, working)
    (order_id,) = acting.order_ids
    act = acting.act("deliver", order=order_id, how="left", photo=True)
    assert acting.send(act)[0]["outcome"] == "applied"
    url = delivered(market, order_id)["delivery_photo_url"]
    assert url.startswith(server.url + "/o/")
    assert server.http().get(url).status_code == 404  # it has not arrived
    other = acting.act("cannot_reach", order=order_id)  # a picture of another act proves nothing
    working.phone.put(f"pictures/{other['id']}", pictures.file()).raise_for_status()
    assert server.http().get(url).status_code == 404
    working.phone.put(f"pictures/{act['id']}", pictures.file()).raise_for_status()
    shown = server.http().get(url)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.content.startswith(b"\xff\xd8")
    assert "no-store" in shown.headers["cache-control"]


def test_shopper_takes_no_photo_then_no_address_is_told(server: LiveServer, working: Working) -> None:
    market = Market(server)
    acting = at_the_door(market, working)
    acting.did("deliver", order=acting.order_ids[0], how="handed_over")
    assert delivered(market, acting.order_ids[0]).keys() == {"order_id", "order_items"}


def test_photo_is_a_month_old_then_its_address_shows_nothing(server: LiveServer, working: Working, later: Any) -> None:
    market = Market(server)
    acting = at_the_door(market, working)
    act = acting.act("deliver", order=acting.order_ids[0], how="left", photo=True)
    acting.send(act)
    working.phone.put(f"pictures/{act['id']}", pictures.file()).raise_for_status()
    url = delivered(market, acting.order_ids[0])["delivery_photo_url"]
    with later(seconds=30 * clock.DAY // clock.SECOND + 60):
        assert server.http().get(url).status_code == 404
