"""The redirect to the platform and back, with every possible answer."""

from dataclasses import replace
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from storefront.app import create_app
from tests.storefront.conftest import Browser, listener, serving

NOT_STARTED_HERE = "That link was not started in this browser"
TOO_SLOW = "Linking took too long"
LINKED = "Your Basket &amp; Co account is linked."


def query_of(url):
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def back(browser, url, **changes):
    """Come back from the platform with parts of the answer changed or, by None, left out; the page then shown."""
    query = {name: value for name, value in (query_of(url) | changes).items() if value is not None}
    response = browser.get("/account/link/callback?" + urlencode(query, doseq=True))
    assert (response.status_code, response.headers["location"]) == (303, "/account")
    return browser.open("/account").text


def test_link_button_pressed_then_the_platform_with_state_and_challenge(browser, settings):
    url = browser.start_link()
    query = query_of(url)
    assert url.startswith(settings.authorize_url + "?")
    assert query["response_type"] == "code"
    assert query["client_id"] == "shop-client"
    assert query["scope"] == "account_linking"
    assert query["redirect_uri"] == settings.public_url + "/account/link/callback"
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert query["state"] != query_of(browser.start_link())["state"]


def test_allowed_then_linked_and_said_once(browser, platform):
    platform.members["member"] = {"instacartplus_member": True}
    page = back(browser, platform.allow(browser.start_link(), "member"))
    assert platform.links == {"sample-customer-1": "member"}
    assert LINKED in page
    assert 'role="status"' in page
    assert LINKED not in browser.open("/account").text


def test_platform_refuses_existing_users_then_the_link_is_made(browser, platform):
    platform.users.add("sample-customer-1")
    platform.refuses_existing_users = True
    assert LINKED in back(browser, platform.allow(browser.start_link(), "member"))


def test_customer_returns_then_the_redirect_drops_code_and_state(browser, platform):
    url = platform.allow(browser.start_link(), "member")
    response = browser.get(url)
    assert response.headers["location"] == "/account"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"
    assert response.text == ""
    page = browser.open("/account").text
    assert query_of(url)["code"] not in page
    assert query_of(url)["state"] not in page


@pytest.mark.parametrize(
    "state", [None, "", "0" * 43, ["twice", "twice"], "\x00", "\ud7ff☃", "x" * 4096], ids=lambda value: repr(value)[:12]
)
def test_wrong_state_then_refused_and_the_code_is_not_used(browser, platform, state):
    url = platform.allow(browser.start_link(), "member")
    assert NOT_STARTED_HERE in back(browser, url, state=state)
    assert platform.links == {}
    assert query_of(url)["code"] in platform.codes


def test_right_state_given_twice_then_refused(browser, platform):
    url = platform.allow(browser.start_link(), "member")
    state = query_of(url)["state"]
    assert NOT_STARTED_HERE in back(browser, url, state=[state, state])
    assert platform.links == {}


def test_state_used_again_then_refused(browser, platform):
    authorize_url = browser.start_link()
    back(browser, platform.allow(authorize_url, "member"))
    assert NOT_STARTED_HERE in back(browser, platform.allow(authorize_url, "second account"))
    assert platform.links == {"sample-customer-1": "member"}


def test_answer_opened_in_a_second_browser_then_refused(browser, new_browser, platform):
    url = platform.allow(browser.start_link(), "member")
    second = new_browser()
    second.sign_in("two")
    assert NOT_STARTED_HERE in back(second, url)
    assert platform.links == {}
    assert LINKED in back(browser, url), "the browser that started it is not hurt"


def test_answer_opened_in_a_signed_out_browser_then_refused(browser, new_browser, platform):
    url = platform.allow(browser.start_link(), "member")
    stranger = new_browser()
    response = stranger.get(url)
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in?to=link")
    page = stranger.get("/sign-in?to=link").text
    assert NOT_STARTED_HERE in page
    assert "Welcome back" in page
    assert platform.links == {}
    assert stranger.post("/sign-in", customer="two", to="link").headers["location"] == "/account"


def test_signed_in_again_between_start_and_answer_then_refused(browser, platform):
    url = platform.allow(browser.start_link(), "member")
    browser.sign_in("two")
    assert NOT_STARTED_HERE in back(browser, url)
    assert platform.links == {}


def test_two_tabs_then_each_finishes_its_own_link(browser, platform):
    first, second = browser.start_link(), browser.start_link()
    assert "chose not to link" in back(browser, platform.deny(second))
    assert LINKED in back(browser, platform.allow(first, "member"))


def test_state_older_than_ten_minutes_then_refused(browser, platform, clock):
    url = platform.allow(browser.start_link(), "member")
    clock[0] += 600
    assert TOO_SLOW in back(browser, url)
    assert platform.links == {}


