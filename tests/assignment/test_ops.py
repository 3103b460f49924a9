"""Work by hand: give orders to shoppers, take them away, cancel and move them; who may, and what is refused."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from handcart.assignment import fitting, ops, queries
from handcart.assignment.errors import SENTENCES, WorkRefused
from handcart.batches import ops as batches
from handcart.core.web.browser import PageRefused
from handcart.orders import queries as orders
from handcart.orders import reschedule
from handcart.shoppers.models import Person
from handcart.slots import plans
from handcart.slots.plans import Plan
from handcart.staff.models import Actor, command_line
from tests.support.contents import nothing_written
from tests.support.orders import KINDS, Market, line
from tests.support.sandbox import TYPE_OF, Shopping
from tests.support.server import LiveServer
from tests.support.shoppers import add_shopper

DISPATCHER = Actor("staff", 7, "Dee Dispatcher", "dispatcher")
STORE_CLOSED = ("retailer_driven", "store early closure")


class Desk:
    """A dispatcher's operations on a market's orders."""

    def __init__(self, market: Market, actor: Actor = DISPATCHER) -> None:
        self.market, self.server, self.actor = market, market.server, actor

    def assign(self, person: Person, *order_ids: str, **more: Any) -> Any:
        return self.server.write(ops.assign, self.actor, self.market.retailer.id, order_ids, person.id, **more)

    def unassign(self, order_id: str, reason: str = "phone is broken", **more: Any) -> Any:
        return self.server.write(ops.unassign, self.actor, self.market.retailer.id, order_id, reason, **more)

    def cancel(self, order_id: str, reason: str = "the roof leaks", **more: Any) -> Any:
        told = more.pop("cancellation", STORE_CLOSED)
        return self.server.write(ops.cancel, self.actor, self.market.retailer.id, order_id, reason, told, **more)

    def offers(self, order_id: str) -> list[int]:
        order = self.server.read(orders.find, self.market.retailer.id, order_id)
        return [slot.id for slot in self.server.read(reschedule.offers, self.market.retailer.id, order)]

    def reschedule(self, order_id: str, option_id: int, reason: str = "customer called", **more: Any) -> Any:
        return self.server.write(
            ops.reschedule, self.actor, self.market.retailer.id, order_id, option_id, reason, **more
        )

    def seen(self, order_id: str) -> str:
        seen: str = self.server.read(queries.order, self.market.retailer.id, order_id).seen
        return seen

    def audit(self, order_id: str) -> list[tuple[Any, ...]]:
        rows = self.server.sql(
            "SELECT actor_name, operation, reason, detail, retailer_id FROM audit_log WHERE subject = $1 ORDER BY id",
            f"order/{self.market.slug}/{order_id}",
        )
        assert {row["retailer_id"] for row in rows} <= {self.market.retailer.id}
        return [
            (row["actor_name"], row["operation"], row["reason"], msgspec.json.decode(row["detail"])) for row in rows
        ]

    def refused(self, do: Callable[..., Any], *args: Any, **more: Any) -> str:
        """The rule of a refusal that changes nothing."""
        with nothing_written(self.server), pytest.raises((WorkRefused, PageRefused)) as raised:
            do(*args, **more)
        refusal = raised.value
        if isinstance(refusal, PageRefused):
            return refusal.text_key
        assert isinstance(refusal, WorkRefused)
        assert str(refusal) == SENTENCES[refusal.rule]
        return refusal.rule


@pytest.fixture
def desk(market: Market) -> Desk:
    return Desk(market)


@pytest.mark.parametrize("kind", KINDS)
def test_order_is_given_and_taken_away_then_both_are_recorded(desk: Desk, shopping: Shopping, kind: str) -> None:
    market, person = desk.market, add_shopper(desk.server)
    order_id = market.order(kind)["id"]
    batch = desk.assign(person, order_id)
    assert (batch.type, batch.workflow_state, batch.order_ids) == (TYPE_OF[kind], "brand_new", [order_id])
    row = desk.server.read(queries.order, market.retailer.id, order_id)
    assert (row.person_id, row.person, row.batch_id, row.accepted_at) == (person.id, "Sam Sample", batch.id, None)
    desk.unassign(order_id)
    assert desk.server.read(queries.order, market.retailer.id, order_id).batch_id is None
    given = {"shopper": person.id, "name": "Sam Sample", "batch": batch.id}
    assert desk.audit(order_id) == [
        ("Dee Dispatcher", "assign_orders", None, given),
        ("Dee Dispatcher", "assign_orders", "phone is broken", {**given, "keeps_picked": False}),
    ]
    assert shopping.events(order_id) == ["brand_new"]
    again = desk.assign(add_shopper(desk.server), order_id)
    assert again.id != batch.id


def test_pickup_is_staged_then_the_runner_gets_it(desk: Desk, shopping: Shopping) -> None:
    order_id = desk.market.order("pickup")["id"]
    shopping.reach(shopping.batch(order_id), "staged")
    batch = desk.assign(add_shopper(desk.server), order_id)
    assert (batch.type, desk.market.row(order_id)["status"]) == ("runner_customer", "runner_awaiting")
    desk.unassign(order_id)
    assert desk.market.row(order_id)["status"] == "staged"


@pytest.mark.parametrize("keeps_picked", [True, False])
def test_order_is_taken_away_while_picked_then_items_are_kept_or_not(
    desk: Desk, shopping: Shopping, keeps_picked: bool
) -> None:
    order_id, person = desk.market.order()["id"], add_shopper(desk.server)
    batch = desk.assign(person, order_id)
    shopping.reach(batch.id, "picking")
    shopping.item(batch.shopper_id, order_id, "1", status="found").raise_for_status()
    desk.unassign(order_id, keeps_picked=keeps_picked)
    row = desk.market.row(order_id)
    assert (row["status"], row["items"][0].get("status")) == ("brand_new", "found" if keeps_picked else None)
    assert shopping.events(order_id)[-1] == "rescheduled"


def test_paid_order_changes_hands_then_it_goes_on_where_it_was(desk: Desk, shopping: Shopping) -> None:
    order_id = desk.market.order()["id"]
    shopping.reach(desk.assign(add_shopper(desk.server), order_id).id, "checkout")
    desk.unassign(order_id)
    assert desk.market.row(order_id)["status"] == "checkout"
    again = desk.assign(add_shopper(desk.server), order_id)
    assert (again.workflow_state, desk.market.row(order_id)["status"]) == ("checkout", "checkout")


def test_orders_are_given_together_then_they_are_one_batch(desk: Desk) -> None:
    first, second, pickup = (desk.market.order(kind)["id"] for kind in ("delivery", "delivery", "pickup"))
    person = add_shopper(desk.server)
    assert desk.refused(desk.assign, person, first, pickup) == "not_together"
    batch = desk.assign(person, first, second)
    assert batch.order_ids == sorted([first, second])
    assert desk.refused(desk.assign, person, pickup, "no order") == "unknown_order"
    desk.unassign(first)
    assert desk.server.read(queries.order, desk.market.retailer.id, second).batch_id is None
    assert len(desk.audit(second)) == 2


@pytest.mark.parametrize(
    ("facts", "kind", "fields", "rule"),
    [
        ({}, "delivery", {"items": [line("1", "wine")], "birthday": "1991-03-05"}, "lacks_alcohol"),
        ({}, "dispatch", {"items_weight": 40}, "lacks_heavy"),
        ({"skills": ("heavy",)}, "dispatch", {"items_weight": 40}, None),
        ({}, "dispatch", {"items_weight": 39.5}, None),
        ({}, "delivery", {"items": [line("1", "chair")]}, "lacks_heavy"),
        ({}, "delivery", {"items": [line("1", "soda", count=4)]}, "lacks_heavy"),
        ({}, "delivery", {"items": [line("1", "soda", count=3)]}, None),
        ({}, "delivery", {"items": [line("1", "apples", weight=19)]}, "lacks_heavy"),
        ({"vehicle": "none"}, "pickup", {}, None),
        ({"vehicle": "none"}, "delivery", {}, "no_vehicle"),
        ({"vehicle": "none", "home": "dry"}, "pickup", {}, "other_store"),
        ({"vehicle": "car", "home": "dry"}, "pickup", {}, None),
        ({"most_orders": 1, "busy": True}, "delivery", {}, "over_capacity"),
    ],
)
def test_shopper_does_not_fit_then_the_first_rule_is_named(
    desk: Desk, facts: dict[str, Any], kind: str, fields: dict[str, Any], rule: str | None
) -> None:
    market, facts = desk.market, dict(facts)
    home, is_busy = facts.pop("home", "here"), facts.pop("busy", False)
    number = market._stores[home].number
    person = add_shopper(desk.server, home_retailer_id=market.retailer.id, home_store_number=number, **facts)
    if is_busy:
        desk.assign(person, market.order()["id"])
    if "items" in fields:
        fields = {**fields, "user": {"birthday": fields["birthday"]}} if "birthday" in fields else fields
    order_id = market.order(kind, **{name: value for name, value in fields.items() if name != "birthday"})["id"]
    order = desk.server.read(orders.find, market.retailer.id, order_id)
    wanted = desk.server.read(fitting.needs, market.retailer.id, order)
    listed = {one.person.id: one.rule for one in desk.server.read(fitting.candidates, wanted)}
    assert listed[person.id] == rule
    if rule is None:
        desk.assign(person, order_id)
    else:
        assert desk.refused(desk.assign, person, order_id) == rule


def test_candidates_are_listed_then_fitting_ones_of_the_store_come_first(desk: Desk) -> None:
    market = desk.market
    home = {"home_retailer_id": market.retailer.id, "home_store_number": market._stores["here"].number}
    name = market.slug
    blocked = add_shopper(desk.server, f"a {name}")
    desk.server.sql("UPDATE shoppers SET blocked_at = 1 WHERE id = $1 RETURNING id", blocked.id)
    busy, idle = add_shopper(desk.server, f"b {name}"), add_shopper(desk.server, f"c {name}")
    local = add_shopper(desk.server, f"d {name}", **home)
    desk.assign(busy, market.order()["id"])
    order = desk.server.read(orders.find, market.retailer.id, market.order()["id"])
    wanted = desk.server.read(fitting.needs, market.retailer.id, order)
    found = desk.server.read(fitting.candidates, wanted, name)
    assert [(one.person.id, one.orders, one.rule) for one in found] == [
        (local.id, 0, None),
        (idle.id, 0, None),
        (busy.id, 1, None),
        (blocked.id, 0, "blocked"),
    ]
    assert desk.refused(desk.assign, blocked, order.order_id) == "blocked"


def test_order_is_canceled_then_place_batch_and_reasons_are_told(desk: Desk, shopping: Shopping) -> None:
    order_id = desk.market.order()["id"]
    batch = desk.assign(add_shopper(desk.server), order_id)
    desk.cancel(order_id, "the roof \u202e leaks\n")
    row = desk.market.row(order_id)
    assert (row["status"], row["cancellation_reason"]) == ("canceled", "retailer_driven")
    assert (row["details"]["cancellation_type"], desk.market.ledger()) == ("store early closure", {})
    told = {"cancellation_reason": "retailer_driven", "cancellation_type": "store early closure"}
    assert desk.audit(order_id)[1:] == [("Dee Dispatcher", "cancel_orders", "the roof  leaks", told)]
    assert shopping.events(order_id) == ["brand_new", "canceled"]
    assert shopping.advance(batch.id).json()["error"]["message"] == "Batch is finished"
    assert desk.market.faults() == []


def test_order_is_moved_then_its_place_moves_in_the_ledger(desk: Desk, shopping: Shopping) -> None:
    market, order_id = desk.market, desk.market.order()["id"]
    option = market.option(hour=15)
    assert option in desk.offers(order_id)
    assert market.option(hour=12) not in desk.offers(order_id)
    desk.reschedule(order_id, option)
    assert market.ledger() == {("here", "delivery", market.at(15)): (0, 1)}
    assert market.row(order_id)["window_starts_at"] == market.at(15)
    window = {"from": market.at(12), "to": market.at(15)}
    assert desk.audit(order_id) == [("Dee Dispatcher", "reschedule_orders", "customer called", window)]
    assert shopping.events(order_id) == ["brand_new", "rescheduled"]


def test_state_does_not_allow_it_then_nothing_is_changed(desk: Desk, shopping: Shopping) -> None:
    market, person = desk.market, add_shopper(desk.server)
    waiting, given, underway, canceled, done = (market.order()["id"] for _ in range(5))
    desk.assign(person, given)
    shopping.batch(underway, workflow_state="delivering")
    desk.cancel(canceled)
    shopping.complete(done, "delivery")
    option = market.option(hour=15)
    expected: list[tuple[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
        ("has_shopper", desk.assign, (person, given), {}),
        ("not_waiting", desk.assign, (person, canceled), {}),
        ("not_waiting", desk.assign, (person, done), {}),
        ("unknown_order", desk.assign, (person, "no order"), {}),
        ("has_none", desk.unassign, (waiting,), {}),
        ("has_none", desk.unassign, (done,), {}),
        ("too_late", desk.unassign, (underway,), {}),
        ("unknown_order", desk.unassign, ("no order",), {}),
        ("too_late", desk.cancel, (done,), {}),
        ("too_late", desk.cancel, (canceled,), {}),
        ("unknown_order", desk.cancel, ("no order",), {}),
        ("unknown_reason", desk.cancel, (waiting,), {"cancellation": ("retailer_driven", "customer mia")}),
        ("unknown_reason", desk.cancel, (waiting,), {"cancellation": ("no reason", "customer mia")}),
        ("too_late", desk.reschedule, (underway, option), {}),
        ("too_late", desk.reschedule, (done, option), {}),
        ("slot_taken", desk.reschedule, (waiting, 1), {}),
        ("slot_taken", desk.reschedule, (waiting, market.option("pickup", hour=15)), {}),
        ("slot_taken", desk.reschedule, (waiting, market.option(hour=15, location="dry")), {}),
        ("unknown_order", desk.reschedule, ("no order", option), {}),
    ]
    for reason in ("", " \n", "\u200b", "x" * 501, "x" * 10_000):
        expected += [
            ("reason", desk.unassign, (given, reason), {}),
            ("reason", desk.cancel, (waiting, reason), {}),
            ("reason", desk.reschedule, (waiting, option, reason), {}),
        ]
    wrong = [(rule, args) for rule, do, args, more in expected if desk.refused(do, *args, **more) != rule]
    assert wrong == []


def test_slot_fills_up_then_the_order_stays_where_it_is(desk: Desk) -> None:
    market, order_id = desk.market, desk.market.order()["id"]
    desk.server.write(plans.set_plan, market.retailer.id, "", "delivery", Plan(capacity=1))
    market.order(slot={"hour": 15})
    option = market.option(hour=15)
    assert option not in desk.offers(order_id)
    assert desk.refused(desk.reschedule, order_id, option) == "slot_taken"


def test_order_has_changed_since_it_was_seen_then_refused(desk: Desk) -> None:
    order_id, person = desk.market.order()["id"], add_shopper(desk.server)
    seen = desk.seen(order_id)
    desk.assign(person, order_id, seen=seen)
    for do, args in (
        (desk.cancel, (order_id,)),
        (desk.unassign, (order_id,)),
        (desk.reschedule, (order_id, desk.market.option(hour=15))),
        (desk.assign, (person, order_id)),
    ):
        assert desk.refused(do, *args, seen=seen) == "changed"
    desk.unassign(order_id, seen=desk.seen(order_id))


ROLES = {
    "operator_admin": {"assign", "unassign", "cancel", "reschedule"},
    "dispatcher": {"assign", "unassign", "cancel", "reschedule"},
    "support": {"cancel", "reschedule"},
    "retailer_manager": {"cancel", "reschedule"},
    "store_associate": set(),
}


@pytest.mark.parametrize("role", ROLES)
def test_role_then_only_its_operations_at_its_own_places(desk: Desk, server: LiveServer, role: str) -> None:
    market, person = desk.market, add_shopper(desk.server)
    own = {"retailer_manager": (market.retailer.id, None)}.get(role, (None, None))
    if role == "store_associate":
        own = (market.retailer.id, market._stores["here"].number)
    elsewhere = Desk(Market(server), Actor("staff", 1, "Sample", role, *own))
    here = Desk(market, elsewhere.actor)
    for place, may in ((here, ROLES[role]), (elsewhere, ROLES[role] if own == (None, None) else set())):
        other = place.market
        waiting, given = other.order()["id"], other.order()["id"]
        Desk(other).assign(person, given)
        calls: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
            "unassign": (place.unassign, (given,)),
            "reschedule": (place.reschedule, (waiting, other.option(hour=15))),
            "assign": (place.assign, (person, waiting)),
            "cancel": (place.cancel, (waiting,)),
        }
        for name, (do, args) in calls.items():
            if name in may:
                do(*args)
            else:
                no_reason = {} if name == "assign" else {"reason": ""}
                for more in ({}, no_reason):  # who may not do it learns nothing about the reason
                    assert place.refused(do, *args, **more) == "forbidden", (name, place is here)


def test_person_of_a_store_then_other_stores_are_refused(desk: Desk) -> None:
    """No role of a store may change orders today, so a manager stands in for one who may."""
    market = desk.market
    of_dry = Actor("staff", 1, "Sample", "retailer_manager", market.retailer.id, market._stores["dry"].number)
    order_id = market.order()["id"]
    assert Desk(market, of_dry).refused(Desk(market, of_dry).cancel, order_id) == "forbidden"


def test_command_then_it_may_do_everything_under_its_user(desk: Desk) -> None:
    order_id = desk.market.order()["id"]
    Desk(desk.market, command_line()).cancel(order_id)
    assert desk.audit(order_id)[0][:2] == (command_line().name, "cancel_orders")


def give_at_once(desk: Desk, *pairs: tuple[Person, str]) -> list[str]:
    """Give each order to its shopper, all at the same time; returns the rules of those that were refused."""
    database = desk.server.app.database

    async def give() -> list[Any]:
        calls = [
            database.write(ops.assign, DISPATCHER, desk.market.retailer.id, [order_id], person.id)
            for person, order_id in pairs
        ]
        return list(await asyncio.gather(*calls, return_exceptions=True))

    return [one.rule for one in desk.server.wait_for(give()) if isinstance(one, WorkRefused)]


def test_two_dispatchers_give_an_order_at_once_then_one_does(desk: Desk) -> None:
    people = [add_shopper(desk.server) for _ in range(2)]
    for _ in range(8):
        order_id = desk.market.order("dispatch")["id"]
        assert give_at_once(desk, *[(one, order_id) for one in people]) == ["has_shopper"]
        desk.cancel(order_id)
    assert desk.market.faults() == []


def test_two_orders_are_given_to_one_at_once_then_the_capacity_holds(desk: Desk) -> None:
    for _ in range(5):
        person = add_shopper(desk.server, most_orders=1)
        made = [desk.market.order("dispatch")["id"] for _ in range(2)]
        assert give_at_once(desk, *[(person, one) for one in made]) == ["over_capacity"]
        for order_id in made:
            desk.cancel(order_id)


def test_batch_of_a_sandbox_shopper_then_it_can_be_taken_away(desk: Desk, shopping: Shopping) -> None:
    order_id = desk.market.order()["id"]
    batch_id = shopping.batch(order_id)
    desk.unassign(order_id)
    assert not desk.server.write(batches.lock, desk.market.retailer.id, batch_id).is_live
    assert desk.market.row(order_id)["status"] == "brand_new"
