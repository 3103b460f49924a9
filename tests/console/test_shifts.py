"""The week of shifts: the grid, the demand of a store, forms, and what a second person is told."""

import csv
import io
import re

import pytest

from handcart.core import clock
from handcart.shoppers import shifts
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_page
from tests.support.server import LiveServer, on_sqlite
from tests.support.shoppers import add_shift, add_shopper

WEEK = "2027-03-08"


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server, capacity=20)


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_shift_is_added_changed_and_removed_then_the_week_shows_it(market: Market, server: LiveServer) -> None:
    name = f"Zoe {market.slug}"
    person_id, dispatcher = add_shopper(server, name).id, Person(server, "dispatcher")
    place = f"{market.slug}/here"
    page = is_page(dispatcher.open("/console/shifts", week=WEEK, place=place, q=name)).text
    assert "hours planned" in page
    add = "/console/shifts/add"
    dispatcher.submit(add, shopper=str(person_id), day=WEEK, to="17:30", break_from="12:00", break_to="12:30")
    assert "The shift is added." in dispatcher.page.text
    row = plain(is_page(dispatcher.open("/console/shifts", week=WEEK, place=place, q=name)).text)
    assert "09:00\N{EN DASH}17:30" in row
    assert "8 hours planned" in row
    (path,) = set(re.findall(r'href="(/console/shifts/\d+)"', dispatcher.page.text))
    dispatcher.open(path)
    dispatcher.submit(f"{path}/change", to="02:00", **{"from": "18:00", "break_from": "", "break_to": ""})
    assert "The shift is changed." in dispatcher.page.text
    assert "18:00\N{EN DASH}02:00" in dispatcher.page.text
    found = server.read(shifts.find, int(path.rpartition("/")[2]))
    assert found is not None
    assert clock.to_wire(found.ends_at) == "2027-03-09T08:00:00Z"
    lines = list(csv.DictReader(io.StringIO(dispatcher.open("/console/shifts.csv", week=WEEK).text)))
    assert [(one["shopper"], one["store"]) for one in lines if one["shopper"] == name] == [(name, "here")]
    dispatcher.open(path)
    dispatcher.submit(f"{path}/remove")
    assert "The shift is removed." in dispatcher.page.text


def test_two_people_change_one_shift_then_the_second_is_told(market: Market, server: LiveServer) -> None:
    shift = add_shift(server, starts_at=clock.from_wire("2027-03-09T15:00:00Z", "time"))
    first, second = Person(server), Person(server)
    path = f"/console/shifts/{shift.id}"
    for one in (first, second):
        one.open(path)
    first.submit(f"{path}/change", area="north")
    with nothing_written(server):
        answer = second.submit(f"{path}/change", area="south")
    assert answer.status_code == 409
    assert "Somebody changed this shift" in answer.text
    assert "north" in answer.text
    assert 'value="south"' in answer.text


@on_sqlite
def test_form_cannot_be_then_it_says_why_and_keeps_what_was_written(market: Market, server: LiveServer) -> None:
    person_id, admin = add_shopper(server, f"Zoe {market.slug}").id, Person(server)
    given = {"shopper": str(person_id), "day": WEEK, "area": "=1+1"}
    wrong = {
        "Write a day": {"from": "9"},
        "at most 14 hours": {"to": "23:30"},
        "A break begins": {"break_from": "10:00"},
        "Choose a shopper": {"shopper": "x"},
        "There is no such store": {"place": "nobody/here"},
        "Write a day, and": {"day": "2027-02-30"},
    }
    for sentence, fields in wrong.items():
        admin.open("/console/shifts", week=WEEK, q=market.slug)
        with nothing_written(server):
            answer = admin.submit("/console/shifts/add", **{**given, **fields})
        assert (answer.status_code, sentence in answer.text) == (400, True), sentence
        assert 'value="=1+1"' in answer.text
    assert admin.open("/console/shifts", place="nobody/here").status_code == 404
    assert admin.open("/console/shifts", week="x").status_code == 200


def test_clocks_change_then_the_day_is_drawn_with_its_hours(market: Market, server: LiveServer) -> None:
    name = f"Zoe {market.slug}"
    person_id = add_shopper(server, name).id
    add_shift(server, person_id, starts_at=clock.from_wire("2027-03-14T06:00:00Z", "time"), hours=4)
    page = Person(server).open("/console/shifts", week=WEEK, place=f"{market.slug}/here", q=name).text
    assert re.findall(r"class=.hours. aria-hidden=.true. viewBox=.0 0 ([0-9.]+) ", page) == ["138.0"]


def test_week_is_copied_then_the_page_says_how_it_went(market: Market, server: LiveServer) -> None:
    add_shift(server, starts_at=clock.from_wire("2031-03-04T15:00:00Z", "time"))
    admin = Person(server)
    for told in ("The shifts are copied.", "No shift could be copied."):
        admin.open("/console/shifts", week="2031-03-10")
        assert told in admin.submit("/console/shifts/copy").text
