"""Messages of a chat are deleted long after they were written."""

from typing import Any

import pytest

from handcart.chat import queries
from handcart.chat.jobs import purges
from handcart.core import ids
from tests.support.chatting import Chatting
from tests.support.orders import Market
from tests.support.working import Working


def test_messages_are_old_then_they_are_deleted(
    market: Market, working: Working, later: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ids, "_last", 0)  # another test may have made ids in the future
    order_id = market.order()["id"]
    working.batch(market, order_id, workflow_state="picking")
    chatting = Chatting(market, order_id, working.id)
    (purge,) = purges(days=30)

    def left_after(days: int) -> int:
        with later(days=days):
            market.server.write(purge, 1000)
        return len(market.server.read(queries.all_messages, market.retailer.id, order_id))

    for _ in range(3):
        chatting.says(chatting.customer, "Hello")
    assert (left_after(29), left_after(31)) == (3, 0)
