"""What operators see of events, deliveries and attempts; the commands and the API show it."""

import secrets

import pytest

from handcart.callbacks import queries
from handcart.callbacks.errors import UnknownWebhook
from handcart.callbacks.models import EventStory, WebhookState
from handcart.events.errors import UnknownEvent
from tests.callbacks.conftest import Post


def test_event_is_attempted_then_each_query_shows_it(post: Post) -> None:
    owner, order_id = post.market.retailer.id, f"order-{secrets.token_hex(4)}"
    webhook_id = post.subscribe().webhook.id
    first = post.server.read(queries.new_attempts, owner)
    post.emit(order_id, "picking")
    post.drain()
    second = post.server.read(queries.new_attempts, owner, first)
    third = post.server.read(queries.new_attempts, owner, second)
    assert [len(one.attempts) for one in (first, second, third)] == [0, 1, 0]
    (listed,) = post.server.read(queries.events, owner, subject=order_id)
    assert [one.webhook_id for one in listed.deliveries] == [webhook_id]
    story = post.server.read(queries.webhook_or_event, owner, listed.event.event_id)
    assert isinstance(story, EventStory)
    assert [one["number"] for one in story.attempts] == [1]
    state = post.server.read(queries.webhook_or_event, owner, webhook_id)
    assert isinstance(state, WebhookState)
    assert (state.webhook.id, state.waiting, state.failed) == (webhook_id, 0, 0)


def test_id_of_nothing_then_refused(post: Post) -> None:
    with pytest.raises(UnknownEvent):
        post.server.read(queries.webhook_or_event, post.market.retailer.id, 5)
    with pytest.raises(UnknownWebhook):
        post.server.read(queries.deliveries_to, post.market.retailer.id, 5)
