"""From the postal code to a held time."""

import re

import pytest

from tests.storefront.platform import refusal, slot
from tests.storefront.test_checkout import link, text_of


def choose_store(browser, kind="delivery", location_code="M-1"):
    browser.get(f"/stores?postal_code=60610&kind={kind}")
    return browser.post("/stores", kind=kind, postal_code="60610", location_code=location_code)


def to_slots(browser, kind="delivery"):
    """Answers the page with the grid."""
    choose_store(browser, kind)
    if kind == "delivery":
        browser.get("/slots")
        assert browser.post("/address", address_line_1=" 350 w oak st ").headers["location"] == "/slots"
    response = browser.get("/slots")
    assert response.status_code == 200
    return response.text


def test_postal_code_given_then_stores_are_shown_and_one_is_chosen(new_browser, platform):
    browser = new_browser()
    page = browser.get("/stores?postal_code=+m5v+2t6&kind=pickup").text
    assert platform.bodies["find_stores"] == {"find_by": {"postal_code": "M5V 2T6"}}
    assert platform.asked[-1] == "POST /v2/fulfillment/stores/pickup"
    assert "Market &amp; Sons" in page
    assert browser.post("/stores", kind="pickup", postal_code="M5V 2T6", location_code="M-2").headers["location"] == "/"
    assert "Far Market Pickup near M5V 2T6" in text_of(browser.get("/").text)


@pytest.mark.parametrize(
    ("postal_code", "answer", "sentence"),
    [
        ("60601", refusal(400, "is invalid", key="find_by.postal_code"), "We do not know this ZIP or postal code."),
        ("60602", refusal(500, "broken"), "We cannot look for stores right now."),
        ("60603", None, "No store serves this place yet."),
        ("%3Cb%3E", refusal(500, "never asked"), "We do not know this ZIP or postal code."),
    ],
)
def test_no_stores_then_the_page_says_why(new_browser, platform, postal_code, answer, sentence):
    platform.stores = []
    if answer:
        platform.refusals["find_stores"] = answer
    page = new_browser().get(f"/stores?postal_code={postal_code}&kind=delivery").text
    assert sentence in page
    assert 'aria-describedby="postal-problem"' in page
    assert "<b>" not in page.lower()


def test_store_that_does_not_exist_then_refused(new_browser, platform):
    browser = new_browser()
    assert choose_store(browser, location_code="M-9").status_code == 400
    assert "Your store" not in browser.get("/").text


def test_cart_filled_then_it_survives_sign_in_but_not_sign_out(new_browser, platform):
    browser = new_browser()
    assert "Your cart is empty." in browser.get("/cart").text
    choose_store(browser)
    browser.get("/")
    for _ in range(2):
        assert browser.post("/cart/add", item="milk").headers["location"] == "/#milk"
    assert "2 in cart" in browser.get("/").text
    browser.get("/cart")
    counts = {"count-milk": "3", "count-bread": "0", "count-eggs": "99"}
    assert browser.post("/cart", **counts).headers["location"] == "/cart"
    browser.get("/sign-in")
    browser.post("/sign-in", customer="one")
    page = browser.get("/cart").text
    assert re.findall(r'name="count-(\w+)".*value="(\d+)"', page) == [("milk", "3"), ("eggs", "24")]
    browser.post("/sign-out")
    assert "Your store" not in browser.get("/").text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/cart/add", {"item": "caviar"}),
        ("/cart/add", {}),
        ("/cart", {"count-milk": "-1"}),
        ("/cart", {"count-milk": "1e3"}),
        ("/cart", {"count-milk": "99999"}),
        ("/cart", {"count-milk": "٣"}),
        ("/slots", {"option": "1 OR 1"}),
        ("/slots", {"option": "-1"}),
        ("/slots", {}),
    ],
)
def test_post_that_no_page_sends_then_refused_and_nothing_changes(browser, platform, path, fields):
    before = browser.get("/cart").text
    assert browser.post(path, **fields).status_code == 400
    assert browser.get("/cart").text == before


def test_something_missing_for_slots_then_asked_for_first(new_browser, platform):
    browser = new_browser()
    browser.get("/")
    assert browser.post("/cart/add", item="milk").headers["location"] == "/#milk"
    assert "Where to?" in browser.get("/slots").text
    choose_store(browser)
    assert browser.get("/slots").headers["location"] == "/sign-in?to=slots"
    browser.get("/sign-in?to=slots")
    assert browser.post("/sign-in", customer="one", to="slots").headers["location"] == "/slots"
    assert "Where should we deliver?" in browser.get("/slots").text
    browser.post("/cart")
    for path in ("/slots", "/checkout"):
        assert "Your cart is empty." in browser.open(path).text


