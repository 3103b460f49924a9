"""Orders: placed once, shown in the platform's current state, changed and canceled while possible."""

import re

import pytest

from tests.storefront.platform import refusal
from tests.storefront.test_checkout import link, text_of
from tests.storefront.test_shopping import to_slots

TOTAL = "2797"
ITEMS = [
    {"line_num": "apples", "count": 1, "item": {"rrc": "SM-000046"}},
    {"line_num": "bread", "count": 2, "item": {"upc": "400000000152"}},
    {"line_num": "eggs", "count": 1, "item": {"upc": "400000000213"}},
]


def to_checkout(browser, kind="delivery", option="2"):
    to_slots(browser, kind)
    assert browser.post("/slots", option=option).headers["location"] == "/checkout"
    return browser.get("/checkout").text


def place(browser, **fields):
    """Answers where the placed order's page is."""
    response = browser.post("/checkout", **{"total_cents": TOTAL, "tip_cents": "500", **fields})
    assert response.status_code == 303
    return response.headers["location"]


def order(browser, **fields):
    to_checkout(browser, **fields)
    path = place(browser, **({"total_cents": "1998"} if fields.get("kind") == "pickup" else {}))
    assert re.fullmatch(r"/orders/SM-[0-9A-F]{8}", path)
    return path


def test_delivery_ordered_then_sent_with_hold_address_items_tip_and_phone(browser, platform):
    path = order(browser)
    order_id = path.rpartition("/")[2]
    assert platform.asked[-1].endswith("/orders/delivery")
    assert platform.bodies["create_order"] == {
        "order_id": order_id,
        "service_option_hold_id": 502,
        "location_code": "M-1",
        "address": {"address_line_1": "350 W OAK ST", "postal_code": "60610"},
        "items": ITEMS,
        "user": {"phone_number": "+13125550188"},
        "initial_tip_cents": 500,
    }
    page = text_of(browser.get(path).text)
    assert "Thank you! Your order is placed." in page
    assert "Friday, January 15, 5 pm \N{EN DASH} 7 pm" in page
    assert "Waiting for a shopper" in page
    assert "Delivery $7.99 Tip $5.00 Total $32.97" in page
    listed = text_of(browser.get("/orders").text)
    assert "5 pm \N{EN DASH} 7 pm Waiting for a shopper Total $32.97 Delivery" in listed
    assert f"4 items \N{MIDDLE DOT} {order_id}" in listed
    assert "Your cart is empty." in browser.get("/cart").text


def test_pickup_ordered_then_sent_without_address_fee_and_tip(browser, platform):
    path = order(browser, kind="pickup")
    body = platform.bodies["create_order"]
    assert platform.asked[-1].endswith("/orders/pickup")
    assert set(body) == {"order_id", "service_option_hold_id", "location_code", "items", "user"}
    page = text_of(browser.get(path).text)
    assert "At Market &amp; Sons" in page
    assert "Tip" not in page
    assert "Total $19.98" in page
    browser.get(f"{path}/change")
    browser.post(f"{path}/change", **{"count-milk": "1"})
    assert "initial_tip_cents" not in platform.bodies["update_order"]


def test_member_orders_then_the_order_shows_the_benefit(browser, platform):
    link(platform, is_member=True)
    to_checkout(browser)
    page = text_of(browser.get(place(browser, total_cents="1998")).text)
    assert "Usual fee $7.99 Your fee $0.00" in page
    assert "Basket Plus is on this order: you save $7.99 on delivery." in page


def test_membership_ended_since_the_page_then_the_new_total_comes_first(browser, platform):
    link(platform, is_member=True)
    to_checkout(browser)
    link(platform, is_member=False)
    assert place(browser, total_cents="1998") == "/checkout"
    assert platform.orders == {}
    page = browser.get("/checkout").text
    assert "Your total has changed" in page
    assert place(browser).startswith("/orders/")


