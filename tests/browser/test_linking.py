"""The linking journey in real Chromium: demo, platform pages and reference storefront."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.support.browser import Demo, Visit

Open = Callable[..., Visit]

LINK = "Link Handcart account"
CALLBACK = "/account/link/callback"


def is_linked(visit: Visit) -> bool:
    """The content of the shop's profile page; it has exactly one of button and field."""
    visit.to_profile()
    button = visit.page.get_by_role("button", name=LINK).count()
    field = visit.page.get_by_text("Linked to Handcart account").count()
    assert (button, field) in ((1, 0), (0, 1))
    return bool(field)


def test_linked_then_the_profile_shows_the_membership_and_no_button(visit: Open, demo: Demo) -> None:
    customer = visit()
    returned: list[str] = []
    customer.context.on("request", lambda request: returned.append(request.url) if CALLBACK in request.url else None)
    assert not is_linked(customer)
    customer.start_link()
    assert customer.heading == "Welcome back!"
    customer.log_in(demo.member)
    assert customer.heading == "Authorization Required"
    assert "Authorize Sample Market to use your Handcart account?" in customer.page.inner_text("main")
    customer.answer("allow")
    assert customer.notice == "Your Handcart account is linked. Welcome!"
    field = customer.page.locator("dl")
    expect(field).to_contain_text("Active")
    expect(field).to_contain_text("until")
    assert is_linked(customer)
    assert "code=" not in customer.page.url
    assert len(customer.codes) == 1
    assert [parse_qs(urlsplit(url).query).keys() for url in returned] == [{"code", "state", "iss"}]


def test_denied_then_told_so_and_the_button_stays(visit: Open, demo: Demo) -> None:
    customer = visit()
    customer.to_profile()
    customer.start_link()
    customer.log_in(demo.member)
    customer.answer("deny")
    assert customer.notice == "You chose not to link your Handcart account. Nothing was changed."
    assert not is_linked(customer)
    assert demo.sql("SELECT COUNT(*) FROM authorization_codes") == [(0,)]


def test_code_expired_on_the_way_back_then_told_to_try_again(visit: Open, demo: Demo) -> None:
    customer = visit()
    customer.to_profile()
    customer.start_link()
    customer.log_in(demo.member)

    def too_late(url: str) -> str:
        assert demo.sql("UPDATE authorization_codes SET expires_at = 1 RETURNING used_at") == [(None,)]
        return url

    customer.before_return(too_late)
    customer.answer("allow")
    assert customer.notice == "Linking took too long and the permission expired. Please try again."
    assert not is_linked(customer)
    customer.page.unroute_all()
    customer.link(demo.member)
    assert is_linked(customer)


def test_answer_with_a_wrong_state_then_refused_and_the_code_is_not_used(visit: Open, demo: Demo) -> None:
    customer = visit()
    customer.to_profile()
    customer.start_link()
    customer.log_in(demo.member)
    customer.before_return(lambda url: url.replace("state=", "state=x"))
    customer.answer("allow")
    assert "That link was not started in this browser" in customer.notice
    assert not is_linked(customer)
    assert demo.sql("SELECT used_at FROM authorization_codes") == [(None,)]  # the code was not even tried


def test_answer_taken_to_another_browser_then_refused_there(visit: Open, demo: Demo) -> None:
    attacker, victim = visit(), visit()
    attacker.to_profile()
    attacker.start_link()
    attacker.log_in(demo.guest)
    taken: list[str] = []

    def keep(url: str) -> str:
        taken.append(url)
        return f"{demo.storefront_url}/account"

    attacker.before_return(keep)
    attacker.answer("allow")
    victim.to_profile("two")
    victim.page.goto(taken[0])
    assert "That link was not started in this browser" in victim.notice
    assert demo.sql("SELECT COUNT(*) FROM links") == [(0,)]


def test_linked_to_another_customer_then_said_before_and_refused_after(visit: Open, demo: Demo) -> None:
    first, second = visit(), visit()
    first.link(demo.member)
    second.to_profile("two")
    second.start_link()
    second.log_in(demo.member)
    assert "already linked" in second.notice
    second.answer("allow")
    assert second.notice == (
        "That Handcart account is already linked to another customer of this shop."
        " Unlink it on your Handcart account page, or use another account."
    )
    assert second.page.get_by_role("button", name=LINK).is_visible()
    assert is_linked(first)
    assert demo.sql("SELECT user_id FROM links") == [("sample-customer-1",)]


def test_unlinked_on_the_account_page_then_linked_again(visit: Open, demo: Demo) -> None:
    customer = visit()
    customer.link(demo.member)
    customer.to_account()
    assert customer.heading == "Your account"
    customer.page.get_by_role("link", name="Unlink Sample Market").click()
    assert customer.heading == "Unlink Sample Market?"
    customer.page.get_by_role("link", name="Keep linked").click()
    customer.page.get_by_role("link", name="Unlink Sample Market").click()
    customer.press("Unlink")
    assert customer.notice == "The retailer is unlinked. Your membership no longer applies there."
    expect(customer.page.get_by_text("No retailer is linked.")).to_be_visible()
    assert not is_linked(customer)
    customer.link(demo.member)
    assert is_linked(customer)


