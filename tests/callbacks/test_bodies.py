"""The switch `retailer_id_in_callbacks`: every callback names the retailer, wherever its body is sent or shown."""

import json
from typing import Any

import msgspec
import pytest

from handcart import app
from handcart.callbacks import bodies, queries, replay
from handcart.events.kinds import KINDS
from handcart.retailers import ops as retailers
from tests.callbacks.conftest import Post
from tests.callbacks.test_signing import is_taken, lower

OWN = "/v2/handcart/callbacks"
# Those that receivers of all events get.
SENT = [name for name, kind in KINDS.items() if kind.prefix != "handcart."]


def switch(post: Post, is_on: bool) -> None:
    post.server.write(retailers.change, post.market.slug, {"retailer_id_in_callbacks": is_on})


def named(body: Any) -> Any:
    """What a body has as the retailer's id."""
    return json.loads(body)["event_metadata"].get("retailer_id", "nobody")


def test_switch_is_on_then_every_callback_names_the_retailer(post: Post) -> None:
    made = post.subscribe()
    before = post.emit("ORD-1", "picking")  # written before the switch, sent after it
    switch(post, is_on=True)
    ids = [before, *(post.emit("ORD-1", name) for name in SENT)]
    post.drain()
    slug, sent = post.market.slug, post.shop.callbacks
    assert [one.event["event_id"] for one in sent] == ids
    assert {named(one.body) for one in sent} == {slug}
    assert all(is_taken(made.signing_secret, lower(one.headers), one.body) for one in sent)
    assert [json.loads(one.body) for one in sent] == [
        {**whole, "event_metadata": {**whole["event_metadata"], "retailer_id": slug}}
        for whole in (json.loads(post.body(event_id)) for event_id in ids)
    ]
    switch(post, is_on=False)
    post.drain()
    assert post.server.write(replay.send_again, post.market.retailer.id, made.webhook.id, event_id=before)[0] == 1
    post.drain()
    assert named(post.shop.callbacks[-1].body) == "nobody"
    assert post.shop.callbacks[-1].body == post.body(before).encode()


def test_switch_is_on_then_lists_and_replays_name_the_retailer(post: Post) -> None:
    made, retailer_id, slug = post.subscribe(), post.market.retailer.id, post.market.slug
    event_id = post.emit("ORD-1", "picking")
    post.drain()

    def shown() -> set[str]:
        (listed,) = post.market.get(f"{OWN}/events?order_id=ORD-1").json()["events"]
        one = post.market.get(f"{OWN}/events/{event_id}").json()["event"]
        (with_deliveries,) = post.server.read(queries.events, retailer_id, subject="ORD-1")
        return {named(listed["body"]), named(one["body"]), named(with_deliveries.event.body)}

    assert shown() == {"nobody"}
    switch(post, is_on=True)
    assert shown() == {slug}
    post.market.post(f"{OWN}/replay", {"event_id": event_id}).raise_for_status()
    post.drain()
    first, again = post.shop.callbacks
    assert (named(first.body), named(again.body)) == ("nobody", slug)
    assert is_taken(made.signing_secret, lower(again.headers), again.body)


def test_operations_list_events_then_the_test_above_asks_each() -> None:
    found = {route.path for route in app.api_routes() if route.method == "GET" and "/events" in route.path}
    assert found == {f"{OWN}/events", f"{OWN}/events/{{event_id}}"}


@pytest.mark.parametrize("event_id", [2**53 + 1, 2**63 - 1])
def test_slug_is_added_then_numbers_and_texts_stay(event_id: int) -> None:
    whole = {"event_id": event_id, "event_metadata": {"order_id": "\U0001f955\u2028<", "qty": 1, "weight": 1.5}}
    made = bodies.with_retailer(msgspec.json.encode(whole).decode(), "slug")
    assert msgspec.json.decode(made) == {
        "event_id": event_id,
        "event_metadata": {**whole["event_metadata"], "retailer_id": "slug"},  # type: ignore[dict-item]
    }
    assert bodies.with_retailer("unread", None) == "unread"
