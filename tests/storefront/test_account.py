"""Sign-in, sign-out and the profile page."""

import pytest

LINK_BUTTON = "Link Basket &amp; Co account</button>"
LINKED_FIELD = "Linked to Basket &amp; Co account"


def test_signed_out_and_profile_asked_for_then_sign_in(new_browser):
    response = new_browser().get("/account")
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in?to=account")


def test_not_linked_then_the_profile_shows_only_the_button(browser):
    response = browser.get("/account")
    assert response.status_code == 200
    assert LINK_BUTTON in response.text
    assert LINKED_FIELD not in response.text


def test_known_user_not_linked_then_the_profile_shows_the_button(browser, platform):
    platform.users.add("sample-customer-1")
    assert LINK_BUTTON in browser.get("/account").text


@pytest.mark.parametrize("flag", ["instacartplus_member", "express_member"])
def test_member_linked_then_the_profile_shows_the_end_date(browser, platform, flag):
    platform.users.add("sample-customer-1")
    platform.links["sample-customer-1"] = "member"
    platform.members["member"] = {flag: True, "expired_at": "2027-02-28T23:59:59Z"}
    page = browser.get("/account").text
    assert LINKED_FIELD in page
    assert "Active</span> until February 28, 2027" in page
    assert LINK_BUTTON not in page


def test_non_member_linked_then_the_profile_shows_inactive(browser, platform):
    platform.users.add("sample-customer-1")
    platform.links["sample-customer-1"] = "guest"
    page = browser.get("/account").text
    assert LINKED_FIELD in page
    assert "Inactive</span>" in page
    assert LINK_BUTTON not in page


def test_two_customers_then_each_sees_their_own_link(new_browser, platform):
    platform.users.add("sample-customer-1")
    platform.links["sample-customer-1"] = "member"
    other = new_browser()
    other.sign_in("two")
    assert LINK_BUTTON in other.get("/account").text


def test_platform_down_then_the_profile_says_so_and_offers_nothing(browser, platform):
    platform.is_down = True
    response = browser.get("/account")
    assert response.status_code == 200
    assert "We cannot reach Basket &amp; Co right now" in response.text
    assert LINK_BUTTON not in response.text
    assert LINKED_FIELD not in response.text


def test_user_inactive_then_the_profile_offers_nothing(browser, platform):
    platform.inactive_users.add("sample-customer-1")
    response = browser.get("/account")
    assert response.status_code == 200
    assert LINK_BUTTON not in response.text


def test_profile_shown_then_it_honors_memberships_and_says_how_to_unlink(browser, settings):
    page = browser.get("/account").text
    assert "We honor Basket Plus for deliveries" in page
    link = f'<a href="{settings.account_url}">Basket &amp; Co account page</a>'
    assert f"unlink at any time on your {link}, or by contacting" in page


def test_signed_in_then_the_session_is_new_and_the_old_one_dead(new_browser):
    browser = new_browser()
    browser.get("/sign-in")
    planted = browser.http.cookies["sample-market"]
    browser.post("/sign-in", customer="one")
    assert browser.http.cookies["sample-market"] != planted
    attacker = new_browser()
    attacker.http.cookies.set("sample-market", planted, domain="127.0.0.1")
    assert attacker.get("/account").status_code == 303


def test_cookie_set_then_out_of_reach_of_scripts_and_of_foreign_posts(new_browser):
    cookie = new_browser().get("/sign-in").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


def test_signed_out_and_the_old_cookie_replayed_then_still_signed_out(browser, new_browser):
    cookie = browser.http.cookies["sample-market"]
    assert browser.post("/sign-out").status_code == 303
    assert "You are signed out." in browser.open("/").text
    replayed = new_browser()
    replayed.http.cookies.set("sample-market", cookie, domain="127.0.0.1")
    assert replayed.get("/account").status_code == 303


def test_checkout_asked_for_then_sign_in_leads_back_to_it(new_browser):
    browser = new_browser()
    assert browser.open("/checkout").url.path == "/sign-in"
    assert browser.post("/sign-in", customer="two", to="checkout").headers["location"] == "/checkout"


@pytest.mark.parametrize("to", ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example", ""])
def test_sign_in_with_a_foreign_target_then_the_profile(new_browser, to):
    browser = new_browser()
    assert "evil.example" not in browser.http.get("/sign-in", params={"to": to}).text
    browser.get("/sign-in")
    assert browser.post("/sign-in", customer="one", to=to).headers["location"] == "/account"


@pytest.mark.parametrize("customer", ["three", "", "__class__", "sample-customer-1"])
def test_sign_in_as_an_unknown_customer_then_refused(new_browser, customer):
    browser = new_browser()
    browser.get("/sign-in")
    assert browser.post("/sign-in", customer=customer).status_code == 400
    assert browser.get("/account").status_code == 303
