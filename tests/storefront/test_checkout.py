"""The delivery fee of each customer at checkout."""

import re

from storefront.carts import PICKUP, Cart
from storefront.checkout import totals
from storefront.membership import Membership
from tests.storefront.conftest import BASKET

ITEMS_CENTS = 449 + 2 * 525 + 499
PROMPT = "Basket Plus member? Link your account to receive free delivery!"


def text_of(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def link(platform, *, is_member):
    platform.users.add("sample-customer-1")
    platform.links["sample-customer-1"] = "account"
    platform.members["account"] = {"instacartplus_member": is_member, "expired_at": "2027-02-28T23:59:59Z"}


def test_signed_out_and_checkout_asked_for_then_sign_in(new_browser):
    assert new_browser().get("/checkout").headers["location"] == "/sign-in?to=checkout"


def test_member_then_the_fee_is_struck_through_with_the_saving(browser, platform):
    link(platform, is_member=True)
    page = browser.get("/checkout").text
    assert re.search(r"<s>.*\$7\.99</s>", page)
    assert "Usual fee $7.99 Your fee $0.00" in text_of(page)
    assert "You save $7.99 on delivery with Basket Plus." in page
    assert "Total before tip $19.98" in text_of(page)
    assert PROMPT not in page


def test_linked_non_member_then_the_fee_and_no_prompt(browser, platform):
    link(platform, is_member=False)
    page = browser.get("/checkout").text
    assert "Delivery $7.99" in text_of(page)
    assert "<s>" not in page
    assert "no active Basket Plus membership" in page
    assert "Total before tip $27.97" in text_of(page)
    assert PROMPT not in page


def test_not_linked_then_the_fee_and_a_prompt_to_link(browser):
    page = browser.get("/checkout").text
    assert "Delivery $7.99" in text_of(page)
    assert PROMPT in page
    assert "<s>" not in page
    assert browser.post("/account/link").status_code == 303


def test_platform_down_then_the_fee_with_a_note(browser, platform):
    link(platform, is_member=True)
    platform.is_down = True
    response = browser.get("/checkout")
    assert response.status_code == 200
    assert "Delivery $7.99" in text_of(response.text)
    assert "could not check your Basket Plus membership" in response.text
    assert PROMPT not in response.text


def test_membership_ended_since_the_last_page_then_the_fee(browser, platform):
    link(platform, is_member=True)
    assert "<s>" in browser.get("/checkout").text
    link(platform, is_member=False)
    assert "<s>" not in browser.get("/checkout").text


def test_totals_of_a_member_then_only_the_delivery_is_free():
    member = totals(Cart(counts=dict(BASKET)), Membership(is_linked=True, is_active=True))
    assert (member.items_cents, member.delivery_cents, member.saving_cents) == (ITEMS_CENTS, 0, 799)
    assert member.total_cents == ITEMS_CENTS


def test_pickup_then_nobody_pays_a_fee():
    anybody = totals(Cart(counts=dict(BASKET), kind=PICKUP), Membership())
    assert (anybody.total_cents, anybody.saving_cents) == (ITEMS_CENTS, 0)
