"""Webhooks in the console, with a receiver: make, test, deliveries and attempts, send again, pause, change."""

from typing import Any

import pytest

from handcart.callbacks import webhooks
from handcart.callbacks.models import DISABLED, ENABLED
from handcart.console import webhook_forms
from tests.callbacks.conftest import Post
from tests.support.callback_receiver import CLIENT_SECRET, policy
from tests.support.console import Person
from tests.support.contents import contents, nothing_written
from tests.support.pages import is_page
from tests.support.shop import PASSWORD

PATH = "/console/webhooks"


@pytest.fixture
def manager(post: Post) -> Person:
    return Person(post.server, "retailer_manager", post.market.retailer.id)


def opened(post: Post, person: Person, **fields: Any) -> str:
    """The address of the page of a new webhook, which the person has open."""
    made = post.subscribe(**fields)
    path = f"{PATH}/{post.market.slug}/{made.webhook.id}"
    is_page(person.open(path))
    return path


def stored(post: Post) -> Any:
    (found,) = post.server.read(webhooks.list_all, post.market.retailer.id)
    return found


def test_webhook_is_made_then_its_signing_secret_once(
    post: Post, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "read_policy", lambda settings: policy())
    is_page(manager.open(f"{PATH}/add"))
    fields = {"callback_url": post.shop.callback_url, "auth_uri": post.shop.auth_uri, "client_id": "id"}
    with nothing_written(post.server):
        refused = manager.submit(f"{PATH}/add", **{**fields, "auth_uri": "ftp://x"}, step_up_password=PASSWORD)
    assert "auth_uri" in is_page(refused, 400).text
    made = manager.submit(f"{PATH}/add", **fields, client_secret=CLIENT_SECRET, events="picking brand_new")
    assert "Signing secret" in is_page(made).text
    found = stored(post)
    assert (found.callback_url, found.events) == (post.shop.callback_url, ["picking", "brand_new"])
    page = is_page(manager.open(f"{PATH}/{post.market.slug}/{found.id}")).text
    assert CLIENT_SECRET not in page + str(contents(post.server, "audit_log"))


def test_event_was_delivered_then_request_and_answer_are_shown(post: Post, manager: Person) -> None:
    path = opened(post, manager)
    assert "There is no event to test with" in is_page(manager.submit(f"{path}/test")).text
    order_id = post.market.order()["id"]
    post.drain()
    page = is_page(manager.open(path)).text
    assert order_id in page
    assert "delivered" in page
    assert order_id not in is_page(manager.open(path, state="failed")).text
    manager.open(path)
    tested = is_page(manager.submit(f"{path}/test")).text
    assert "sent again as a test" in tested
    assert "content-length: 2" in tested
    assert "Bearer ***" in tested
    post.drain()
    assert len(post.causes()) == 2
    event = str(manager.page.url.path)
    is_page(manager.submit(f"{event}/replay", reason="lost"))
    post.drain()
    assert post.causes() == [None, None, None]
    hidden = Person(post.server, "support").open(event)
    assert order_id in is_page(hidden).text


