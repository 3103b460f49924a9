"""The chat of an order, as its customer and its shopper write it by the operations."""

from collections.abc import Sequence
from typing import Any

from handcart.chat import ops, queries
from handcart.chat.models import CUSTOMER, SHOPPER, Message, Said, Sender
from handcart.core.db import Tx
from handcart.orders import ops as orders
from tests.support.orders import Market


class Chatting:
    """The chat of one order of a market."""

    def __init__(self, market: Market, order_id: str, person_id: int | None = None) -> None:
        self.market, self.order_id = market, order_id
        self.customer, self.shopper = Sender(CUSTOMER), Sender(SHOPPER, person_id)

    def says(self, sender: Sender, body: str | None = None, **said: Any) -> Message:
        """Write a message; raises what the operation raises."""
        found: Message = self._do(ops.say, sender, Said(body, **said))
        return found

    def reads(self, reader: str, until: int | None = None) -> int:
        """Mark the other side's messages as read; returns their number."""
        number: int = self._do(ops.mark_read, reader, until)
        return number

    def messages(self) -> Sequence[Message]:
        """The messages as both sides can read them."""
        found: Sequence[Message] = self._do(queries.messages)
        return found

    def _do(self, operation: Any, *arguments: Any) -> Any:
        async def do(tx: Tx) -> Any:
            order = await orders.lock(tx, self.market.retailer.id, self.order_id)
            return await operation(tx, self.market.retailer.id, order, *arguments)

        return self.market.server.write(do)
