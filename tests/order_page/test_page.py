"""The page of an order: who gets it, and what it says in each state."""

import pytest

from handcart.core.web import pages
from handcart.order_page import stages
from handcart.orders import states
from handcart.orders.models import Order, PastStep
from handcart.retailers import ops as retailers
from tests.order_page.customer import Customer, path_of, title
from tests.support.clocks import advance
from tests.support.orders import Market
from tests.support.pages import is_error
from tests.support.sandbox import Shopping

KINDS = ("delivery", "pickup", "last_mile", "dispatch")


@pytest.mark.parametrize("kind", KINDS)
def test_order_created_then_its_link_shows_it(customer: Customer, market: Market, kind: str) -> None:
    order = customer.order(kind)
    page = customer.open(order)
    assert title(page) == "We got your order"
    assert order["id"] in page.text
    assert "Sample Market" in page.text
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["cache-control"] == "no-store"


def test_answers_of_an_order_then_all_have_the_same_link(customer: Customer, market: Market) -> None:
    user_id = market.customer()
    order = market.order("delivery", user_id)
    assert order["order_url"].startswith(f"{market.server.url}/o/")
    assert market.read(user_id, order["id"]).json()["order_url"] == order["order_url"]
    listed = market.get(market.path(user_id, "").rstrip("/")).json()["orders"]
    assert [one["order_url"] for one in listed] == [order["order_url"]]


def test_retailer_has_no_pages_then_no_link_and_no_page(customer: Customer, market: Market) -> None:
    order = customer.order()
    market.server.write(retailers.change, market.slug, {"order_page": False})
    assert "order_url" not in customer.order()
    is_error(customer.http.get(path_of(order)), 404, "order_link")


@pytest.mark.parametrize("token", ["x", "A" * 32, "%00" * 8, "..", "A" * 5000])
def test_link_is_guessed_then_there_is_no_page(market: Market, token: str) -> None:
    answer = market.http.get(f"/o/{token}")
    assert answer.status_code in (301, 303, 404)


def test_link_of_another_order_is_changed_then_there_is_no_page(customer: Customer, market: Market) -> None:
    one, other = path_of(customer.order()), path_of(customer.order())
    mixed = f"/o/{one[3:14]}{other[14:]}"
    is_error(customer.http.get(mixed), 404, "order_link")


def test_order_ended_thirty_days_ago_then_its_link_has_ended(
    customer: Customer, market: Market, shopping: Shopping
) -> None:
    order = customer.order()
    shopping.complete(order["id"], "delivery")
    assert title(customer.open(order)) == "Delivered"
    advance(market, days=29, hours=23)
    assert title(customer.open(order)) == "Delivered"
    advance(market, hours=2)
    is_error(customer.http.get(path_of(order)), 404, "order_link")


def test_each_stage_then_it_has_texts_in_all_languages() -> None:
    names = {stages.stage_of(kind, status) for kind in KINDS for status in states.WORKFLOWS[kind].states}
    for language in ("en", "fr", "es"):
        texts = pages.texts(language)
        assert all(f"order_page.title.{name}" in texts for name in names | {stages.IN_STORE})


@pytest.mark.parametrize(
    ("events", "stage"), [((), stages.READY), (("staged",), stages.READY), (("runner_not_found",), stages.IN_STORE)]
)
def test_nobody_could_bring_an_order_out_then_the_customer_comes_in(events: tuple[str, ...], stage: str) -> None:
    order = Order(
        order_id="1",
        number=1,
        isolation_id=1,
        user_id=None,
        kind="pickup",
        status="staged",
        created_at=0,
        store_number=1,
        window_starts_at=0,
        window_ends_at=0,
        window_type="scheduled",
        place=None,
    )
    assert stages.stage(order, [PastStep(1, 0, "staged", "staged", events)]) == stage
