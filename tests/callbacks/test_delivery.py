"""From a change of an order to the retailer's endpoint, on both databases."""

from handcart.callbacks import queue
from handcart.callbacks.models import DEVELOPMENT
from tests.callbacks.conftest import Post
from tests.support.callback_receiver import CLIENT_ID, CLIENT_SECRET


def test_order_served_then_each_event_arrives_once_and_in_order(post: Post) -> None:
    post.subscribe()
    order_id = post.market.order("delivery")["id"]
    post.shopping.reach(post.shopping.batch(order_id), "completed")
    post.start()
    came = post.shop.wait(7)
    assert [one.name for one in came] == post.shopping.events(order_id)
    assert post.shop.token_requests == [
        {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "grant_type": "client_credentials"}
    ]
    assert {one.headers["Authorization"] for one in came} == {"Bearer token-0"}
    post.stop()
    assert {(state, tries) for _, state, tries in post.deliveries()} == {("delivered", 1)}


def test_receiver_fails_then_later_events_wait_for_the_retry(post: Post) -> None:
    post.subscribe()
    order_id = post.market.order("delivery")["id"]
    post.shop.answer = lambda received: 500
    post.drain()
    assert post.deliveries() == [("brand_new", "pending", 1)]
    post.shopping.batch(order_id, workflow_state="picking")
    post.drain()
    assert post.shop.names() == ["brand_new"]
    assert post.deliveries() == [("brand_new", "pending", 1), ("acknowledged", "pending", 0), ("picking", "pending", 0)]
    post.shop.answer = lambda received: 200
    assert post.market.post("/v2/handcart_sandbox/clock/next", {"what": ["callback_retry"]}).json()["due"]
    post.drain()
    assert post.shop.names() == ["brand_new", "brand_new", "acknowledged", "picking"]
    first, again = post.shop.callbacks[:2]
    assert (first.body, first.headers["Webhook-Id"]) == (again.body, again.headers["Webhook-Id"])
    assert post.causes() == ["status 500", None, None, None]


def test_payload_gone_or_secret_unreadable_then_no_other_event_waits(post: Post) -> None:
    post.subscribe()
    broken = post.subscribe().webhook
    post.server.sql("UPDATE webhooks SET client_secret = $2 WHERE id = $1 RETURNING id", broken.id, b"no secret")
    gone = post.market.order("delivery")["id"]
    post.server.write(queue.fan_out, DEVELOPMENT)
    post.server.sql("DELETE FROM events WHERE subject = $1 RETURNING event_id", gone)
    there = post.market.order("delivery")["id"]
    post.drain()
    assert [one.order_id for one in post.shop.callbacks] == [there]
    states = post.server.sql("SELECT webhook_id, state FROM deliveries WHERE subject = $1", gone)
    assert {row["state"] for row in states if row["webhook_id"] != broken.id} == {"failed"}
