"""The dispatch page: make a plan, give what it proposes, and see why on the order's page."""

import re

import pytest

from handcart.assignment import ops
from handcart.staff.models import SYSTEM
from tests.support.console import Person
from tests.support.pages import is_page
from tests.support.planned import Planned, due_now
from tests.support.server import LiveServer
from tests.support.shoppers import add_shopper

PATH = "/console/dispatch"


@pytest.fixture
def planned(server: LiveServer) -> Planned:
    return due_now(server)


@pytest.mark.parametrize("which", ["one", "all"])
def test_plan_is_made_and_accepted_then_the_order_says_why(planned: Planned, which: str) -> None:
    person, slug = Person(planned.server, "dispatcher"), planned.market.slug
    assert "There is no plan yet" in is_page(person.open(PATH, retailer=slug)).text
    page = is_page(person.submit(f"{PATH}/{slug}/plan")).text
    assert "No order has changed" in page
    assert "Ada Sample" in page
    assert planned.has("first") is None
    found = re.search(r'name="proposal" value="([0-9]+ first)"', page)
    assert found is not None
    page = is_page(person.submit(f"{PATH}/{slug}/give", proposal=found[1] if which == "one" else "all")).text
    assert "There is nothing to give" in page
    assert planned.has("first") == int(found[1].split()[0])
    page = is_page(person.open(f"/console/orders/{slug}/first")).text
    assert "Why this shopper?" in page
    assert "Planned for" in page
    rows = planned.server.sql("SELECT actor_name FROM audit_log WHERE subject = $1", f"order/{slug}/first")
    assert [row["actor_name"] for row in rows] == ["Sample dispatcher"]
    assert planned.market.faults() == []


def test_order_was_given_meanwhile_then_the_proposal_is_refused(planned: Planned) -> None:
    person, slug = Person(planned.server, "dispatcher"), planned.market.slug
    person.open(PATH, retailer=slug)
    person.submit(f"{PATH}/{slug}/plan")
    other = add_shopper(planned.server, "Other")
    planned.server.write(ops.assign, SYSTEM, planned.market.retailer.id, ["first"], other.id)
    page = is_page(person.submit(f"{PATH}/{slug}/give", proposal="all"), 409).text
    assert "has changed" in page
    assert planned.has("first") == other.id


def test_nobody_fits_then_the_page_and_the_order_say_so(planned: Planned) -> None:
    person, slug = Person(planned.server, "dispatcher"), planned.market.slug
    planned.server.sql("DELETE FROM shifts RETURNING id")
    person.open(PATH, retailer=slug)
    assert "Orders that nobody can take" in is_page(person.submit(f"{PATH}/{slug}/plan")).text
    page = is_page(person.open(f"/console/orders/{slug}/first")).text
    assert "Nobody could take it" in page
    assert "no shift" in page


def test_order_is_pinned_then_only_its_shopper_gets_it(planned: Planned) -> None:
    person, slug = Person(planned.server, "dispatcher"), planned.market.slug
    wanted = add_shopper(planned.server, "Wanted")
    person.open(f"/console/orders/{slug}/first")
    is_page(person.submit(f"/console/orders/{slug}/first/pin", shopper=str(wanted.id)))
    person.open(PATH, retailer=slug)
    assert 'value="all"' not in is_page(person.submit(f"{PATH}/{slug}/plan")).text  # the shopper has no shift
    person.open(f"/console/orders/{slug}/first")
    is_page(person.submit(f"/console/orders/{slug}/first/unpin"))
    person.open(PATH, retailer=slug)
    assert 'value="all"' in is_page(person.submit(f"{PATH}/{slug}/plan")).text
