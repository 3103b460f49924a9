"""Sign in to the console, and sign out."""

from typing import Any

import pytest
from msgspec import structs

from handcart.console.browser import PLACES, leads_on
from handcart.core.web.pages import texts
from handcart.sign_in.models import STAFF
from handcart.staff.roles import ROLES
from tests.support.console import Browser, Person
from tests.support.contents import nothing_written
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import PASSWORD, Shop


def test_password_of_each_role_then_its_first_page_is_shown(shop: Shop) -> None:
    for role, what in ROLES.items():
        retailer_id = None if what.reach == "everywhere" else shop.retailer.id
        person = Person(shop.server, role, retailer_id, 1 if what.reach == "store" else None)
        first = next(place for place in PLACES if place.operation in what.operations)
        assert f"Sample {role}" in is_page(person.page).text
        assert person.page.url.path == first.path, role
        assert (first.key == "exceptions") == ("see_exceptions" in what.operations), role
        assert person.open("/console", locale="fr-CA").headers["location"] == f"{first.path}?locale=fr-CA"


def test_role_without_pages_then_told_so(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(server, "store_associate", Shop(server).retailer.id, 1)
    monkeypatch.setitem(ROLES, "store_associate", structs.replace(ROLES["store_associate"], operations=frozenset()))
    assert texts("en")["console.home.nothing"] in is_page(person.open("/console")).text


def test_not_signed_in_then_the_sign_in_page_leads_back(server: LiveServer) -> None:
    email, browser = Person(server).email, Browser(server)
    answer = browser.open("/console", locale="fr-CA")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "/console/sign-in?to=%2Fconsole%3Flocale%3Dfr-CA",
    )
    is_page(browser.open(answer.headers["location"]))
    refused = browser.submit("/console/sign-in", email=email, password="wrong password")
    assert texts("en")["sign_in.error_credentials"] in is_page(refused, 401).text
    assert '<html lang="fr-CA">' in browser.submit("/console/sign-in", email=email, password=PASSWORD).text


@pytest.mark.parametrize(
    "wanted", ["https://evil.example", "//evil.example", "/console//../..\\evil", "/account", "/console\n", ""]
)
def test_another_address_wanted_then_the_first_page(wanted: str) -> None:
    assert leads_on(wanted) == "/console"


def test_session_before_sign_in_then_it_never_becomes_signed_in(server: LiveServer) -> None:
    email, browser = Person(server).email, Browser(server)
    browser.open("/console/sign-in")
    before = browser.http.cookies[STAFF.cookie]
    is_page(browser.submit("/console/sign-in", email=email, password=PASSWORD))
    assert browser.http.cookies[STAFF.cookie] != before
    assert server.http(cookies={STAFF.cookie: before}).get("/console/me").status_code == 303


def test_customers_session_or_password_then_not_signed_in(shop: Shop) -> None:
    account, visitor = shop.account(), shop.visitor()
    visitor.open("/account/sign-in")
    visitor.sign_in(account)
    cookie = visitor.http.cookies["handcart"]
    assert shop.server.http(cookies={STAFF.cookie: cookie}).get("/console/me").status_code == 303
    assert Browser(shop.server).sign_in(account.email).status_code == 401


def test_signed_out_then_the_session_has_ended(server: LiveServer) -> None:
    person = Person(server)
    cookie = person.http.cookies[STAFF.cookie]
    with nothing_written(server):
        is_error(person.http.post("/console/sign-out", data={"form_token": "made up"}), 403, "form_expired")
    person.submit("/console/sign-out")
    assert person.open("/console/me").status_code == 303
    assert server.http(cookies={STAFF.cookie: cookie}).get("/console/me").status_code == 303


def test_person_is_closed_then_the_session_counts_no_longer(server: LiveServer) -> None:
    person = Person(server)
    server.sql("UPDATE staff SET closed_at = 2 WHERE id = $1 RETURNING id", person.id)
    assert person.open("/console/me").status_code == 303
    assert person.sign_in(person.email).status_code == 401


def test_idle_for_half_a_day_or_a_week_old_then_signed_out(server: LiveServer, later: Any) -> None:
    person = Person(server)
    for hours in range(11, 7 * 24, 11):
        with later(hours=hours):
            assert person.open("/console/me").status_code == 200
    with later(days=7, seconds=1):
        assert person.open("/console/me").status_code == 303
    person = Person(server)
    with later(hours=12, seconds=1):
        assert person.open("/console/me").status_code == 303


@on_sqlite
def test_wrong_passwords_from_one_address_then_wait(server: LiveServer, stopped: Any) -> None:
    email, browser = Person(server).email, Browser(server)
    answers = [browser.sign_in(email, "wrong password").status_code for _ in range(11)]
    assert answers == [401] * 10 + [429]
    assert browser.sign_in(email).status_code == 429
    assert Browser(server).sign_in(email).status_code == 200
