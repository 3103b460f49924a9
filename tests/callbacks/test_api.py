"""`/v2/handcart/callbacks`: webhooks, the deliveries of events, sending again, and the retailer that owns them."""

import json
import re
import threading
from typing import Any

import httpx
import pytest

from handcart import app
from handcart.callbacks import replay, signing
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.settings import Settings
from handcart.core.web import wire
from handcart.events import ops as events
from handcart.events.kinds import KINDS
from tests.callbacks.conftest import Post
from tests.support.callback_receiver import LOOPBACK
from tests.support.contents import contents, nothing_written
from tests.support.orders import Market
from tests.support.server import LiveServer, live_server, on_sqlite
from tests.support.shop import Shop, error

CALLBACKS = "/v2/handcart/callbacks"
SECRET = "a-secret-that-is-found-nowhere"
WEBHOOK = {
    "callback_url": "https://shop.example/callbacks",
    "auth_uri": "https://login.shop.example/token",
    "client_id": "handcart",
    "client_secret": SECRET,
}
NOT_FOUND = (404, "Resource not found", 4000, None)


@pytest.fixture
def mine(server: LiveServer) -> Shop:
    """A retailer of this test's own (`shop` is its receiver)."""
    return Shop(server)


def create(shop: Shop, **fields: Any) -> dict[str, Any]:
    response = shop.post(CALLBACKS, {**WEBHOOK, **fields})
    assert response.status_code == 200, response.text
    made: dict[str, Any] = response.json()
    return made


def put(shop: Shop, webhook_id: int, **changes: Any) -> httpx.Response:
    return shop.http.put(f"{CALLBACKS}/{webhook_id}", json=changes, headers=shop.headers)


# Webhooks.


@on_sqlite
def test_webhook_created_then_it_is_stored_as_asked_for(mine: Shop) -> None:
    made = create(mine)
    assert made.pop("signing_secret").startswith("whsec_")
    shown = {name: value for name, value in WEBHOOK.items() if name != "client_secret"}
    assert made | shown == made
    assert (made["name"], made["events"], made["status"]) == ("shop.example", ["all"], "enabled")
    assert (made["environment"], made["scope"], made["resource"]) == ("development", None, None)
    asked = {
        "name": "Second",
        "scope": "events",
        "resource": "urn:mine",
        "events": ["fulfillment.picking", "delivered"],
    }
    second = create(mine, **asked)
    assert second | asked | {"events": ["picking", "delivered"]} == second
    second.pop("signing_secret")
    assert mine.get(CALLBACKS).json() == {"webhooks": [made, second]}
    assert mine.get(f"{CALLBACKS}/{second['id']}").json() == second


@on_sqlite
def test_fields_of_a_webhook_are_changed_then_the_others_stay(mine: Shop) -> None:
    made = create(mine, scope="events", resource="urn:mine", name="First")
    made.pop("signing_secret")
    changed = put(mine, made["id"], callback_url="https://shop.example/second", scope="").json()
    expected = {**made, "callback_url": "https://shop.example/second", "scope": None}
    assert {**changed, "updated_at": ...} == {**expected, "updated_at": ...}
    assert put(mine, made["id"], events=["all", "picking"], client_secret="another").json()["events"] == ["all"]
    assert put(mine, made["id"]).json()["name"] == "First"
    assert mine.delete(f"{CALLBACKS}/{made['id']}").json() == {"success": True}
    assert mine.get(CALLBACKS).json() == {"webhooks": []}
    assert error(put(mine, made["id"], name="x")) == NOT_FOUND


@on_sqlite
def test_secret_of_a_webhook_changed_then_another_keeps_its_own(mine: Shop) -> None:
    one, other = create(mine)["id"], create(mine, name="Other")["id"]

    def stored(webhook_id: int) -> bytes:
        (row,) = mine.server.sql("SELECT client_secret FROM webhooks WHERE id = $1", webhook_id)
        return bytes(row["client_secret"])

    before = stored(one), stored(other)
    put(mine, one, client_secret="another").raise_for_status()
    assert (stored(one) == before[0], stored(other) == before[1]) == (False, True)


