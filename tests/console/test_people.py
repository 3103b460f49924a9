"""The pages of people: what each role sees and may change, cell by cell, at its own place and at others."""

import re

import pytest

from handcart.core.web.pages import texts
from handcart.staff import ops, queries
from handcart.staff.models import SYSTEM
from handcart.staff.roles import ROLES
from tests.support.console import Browser, Person
from tests.support.contents import nothing_written
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import PASSWORD, Shop, new_email
from tests.support.stores import keep, store

NEW = "quite another password"


def link_on(page: str) -> str:
    """The path of the one-time link that a page shows."""
    found = re.search(r"http://127\.0\.0\.1:\d+(/console/[a-z-]+/[\w-]+)", page)
    assert found, page
    return found[1]


def test_person_is_invited_by_the_page_then_the_shown_link_works(shop: Shop) -> None:
    keep(shop, store("0042"))
    admin, email = Person(shop.server), new_email()
    is_page(admin.open("/console/people/invite"))
    place = {"role": "store_associate", "retailer": shop.slug, "store": "0042"}
    page = is_page(admin.submit("/console/people/invite", email=email, name="Sam", **place, step_up_password=PASSWORD))
    assert "within 24 hours" in page.text
    browser = Browser(shop.server)
    path = link_on(page.text)
    browser.open(path)
    is_page(browser.submit(path, new_password=NEW))
    found = shop.server.read(queries.by_email, email)
    assert (found.role, found.retailer_id) == ("store_associate", shop.retailer.id)
    assert email in is_page(admin.open("/console/people", q=email[:8])).text
    assert f"{shop.slug}, 0042" in is_page(admin.open(f"/console/people/{found.id}")).text


def test_invitation_form_then_no_role_is_chosen(server: LiveServer) -> None:
    admin = Person(server)
    page = is_page(admin.open("/console/people/invite")).text
    (choices,) = re.findall(r'<select id="role" name="role" required>(.*?)</select>', page, re.DOTALL)
    assert choices.strip().startswith('<option value="">Choose …</option>')
    assert "selected" not in choices
    with nothing_written(server):
        fields = {"email": new_email(), "name": "Sam", "step_up_password": PASSWORD}
        is_page(admin.submit("/console/people/invite", **fields), 400)
    assert texts("en")["console.refused.role"] in admin.page.text


def test_invitation_refused_then_the_reason_and_what_was_typed(shop: Shop) -> None:
    admin, email = Person(shop.server), new_email()
    for reason, given in {
        "email": {"email": "nobody"},
        "email_taken": {"email": admin.email},
        "name": {"name": " "},
        "role": {"role": "owner"},
        "place": {"role": "store_associate", "retailer": shop.slug, "store": "no such store"},
        "place_store": {"role": "store_associate"},
        "place_everywhere": {"role": "support", "retailer": shop.slug},
    }.items():
        admin.open("/console/people/invite")
        with nothing_written(shop.server):
            fields = {"email": email, "name": "Sam", "role": "support", "step_up_password": PASSWORD, **given}
            page = is_page(admin.submit("/console/people/invite", **fields), 400)
        assert texts("en")[f"console.refused.{reason}"] in page.text
        assert fields["email"] in page.text


def test_people_are_many_then_a_page_of_a_hundred_and_the_rest(shop: Shop) -> None:
    admin = Person(shop.server)
    text = new_email().partition("@")[0]
    for number in range(queries.MOST_LISTED + 5):
        email = f"{number:03}.{text}@example.com"
        shop.server.write(ops.invite, SYSTEM, email=email, name="Sam", role="support")
    page = is_page(admin.open("/console/people", q=text)).text
    assert (f"099.{text}" in page, f"100.{text}" in page) == (True, False)
    more = re.search(r'href="(/console/people\?[^"]*after[^"]*)"', page)
    assert more
    page = is_page(admin.open(more[1].replace("&amp;", "&"))).text
    assert (f"099.{text}" in page, f"104.{text}" in page) == (False, True)
    assert "Nobody fits" in is_page(admin.open("/console/people", q="%_!nobody")).text


def test_role_is_changed_then_it_counts_from_the_next_page_on(server: LiveServer) -> None:
    admin, person = Person(server), Person(server, "support")
    assert person.open("/console/people").status_code == 403
    path = f"/console/people/{person.id}"
    is_page(admin.open(path))
    assert (
        "The role is changed."
        in is_page(admin.submit(f"{path}/role", role="operator_admin", step_up_password=PASSWORD)).text
    )
    assert person.open("/console/people").status_code == 200


def test_session_is_ended_by_an_admin_or_the_person_then_signed_out(server: LiveServer) -> None:
    admin, person, phone = Person(server), Person(server, "support"), Browser(server)
    phone.sign_in(person.email)
    person.open("/console/me")
    action = re.search(r'"(/console/me/sessions/\d+/end)"', person.page.text)
    assert action
    assert "is signed out" in is_page(person.submit(action[1])).text
    assert phone.open("/console/me").status_code == 303
    admin.open(f"/console/people/{person.id}")
    action = re.search(rf'"(/console/people/{person.id}/sessions/\d+/end)"', admin.page.text)
    assert action
    is_page(admin.submit(action[1]))
    assert person.open("/console/me").status_code == 303


