"""Cookies of an audience that has a path of its own."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec.structs import replace

from handcart.core.secret import new_token
from handcart.core.web.call import Call, Reply
from handcart.sign_in.browser import SessionBrowser
from handcart.sign_in.models import CUSTOMER, SignedIn

STAFF = replace(CUSTOMER, name="staff", cookie="staff", device_cookie="staff_device", path="/staff")
ATTRIBUTES = "Path=/staff; HttpOnly; SameSite=Lax; Secure"


def staff(*cookies: str) -> SessionBrowser:
    """A browser that opens a page for staff over https and sends these cookies."""
    app = SimpleNamespace(settings=SimpleNamespace(is_https=True))
    scope: dict[str, Any] = {"query_string": b"", "headers": [(b"cookie", "; ".join(cookies).encode())]}
    return SessionBrowser(Call(cast(Any, app), scope, cast(Any, None)), STAFF)


def cookies_of(reply: Reply) -> list[str]:
    return [value.decode() for name, value in reply.headers if name == b"set-cookie"]


def test_audience_has_a_path_then_its_cookies_have_this_path() -> None:
    browser = staff()
    assert cookies_of(browser.see_other("/staff")) == [f"__Secure-staff={browser.session}; {ATTRIBUTES}"]
    browser.start_session(SignedIn("signed-in", "known"))
    assert browser.session == "signed-in"
    assert cookies_of(browser.see_other("/staff")) == [
        f"__Secure-staff=signed-in; {ATTRIBUTES}",
        f"__Secure-staff_device=known; {ATTRIBUTES}; Max-Age={365 * 86400}",
    ]


def test_cookies_are_sent_back_then_session_and_device_are_known() -> None:
    session = new_token()
    browser = staff(f"__Secure-staff={session}", "__Secure-staff_device=known")
    assert browser.is_known
    assert browser.session == session
    assert browser.credentials({})["device"] == "known"
    assert cookies_of(browser.see_other("/staff")) == []


@pytest.mark.parametrize("name", ["__Host-handcart", "__Host-staff", "staff"])
def test_cookie_has_another_name_then_it_is_no_session_of_the_audience(name: str) -> None:
    session = new_token()
    browser = staff(f"{name}={session}")
    assert not browser.is_known
    assert browser.session != session


def test_session_is_forgotten_then_the_next_cookie_is_new() -> None:
    session = new_token()
    browser = staff(f"__Secure-staff={session}")
    browser.forget_session()
    assert browser.session != session
    assert cookies_of(browser.see_other("/staff")) == [f"__Secure-staff={browser.session}; {ATTRIBUTES}"]