def test_checkout_before_with_and_after_a_membership_then_its_fee(visit: Open, demo: Demo) -> None:
    customer = visit()
    customer.to_profile()
    customer.to_checkout()
    delivery, total = (customer.page.get_by_role("row", name=name) for name in ("Delivery", "Total"))
    struck = delivery.locator("s")
    expect(struck).to_have_count(0)
    expect(customer.page.get_by_text("Link your account to receive free delivery!")).to_be_visible()
    customer.start_link()
    customer.log_in(demo.member)
    customer.answer("allow")
    customer.to_checkout()
    expect(struck).to_contain_text("$7.99")
    assert "line-through" in struck.evaluate("element => getComputedStyle(element).textDecorationLine")
    expect(delivery).to_contain_text("$0.00")
    expect(total).to_contain_text("$15.49")
    expect(customer.page.get_by_text("You save $7.99 on delivery with Handcart+.")).to_be_visible()
    periods = demo.sql("SELECT account_id, starts_at, ends_at FROM memberships")
    demo.sql("UPDATE memberships SET ends_at = starts_at")
    try:
        customer.to_checkout()
        expect(delivery).to_contain_text("$7.99")
        expect(struck).to_have_count(0)
        expect(customer.page.get_by_text("no active Handcart+ membership")).to_be_visible()
        assert customer.page.get_by_role("button", name=LINK).count() == 0
        customer.to_profile()
        expect(customer.page.locator("dl")).to_contain_text("Inactive")
    finally:
        for account_id, starts_at, ends_at in periods:
            demo.sql(
                "UPDATE memberships SET ends_at = ? WHERE account_id = ? AND starts_at = ?",
                ends_at,
                account_id,
                starts_at,
            )


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts on", "scripts off"])
def test_allow_clicked_twice_then_one_code_and_no_dead_end(visit: Open, demo: Demo, has_scripts: bool) -> None:
    customer = visit(java_script_enabled=has_scripts)
    for _ in range(2):
        demo.start_over()
        customer.to_profile()
        customer.start_link()
        if customer.heading == "Welcome back!":
            customer.log_in(demo.member)
        customer.page.get_by_role("button", name="Allow").dblclick()
        expect(customer.page).to_have_url(re.compile("/consent|/account$"))  # the first of two navigations is aborted
        customer.page.wait_for_load_state()
        assert demo.sql("SELECT COUNT(*) FROM authorization_codes") == [(1,)]
        if has_scripts:
            assert customer.notice == "Your Handcart account is linked. Welcome!"
            continue
        # Without scripts the browser gives up the first answer for the second, which can only say what happened.
        assert customer.heading in ("Your account", "You have already answered", "This page has expired")
    customer.problems = [problem for problem in customer.problems if "status of 40" not in problem]


def test_scripts_off_then_the_whole_journey_works(visit: Open, demo: Demo) -> None:
    customer = visit(java_script_enabled=False)
    customer.link(demo.member)
    assert customer.notice == "Your Handcart account is linked. Welcome!"
    customer.to_checkout()
    expect(customer.page.locator("s")).to_contain_text("$7.99")
    customer.to_account("/links/sample-market")
    customer.press("Unlink")
    assert not is_linked(customer)


def test_back_after_allow_then_no_second_code(visit: Open, demo: Demo) -> None:
    customer = visit()
    customer.link(demo.member)
    customer.page.go_back()
    assert customer.heading in ("You have already answered", "Authorization Required")
    if customer.heading == "Authorization Required":
        customer.press("Allow")
        assert customer.heading == "You have already answered"
    assert demo.sql("SELECT COUNT(*) FROM authorization_codes") == [(1,)]
    customer.problems = [problem for problem in customer.problems if "status of 400" not in problem]


def test_wrong_password_then_told_so_and_the_address_stays(visit: Open, demo: Demo) -> None:
    customer = visit()
    customer.to_profile()
    customer.start_link()
    customer.log_in(demo.member, password="not the password")
    assert "match" in customer.notice
    assert customer.page.get_by_label("Email").input_value() == demo.member["email"]
    assert customer.page.get_by_label("Password").input_value() == ""
    expect(customer.page.get_by_label("Password")).to_be_focused()
    customer.log_in(demo.member)
    customer.answer("allow")
    assert is_linked(customer)
    customer.problems = [problem for problem in customer.problems if "status of 401" not in problem]


def test_two_tabs_of_one_browser_then_each_ends_where_it_began(visit: Open, demo: Demo) -> None:
    customer = visit()
    customer.to_profile()
    customer.start_link()
    first = customer.page
    customer.page = customer.context.new_page()
    customer.to_profile()
    customer.start_link()
    customer.log_in(demo.member)
    first.reload()  # a new request of the same browser, which is logged in by now
    assert first.get_by_role("heading", level=1).inner_text() == "Authorization Required"
    customer.answer("deny")
    assert not is_linked(customer)
    customer.page = first
    customer.answer("allow")
    assert customer.notice == "Your Handcart account is linked. Welcome!"


def test_locale_of_the_browser_is_french_then_the_platform_speaks_it(visit: Open, demo: Demo) -> None:
    customer = visit(locale="fr-CA")
    customer.to_profile()
    customer.start_link()
    assert customer.page.locator("html").get_attribute("lang") == "fr-CA"
    assert customer.heading == customer.text("sign_in.heading") == "Bon retour!"
    customer.log_in(demo.member)
    assert customer.heading == customer.text("consent.title")
    customer.page.get_by_role("link", name="English (US)").click()
    assert customer.heading == "Authorization Required"
    customer.page.get_by_role("link", name="Français (Canada)").click()
    customer.answer("allow")
    assert is_linked(customer)
    customer.to_account()
    assert customer.page.locator("html").get_attribute("lang") == "fr-CA"