def test_slots_asked_for_then_the_cart_is_sent_and_a_full_time_says_why(browser, platform):
    page = to_slots(browser)
    assert platform.bodies["address"] == {
        "address_line_1": "350 w oak st",
        "postal_code": "60610",
        "first_name": "Customer",
        "last_name": "One",
        "phone_number": "+13125550188",
        "locale": "en-US",
    }
    assert platform.bodies["list_slots"] == {
        "address": {"address_line_1": "350 W OAK ST", "postal_code": "60610"},
        "location_code": "M-1",
        "items": [
            {"line_num": "apples", "count": 1, "item": {"rrc": "SM-000046"}},
            {"line_num": "bread", "count": 2, "item": {"upc": "400000000152"}},
            {"line_num": "eggs", "count": 1, "item": {"upc": "400000000213"}},
        ],
        "with_eta_options": True,
        "with_priority_eta_options": True,
    }
    assert set(re.findall(r'name="option" value="(\d)"', page)) == {"1", "2", "5"}
    assert re.findall(r'aria-disabled="true" aria-describedby="why-(\d)"', page) == ["4", "3"]
    assert "Friday, January 15, 6 pm to 8 pm: Full" in text_of(page)
    assert 'id="why-3">This time is fully booked. Please choose another time.' in page
    assert 'id="why-4">This time cannot be booked.' in page
    assert "By 11:30\N{NO-BREAK SPACE}am, first in line" in page
    assert page.count("$7.99") == 2
    assert '<a href="?day=2027-01-15" aria-current="date">' in page
    assert '<a href="?day=2027-01-16" aria-current="date">' in browser.get("/slots?day=2027-01-16").text


def test_grid_of_a_member_or_a_pickup_then_it_costs_nothing(browser, platform, new_browser):
    """In figures: "Free" beside "Full" would read as vacant."""
    page = to_slots(browser, "pickup")
    assert platform.asked[-1].endswith("/service_options/cart/pickup")
    link(platform, is_member=True)
    for shown in (page, to_slots(browser)):
        assert shown.count("$0.00") == 2
        assert "$7.99" not in shown
        assert "Free" not in shown


def test_every_time_taken_then_the_page_says_so(browser, platform):
    platform.slots = [slot(1, "2027-01-15T17:00:00-06:00", "2027-01-15T19:00:00-06:00", "no_capacity")]
    assert "All times are taken right now." in to_slots(browser)


def test_postal_code_changes_then_the_address_is_asked_for_again(browser, platform):
    to_slots(browser)
    choose_store(browser, location_code="M-2")
    assert "When should we deliver?" in browser.get("/slots").text
    browser.get("/stores?postal_code=60611&kind=delivery")
    browser.post("/stores", kind="delivery", postal_code="60611", location_code="M-2")
    assert "Where should we deliver?" in browser.get("/slots").text


def test_slot_held_then_the_checkout_shows_its_end_and_the_time_left(browser, platform):
    to_slots(browser)
    assert browser.post("/slots", option="2").headers["location"] == "/checkout"
    page = browser.get("/checkout").text
    assert "Friday, January 15, 5\N{NO-BREAK SPACE}pm" in page
    assert "We keep this time for you until 2:10\N{NO-BREAK SPACE}am." in page
    assert int(re.search(r'data-seconds="(\d+)"', page)[1]) > 0
    assert 'href="/checkout">Continue to checkout</a>' in browser.get("/account").text
    assert "Go to checkout" in browser.get("/cart").text
    assert browser.post("/cart", go_on="1", **{"count-milk": "1"}).headers["location"] == "/checkout"


@pytest.mark.parametrize(
    ("operation", "answer", "leads_to", "sentence"),
    [
        ("address", refusal(400, "is invalid", key="address_line_1"), "/slots", "We could not find that address."),
        ("address", refusal(503, "down"), "/slots", "We could not reach Basket &amp; Co."),
        ("list_slots", refusal(400, "is invalid", key="address"), "/slots", "does not deliver to that address"),
        ("list_slots", refusal(400, "is invalid", key="location_code"), "/cart", "Please choose another one."),
        ("list_slots", refusal(403, "User Not Active", None, None), "/cart", "contact our customer care"),
        (
            "list_slots",
            refusal(400, "Maximum total quantity of items exceeded", 2000, "items"),
            "/cart",
            "That is too much for one order.",
        ),
        (
            "reserve",
            refusal(400, "Service option is not available", key="service_option_id"),
            "/slots",
            "That time is no longer available. Please choose another one.",
        ),
        ("reserve", refusal(404, "Resource not found", 4000, None), "/slots", "That time is no longer available."),
        ("reserve", refusal(500, "down"), "/slots", "We could not reach Basket &amp; Co."),
        ("reserve", refusal(400, "<i>new</i>", 1, "new"), "/slots", "That did not work. Please try again"),
    ],
)
def test_refused_on_the_way_to_a_time_then_told_what_to_do(browser, platform, operation, answer, leads_to, sentence):
    to_slots(browser)
    platform.refusals[operation] = answer
    if operation == "address":
        response = browser.post("/address", address_line_1="nowhere")
    elif operation == "list_slots":
        response = browser.get("/slots")
    else:
        response = browser.post("/slots", option="2")
    assert response.headers["location"] == leads_to
    platform.refusals.clear()
    page = browser.get(leads_to).text
    assert sentence in page
    assert "<i>" not in page


def test_items_refused_then_the_cart_marks_them(browser, platform):
    to_slots(browser)
    answer = refusal(400, "Some items are not deliverable", 2000, "items", line_nums=["bread"])
    platform.refusals["list_slots"] = answer
    assert browser.get("/slots").headers["location"] == "/cart"
    page = browser.get("/cart").text
    assert "Remove the marked items to continue." in page
    assert re.findall(r'id="refused-(\w+)"', page) == ["bread"]
