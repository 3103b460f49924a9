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
    app = SimpleNamespace(settings=SimpleNamespace(issuer="https://connect.example"))
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


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " Version/18.5 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile"
            " Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", ""),
    ],
)
def test_user_agent_then_the_browser_is_named(user_agent: str, name: str) -> None:
    app = SimpleNamespace(settings=SimpleNamespace(issuer="https://connect.example"))
    scope: dict[str, Any] = {"query_string": b"", "headers": [(b"user-agent", user_agent.encode())]}
    assert SessionBrowser(Call(cast(Any, app), scope, cast(Any, None)), STAFF).name == name