def test_person_is_closed_by_the_page_then_signed_out_and_no_link_works(server: LiveServer) -> None:
    admin, person = Person(server), Person(server, "support")
    path = f"/console/people/{person.id}"
    admin.open(path)
    link = link_on(is_page(admin.submit(f"{path}/link", step_up_password=PASSWORD)).text)
    admin.open(path)
    assert "The person is closed" in is_page(admin.submit(f"{path}/close", reason="left")).text
    assert person.open("/console/me").status_code == 303
    is_error(Browser(server).open(link), 410, "staff_link_expired")
    assert "Closed" in is_page(admin.open(path)).text


def test_password_is_changed_then_other_browsers_are_signed_out(server: LiveServer) -> None:
    person, phone = Person(server, "support"), Browser(server)
    phone.sign_in(person.email)
    password = "/console/me/password"
    for current, new, status in (("wrong", NEW, 400), (PASSWORD, PASSWORD, 400), (PASSWORD, "short", 400)):
        is_page(person.open(password))
        with nothing_written(server):
            is_page(person.submit(password, current_password=current, new_password=new), status)
    person.open(password)
    page = is_page(person.submit(password, current_password=PASSWORD, new_password=NEW))
    assert "Your password is changed." in page.text
    assert phone.open("/console/me").status_code == 303
    assert phone.sign_in(person.email).status_code == 401
    assert phone.sign_in(person.email, NEW).status_code == 200


# Every post of a person's page, with the subject of its form.
POSTS = {
    "role": "role",
    "link": "link",
    "close": "close",
    "sessions/1/end": "end-session",
    "passkeys/remove": "remove-passkey",
}


@pytest.mark.parametrize("role", ROLES)
@on_sqlite
def test_role_on_each_page_of_people_then_only_what_the_table_says(shop: Shop, role: str) -> None:
    server, other = shop.server, Shop(shop.server)
    places = {"everywhere": (None, None), "retailer": (shop.retailer.id, None), "store": (shop.retailer.id, 1)}
    person = Person(server, role, *places[ROLES[role].reach])
    sees, changes = ("see_staff" in ROLES[role].operations, "change_staff" in ROLES[role].operations)
    is_own = ROLES[role].reach == "everywhere"
    inside = Person(server, "store_associate", shop.retailer.id, 1)
    outside = [Person(server, "store_associate", other.retailer.id, 1), Person(server, "dispatcher")]
    assert person.open("/console/people").status_code == (200 if sees else 403)
    assert person.open("/console/people/invite").status_code == (200 if changes else 403)
    for target in (inside, *outside):
        path = f"/console/people/{target.id}"
        assert person.open(path).status_code == (200 if sees and (is_own or target is inside) else 403)
        listed = person.open("/console/people", q=target.email).text
        assert (f'"{path}"' in listed) == (sees and (is_own or target is inside))
    if not changes:
        # The token is of this session, as if the page had been open before the role changed.
        for target in (inside, *outside):
            for post, subject in POSTS.items():
                token = server.app.keys.form_token(person.http.cookies["handcart_staff"], subject, str(target.id))
                fields = {"form_token": token, "role": "operator_admin", "reason": "none"}
                with nothing_written(server):
                    answer = person.http.post(f"/console/people/{target.id}/{post}", data=fields)
                    is_error(answer, 403, "forbidden")
        token = server.app.keys.form_token(person.http.cookies["handcart_staff"], "invite")
        fields = {"form_token": token, "email": new_email(), "name": "Sam", "role": "operator_admin"}
        with nothing_written(server):
            is_error(person.http.post("/console/people/invite", data=fields), 403, "forbidden")


def test_link_or_person_or_passkey_is_made_then_the_password_is_asked(server: LiveServer) -> None:
    admin = Person(server)
    path = f"/console/people/{admin.id}"
    token = server.app.keys.form_token(admin.http.cookies["handcart_staff"], "add-passkey")
    with nothing_written(server):
        admin.open(path)
        assert "Is it you?" in admin.submit(f"{path}/link").text
        admin.open(path)
        assert "Is it you?" in admin.submit(f"{path}/role", role="operator_admin").text
        admin.open("/console/people/invite")
        fields = {"email": new_email(), "name": "Sam", "role": "operator_admin"}
        assert "Is it you?" in admin.submit("/console/people/invite", **fields).text
        answer = admin.http.post("/console/me/passkeys/add", data={"form_token": token, "credential": "{}"})
        assert "Is it you?" in answer.text
        assert 'name="new_passkey" value="{}"' in answer.text


def test_form_without_its_token_then_nothing_is_changed(server: LiveServer) -> None:
    admin, person = Person(server), Person(server, "support")
    with nothing_written(server):
        for post in (*(f"people/{person.id}/{post}" for post in POSTS), "people/invite", "me/password"):
            is_error(admin.http.post(f"/console/{post}", data={"role": "dispatcher"}), 403, "form_expired")
    assert person.open("/console/me").status_code == 200


def test_no_such_person_then_not_found_and_last_admin_then_the_reason(server: LiveServer) -> None:
    server.sql("UPDATE staff SET closed_at = 1 WHERE closed_at IS NULL RETURNING id")
    admin = Person(server)
    for path in ("1", "x", "9" * 30):
        is_error(admin.open(f"/console/people/{path}"), 404, "not_found")
    path = f"/console/people/{admin.id}"
    for post, fields in (("close", {"reason": "left"}), ("role", {"role": "support", "step_up_password": PASSWORD})):
        admin.open(path)
        with nothing_written(server):
            page = is_page(admin.submit(f"{path}/{post}", **fields), 400)
        assert texts("en")["console.refused.last_admin"] in page.text
