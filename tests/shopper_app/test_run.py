"""The run that a shopper's device downloads."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from handcart.batches import ops as batches
from handcart.core import clock
from handcart.shopper_app import run, wire
from handcart.stores import items
from handcart.stores.models import Item
from tests.support.acting import Acting
from tests.support.orders import ADDRESS, GROWN_UP, MILK, PHONE, Market, line
from tests.support.post_checkout import Customer
from tests.support.sandbox import TYPE_OF, Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import Phone, add_shift, refusal
from tests.support.working import Working


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server, capacity=1000)


@pytest.fixture
def person(server: LiveServer) -> Working:
    return Working(server)


def end(market: Market, batch_id: int, kind: str, at: int) -> None:
    """Take a batch away from its shopper, at a time."""
    market.server.write(batches.end_early, market.retailer.id, batch_id, kind, "too far", "Dana")
    market.server.sql(
        "UPDATE batch_orders SET left_at = $3 WHERE retailer_id = $1 AND batch_id = $2 RETURNING order_id",
        market.retailer.id,
        batch_id,
        at,
    )


def ids(found: wire.Run) -> list[str]:
    return [one.id for one in found.batches]


def test_person_has_no_batch_then_the_run_is_empty(person: Working) -> None:
    found = person.run()
    assert (found.batches, found.removed) == ([], [])


def test_shifts_are_planned_then_the_run_has_the_next_ones(market: Market, person: Working) -> None:
    before = person.run().version
    add_shift(market.server, person.id, starts_at=clock.HOUR)
    coming = add_shift(market.server, person.id, starts_at=clock.now() + clock.HOUR)
    found = person.run()
    assert found.version != before
    assert [(one.starts_at, one.where, one.time_zone) for one in found.shifts] == [
        (clock.to_wire(coming.starts_at), "", "")
    ]


def test_work_is_not_accepted_yet_then_its_instructions_are_not_in_the_run(market: Market, person: Working) -> None:
    acting = Acting(person, market, market.order(special_instructions="gate 4711")["id"])
    assert person.run().batches[0].orders[0].special_instructions == ""
    acting.did("accept")
    assert person.run().batches[0].orders[0].special_instructions == "gate 4711"


def test_orders_of_each_kind_then_the_run_has_them_with_store_and_window(market: Market, person: Working) -> None:
    for kind, batch_type in TYPE_OF.items():
        order_id = market.order(kind, market.customer(first_name="Ada", last_name="Lovelace"))["id"]
        batch_id = person.batch(market, order_id)
        (batch,) = [one for one in person.run().batches if one.id == str(batch_id)]
        assert batch.subject == f"{market.slug}/{batch_id}"
        assert (batch.type, batch.retailer.slug) == (batch_type, market.slug)
        assert (batch.store.location_code, batch.store.time_zone) == ("here", "America/Chicago")
        assert "60601" in batch.store.address
        assert (batch.window.starts_at, batch.window.ends_at) == tuple(
            clock.to_wire(market.at(hour)) for hour in (12, 14)
        )
        (order,) = batch.orders
        assert (order.id, order.letter, order.kind, order.status) == (
            order_id,
            "A",
            kind,
            market.row(order_id)["status"],
        )
        assert order.units == (2 if kind in ("delivery", "pickup") else 3)


def test_two_people_and_two_retailers_then_each_sees_own_batches_only(market: Market, server: LiveServer) -> None:
    other_market = Market(server)
    anna, bert = Working(server), Working(server)
    at_both = [anna.batch(one, one.order()["id"]) for one in (market, other_market)]
    of_bert = bert.batch(market, market.order()["id"])
    Shopping(market).batch(market.order()["id"])  # of a retailer's shopper who is nobody's shadow
    assert ids(anna.run()) == [str(one) for one in at_both]
    assert ids(bert.run()) == [str(of_bert)]
    assert server.read(run.batch, bert.id, market.retailer.id, at_both[0]) is None
    assert server.read(run.batch, anna.id, other_market.retailer.id, at_both[0]) is None
    mine = server.read(run.batch, anna.id, market.retailer.id, at_both[0])
    assert mine is not None
    assert mine.id == str(at_both[0])


def test_order_is_carried_to_the_door_then_only_then_its_street_is_shown(market: Market, person: Working) -> None:
    for kind in ("delivery", "last_mile", "dispatch"):
        order_id = market.order(kind, market.customer(first_name="Ada", last_name="Lovelace"))["id"]
        batch_id = person.batch(market, order_id)
        (batch,) = person.run().batches
        assert batch.orders[0].door is None
        text = msgspec.json.encode(person.run()).decode()
        assert not any(private in text for private in (PHONE, "350 W Oak", "Lovelace", "Member"))
        Shopping(market).reach(batch_id, "delivering")
        (batch,) = person.run().batches
        door = batch.orders[0].door
        assert door is not None
        assert (door.phone, door.address) == (PHONE, f"{ADDRESS['address_line_1']}, {ADDRESS['postal_code']}")
        assert not any(private in msgspec.json.encode(batch).decode() for private in ("Lovelace", "Member"))
        Shopping(market).reach(batch_id, "completed")
        assert person.run().batches == []


def test_order_goes_back_to_the_store_then_its_street_is_hidden_again(server: LiveServer, person: Working) -> None:
    market = Market(server, delivery_pin=True, door_photo=True)
    order_id = market.order("last_mile")["id"]
    acting = Acting(person, market, order_id)
    Shopping(market).reach(acting.batch_id, "delivering")
    (batch,) = person.run().batches
    assert (batch.needs.door_photo, batch.orders[0].needs_code, batch.orders[0].signature) == (True, True, "none")
    assert batch.orders[0].door is not None
    acting.did("bring_back", order=order_id, reason="nobody_there")
    (batch,) = person.run().batches
    assert (batch.orders[0].status, batch.orders[0].door, batch.last_act) == ("returning", None, acting.last)
    assert PHONE not in msgspec.json.encode(batch).decode()


def test_bags_of_an_order_are_checked_then_the_run_says_so(market: Market, person: Working) -> None:
    order_id = market.order("last_mile")["id"]
    acting = Acting(person, market, order_id)
    Shopping(market).reach(acting.batch_id, "at_store")
    (batch,) = person.run().batches
    assert (batch.orders[0].is_verified, batch.needs.legal_age) == (False, 21)
    acting.did("verify_bags", order=order_id)
    (batch,) = person.run().batches
    assert (batch.orders[0].is_verified, batch.state) == (True, "bags_verified")


def test_employee_brings_a_pickup_order_then_no_phone_is_ever_shown(market: Market, person: Working) -> None:
    order_id = market.order("pickup", market.customer(first_name="Ada"))["id"]
    Shopping(market).reach(Shopping(market).batch(order_id), "staged")
    batch_id = person.batch(market, order_id)
    for state in ("brand_new", "at_store", "bags_verified"):
        if state != "brand_new":
            Shopping(market).reach(batch_id, state)
        (batch,) = person.run().batches
        assert (batch.type, batch.state) == ("runner_customer", state)
        assert (batch.orders[0].door, batch.orders[0].is_staged) == (None, True)
        assert batch.orders[0].customer.first_name == "Ada"
        assert PHONE not in msgspec.json.encode(batch).decode()


def test_customer_names_a_car_then_only_the_runner_sees_it(market: Market, person: Working) -> None:
    order_id, caller = market.order("pickup", market.customer())["id"], Customer(market)
    caller.put(order_id, "/pickup/vehicle_info", {"color": "blue", "license_plate": "7ABC123"}).raise_for_status()
    picker = person.batch(market, order_id)
    assert person.run().batches[0].orders[0].car is None
    Shopping(market).reach(picker, "staged")
    runner = Acting(person, market, order_id)
    assert person.run().batches[0].orders[0].car is None  # not accepted
    runner.did("accept")
    car = person.run().batches[0].orders[0].car
    assert car == wire.Car(model="", vehicle_type="", color="blue", license_plate="7ABC123", delegate="")
    caller.put(order_id, "/pickup_delegate", {"name": "Kim", "phone_number": "+13125550199"}).raise_for_status()
    assert person.run().batches[0].orders[0].car.delegate == "Kim"
    assert "+13125550199" not in msgspec.json.encode(person.run()).decode()


def test_user_is_deleted_while_shopping_then_the_run_has_no_name(market: Market, person: Working) -> None:
    user_id = market.customer(first_name="Ada")
    person.batch(market, market.order("delivery", user_id)["id"])
    assert person.run().batches[0].orders[0].customer.first_name == "Ada"
    market.post(f"/v2/fulfillment/users/{user_id}/privacy_request").raise_for_status()
    assert person.run().batches[0].orders[0].customer.first_name == ""


def test_run_changes_then_its_version_is_another(market: Market, person: Working) -> None:
    empty = person.run().version
    batch_id = person.batch(market, market.order()["id"])
    begun = person.run().version
    assert begun == person.run().version != empty
    Shopping(market).reach(batch_id, "picking")
    assert person.run().version not in (begun, empty)


def test_phone_has_this_version_of_the_run_then_it_is_not_sent_again(market: Market, person: Working) -> None:
    person.batch(market, market.order(items=[line(str(number), rrc) for number, rrc in enumerate(FOOD)])["id"])
    first = person.phone.get("run")
    assert first.json()["version"] in first.headers["etag"]
    assert (first.headers["cache-control"], first.headers["content-encoding"]) == ("no-store", "gzip")
    plain = person.phone.get("run", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json()["batches"] == first.json()["batches"]
    known = {"If-None-Match": first.headers["etag"]}
    again = person.phone.get("run", headers=known)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    person.batch(market, market.order()["id"])
    assert person.phone.get("run", headers=known).status_code == 200


@on_sqlite
def test_phone_is_signed_out_or_locked_then_no_run(server: LiveServer) -> None:
    assert refusal(server.http().get("/shopper/api/run")) == (401, "signed_out")
    phone = Phone(server)
    server.sql("UPDATE shoppers SET blocked_at = 1 WHERE id = $1 RETURNING id", phone.person.id)
    assert refusal(phone.get("run")) == (423, "locked")
    server.sql("UPDATE shoppers SET closed_at = 1 WHERE id = $1 RETURNING id", phone.person.id)
    assert refusal(phone.get("run")) == (401, "signed_out")


FOOD = ("milk", "bread", "soap", "soda", "chair")
PLACES = {
    "ice": {"department": "Frozen", "aisle": "1", "temperature": "frozen"},
    "chicken": {"department": "Deli", "aisle": "1", "temperature": "hot"},
    "beans": {"department": "Canned", "aisle": "10", "shelf": "2"},
    "corn": {"department": "Canned", "aisle": "10", "shelf": "10"},
    "jam": {"department": "Breakfast", "aisle": "2"},
    "milk": {"department": "Dairy", "aisle": "2", "shelf": "B", "temperature": "cold"},
    "batteries": {"department": "Household"},
    "candles": {"department": "Household"},
    "balloons": {"department": "Party"},
    "thing": {},
}
WALK = ["jam", "milk", "beans", "corn", "batteries", "candles", "balloons", "thing", "ice", "chicken"]


def test_lines_have_places_then_they_are_sorted_along_the_aisles(server: LiveServer, person: Working) -> None:
    market = Market(server)
    stock(market, [Item(rrc=rrc, name=rrc, **place) for rrc, place in PLACES.items()])
    cart = [line(str(number), rrc) for number, rrc in enumerate(sorted(PLACES))]
    person.batch(market, market.order(items=cart)["id"])
    (batch,) = person.run().batches
    assert [one.product.rrc for one in batch.orders[0].lines] == WALK
    assert batch.orders[0].lines[2].product == wire.Product(
        upc=None, rrc="beans", name="beans", department="Canned", aisle="10", shelf="2"
    )


def test_product_has_others_like_it_then_they_are_suggested(server: LiveServer, person: Working) -> None:
    market = Market(server)
    dairy = [
        Item(rrc=f"dairy-{number}", name=name, department="Dairy", price_cents=price, is_ebt_eligible=eligible, **more)
        for number, (name, price, eligible, more) in enumerate(
            [
                ("Whole Milk large", 400, True, {}),
                ("Whole Milk small", 900, False, {}),
                ("Skimmed Milk large", 450, True, {}),
                ("Butter", 400, True, {}),
                ("Milk with syrup", 400, True, {"restricted_reasons": ("DXM",)}),
                ("Whole Milk by weight", 400, True, {"cost_unit": "lb"}),
                ("Whole Milk with rum", 400, False, {"alcohol_kind": "spirits"}),
            ]
        )
    ]
    stock(market, [*dairy, Item(rrc="bread", name="Whole bread", department="Bakery")])

    def suggested(**fields: Any) -> list[str | None]:
        cart = [line("1", "dairy-0", **fields.pop("line", {}))]
        batch_id = person.batch(market, market.order(items=cart, **fields)["id"])
        (batch,) = [one for one in person.run().batches if one.id == str(batch_id)]
        return [one.rrc for one in batch.orders[0].lines[0].suggestions]

    assert suggested() == ["dairy-2", "dairy-1", "dairy-3"]
    assert suggested(paid_with_ebt=True) == ["dairy-2", "dairy-3"]
    assert suggested(line={"replacement_policy": "no_replacements"}) == []


def test_catalog_changes_then_suggestions_follow_after_some_minutes(
    server: LiveServer, person: Working, later: Any
) -> None:
    market = Market(server)
    stock(market, [Item(rrc=rrc, name=f"Tea {rrc}", department="Tea") for rrc in ("black", "green")])
    person.batch(market, market.order(items=[line("1", "black")])["id"])

    def suggested() -> list[str]:
        return [one.name for one in person.run().batches[0].orders[0].lines[0].suggestions]

    assert suggested() == ["Tea green"]
    stock(market, [Item(rrc="green", name="Tea with lemon", department="Tea")])
    assert suggested() == ["Tea green"]
    with later(minutes=11):
        assert suggested() == ["Tea with lemon"]


def test_product_has_no_department_then_the_next_item_is_suggested(server: LiveServer, person: Working) -> None:
    market = Market(server)
    person.batch(market, market.order(items=[line("1", "milk"), line("2", "wine")], user={"birthday": GROWN_UP})["id"])
    (order,) = person.run().batches[0].orders
    found = {one.product.rrc: one.suggestions for one in order.lines}
    assert [one.rrc for one in found["milk"]] == ["soap"]
    assert found["wine"] == []


def test_goods_are_heavy_then_line_and_order_have_a_mark(market: Market, person: Working) -> None:
    for cart, lines, order_is_heavy in (
        ([line("1", "chair"), line("2", "milk")], [True, False], True),
        ([line("1", "soda", count=1)], [False], False),
        ([line("1", "soda", count=2)], [True], False),
        ([line("1", "soda", count=4)], [True], True),
        ([line("1", "apples", weight=10)], [True], False),
    ):
        person.batch(market, market.order(items=cart)["id"])
        (order,) = person.run().batches[-1].orders
        shown = [one.is_heavy for one in sorted(order.lines, key=lambda one: one.line_num)]
        assert (shown, order.is_heavy) == (lines, order_is_heavy), cart
    person.batch(market, market.order("dispatch", items_weight=40)["id"])
    assert person.run().batches[-1].orders[0].is_heavy


def test_retailer_has_hours_for_alcohol_then_the_phone_knows_them(server: LiveServer, person: Working) -> None:
    market = Market(server, alcohol_from_hour=9, alcohol_until_hour=21)
    person.batch(market, market.order()["id"])
    needs = person.run().batches[0].needs
    assert (needs.alcohol_from_hour, needs.alcohol_until_hour) == (9, 21)


def test_shopper_replaces_a_line_then_the_run_says_by_which_product(market: Market, person: Working) -> None:
    wished = {**MILK, "replacement_items": [{"upc": "400000000022"}, {"rrc": "unheard of"}]}
    order_id = market.order(items=[wished, line("2", "apples", count=3)])["id"]
    batch_id = person.batch(market, order_id)
    shopping = Shopping(market)
    shopping.reach(batch_id, "picking")
    shopping.item(
        person.shopper(market), order_id, "1", replacement_item={"rrc": "bread"}, delivered_count=2
    ).raise_for_status()
    lines = {one.line_num: one for one in person.run().batches[0].orders[0].lines}
    milk, apples = lines["1"], lines["2"]
    assert [one.name for one in milk.replacement_items] == ["Bread", "unheard of"]
    assert milk.replacement_items[0].upc == "400000000022"
    assert milk.substitute is not None
    assert (milk.status, milk.substitute.name, milk.delivered_count) == ("replaced", "Bread", 2)
    assert (apples.status, apples.qty, apples.qty_unit) == ("not_found", 3, "each")
    assert (apples.product.cost_unit, apples.product.par_weight) == ("kg", 0.2)


TAKEN_AWAY = {
    "delivery": {
        "acknowledged": "nothing",
        "picking": "put_back",
        "verifying_replacements": "put_back",
        "checkout": "hand_to_store",
        "receipt_sanity_check": "hand_to_store",
    },
    "last_mile": {"acknowledged": "nothing", "at_store": "nothing", "bags_verified": "hand_to_store"},
}


@pytest.mark.parametrize("kind", TAKEN_AWAY)
def test_batch_is_taken_away_then_the_run_says_what_to_do_with_the_goods(
    market: Market, person: Working, kind: str
) -> None:
    for state, goods in TAKEN_AWAY[kind].items():
        order_id = market.order(kind)["id"]
        batch_id = person.batch(market, order_id)
        if state != "acknowledged":
            Shopping(market).reach(batch_id, state)
        at = clock.now()
        end(market, batch_id, "unassigned", at)
        found = person.run()
        assert found.batches == []
        assert found.removed[0] == wire.Removed(
            str(batch_id),
            wire.Retailer(market.slug, "Sample Market"),
            [order_id],
            "unassigned",
            "too far",
            "Dana",
            clock.to_wire(at),
            goods,
        )


def test_batch_ended_a_day_ago_or_in_its_last_state_then_nothing_is_said(market: Market, person: Working) -> None:
    early, late = (person.batch(market, market.order()["id"]) for _ in range(2))
    end(market, early, "dropped_out", clock.now() - run.REMOVED_FOR - clock.MINUTE)
    Shopping(market).reach(late, "completed")
    assert person.run().removed == []


def test_order_of_a_batch_is_canceled_then_it_is_removed_and_others_stay(
    market: Market, person: Working, later: Any
) -> None:
    orders = sorted(market.order()["id"] for _ in range(3))
    batch_id = person.batch(market, *orders)
    Shopping(market).reach(batch_id, "picking")
    cancel(market, orders[0])
    Shopping(market).reach(batch_id, "checkout")
    found = person.run()
    assert [(one.letter, one.id) for one in found.batches[0].orders] == [("B", orders[1]), ("C", orders[2])]
    (removed,) = found.removed
    assert (removed.batch_id, removed.order_ids, removed.kind) == (str(batch_id), [orders[0]], "canceled")
    assert (removed.goods, removed.reason) == ("put_back", "system error")
    for order_id in orders[1:]:
        cancel(market, order_id)
    found = person.run()
    assert (found.batches, len(found.removed)) == ([], 3)
    assert {one.goods for one in found.removed} == {"put_back", "hand_to_store"}
    with later(hours=25):  # the phone has locked itself by then
        assert market.server.read(run.run, person.id).removed == []


def cancel(market: Market, order_id: str) -> None:
    Shopping(market).simulate(order_id, "canceled").raise_for_status()


def stock(market: Market, catalog: Sequence[Item]) -> None:
    market.server.write(items.save, market.retailer.id, catalog)
