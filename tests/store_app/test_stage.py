"""Stage orders with the store's app: the list, the form and what it refuses, labels, hand-over to shoppers."""

import re
from collections.abc import Iterator

import pytest

from handcart.core import clock
from handcart.core.web.pages import texts
from handcart.shoppers import positions
from handcart.shoppers.models import Position
from tests.store_app.checks import refused, seen_of
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_error, is_page
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.tablets import Counter, add_worker
from tests.support.working import Working

TEXTS = texts("en")
CARRIED = ("last_mile", "dispatch")


@pytest.fixture
def market(server: LiveServer) -> Iterator[Market]:
    with server.clients():
        yield Market(server)


@pytest.mark.parametrize("kind", CARRIED)
def test_order_is_staged_by_the_form_then_labels_and_its_event(market: Market, kind: str) -> None:
    counter, order_id = Counter(market), market.order(kind)["id"]
    page = is_page(counter.open("/store"))
    assert [f"/store/orders/{order_id}/stage" in page.text, "3 items" in page.text] == [True, True]
    page = is_page(counter.stage(order_id, frozen="1", weight_class="heavy", items="9"))
    assert page.url.path == f"/store/orders/{order_id}/labels"
    details = market.row(order_id)["details"]
    codes = details["bag_scan_codes"]
    assert len(codes) == 4
    assert codes == counter.labels(order_id)
    assert [bag.get("kind", "ambient") for bag in details["bags"]] == ["ambient", "ambient", "cold", "frozen"]
    assert {bag["place"] for bag in details["bags"]} == {"A3"}
    assert (details["items_count"], details["bags_count"], details["weight_class"]) == (9, 4, "heavy")
    assert codes[0].startswith(details["bag_label"])
    assert "staged" in Shopping(market).events(order_id)
    assert counter.audit(order_id) == [("stage_order", counter.person.name)]
    labels = counter.order(order_id, "labels").text
    assert "4 of 4" in labels
    assert labels.count("<svg") == labels.count("viewBox=") == 2 * len(codes)
    assert TEXTS["store_app.stage.none"] in counter.open("/store").text


def test_codes_are_scanned_then_they_are_the_codes_of_the_bags(market: Market) -> None:
    counter, order_id = Counter(market), market.order("dispatch")["id"]
    is_page(counter.stage(order_id, ambient="2", cold="0", codes="BAG-1\r\nBAG-2\r\nBAG-1\r\n"))
    assert market.row(order_id)["details"]["bag_scan_codes"] == ["BAG-1", "BAG-2"]
    assert counter.labels(order_id) == ["BAG-1", "BAG-2"]


def test_form_is_wrong_then_nothing_changes_and_what_was_typed_stays(market: Market) -> None:
    counter, order_id, other = Counter(market), market.order("dispatch")["id"], market.order("dispatch")["id"]
    counter.stage(other, ambient="1", cold="0", codes="OTHER-1")
    for reason, fields in {
        "place": {"place": " "},
        "bags": {"ambient": "0", "cold": "0"},
        "items": {"items": "many"},
        "weight_class": {"weight_class": "immense"},
        "codes_count": {"codes": "one"},
        "code": {"ambient": "1", "cold": "0", "codes": "é"},
        "bag_of_order": {"ambient": "1", "cold": "0", "codes": "OTHER-1"},
    }.items():
        with nothing_written(market.server):
            page = is_page(counter.stage(order_id, **{"place": "B7", **fields}), 400)
        assert refused(page.text) == reason
        assert 'value="B7"' in page.text or reason == "place"
    for many in ("-1", "61", "1.5", "1" * 300):
        assert refused(counter.stage(order_id, ambient=many).text) == "bags", many


def test_form_is_sent_twice_or_is_stale_then_the_second_is_told(market: Market) -> None:
    counter, order_id = Counter(market), market.order("dispatch")["id"]
    counter.order(order_id, "stage")
    form = counter.form(f"/store/orders/{order_id}/stage")
    typed = {**form, "ambient": "1", "place": "A1"}
    assert counter.http.post(form.action, data=typed).status_code == 303
    with nothing_written(market.server):
        second = is_page(counter.http.post(form.action, data={**typed, "place": "C9"}), 409)
    assert refused(second.text) == "changed"
    assert 'value="C9"' in second.text
    assert seen_of(second.text) != form["seen"]


def test_form_has_no_token_or_anothers_then_refused(market: Market) -> None:
    counter, order_id, other = Counter(market), market.order("dispatch")["id"], market.order("dispatch")["id"]
    counter.order(other, "stage")
    foreign = counter.form(f"/store/orders/{other}/stage")
    for token in ("", foreign["form_token"]):
        with nothing_written(market.server):
            path = f"/store/orders/{order_id}/stage"
            is_error(counter.http.post(path, data={**foreign, "form_token": token}), 403, "form_expired")


