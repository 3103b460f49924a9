"""The first run: each step is done by what is stored, and leads from nothing to a test order."""

import re
from typing import Any

import pytest

from handcart.messages import queries as messages
from handcart.orders import queries as orders
from handcart.orders.states import CANCELED, COMPLETED
from handcart.sign_in.models import STAFF
from handcart.staff import queries as staff
from handcart.staff.roles import ROLES
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.gateways import Remembering, drain
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import PASSWORD, new_email
from tests.support.shoppers import add_shopper

PATH = "/console/first-run"


def state(page: str, step: str) -> str:
    """The state of a step as the page shows it."""
    found = re.search(
        rf'<h2 id="{step}">.*?</h2>\s*<span id="{step}-state" class="badge[^"]*">([^<]+)</span>', page, re.DOTALL
    )
    assert found, step
    return found[1]


def place(person: Person, market: Market, **fields: Any) -> Any:
    """Place a test order; returns it as it is stored."""
    person.open(PATH)
    answer = person.submit(f"{PATH}/order", **{"retailer": market.slug, "shopper": "", **fields})
    assert "The test order is placed." in answer.text, re.findall(r"alert.*", answer.text)
    (entry, *_) = person.server.read(staff.entries, subject="first-run", operation="place_test_order", limit=1)
    assert entry.detail["retailer"] == market.slug
    return person.server.read(orders.find, market.retailer.id, entry.detail["order_id"])


def test_other_roles_then_no_first_run(server: LiveServer) -> None:
    market = Market(server)
    for name, role in ROLES.items():
        if name != "operator_admin":
            retailer_id = None if role.reach == "everywhere" else market.retailer.id
            person = Person(server, name, retailer_id, 1 if role.reach == "store" else None)
            assert person.open(PATH).status_code == 403, name
            assert PATH not in person.open("/console/me").text, name


def test_test_mail_is_asked_for_then_sent_and_the_step_is_done(server: LiveServer) -> None:
    person = Person(server)
    assert state(person.open(PATH).text, "mail") == "To do"
    answer = person.submit(f"{PATH}/mail")
    assert "The worker sends the test mail now." in answer.text
    assert "it waits for the worker" in answer.text
    drain(server, Remembering())
    assert state(person.open(PATH).text, "mail") == "Done"
    (mail,) = server.read(messages.messages, recipient=f"staff/{person.id}")
    assert (mail.address, mail.content.subject) == (person.email, "Test mail of Handcart")


@on_sqlite
def test_many_test_mails_then_a_wait(server: LiveServer, stopped: Any) -> None:
    person = Person(server)
    person.open(PATH)
    for _ in range(10):
        person.submit(f"{PATH}/mail")
    with nothing_written(server):
        answer = person.submit(f"{PATH}/mail")
    assert answer.status_code == 400
    assert "You have sent ten test mails in an hour." in answer.text
    stopped(hours=1)
    assert "The worker sends the test mail now." in person.submit(f"{PATH}/mail").text


def test_test_order_with_items_then_a_delivery_that_a_shopper_has(server: LiveServer) -> None:
    market, person, ana = Market(server), Person(server), add_shopper(server, "Ana", vehicle="car", skills=["heavy"])
    order = place(person, market, shopper=str(ana.id))
    assert (order.kind, order.order_id[:5], order.details.email) == ("delivery", "TEST-", person.email)
    assert not order.details.sms_opt_in
    page = person.open(PATH).text
    assert state(page, "order") in ("Started", "Done")
    assert f"/console/orders/{market.slug}/{order.order_id}" in page
    assert "Ana" in person.open(f"/console/orders/{market.slug}/{order.order_id}").text


def test_test_order_is_canceled_then_another_can_be_placed(server: LiveServer) -> None:
    market, person = Market(server), Person(server)
    order = place(person, market)
    answer = person.submit(f"{PATH}/orders/{market.slug}/{order.order_id}/cancel")
    assert "The test order is canceled." in answer.text
    assert server.read(orders.find, market.retailer.id, order.order_id).status == CANCELED
    assert place(person, market).order_id != order.order_id


def test_test_order_is_delivered_then_the_step_is_done(server: LiveServer) -> None:
    market, person = Market(server), Person(server)
    order = place(person, market)
    Shopping(market).complete(order.order_id, order.kind)
    assert server.read(orders.find, market.retailer.id, order.order_id).status == COMPLETED
    assert state(person.open(PATH).text, "order") == "Done"


@on_sqlite
def test_retailer_sells_nothing_by_the_piece_then_the_order_is_carried(server: LiveServer) -> None:
    market, person = Market(server), Person(server)
    server.sql("UPDATE items SET cost_unit = 'lb' WHERE retailer_id = $1 RETURNING rrc", market.retailer.id)
    assert place(person, market).kind == "last_mile"


@on_sqlite
def test_retailer_has_no_store_then_the_page_says_so_and_nothing_is_placed(server: LiveServer) -> None:
    market, person = Market(server), Person(server)
    empty = f"first-{market.slug}"
    person.open("/console/retailers/add")
    person.submit("/console/retailers/add", slug=empty)
    person.open(PATH)
    with nothing_written(server):
        answer = person.submit(f"{PATH}/order", retailer=empty, shopper="")
    assert answer.status_code == 400
    assert "No store of the retailer has a free time slot for such an order" in answer.text


@on_sqlite
def test_shopper_does_not_fit_then_no_order_is_placed(server: LiveServer) -> None:
    market, person = Market(server), Person(server)
    walker = add_shopper(server, "Noor", vehicle="none")
    person.open(PATH)
    with nothing_written(server):
        answer = person.submit(f"{PATH}/order", retailer=market.slug, shopper=str(walker.id))
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


@on_sqlite
@pytest.mark.parametrize(("locale", "title"), [("en-US", "First run"), ("fr-CA", "Premiers pas")])
def test_page_in_each_language_then_what_is_set_and_what_production_needs(
    server: LiveServer, locale: str, title: str
) -> None:
    page = Person(server).open(PATH, locale=locale).text
    assert f"<h1>{title}</h1>" in page
    assert "HANDCART_BRAND=&#34;Corner Market Network&#34;" in page
    assert "HANDCART_SMTP_HOST=smtp.example.org" in page
    assert "set HANDCART_SMTP_HOST and HANDCART_MAIL_FROM" in page


@on_sqlite
def test_shopper_is_invited_then_the_password_is_asked(server: LiveServer) -> None:
    person, path = Person(server), f"{PATH}/shopper"
    token = server.app.keys.form_token(person.http.cookies[STAFF.cookie], "first-run", "shopper")
    fields = {"form_token": token, "name": "Ana Sample"}
    with nothing_written(server):
        assert "Is it you?" in person.http.post(path, data=fields).text
    answer = person.http.post(path, data={**fields, "step_up_password": PASSWORD})
    assert (answer.status_code, "/shopper/join" in answer.text) == (200, True)


@on_sqlite
def test_form_is_not_of_this_page_then_expired(server: LiveServer) -> None:
    market, person = Market(server), Person(server)
    order = place(person, market)
    for step in ("mail", "retailer", "shopper", "order", f"orders/{market.slug}/{order.order_id}/cancel"):
        fields = {"form_token": "x", "retailer": market.slug, "slug": "one", "name": new_email()}
        with nothing_written(server):
            assert person.http.post(f"{PATH}/{step}", data=fields).status_code == 403, step
