"""Receivers are asked in the background; the sender learns of each answer at once."""

import asyncio

from handcart.callbacks import webhooks
from handcart.callbacks.asker import Asker
from handcart.callbacks.models import DEVELOPMENT
from handcart.core import clock
from handcart.core.outbound import client
from tests.callbacks.conftest import Post
from tests.support.callback_receiver import LOOPBACK, policy
from tests.support.server import on_sqlite


@on_sqlite
def test_receiver_has_answered_then_wake_is_called(post: Post) -> None:
    post.subscribe(policy=policy(verify=webhooks.ALWAYS))
    answers: list[str] = []

    async def ask() -> None:
        http = client.Client(LOOPBACK)
        asker = Asker(http, "connect.example.org", lambda retailer_id: clock.now(), lambda: answers.append("one"))
        assert await asker.ask_waiting(post.server.app.database, DEVELOPMENT)
        await asyncio.wait(asker.running)
        await http.close()

    post.server.wait_for(ask())
    assert answers == ["one"]