def test_order_is_of_another_store_or_retailer_then_not_found(market: Market) -> None:
    counter = Counter(market)
    elsewhere = market.order("dispatch", location_code="dry")["id"]
    foreign = Market(market.server).order("dispatch")["id"]
    own = market.order("dispatch")["id"]
    counter.order(own, "stage")
    form = counter.form(f"/store/orders/{own}/stage")
    for order_id in (elsewhere, foreign, "nothing"):
        for action in ("stage", "labels", "hand-over", "run", "return"):
            is_error(counter.order(order_id, action), 404, "store_order")
        with nothing_written(market.server):
            is_error(counter.http.post(f"/store/orders/{order_id}/stage", data=form), 403, "form_expired")
    page = counter.open("/store").text
    assert [one in page for one in (own, elsewhere, foreign)] == [True, False, False]


def test_shopper_comes_and_the_bags_are_scanned_then_handed_over(market: Market) -> None:
    counter, working = Counter(market), Working(market.server, "Sam Sample")
    order_id, other = market.order("dispatch")["id"], market.order("dispatch")["id"]
    working.batch(market, order_id, workflow_state="acknowledged")
    page = is_page(counter.open("/store/incoming")).text
    assert ["Sam Sample" in page, TEXTS["store_app.incoming.not_staged"] in page] == [True, True]
    counter.stage(order_id)
    counter.stage(other)
    here = market._stores["here"].point
    now = clock.of_process()
    args = [Position(now - 4 * clock.MINUTE, here.latitude + 0.05, here.longitude)]
    market.server.write(positions.report, working.id, args)
    page = counter.open("/store/incoming").text
    assert "Seen 4 min ago" in page
    assert "minutes away" in page
    codes, wrong = counter.labels(order_id), counter.labels(other)
    for given, reason in (
        (codes[:-1], "bag_missing"),
        ([*codes, "strange"], "bag_foreign"),
        ([*codes, wrong[0]], "bag_of_order"),
        ([], "bag_missing"),
    ):
        page = counter.do(order_id, "hand-over", codes="\n".join(given))
        assert (page.status_code, refused(page.text)) == (400, reason)
        assert market.row(order_id)["status"] == "acknowledged_for_delivery"
    assert wrong[0] in counter.do(order_id, "hand-over", codes=wrong[0]).text
    is_page(counter.do(order_id, "hand-over", codes="\n".join(codes)))
    assert market.row(order_id)["status"] == "bags_verified"
    assert Shopping(market).events(order_id)[-2:] == ["at_store", "bags_verified"]
    assert counter.audit(order_id)[-1] == ("hand_over", counter.person.name)
    is_page(counter.open("/store/inside"))
    assert "Sam Sample" in counter.page.text


def test_nobody_comes_then_nothing_can_be_handed_over(market: Market) -> None:
    counter, order_id = Counter(market), market.order("dispatch")["id"]
    counter.stage(order_id)
    assert TEXTS["store_app.incoming.none"] in counter.open("/store/incoming").text
    page = counter.order(order_id, "hand-over").text
    assert f'action="/store/orders/{order_id}/hand-over"' not in page


@on_sqlite
def test_list_then_words_and_colours_by_the_time_that_is_left(market: Market) -> None:
    counter = Counter(market)
    now = clock.of_process()
    for minutes, word in ((30, "late"), (50, "soon"), (300, "fine")):
        order_id = market.order("dispatch")["id"]
        market.server.sql(
            "UPDATE orders SET window_ends_at = $3 WHERE retailer_id = $1 AND order_id = $2 RETURNING 1",
            *(market.retailer.id, order_id, now + minutes * clock.MINUTE),
        )
        page = counter.open("/store").text
        assert re.search(rf'<li class="{word}"><a id="[^"]+" href="/store/orders/{order_id}/stage">', page), word
    assert page.index('class="late"') < page.index('class="soon"') < page.index('class="fine"')


@on_sqlite
def test_pages_are_in_three_languages_then_the_chosen_one_stays(market: Market) -> None:
    counter, order_id = Counter(market), market.order("dispatch")["id"]
    for locale, language in (("es-US", "es"), ("fr-CA", "fr"), ("en-US", "en")):
        counter.open("/store", locale=locale)
        assert texts(language)["store_app.places.stage"] in counter.page.text
        assert f'<html lang="{locale}">' in counter.order(order_id, "stage").text


def test_pickup_is_paid_and_its_shopper_is_gone_then_the_store_stages_it(market: Market) -> None:
    counter, shopping = Counter(market), Shopping(market)
    order_id = market.order("pickup")["id"]
    batch_id = shopping.batch(order_id)
    shopping.reach(batch_id, "receipt_sanity_check")
    assert order_id in counter.open("/store").text
    page = counter.order(order_id, "stage").text
    codes = re.findall(r"<li><code>([^<]+)</code>", page)
    is_page(counter.do(order_id, "stage", ambient="1", place="Cooler 2", codes="\n".join(codes)))
    row = market.row(order_id)
    assert row["status"] == "staged"
    assert {bag["place"] for bag in row["details"]["bags"]} == {"Cooler 2"}
    assert "staged" in shopping.events(order_id)


def test_manager_of_the_retailer_uses_the_tablet_then_it_works(market: Market) -> None:
    manager = add_worker(market.server, market.retailer.id, None, "Mo Sample", "retailer_manager")
    counter, order_id = Counter(market, person=manager), market.order("dispatch")["id"]
    is_page(counter.stage(order_id))
    assert counter.audit(order_id) == [("stage_order", "Mo Sample")]