@pytest.mark.parametrize("iss", ["https://evil.example", "", "HTTP://127.0.0.1", "http://127.0.0.1:80/"])
def test_answer_of_another_issuer_then_refused(browser, platform, iss):
    url = platform.allow(browser.start_link(), "member")
    assert NOT_STARTED_HERE in back(browser, url, iss=iss)
    assert platform.links == {}
    assert query_of(url)["code"] in platform.codes


def test_right_issuer_given_twice_then_refused(browser, platform):
    url = platform.allow(browser.start_link(), "member")
    assert NOT_STARTED_HERE in back(browser, url, iss=[platform.url, platform.url])


def test_platform_without_issuer_then_linked(browser, platform):
    assert LINKED in back(browser, platform.allow(browser.start_link(), "member"), iss=None)


def test_denied_then_the_page_says_that_nothing_changed(browser, platform):
    page = back(browser, platform.deny(browser.start_link()))
    assert "You chose not to link your Basket &amp; Co account." in page
    assert 'role="alert"' in page
    assert platform.links == {}


def test_denied_with_a_wrong_state_then_not_believed(browser, platform):
    assert NOT_STARTED_HERE in back(browser, platform.deny(browser.start_link()), state="wrong")


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "Call us at example.com", "{{ 1234567 * 3 }}", "line\r\nSet-Cookie: a=b"]
)
def test_query_holds_a_text_then_never_shown(browser, platform, hostile):
    page = back(browser, platform.deny(browser.start_link()), error=hostile, error_description=hostile, message=hostile)
    assert "could not be linked" in page
    for shown in ("alert(1)", "example.com", "1234567", "3703701", "Set-Cookie"):
        assert shown not in page


def test_error_and_code_together_then_no_link(browser, platform):
    url = platform.allow(browser.start_link(), "member")
    back(browser, url, error="server_error")
    assert platform.links == {}


@pytest.mark.parametrize("code", [None, "", ["a", "b"]])
def test_answer_without_exactly_one_code_then_it_fails(browser, platform, code):
    assert "could not be linked" in back(browser, platform.allow(browser.start_link(), "member"), code=code)


def test_code_expired_then_asked_to_try_again(browser, platform):
    url = platform.allow(browser.start_link(), "member")
    platform.codes.clear()
    page = back(browser, url)
    assert TOO_SLOW in page
    assert "<i>" not in page
    assert platform.links == {}


def test_linking_token_refused_then_asked_to_try_again(browser, platform, monkeypatch):
    url = platform.allow(browser.start_link(), "member")
    monkeypatch.setattr(platform, "linking_tokens", Forgetful())
    assert TOO_SLOW in back(browser, url)


class Forgetful(dict):
    def __setitem__(self, key, value):
        pass


def test_account_linked_to_another_customer_then_the_page_says_so(browser, new_browser, platform, settings):
    other = new_browser()
    other.sign_in("two")
    back(other, platform.allow(other.start_link(), "member"))
    page = back(browser, platform.allow(browser.start_link(), "member"))
    link = f'<a href="{settings.account_url}">Basket &amp; Co account page</a>'
    assert f"already linked to another customer of this shop. Unlink it on your {link}, or" in page
    assert platform.links == {"sample-customer-2": "member"}


def test_second_account_for_the_same_customer_then_the_page_says_so(browser, platform, settings):
    first, second = browser.start_link(), browser.start_link()
    back(browser, platform.allow(first, "member"))
    page = back(browser, platform.allow(second, "guest"))
    link = f'<a href="{settings.account_url}">Basket &amp; Co account page</a>'
    assert f"Another Basket &amp; Co account is linked here already. Unlink it on your {link} before" in page
    assert platform.links == {"sample-customer-1": "member"}


def test_user_inactive_then_told_to_contact_customer_care(browser, platform):
    authorize_url = browser.start_link()
    platform.inactive_users.add("sample-customer-1")
    assert "Please contact our customer care" in back(browser, platform.allow(authorize_url, "member"))


def test_platform_down_at_the_return_then_the_page_says_so(browser, platform):
    url = platform.allow(browser.start_link(), "member")
    platform.is_down = True
    page = back(browser, url)
    assert "We could not reach Basket &amp; Co to finish linking" in page


def test_signed_out_and_link_posted_then_sign_in(new_browser):
    browser = new_browser()
    browser.get("/sign-in")
    assert browser.post("/account/link").headers["location"] == "/sign-in?to=account"


def test_callback_without_parameters_then_refused(new_browser):
    assert NOT_STARTED_HERE in new_browser().open("/account/link/callback").text


def test_banner_of_a_platform_with_its_own_issuer_then_linked(settings, sessions, platform):
    with listener() as (listening, url):
        banner = replace(settings, public_url=url, issuer="https://login.example", retailer="north")
        browser = Browser(url)
        with serving(create_app(banner, sessions), listening), browser.http:
            browser.sign_in("one")
            answer = platform.allow(browser.start_link(), "member")
            assert NOT_STARTED_HERE in back(browser, answer)
            answer = platform.allow(browser.start_link(), "member")
            assert LINKED in back(browser, answer, iss="https://login.example")
    assert platform.banners == {"north"}
