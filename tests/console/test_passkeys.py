"""Passkeys on the pages: added by their person, used to sign in, removed by the person or an admin."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from handcart.core.web.pages import texts
from handcart.sign_in import passkeys
from handcart.sign_in.models import STAFF
from handcart.staff import ops, queries
from handcart.staff.models import SYSTEM
from tests.support.authenticator import Authenticator
from tests.support.console import Browser, Person
from tests.support.contents import nothing_written
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer, live_server
from tests.support.shop import PASSWORD, Shop

ADD, SIGN_IN = "/console/me/passkeys/add", "/console/sign-in/passkey"


@pytest.fixture(scope="module")
def named_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose URL has the name of a host, as passkeys need it."""
    data = tmp_path_factory.mktemp("named")
    with live_server(f"sqlite:///{data}/handcart.db", data, host="localhost") as running:
        yield running


def options_on(page: str) -> Any:
    found = re.search(r'data-options="([^"]*)"', page)
    assert found, page
    return json.loads(html.unescape(found[1]))


def add(person: Person) -> Authenticator:
    authenticator = Authenticator(person.server.url)
    page = is_page(person.open("/console/me"))
    created = authenticator.create(options_on(page.text))
    is_page(person.submit(ADD, credential=json.dumps(created), name="Laptop", step_up_password=PASSWORD))
    assert texts("en")["console.notices.passkey_added"] in person.page.text
    return authenticator


def sign_in(browser: Browser, authenticator: Authenticator, **changed: Any) -> httpx.Response:
    page = browser.open("/console/sign-in")
    credential = authenticator.get(options_on(page.text), **changed)
    return browser.submit(SIGN_IN, credential=json.dumps(credential))


def test_passkey_added_then_it_signs_in_and_is_listed_until_removed(named_server: LiveServer) -> None:
    retailer_id = Shop(named_server).retailer.id
    person = Person(named_server, "retailer_manager", retailer_id)
    authenticator, elsewhere = add(person), Browser(named_server)
    assert "Laptop" in person.page.text
    assert "Sample retailer_manager" in is_page(sign_in(elsewhere, authenticator)).text
    (entry,) = named_server.read(queries.entries, subject=f"staff/{person.id}")
    assert (entry.operation, entry.retailer_id, entry.detail) == ("add_passkey", retailer_id, {"name": "Laptop"})
    person.open("/console/me")
    is_page(person.submit("/console/me/passkeys/remove"))
    with nothing_written(named_server):
        refused = is_page(sign_in(Browser(named_server), authenticator), 401)
    assert texts("en")["console.passkeys.error_unknown"] in refused.text


def test_session_before_sign_in_by_passkey_then_it_never_becomes_signed_in(named_server: LiveServer) -> None:
    authenticator, browser = add(Person(named_server, "support")), Browser(named_server)
    browser.open("/console/sign-in")
    before = browser.http.cookies[STAFF.cookie]
    is_page(sign_in(browser, authenticator))
    assert browser.http.cookies[STAFF.cookie] != before
    assert named_server.http(cookies={STAFF.cookie: before}).get("/console/me").status_code == 303


def test_response_of_another_browser_origin_or_form_then_refused(named_server: LiveServer) -> None:
    authenticator, browser, other = add(Person(named_server)), Browser(named_server), Browser(named_server)
    theirs = authenticator.get(options_on(other.open("/console/sign-in").text))
    with nothing_written(named_server):
        assert sign_in(browser, authenticator, origin="https://evil.example").status_code == 401
        for credential in (json.dumps(theirs), "", "{", "[]", "null", "[" * 10_000):
            browser.open("/console/sign-in")
            assert browser.submit(SIGN_IN, credential=credential).status_code == 401, credential[:20]
        is_error(browser.http.post(SIGN_IN, data={"credential": json.dumps(theirs)}), 403, "form_expired")


def test_admin_removes_a_passkey_or_closes_its_person_then_it_is_unknown(named_server: LiveServer) -> None:
    admin, first, second = (Person(named_server, role) for role in ("operator_admin", "support", "support"))
    authenticators = [add(first), add(second)]
    path = f"/console/people/{first.id}"
    assert "Laptop" in is_page(admin.open(path)).text
    is_page(admin.submit(f"{path}/passkeys/remove"))
    named_server.write(ops.close, SYSTEM, second.id)
    assert named_server.read(passkeys.of_person, STAFF, second.id) == []
    for authenticator in authenticators:
        assert sign_in(Browser(named_server), authenticator).status_code == 401


def test_role_that_may_not_change_people_then_passkeys_of_others_stay(named_server: LiveServer) -> None:
    support, other = Person(named_server, "support"), Person(named_server, "support")
    add(other)
    (passkey,) = named_server.read(passkeys.of_person, STAFF, other.id)
    cookie = support.http.cookies[STAFF.cookie]
    keys = named_server.app.keys
    forms = {
        f"/console/people/{other.id}/passkeys/remove": (keys.form_token(cookie, "remove-passkey", str(other.id)), 403),
        "/console/me/passkeys/remove": (keys.form_token(cookie, "remove-passkey"), 303),
    }
    with nothing_written(named_server):
        for path, (token, status) in forms.items():
            fields = {"form_token": token, "passkey": passkey.credential_id}
            assert support.http.post(path, data=fields).status_code == status


def test_url_without_the_name_of_a_host_then_no_passkeys(server: LiveServer) -> None:
    person = Person(server)
    assert texts("en")["console.passkeys.impossible"] in is_page(person.open("/console/me")).text
    assert "data-passkey" not in is_page(Browser(server).open("/console/sign-in")).text
