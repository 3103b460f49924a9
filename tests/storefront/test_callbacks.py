"""The order page updates by callbacks, and calls the platform at most once per event."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from storefront.app import create_app
from storefront.news import News
from storefront.sessions import Sessions
from tests.client.callbacks import FORM, signature
from tests.storefront.conftest import listener, serving
from tests.storefront.platform import refusal
from tests.storefront.test_checkout import text_of
from tests.storefront.test_orders import order

SIGNING_SECRET = "whsec_" + base64.b64encode(b"signing-secret-value-24-bytes").decode()
WEBHOOK = {"client_id": "platform", "client_secret": "callback-secret-value"}
AT = "2026-03-04T17:20:03Z"
WINDOW = {"starts_at": "2026-03-04T18:20:00Z", "ends_at": "2026-03-04T19:00:00Z"}
ITEM = {"line_num": "bread", "qty": 0, "qty_unit": "each", "replaced": False, "refunded": True}


@pytest.fixture(scope="module")
def running(running_shop, running_clock):
    """A shop that takes callbacks, its sessions and its news."""
    sessions, news = Sessions(now=lambda: running_clock[0]), News()
    with listener() as (listening, url):
        settings = replace(
            running_shop,
            public_url=url,
            callback_client_id=WEBHOOK["client_id"],
            callback_client_secret=WEBHOOK["client_secret"],
            callback_signing_secret=SIGNING_SECRET,
        )
        with serving(create_app(settings, sessions, news), listening):
            yield settings, sessions, news
            news.end()
    sessions.close()


@pytest.fixture
def settings(running, platform, clock):
    return running[0]


class Sender:
    """The platform, telling the shop."""

    def __init__(self, shop_url: str) -> None:
        self.http = httpx.Client(base_url=shop_url, timeout=30)
        granted = self.http.post("/callbacks/token", data={**WEBHOOK, "grant_type": "client_credentials"})
        self.token = granted.json()["access_token"]

    def tell(
        self, event_id: int, name: str, order_id: str, at: str = "2026-03-04T17:20:03Z", **metadata: object
    ) -> int:
        event = {"event_id": event_id, "event_name": f"fulfillment.{name}", "event_timestamp": at}
        body = json.dumps({**event, "event_metadata": {"order_id": order_id, **metadata}}).encode()
        now = int(time.time())
        headers = {
            "Authorization": f"Bearer {self.token}",
            "webhook-id": str(event_id),
            "webhook-timestamp": str(now),
            "webhook-signature": signature(body, str(event_id), now, SIGNING_SECRET),
        }
        return self.http.post("/callbacks", content=body, headers=headers).status_code


@pytest.fixture
def sender(settings) -> Iterator[Sender]:
    sender = Sender(settings.public_url)
    yield sender
    sender.http.close()


@pytest.fixture
def ids() -> Iterator[int]:
    """Event ids that no test had before."""
    return iter(range(time.time_ns(), 1 << 63))


def readings(platform) -> int:
    return sum(asked.startswith("GET /v2/fulfillment/") and "/orders/" in asked for asked in platform.asked)


def story(page: str) -> list[str]:
    return [text_of(line) for line in page.partition('<ol class="story"')[2].partition("</ol>")[0].split("<li>")[1:]]


def test_page_shown_often_then_one_question_to_the_platform_for_each_event(browser, platform, sender, ids):
    path = order(browser)
    order_id = path.rpartition("/")[2]
    for _ in range(3):
        assert "Waiting for a shopper" in browser.get(path).text
        browser.get(f"{path}/now")
    assert readings(platform) == 1

    platform.orders[order_id]["status"] = "picking"
    assert "Waiting for a shopper" in browser.get(path).text
    assert sender.tell(next(ids), "picking", order_id) == 200
    with ThreadPoolExecutor(6) as viewers:
        pages = viewers.map(lambda _: browser.http.get(path).text, range(12))
        assert all("Being shopped" in page for page in pages)
    assert readings(platform) == 2
    assert story(browser.get(f"{path}/now").text) == ["Mar 4, 11:20 am Shopping started"]


def test_events_out_of_order_and_repeated_then_each_is_told_once_in_order(browser, platform, sender, ids):
    order_id = order(browser).rpartition("/")[2]
    first, second, third, fourth = (next(ids) for _ in range(4))
    told = [
        (third, "order_item_refund", "2026-03-04T17:30:00Z", {"order_items": [ITEM, {"line_num": "7"}]}),
        (first, "acknowledged", "2026-03-04T17:10:00Z", {}),
        (fourth, "delivering", "2026-03-04T17:30:00Z", {"delivery_window": WINDOW}),
        (third, "order_item_refund", "2026-03-04T17:30:00Z", {"order_items": [ITEM, {"line_num": "7"}]}),
        (second, "picking", "2026-03-04T17:20:00Z", {}),
        (first, "acknowledged", "2026-03-04T17:10:00Z", {}),
    ]
    for event_id, name, at, metadata in told:
        assert sender.tell(event_id, name, order_id, at, **metadata) == 200
    assert story(browser.get(f"/orders/{order_id}").text) == [
        "Mar 4, 11:10 am A shopper took your order",
        "Mar 4, 11:20 am Shopping started",
        "Mar 4, 11:30 am Not in stock today: Country loaf",
        "Mar 4, 11:30 am On its way to you: Mar 4, 12:20 pm \N{EN DASH} 1 pm",
    ]
    assert readings(platform) == 1


def test_event_early_and_again_after_a_restart_then_told_once(browser, running, sender, ids):
    event_id = next(ids)
    assert sender.tell(event_id, "brand_new", "SM-EARLY") == 200
    settings, sessions, _ = running
    with listener() as (listening, url), serving(create_app(replace(settings, public_url=url), sessions), listening):
        again = Sender(url)
        assert again.tell(event_id, "brand_new", "SM-EARLY") == 200
        again.http.close()
    assert [event.event_id for event in sessions.events("SM-EARLY")] == [event_id]
    assert sessions.order_version("SM-EARLY") == 1


def test_customer_changes_the_order_then_the_platform_is_asked_anew(browser, platform):
    path = order(browser)
    browser.get(path)
    before = readings(platform)
    browser.post(f"{path}/cancel")
    assert "Canceled" in browser.get(path).text
    assert readings(platform) == before + 1
    platform.refusals["cancel_order"] = refusal(400, "too_late", key="order_id")
    platform.orders[path.rpartition("/")[2]]["status"] = "delivering"
    browser.post(f"{path}/cancel")
    assert "On its way to you" in browser.get(path).text


def test_event_comes_while_the_platform_is_asked_then_it_is_asked_again(browser, running, platform):
    path = order(browser)
    order_id, sessions = path.rpartition("/")[2], running[1]
    read = platform.get_order

    def and_meanwhile(request, body):
        found = dict(read(request, body))
        platform.get_order = read
        platform.orders[order_id]["status"] = "picking"
        sessions.outdate_order(order_id)
        return found

    platform.get_order = and_meanwhile
    assert "Waiting for a shopper" in browser.get(path).text
    assert "Being shopped" in browser.get(path).text
    assert readings(platform) == 2


def test_no_event_for_long_then_the_platform_is_asked_again(browser, platform, clock):
    path = order(browser)
    for seconds, asked in ((0, 1), (599, 1), (1, 2), (1, 2)):
        clock[0] += seconds
        browser.get(path)
        assert readings(platform) == asked


def test_platform_down_then_the_page_shows_what_it_was_told(browser, platform, sender, ids):
    path = order(browser)
    browser.get(path)
    platform.is_down = True
    assert "Waiting for a shopper" in browser.get(path).text
    sender.tell(next(ids), "late_delivery", path.rpartition("/")[2])
    page = browser.get(path).text
    assert "We cannot check the status of your order right now." in page
    assert story(page) == ["Mar 4, 11:20 am It will be later than planned"]
    platform.is_down = False
    assert "Waiting for a shopper" in browser.get(path).text


def test_page_listens_then_it_hears_each_new_version(browser, new_browser, sender, ids, running):
    path = order(browser)
    order_id = path.rpartition("/")[2]
    page = browser.get(path).text
    assert f'data-news="{path}/news"' in page
    assert 'data-version="0"' in page
    heard, lock = [], threading.Semaphore(0)

    def listen():
        with browser.http.stream("GET", f"{path}/news") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["cache-control"] == "no-store"
            for line in stream.iter_lines():
                if line:
                    heard.append(line)
                    lock.release()
                if len(heard) == 2:
                    return

    with ThreadPoolExecutor(1) as listening:
        done = listening.submit(listen)
        assert lock.acquire(timeout=30)
        sender.tell(next(ids), "picking", "SM-OTHER")
        sender.tell(next(ids), "picking", order_id)
        done.result(timeout=30)
    assert heard == ["data: 0", "data: 1"]
    assert 'data-version="1"' in browser.get(f"{path}/now").text
    other = new_browser()
    other.sign_in("two")
    assert other.get(f"{path}/news").status_code == new_browser().get(f"{path}/news").status_code == 404


def test_event_of_no_order_then_taken_and_forged_ones_are_refused(sender, ids, running):
    body = {"event_id": next(ids), "event_name": "chat_message_created", "event_timestamp": "2026-03-04T17:29:00Z"}
    body = json.dumps({**body, "event_metadata": {"topic_id": "2093"}}).encode()
    now = int(time.time())
    signed = {"webhook-id": "1", "webhook-timestamp": str(now)}
    signed["webhook-signature"] = signature(body, "1", now, SIGNING_SECRET)
    headers = {"Authorization": f"Bearer {sender.token}"}
    assert sender.http.post("/callbacks", content=body, headers=headers | signed).status_code == 200
    assert sender.http.post("/callbacks", content=body, headers=headers).status_code == 403
    assert sender.http.post("/callbacks", content=body, headers=signed).status_code == 401
    assert sender.http.get("/callbacks").status_code == 405
    wrong = {**WEBHOOK, "client_secret": "else", "grant_type": "client_credentials"}
    answer = sender.http.post("/callbacks/token", data=wrong)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["cache-control"] == "no-store"


def test_shop_without_a_webhook_then_no_such_endpoints(running_shop):
    for path in ("/callbacks", "/callbacks/token"):
        answer = httpx.post(running_shop.public_url + path, headers={"content-type": FORM})
        assert answer.status_code == 404


def test_platform_asks_whether_it_may_send_events_then_the_shop_agrees(running):
    """CloudEvents, HTTP 1.1 Web Hooks for Event Delivery 1.0, section 4."""
    question = {"WebHook-Request-Origin": "connect.example.org"}
    answer = httpx.options(f"{running[0].public_url}/callbacks", headers=question, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["WebHook-Allowed-Origin"] == "connect.example.org"
