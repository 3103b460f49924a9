"""The pages of one-time links: an invitation, a new password, the first admin."""

from typing import Any

import pytest

from handcart.core.web.pages import texts
from handcart.staff import access, ops, queries
from handcart.staff.models import SYSTEM, Invited
from tests.support.console import Browser
from tests.support.contents import nothing_written
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer
from tests.support.shop import new_email

NEW = "quite another password"


@pytest.fixture
def invited(server: LiveServer) -> Invited:
    made: Invited = server.write(ops.invite, SYSTEM, email=new_email(), name="Ada <Admin>", role="support")
    return made


def path(invited: Invited) -> str:
    return f"/console/{invited.purpose}/{invited.token}"


def test_invitation_is_accepted_then_signed_in_with_the_new_password(server: LiveServer, invited: Invited) -> None:
    person = Browser(server)
    page = is_page(person.open(path(invited)))
    assert "Ada &lt;Admin&gt;" in page.text
    assert invited.person.email in page.text
    is_page(person.submit(path(invited), new_password=NEW))
    assert is_page(person.open("/console/me")).status_code == 200
    assert Browser(server).sign_in(invited.person.email, NEW).status_code == 200


def test_invitation_used_then_another_browser_is_told_and_its_own_leads_on(
    server: LiveServer, invited: Invited
) -> None:
    person, other = Browser(server), Browser(server)
    other.open(path(invited))
    person.open(path(invited))
    form = person.form(path(invited))
    person.submit(path(invited), new_password=NEW)
    with nothing_written(server):
        is_error(Browser(server).open(path(invited)), 410, "staff_link_used")
        is_error(other.submit(path(invited), new_password="a third password"), 410, "staff_link_used")
        again = person.http.post(form.action, data={**form, "new_password": "a third password"})
        assert (again.status_code, again.headers["location"]) == (303, "/console")
    assert person.open(path(invited)).headers["location"] == "/console"


def test_link_is_expired_ended_or_made_up_then_a_page_that_says_what_to_do(
    server: LiveServer, invited: Invited, later: Any
) -> None:
    person = Browser(server)
    person.open(path(invited))
    with later(days=1), nothing_written(server):
        is_error(person.submit(path(invited), new_password=NEW), 410, "staff_link_expired")
        is_error(Browser(server).open(path(invited)), 410, "staff_link_expired")
    again = server.write(ops.link, SYSTEM, invited.person.id)
    is_error(Browser(server).open(path(invited)), 410, "staff_link_expired")
    with nothing_written(server):
        for made_up in ("x", "x" * 5000, f"{again.token}x"):
            is_error(Browser(server).open(f"/console/invitation/{made_up}"), 404, "staff_link_unknown")
        is_error(Browser(server).open(f"/console/new-password/{again.token}"), 404, "staff_link_unknown")
        is_error(Browser(server).open(f"/console/first-admin/{again.token}"), 404, "staff_link_unknown")
    server.write(ops.close, SYSTEM, invited.person.id)
    is_error(Browser(server).open(path(again)), 410, "staff_link_expired")


@pytest.mark.parametrize("password", ["", "1234567", "password", "p" * 1025])
def test_password_that_cannot_be_taken_then_the_invitation_still_works(
    server: LiveServer, invited: Invited, password: str
) -> None:
    person = Browser(server)
    person.open(path(invited))
    with nothing_written(server):
        assert "The new password is too " in is_page(person.submit(path(invited), new_password=password), 400).text
    is_page(person.submit(path(invited), new_password=NEW))


def test_form_without_its_token_or_from_another_site_then_refused(server: LiveServer, invited: Invited) -> None:
    person = Browser(server)
    person.open(path(invited))
    form = person.form(path(invited))
    with nothing_written(server):
        is_error(person.http.post(form.action, data={"new_password": NEW}), 403, "form_expired")
        post = {**form, "new_password": NEW}
        is_error(
            person.http.post(form.action, data=post, headers={"Sec-Fetch-Site": "cross-site"}), 403, "form_expired"
        )
        is_error(Browser(server).http.post(form.action, data=post), 403, "form_expired")


@pytest.fixture
def first_admin_link(server: LiveServer) -> str:
    """The page that makes the first admin of the database."""
    server.sql("UPDATE staff SET closed_at = 1 WHERE closed_at IS NULL RETURNING id")
    return f"/console/first-admin/{server.write(access.first_admin_link)}"


def test_first_admin_is_set_up_then_signed_in_and_the_link_is_used(server: LiveServer, first_admin_link: str) -> None:
    person = Browser(server)
    server.sql("UPDATE staff SET closed_at = 1 WHERE closed_at IS NULL RETURNING id")
    email = new_email()
    is_page(person.open(first_admin_link))
    with nothing_written(server):
        page = is_page(person.submit(first_admin_link, email="nobody", name="Ada", new_password=NEW), 400)
        assert texts("en")["console.refused.email"] in page.text
        page = is_page(person.submit(first_admin_link, email=email, name=" ", new_password=NEW), 400)
        assert email in page.text
    is_page(person.submit(first_admin_link, email=email, name="Ada", new_password=NEW))
    found = server.read(queries.by_email, email)
    assert (found.name, found.role) == ("Ada", "operator_admin")
    is_error(Browser(server).open(first_admin_link), 410, "staff_link_used")


@pytest.mark.parametrize("locale", ["en-US", "en-CA", "fr-CA"])
def test_locale_then_the_pages_in_it(server: LiveServer, invited: Invited, locale: str) -> None:
    person = Browser(server)
    page = is_page(person.open(path(invited), locale=locale))
    assert f'<html lang="{locale}">' in page.text
    assert texts(locale[:2])["joining.invitation.submit"] in page.text
    assert f'<html lang="{locale}">' in is_page(person.submit(path(invited), new_password="x"), 400).text