def test_span_is_sent_again_then_counted_before_it_is_done(
    post: Post, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = opened(post, manager)
    post.market.order()
    post.market.order()
    post.drain()
    before = len(post.causes())
    for since, until in (("", ""), ("soon", ""), ("2020-01-01T00:00", "2019-01-01T00:00")):
        manager.open(path)
        with nothing_written(post.server):
            is_page(manager.submit(f"{path}/replay", since=since, until=until), 400)
    with nothing_written(post.server):
        manager.open(path)
        empty = manager.submit(f"{path}/replay", since="2020-01-01T00:00", until="2020-01-02T00:00")
        assert "no events" in is_page(empty, 400).text
        manager.open(path)
        counted = is_page(manager.submit(f"{path}/replay", since="2020-01-01T00:00"))
    assert "2 events are in this span" in counted.text
    assert "sent again" in is_page(manager.submit(f"{path}/replay")).text
    post.drain()
    assert len(post.causes()) == before + 2
    monkeypatch.setattr(webhook_forms, "MOST_IN_SPAN", 1)
    manager.open(path)
    with nothing_written(post.server):
        is_page(manager.submit(f"{path}/replay", since="2020-01-01T00:00", counted="2"), 400)


def test_webhook_is_paused_resumed_and_deleted_then_so_it_is(post: Post, manager: Person) -> None:
    path = opened(post, manager)
    is_page(manager.submit(f"{path}/pause", reason="the till is down"))
    assert (stored(post).status, stored(post).status_reason) == (DISABLED, "the till is down")
    assert "the till is down" in is_page(manager.open(PATH)).text
    manager.open(path)
    is_page(manager.submit(f"{path}/resume"))
    assert stored(post).status == ENABLED
    with nothing_written(post.server):
        is_page(manager.submit(f"{path}/delete"), 400)
    assert "is deleted" in is_page(manager.submit(f"{path}/delete", sure="yes")).text
    assert post.server.read(webhooks.list_all, post.market.retailer.id) == []


def test_two_people_change_a_webhook_then_the_second_sees_both(post: Post, manager: Person) -> None:
    second, path = Person(post.server), opened(post, manager)
    second.open(path)
    is_page(manager.submit(f"{path}/change", name="Tills", events="picking"))
    with nothing_written(post.server):
        page = is_page(second.submit(f"{path}/change", name="Others"), 409).text
    assert 'value="Others"' in page
    assert "Tills" in page
    assert (stored(post).name, stored(post).events) == ("Tills", ["picking"])


def test_secret_of_the_receiver_is_changed_then_the_password_is_asked(post: Post, manager: Person) -> None:
    path = opened(post, manager)
    with nothing_written(post.server):
        assert "Is it you?" in manager.submit(f"{path}/change", client_secret="new").text
        manager.open(path)
        assert "Is it you?" in manager.submit(f"{path}/rotate").text
    manager.open(path)
    assert "Signing secret" in is_page(manager.submit(f"{path}/rotate", step_up_password=PASSWORD)).text


def test_webhook_gets_another_address_then_the_password_is_asked(post: Post, manager: Person) -> None:
    path = opened(post, manager)
    elsewhere = {"callback_url": "http://127.0.0.1:1/events", "auth_uri": "http://127.0.0.1:1/token"}
    with nothing_written(post.server):
        for name, url in elsewhere.items():
            manager.open(path)
            assert "Is it you?" in manager.submit(f"{path}/change", **{name: url}).text, name
    manager.open(path)
    is_page(manager.submit(f"{path}/change", name="Tills"))
    assert stored(post).name == "Tills"


@pytest.mark.parametrize("field", ["callback_url", "auth_uri"])
def test_address_changes_without_the_secret_then_nothing_changes(
    post: Post, manager: Person, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """Otherwise a manager who cannot read the stored secret could have it sent to a server of their own."""
    monkeypatch.setattr(webhooks, "read_policy", lambda settings: policy())
    path = opened(post, manager)
    change = {field: "http://127.0.0.1:9/elsewhere"}
    refused = manager.submit(f"{path}/change", **change, step_up_password=PASSWORD)
    assert "client_secret: must be given again" in is_page(refused, 400).text
    assert getattr(stored(post), field) == getattr(post.shop, field)
    manager.open(path)
    is_page(manager.submit(f"{path}/change", **change, client_secret="new"))
    assert getattr(stored(post), field) == change[field]


def test_path_of_the_callbacks_changes_then_the_secret_stays(post: Post) -> None:
    made = post.subscribe().webhook
    change = {"callback_url": f"{post.shop.callback_url}/2"}
    changed = post.server.write(webhooks.update, made.retailer_id, made.id, change, policy())
    assert changed.callback_url == change["callback_url"]


def test_operator_disabled_a_webhook_then_its_retailer_cannot_enable_it(post: Post, manager: Person) -> None:
    """Neither in the console nor with a token, also not by disabling it once more."""
    path, market = opened(post, manager), post.market
    operator = Person(post.server)
    operator.open(path)
    is_page(operator.submit(f"{path}/pause", reason="too many events"))
    disabled = stored(post)
    over_api = f"/v2/handcart/callbacks/{disabled.id}"
    market.post(f"{over_api}/disable", {}).raise_for_status()
    manager.open(path)
    assert "ask the operator" in is_page(manager.submit(f"{path}/resume"), 400).text
    assert "ask the operator" in market.post(f"{over_api}/enable", {}).text
    assert stored(post) == disabled
    operator.open(path)
    is_page(operator.submit(f"{path}/resume"))
    assert (stored(post).status, stored(post).disabled_by_operator) == (ENABLED, False)
    market.post(f"{over_api}/disable", {}).raise_for_status()
    assert market.post(f"{over_api}/enable", {}).json()["status"] == ENABLED