# Beside the literal addresses, all of which tests/core/outbound/test_urls.py has.
BAD_URLS = {
    "plain http": "http://shop.example/callbacks",
    "file": "file:///etc/passwd",
    "gopher": "gopher://shop.example/",
    "javascript": "javascript:alert(1)",
    "no scheme": "shop.example/callbacks",
    "user info": "https://user:password@shop.example/",
    "ssh port": "https://shop.example:22/",
    "3 kB": "https://shop.example/" + "x" * 3000,
    "line end": "https://shop.example/\r\nHost: other",
    "space": "https://shop.example/a b",
    "backslash": "https://shop.example\\@evil.example/",
    "fragment": "https://shop.example/#x",
    "no host": "https:///callbacks",
    "loopback": "https://127.0.0.1/",
    "loopback, short": "https://127.1/",
    "loopback, a number": "https://2130706433/",
    "loopback, octal": "https://0177.0.0.1/",
    "metadata": "https://169.254.169.254/latest/meta-data",
    "private": "https://10.0.0.8/",
    "mapped": "https://[::ffff:127.0.0.1]/",
    "IPv6 loopback": "https://[::1]/",
    "NAT64": "https://[64:ff9b::7f00:1]/",
    "link-local with a zone": "https://[fe80::1%25eth0]/",
    "name not in ASCII": "https://ⓢhop.example/",
    "open bracket": "https://[",
    "bracket in the name": "https://a]b/",
    "bracket alone": "//[",
    "name that Unicode makes a path of": "https://exa℀mple.com/",
}


@on_sqlite
def test_url_not_allowed_then_refused_at_save_and_nothing_is_written(mine: Shop) -> None:
    made = create(mine)
    with nothing_written(mine.server):
        for name, url in BAD_URLS.items():
            for key in ("callback_url", "auth_uri"):
                for response in (mine.post(CALLBACKS, {**WEBHOOK, key: url}), put(mine, made["id"], **{key: url})):
                    status, message, code, refused_key = error(response)
                    assert (status, message[:9], code, refused_key) == (400, "blocked: ", 1001, key), name


@on_sqlite
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((field, value) for field in ("client_id", "client_secret", "name") for value in ("   ", "x" * 1001, "a\nb")),
        *((field, value) for field in ("scope", "resource") for value in ("  ", "x" * 1001, "a\rb", "\ud800")),
        *(
            ("events", value)
            for value in ([], ["shipped"], ["delivered", "<script>"], ["x" * 101], ["a\0"], "all", [1])
        ),
    ],
)
def test_field_of_a_webhook_invalid_then_it_is_named(mine: Shop, field: str, value: Any) -> None:
    content = json.dumps({**WEBHOOK, field: value})
    response = mine.http.post(CALLBACKS, content=content, headers={**mine.headers, "Content-Type": "application/json"})
    assert response.status_code == 400
    # A lone surrogate is no text at all.
    assert value == "\ud800" or str(response.json()["meta"]["key"]).startswith(field)
    assert mine.get(CALLBACKS).json() == {"webhooks": []}


# Secrets


