"""`handcart assignment`: a plan that changes nothing, one that gives, and why a shopper got an order."""

from handcart.core import clock
from handcart.shoppers import shifts
from handcart.shoppers.models import Person
from handcart.shoppers.shifts import Shift
from handcart.staff.models import SYSTEM
from tests.cli.conftest import Run, answer, refusal
from tests.support.planned import Planned
from tests.support.server import LiveServer
from tests.support.shoppers import add_shopper


def _on_shift(planned: Planned, name: str) -> Person:
    person, now = add_shopper(planned.server, name), clock.of_process()
    shift = Shift(person_id=person.id, starts_at=now - clock.HOUR, ends_at=now + 5 * clock.HOUR)
    planned.server.write(shifts.add, SYSTEM, shift)
    return person


def _order_of_now(planned: Planned) -> str:
    """An order whose window ends in an hour."""
    order_id: str = planned.market.order()["id"]
    now = clock.of_process()
    planned.server.sql(
        "UPDATE orders SET window_starts_at = $3, window_ends_at = $4 WHERE retailer_id = $1 AND order_id = $2"
        " RETURNING order_id",
        *(planned.market.retailer.id, order_id, now - clock.HOUR, now + clock.HOUR),
    )
    return order_id


def test_plan_shows_then_gives_then_why_names_the_others(run: Run, server: LiveServer) -> None:
    planned = Planned(server, assignment="by_hand", commit_minutes=120)
    person = _on_shift(planned, "Ada Sample")
    order_id, of = _order_of_now(planned), ("--retailer", planned.market.slug)
    shown = answer(run("assignment", "plan", *of, "--json"))["plans"][0]["proposals"]
    assert [(one["shopper"], one["orders"], one["outcome"]) for one in shown] == [
        (str(person.id), [order_id], "planned")
    ]
    assert planned.has(order_id) is None
    assert "given" in run("assignment", "plan", *of, "--give").output
    assert planned.has(order_id) == person.id
    why = answer(run("assignment", "why", order_id, *of, "--json"))
    assert why["shopper"] == str(person.id)
    assert why["given_at"] is not None
    assert "Ada Sample" in run("assignment", "why", order_id, *of).output


def test_nobody_fits_then_the_plan_names_the_order(run: Run, server: LiveServer) -> None:
    planned = Planned(server)
    order_id = _order_of_now(planned)
    off = add_shopper(server, "Off Sample")
    of = ("--retailer", planned.market.slug)
    assert order_id in run("assignment", "plan", *of, "--give").output
    assert str(off.id) in answer(run("assignment", "why", order_id, *of, "--json"))["ruled_out"]["off_shift"]


def test_no_decision_is_known_then_why_is_refused(run: Run, server: LiveServer) -> None:
    planned = Planned(server)
    order_id = planned.market.order()["id"]
    assert "no decision" in refusal(run("assignment", "why", order_id, "--retailer", planned.market.slug))
    assert "no such order" in refusal(run("assignment", "why", "unknown", "--retailer", planned.market.slug))