def test_alcohol_in_the_cart_then_a_birthday_is_needed(browser, platform):
    to_slots(browser)
    browser.get("/cart")
    browser.post("/cart", **{"count-wine": "1", "count-tomatoes": "2"})
    browser.get("/slots")
    browser.post("/slots", option="2")
    page = browser.get("/checkout").text
    assert 'name="birthday" type="date"' in page
    place(browser, total_cents=re.search(r'name="total_cents" value="(\d+)"', page)[1], birthday="1991-03-05")
    body = platform.bodies["create_order"]
    assert body["user"]["birthday"] == "1991-03-05"
    assert {"line_num": "tomatoes", "weight": 2.0, "item": {"rrc": "SM-000047"}} in body["items"]


def test_ordered_twice_from_one_page_then_both_lead_to_the_one_order(browser, platform, new_browser):
    page = to_checkout(browser)
    path = place(browser)
    order_id = re.search(r'name="order_id" value="([^"]*)"', page)[1]
    assert place(browser, order_id=order_id) == path == f"/orders/{order_id}"
    assert len(platform.orders) == 1
    for other in ("", "SM-00000000", "../account", "//evil.example"):
        assert place(browser, order_id=other) == "/slots"
    stranger = new_browser()
    stranger.get("/sign-in")
    stranger.post("/sign-in", customer="two")
    stranger.get("/cart")
    assert place(stranger, order_id=order_id) == "/slots"


@pytest.mark.parametrize(
    ("answer", "leads_to", "sentence"),
    [
        (refusal(400, "is invalid", key="service_option_hold_id"), "/slots", "Please choose another one."),
        (refusal(400, "is invalid", key="user.birthday"), "/checkout", "adults of legal age"),
        (refusal(400, "Invalid items", 2000, "items"), "/cart", "Remove the marked items"),
        (refusal(400, "is invalid", key="user.phone_number"), "/checkout", "customer care"),
        (refusal(503, "down"), "/checkout", "you order only once, even if you try several times"),
        (refusal(400, "<i>", 1, "new"), "/checkout", "That did not work."),
    ],
)
def test_order_refused_then_the_customer_hears_what_to_do(browser, platform, answer, leads_to, sentence):
    to_checkout(browser)
    platform.refusals["create_order"] = answer
    assert place(browser) == leads_to
    assert sentence in browser.get(leads_to).text
    assert "You have not ordered anything yet." in browser.get("/orders").text


def test_answer_lost_and_ordered_again_then_one_order(browser, platform):
    to_checkout(browser)
    platform.refusals["create_order"] = refusal(504, "lost")
    assert place(browser) == "/checkout"
    first = platform.bodies["create_order"]["order_id"]
    # The platform did get it; the tip is another one by now.
    platform.create_order(type("Request", (), {"path_params": {"user_id": "u"}}), platform.bodies["create_order"])
    platform.refusals["create_order"] = refusal(400, "has already been taken", key="order_id")
    assert place(browser, tip_cents="800") == f"/orders/{first}"
    assert platform.bodies["update_order"] == {"items": ITEMS, "initial_tip_cents": 800}
    assert "Tip $8.00" in text_of(browser.get(f"/orders/{first}").text)


def test_hold_expired_then_it_can_still_be_ordered(browser, platform):
    platform.hold_expires_at = "2020-01-01T00:00:00Z"
    page = to_checkout(browser)
    assert "We no longer keep this time for you. You can still order: you get it if it is free." in page
    assert place(browser).startswith("/orders/")


def test_checkout_without_a_time_then_nothing_is_ordered(browser, platform):
    browser.get("/checkout")
    assert browser.post("/checkout", total_cents=TOTAL).headers["location"] == "/slots"
    to_checkout(browser)
    assert browser.post("/checkout", total_cents=TOTAL, tip_cents="1").status_code == 400
    assert platform.orders == {}


def test_order_changed_then_the_platform_gets_the_new_items_and_tip(browser, platform):
    path = order(browser)
    assert 'name="count-bread" type="number"' in browser.get(f"{path}/change").text
    fields = {"count-apples": "4", "count-milk": "1", "tip_cents": "800"}
    assert browser.post(f"{path}/change", **fields).headers["location"] == path
    assert platform.bodies["update_order"] == {
        "items": [
            {"line_num": "apples", "count": 4, "item": {"rrc": "SM-000046"}},
            {"line_num": "milk", "count": 1, "item": {"upc": "400000000015"}},
        ],
        "initial_tip_cents": 800,
    }
    page = text_of(browser.get(path).text)
    assert "Your order is changed." in page
    assert "4 \N{MULTIPLICATION SIGN} Orchard apples" in page
    assert "Tip $8.00" in page
    assert browser.post(f"{path}/change").headers["location"] == f"{path}/change"
    assert "An order needs at least one item." in browser.get(f"{path}/change").text