def test_secrets_stored_then_each_is_shown_once_and_found_nowhere(
    server: LiveServer, mine: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    made = create(mine)
    first = made["signing_secret"]
    put(mine, made["id"], client_secret=f"{SECRET}-2").raise_for_status()
    second = mine.post(f"{CALLBACKS}/{made['id']}/rotate_secret").json()
    assert second["signing_secret"] != first
    assert second["old_signing_secret_until"] is not None
    mine.post(CALLBACKS, {**WEBHOOK, "events": ["shipped"]})  # refused, and in the log as such
    shown = [
        mine.get(CALLBACKS).text,
        mine.get(f"{CALLBACKS}/{made['id']}").text,
        mine.post(f"{CALLBACKS}/{made['id']}/disable").text,
        mine.post(f"{CALLBACKS}/{made['id']}/enable").text,
        put(mine, made["id"], name="x").text,
        json.dumps(mine.get("/v2/handcart_sandbox/requests").json()),
        "".join(row for rows in contents(server).values() for row in rows),
        "".join(capfd.readouterr()),
    ]
    assert "rotate_secret" in shown[-3]
    for secret in (SECRET, first, second["signing_secret"], first.removeprefix("whsec_")):
        assert not [text for text in shown if secret in text]


def test_operations_described_then_no_example_has_a_real_secret() -> None:
    described = wire.encode(app.description(Settings(environment="sandbox"))).decode()
    assert "whsec_..." in described
    assert not re.findall(r"whsec_[A-Za-z0-9+/=]+", described)


def test_signing_secret_rotated_then_a_callback_is_signed_with_each(post: Post) -> None:
    made = post.subscribe()
    rotated = post.market.post(f"{CALLBACKS}/{made.webhook.id}/rotate_secret").json()
    post.emit("order-1")
    post.drain()
    (came,) = post.shop.callbacks
    secrets = [rotated["signing_secret"], made.signing_secret]
    signed = signing.headers(
        secrets, int(came.headers["Webhook-Id"]), int(came.headers["Webhook-Timestamp"]), came.body
    )
    assert came.headers["Webhook-Signature"] == dict(signed)["webhook-signature"]
    assert len(came.headers["Webhook-Signature"].split(" ")) == 2


# Other retailers


def test_webhook_or_event_of_another_retailer_named_then_not_found(post: Post) -> None:
    webhook_id = post.subscribe().webhook.id
    event_id = post.emit("order-1")
    other = Shop(post.server)
    own = create(other)["id"]

    def ask(shop: Shop, webhook: int, event: int) -> list[httpx.Response]:
        return [
            shop.get(f"{CALLBACKS}/{webhook}"),
            put(shop, webhook, name="mine"),
            shop.get(f"{CALLBACKS}/{webhook}/deliveries"),
            shop.post(f"{CALLBACKS}/{webhook}/rotate_secret"),
            shop.post(f"{CALLBACKS}/{webhook}/disable"),
            shop.post(f"{CALLBACKS}/{webhook}/enable"),
            shop.get(f"{CALLBACKS}/events/{event}"),
            shop.post(f"{CALLBACKS}/replay", {"webhook_id": webhook, "after": 0}),
            shop.post(f"{CALLBACKS}/replay", {"event_id": event}),
            shop.delete(f"{CALLBACKS}/{webhook}"),
        ]

    with nothing_written(post.server):
        theirs, missing = ask(other, webhook_id, event_id), ask(other, webhook_id + 1, event_id + 1)
    assert [error(response) for response in theirs] == [NOT_FOUND] * len(theirs)
    assert [response.content for response in theirs] == [response.content for response in missing]
    assert {response.status_code for response in ask(post.market, webhook_id, event_id)} == {200}
    assert other.get(f"{CALLBACKS}/events").json() == {"events": [], "last": 0}
    assert other.get(f"{CALLBACKS}/events", params={"order_id": "order-1"}).json()["events"] == []
    assert other.post(f"{CALLBACKS}/replay", {"after": 0}).json() == {"replayed": 0, "next": None}
    assert other.post(f"{CALLBACKS}/replay", {"order_id": "order-1", "webhook_id": own}).json()["replayed"] == 0


@on_sqlite
@pytest.mark.parametrize("number", ["0", "7", "9" * 16, "9" * 17, "abc", "-1", "%D9%A1", "1.0", "0x1", "9" * 40])
def test_id_of_no_webhook_or_event_then_not_found(mine: Shop, number: str) -> None:
    assert error(mine.get(f"{CALLBACKS}/{number}")) == NOT_FOUND
    assert error(mine.get(f"{CALLBACKS}/events/{number}")) == NOT_FOUND


@on_sqlite
def test_token_for_the_sandbox_alone_then_callbacks_are_forbidden(server: LiveServer) -> None:
    shop = Shop(server, scopes=["connect:fulfillment"])
    refused = shop.get(CALLBACKS)
    assert refused.status_code == 403
    assert 'scope "handcart:callbacks"' in refused.json()["error"]["message"]
    with_it = Shop(server, scopes=["handcart:callbacks"])
    assert with_it.get(CALLBACKS).status_code == 200
    assert with_it.get("/v2/handcart_sandbox/clock").status_code == 403


# Events.


def test_bodies_large_then_a_list_ends_at_a_mebibyte_and_the_next_goes_on(mine: Shop) -> None:
    for number in range(1, 26):
        body = json.dumps({"note": "x" * ((300 << 10) if number > 20 else 10)})
        mine.server.sql(
            "INSERT INTO events (retailer_id, event_id, name, subject, body, created_at, is_queued)"
            " VALUES ($1, $2, 'picking', 'o', $3, 0, $4)",
            *(mine.retailer.id, number, body, True),
        )

    def listed(**query: Any) -> list[int]:
        answer = mine.get(f"{CALLBACKS}/events", params=query)
        assert len(answer.raise_for_status().content) < 1 << 20
        return [one["event_id"] for one in answer.json()["events"]]

    assert listed() == [23, 24, 25]
    assert listed(order_id="o", after=0) == [*range(1, 24)]
    assert listed(after=23) == [24, 25]
    assert listed(limit=2) == [24, 25]
    assert listed(after=0, limit=21) == [*range(1, 22)]


@on_sqlite
def test_event_was_tried_very_often_then_the_newest_attempts_are_shown(mine: Shop) -> None:
    webhook_id = create(mine)["id"]
    mine.server.sql(
        "INSERT INTO events (retailer_id, event_id, name, subject, body, created_at, is_queued)"
        " VALUES ($1, 1, 'picking', 'o', '{}', 0, $2)",
        *(mine.retailer.id, True),
    )
    for number in range(1, 131):
        mine.server.sql(
            "INSERT INTO attempts (retailer_id, event_id, webhook_id, number, at, milliseconds, is_replay, url,"
            " request_head) VALUES ($1, 1, $2, $3, $4, 0, $5, '', '')",
            *(mine.retailer.id, webhook_id, number, number * clock.SECOND, False),
        )
    shown = mine.get(f"{CALLBACKS}/events/1").json()["attempts"]
    assert [one["number"] for one in shown] == [*range(31, 131)]


def test_events_listed_then_the_newest_or_after_one_or_of_one_order(post: Post) -> None:
    ids = [post.emit(f"order-{number % 2}") for number in range(5)]

    def listed(**query: Any) -> list[int]:
        return [one["event_id"] for one in post.market.get(f"{CALLBACKS}/events", params=query).json()["events"]]

    assert listed() == ids
    assert listed(limit=2) == ids[3:]
    assert listed(after=0, limit=2) == ids[:2]
    assert listed(after=ids[1]) == ids[2:]
    assert listed(order_id="order-1", after=ids[1]) == [ids[3]]
    assert listed(order_id="order-2") == listed(after=ids[-1]) == []
    answer = post.market.get(f"{CALLBACKS}/events", params={"limit": 1}).json()
    assert answer["last"] == ids[-1]
    assert answer["events"][0]["body"] == post.body(ids[-1])
    for limit, status in {0: 400, 500: 200, 501: 400}.items():
        assert post.market.get(f"{CALLBACKS}/events", params={"limit": limit}).status_code == status, limit


@on_sqlite
def test_no_event_yet_then_the_call_waits_for_one(post: Post) -> None:
    last = post.emit("order-1")
    answers: list[Any] = []
    client, headers = post.server.http(), post.market.headers

    def wait() -> None:
        query = {"after": last, "wait": 25}
        answers.append(client.get(f"{CALLBACKS}/events", params=query, headers=headers).json())

    waiting = threading.Thread(target=wait)
    waiting.start()
    event_id = post.emit("order-2", "delivered")
    waiting.join(20)
    (answer,) = answers
    assert [one["event_id"] for one in answer["events"]] == [event_id]
    assert answer["events"][0]["event_name"] == "delivered"
    assert post.market.get(f"{CALLBACKS}/events", params={"after": event_id, "wait": 1}).json()["events"] == []


def test_event_read_then_each_attempt_shows_what_was_sent_and_answered(post: Post) -> None:
    webhook_id = post.subscribe().webhook.id
    event_id = post.emit("order-1")
    post.shop.answer = lambda received: (503, {"Retry-After": "60", "X-Shop": "busy"})
    post.drain()
    read = post.market.get(f"{CALLBACKS}/events/{event_id}").json()
    (delivery,), (attempt,) = read["deliveries"], read["attempts"]
    assert (delivery["state"], delivery["tries"], delivery["attempts"], delivery["webhook_id"]) == (
        *("pending", 1, 1),
        webhook_id,
    )
    assert delivery["next_at"] > delivery["attempted_at"]
    assert (attempt["number"], attempt["status"], attempt["cause"]) == (1, 503, "status 503")
    assert attempt["url"] == post.shop.callback_url
    assert f"webhook-id: {event_id}" in attempt["request_head"]
    assert "authorization: Bearer ***" in attempt["request_head"]
    assert "x-shop: busy" in attempt["response_head"]
    assert "token-0" not in json.dumps(read)
    listed = post.market.get(f"{CALLBACKS}/{webhook_id}/deliveries", params={"state": "pending"}).json()
    assert listed["deliveries"] == [delivery]
    for query in ({"state": "failed"}, {"after": event_id}):
        assert post.market.get(f"{CALLBACKS}/{webhook_id}/deliveries", params=query).json() == {"deliveries": []}
    post.market.post(f"{CALLBACKS}/{webhook_id}/disable").raise_for_status()
    (held,) = post.market.get(f"{CALLBACKS}/{webhook_id}/deliveries").json()["deliveries"]
    assert (held["state"], held["next_at"]) == ("pending", None)


def test_webhook_is_disabled_then_its_events_wait_until_it_is_enabled(post: Post) -> None:
    webhook_id = post.subscribe().webhook.id
    disabled = post.market.post(f"{CALLBACKS}/{webhook_id}/disable").json()
    assert (disabled["status"], disabled["status_reason"]) == ("disabled", "disabled over the API")
    names = ["brand_new", "acknowledged", "picking"]
    for name in names:
        post.emit("order-1", name)
    post.drain()
    assert post.shop.names() == []
    enabled = post.market.post(f"{CALLBACKS}/{webhook_id}/enable").json()
    assert (enabled["status"], enabled["status_reason"]) == ("enabled", None)
    post.drain()
    assert post.shop.names() == names


# Sending again.


def test_events_replayed_then_those_asked_for_are_sent_again_unchanged(post: Post) -> None:
    picky = post.subscribe(events=["delivered"]).webhook.id
    every = post.subscribe().webhook.id
    first, second = post.emit("order-1", "picking"), post.emit("order-1", "delivered")
    third = post.emit("order-2", "delivered")
    post.drain()
    sent = {(one.headers["Webhook-Id"], one.body) for one in post.shop.callbacks}
    assert len(post.shop.callbacks) == 5

    def replayed(**asked: Any) -> list[int]:
        """The ids that come again, in their order."""
        before = len(post.shop.callbacks)
        answer = post.market.post(f"{CALLBACKS}/replay", asked).json()
        post.drain()
        again = post.shop.callbacks[before:]
        assert answer == {"replayed": len(again), "next": None}
        assert {(one.headers["Webhook-Id"], one.body) for one in again} <= sent
        return sorted(int(one.headers["Webhook-Id"]) for one in again)

    assert replayed(event_id=second) == [second, second]
    assert replayed(event_id=str(second), webhook_id=str(every)) == [second]
    assert replayed(event_id=first, webhook_id=picky) == []
    assert replayed(order_id="order-1", webhook_id=every) == [first, second]
    assert replayed(after=first, webhook_id=every) == [second, third]
    assert replayed(after=0, until=second, webhook_id=every) == [first, second]
    assert replayed(after=str(2**63 - 1), webhook_id=every) == replayed(after=third) == []
    read = post.market.get(f"{CALLBACKS}/events/{second}").json()
    assert {(one["state"], one["is_replay"]) for one in read["deliveries"]} == {("delivered", True)}


def test_many_events_replayed_then_in_pieces_so_that_nobody_waits(post: Post) -> None:
    webhook_id = post.subscribe().webhook.id
    market, many = post.market, replay.MOST_REPLAYED * 2 + 1

    async def emit_many(tx: Tx) -> None:
        for number in range(many):
            await events.emit(tx, market.retailer.id, "picking", f"order-{number}", {})

    post.server.write(emit_many)
    counts, asked = [], {"after": 0, "webhook_id": webhook_id}
    while True:
        answer = market.post(f"{CALLBACKS}/replay", asked).json()
        counts.append(answer["replayed"])
        if answer["next"] is None:
            break
        asked["after"] = answer["next"]
    assert counts == [replay.MOST_REPLAYED, replay.MOST_REPLAYED, 1]
    (row,) = post.server.sql(
        "SELECT count(*) AS count FROM deliveries WHERE retailer_id = $1 AND is_replay", market.retailer.id
    )
    assert row["count"] == many
    # To several webhooks, the pieces are as large together.
    post.subscribe()
    assert market.post(f"{CALLBACKS}/replay", {"after": 0}).json()["replayed"] == replay.MOST_REPLAYED


# A sandbox's own: any event about an order.


@pytest.mark.parametrize("kind", ["delivery", "pickup", "last_mile", "dispatch"])
@on_sqlite
def test_events_triggered_then_those_that_the_kind_of_order_has_are_sent(post: Post, kind: str) -> None:
    market = post.market
    order_id = market.order(kind)["id"]
    post.subscribe()
    post.drain()
    path = f"/v2/handcart_sandbox/orders/{order_id}/events"
    wanted = [one for one in KINDS.values() if kind.replace("dispatch", "last_mile") in one.options]
    assert len(wanted) > 10
    with_history = market.history(order_id)
    for place, event in enumerate(KINDS.values()):
        response = market.post(path, {"event_name": event.wire_name if place % 2 else event.name})
        assert (response.status_code == 200) is (event in wanted), event.name
    post.drain()
    came = {one.event["event_name"]: one.event["event_metadata"] for one in post.shop.callbacks}
    # Without the events of Handcart's own, which a webhook must name.
    assert sorted(came) == sorted(event.wire_name for event in wanted if not event.is_own)
    assert came.pop("chat_message_created").keys() == {"topic_id"}
    assert {metadata["order_id"] for metadata in came.values()} == {order_id}
    assert market.history(order_id) == with_history


@on_sqlite
def test_sandbox_reset_then_its_webhooks_stay_and_the_events_are_gone(post: Post) -> None:
    webhook_id = post.subscribe().webhook.id
    post.emit("order-1")
    post.market.post("/v2/handcart_sandbox/reset").raise_for_status()
    assert [one["id"] for one in post.market.get(CALLBACKS).json()["webhooks"]] == [webhook_id]
    assert post.market.get(f"{CALLBACKS}/events").json()["events"] == []


def test_loopback_allowed_then_a_receiver_may_be_there_but_not_this_server(tmp_path: Any) -> None:
    options = {"callback_http": True, "callback_networks": "127.0.0.0/8", "callback_ports": "*"}
    assert LOOPBACK.allow_http
    with live_server(f"sqlite:///{tmp_path}/handcart.db", tmp_path, **options) as server:
        market = Market(server)
        create(market, callback_url="http://127.0.0.1:9/callbacks", auth_uri="http://127.0.0.1:9/token")
        own = {**WEBHOOK, "callback_url": f"{server.url}/callbacks"}
        assert error(market.post(CALLBACKS, own))[1:] == (
            *("is this server's own address: give the receiver's address", 1001),
            "callback_url",
        )