def test_order_moved_then_it_has_its_new_time(browser, platform):
    path = order(browser)
    assert 'name="option" value="5"' in browser.get(f"{path}/slots").text
    assert browser.post(f"{path}/slots", option="5").headers["location"] == path
    assert platform.bodies["update_order"] == {"service_option_hold_id": 505}
    page = text_of(browser.get(path).text)
    assert "Your order has its new time." in page
    assert "Saturday, January 16, 11 pm" in page
    platform.refusals["reserve"] = refusal(400, "Service option is expired", key="service_option_id")
    browser.get(f"{path}/slots")
    assert browser.post(f"{path}/slots", option="2").headers["location"] == f"{path}/slots"
    assert "Saturday, January 16" in text_of(browser.get(path).text)


def test_order_is_canceled_and_then_offers_nothing(browser, platform):
    path = order(browser)
    assert "Cancel this order" in browser.get(path).text
    assert browser.post(f"{path}/cancel").headers["location"] == path
    page = browser.get(path).text
    assert "Your order is canceled. You pay nothing." in page
    assert "Canceled</span>" in page
    assert "Change order" not in page
    assert "You pay $0.00" in text_of(page)
    assert "Total" not in page
    assert page.count("$") == 1, "no price that nobody pays"
    assert "Canceled Total $0.00" in text_of(browser.get("/orders").text)


def test_orders_listed_then_only_unfinished_ones_are_asked_for_again(browser, platform):
    over, going = order(browser).rpartition("/")[2], ""
    browser.get("/account")
    browser.fill_cart()
    going = order(browser).rpartition("/")[2]
    platform.orders[over]["status"] = "completed"
    for _ in range(2):
        platform.asked.clear()
        assert "Completed" in browser.get("/orders").text
    assert [asked.rpartition("/")[2] for asked in platform.asked] == [going]
    platform.is_down = True
    listed = text_of(browser.get("/orders").text)
    assert "Completed" in listed
    assert "Not known right now" in listed


@pytest.mark.parametrize(("operation", "action"), [("update_order", "change"), ("cancel_order", "cancel")])
def test_shopper_was_quicker_then_the_order_stays(browser, platform, operation, action):
    path = order(browser)
    browser.get(path)
    platform.refusals[operation] = refusal(400, "too_late", key="order_id")
    browser.post(f"{path}/{action}", **{"count-milk": "1"})
    next(iter(platform.orders.values()))["status"] = "acknowledged"
    page = browser.get(path).text
    assert "it can no longer be changed here" in page
    assert "2 \N{MULTIPLICATION SIGN} Country loaf" in page
    assert "Change order" not in page


def test_order_completed_then_it_takes_another_tip(browser, platform):
    path = order(browser)
    next(iter(platform.orders.values()))["status"] = "completed"
    assert "Change tip" in browser.get(path).text
    assert browser.post(f"{path}/tip", tip_cents="1200").headers["location"] == path
    assert platform.bodies["update_tip"] == {"tip_amount_cents": 1200}
    assert "Tip $12.00" in text_of(browser.get(path).text)


def test_platform_down_then_the_order_page_says_so(browser, platform):
    path = order(browser)
    platform.is_down = True
    response = browser.get(path)
    assert response.status_code == 200
    assert "We cannot check the status of your order right now." in response.text
    assert "Change order" not in response.text


def test_order_of_somebody_else_then_not_found(browser, new_browser, platform):
    path = order(browser)
    stranger, other = new_browser(), new_browser()
    other.sign_in("two")
    for each in (stranger, other):
        for tail in ("", "/now", "/change", "/slots"):
            assert each.get(path + tail).status_code == 404, tail
    for action in ("change", "slots", "tip", "cancel"):
        other.get("/account")
        assert other.post(f"{path}/{action}", option="2", **{"count-milk": "1"}).status_code == 404
    assert next(iter(platform.orders.values()))["status"] == "brand_new"
    assert stranger.get("/orders").headers["location"] == "/sign-in?to=orders"
