"""A market, its receiver, and a sender that the test starts itself."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from handcart.batches import queries as batches
from handcart.callbacks import webhooks
from handcart.callbacks.models import DEVELOPMENT, NewWebhook
from handcart.callbacks.sender import Sender
from handcart.core import clock
from handcart.core.db import Tx
from handcart.events import ops as events
from handcart.orders.jobs import Delayed
from handcart.sandbox import state
from tests.support import clocks
from tests.support.callback_receiver import LOOPBACK, Receiver, policy, receiver, subscribe
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer


async def development(tx: Tx, retailer_id: int) -> NewWebhook:
    """A webhook without a receiver."""
    url = "http://127.0.0.1:9/callbacks"
    wanted = webhooks.Configuration(callback_url=url, auth_uri=url, client_id="id", client_secret="secret")
    return await webhooks.create(tx, retailer_id, wanted, policy())


async def _emit(tx: Tx, retailer_id: int, name: str, order_id: str, metadata: dict[str, Any]) -> int:
    virtual = (await state.load(tx, retailer_id)).clock
    with clock.using(virtual or clock.VirtualClock()):
        return await events.emit(tx, retailer_id, name, order_id, metadata)


class Post:
    """A market whose callbacks go to a receiver, with a sender that runs on the server's event loop."""

    def __init__(self, market: Market, shop: Receiver) -> None:
        self.market = market
        self.server = market.server
        self.shop = shop
        self.shopping = Shopping(market)
        self._senders: list[Sender] = []

    def subscribe(self, to: Receiver | None = None, **fields: Any) -> NewWebhook:
        made: NewWebhook = self.server.write(subscribe, self.market.retailer.id, to or self.shop, **fields)
        return made

    def sender(self, **options: Any) -> Sender:
        return Sender(LOOPBACK, DEVELOPMENT, clocks=state.clocks, steps=[Delayed(batches.courier)], **options)

    def start(self, **options: Any) -> Sender:
        sender = self.sender(**options)
        self.server.wait_for(sender.open(self.server.app.database))
        self._senders.append(sender)
        return sender

    def stop(self) -> None:
        while self._senders:
            self.server.wait_for(self._senders.pop().close())

    def drain(self, **options: Any) -> None:
        """Send everything that is due now."""
        self.server.wait_for(asyncio.wait_for(self.sender(**options).drain(self.server.app.database), 120))

    def emit(self, order_id: str, name: str = "picking", **metadata: Any) -> int:
        """Emit an event about an order at the time of the market's clock; returns its id."""
        event_id: int = self.server.write(
            _emit, self.market.retailer.id, name, order_id, {"order_id": order_id, **metadata}
        )
        return event_id

    def advance(self, **forward: float) -> None:
        """Advance the market's clock, as in `advance(hours=2)`."""
        clocks.advance(self.market, **forward)

    def body(self, event_id: int) -> str:
        (row,) = self.server.sql("SELECT body FROM events WHERE event_id = $1", event_id)
        return str(row["body"])

    def deliveries(self) -> list[tuple[str, str, int]]:
        """Name, state and tries of each delivery, in the order of the events."""
        rows = self.server.sql(
            "SELECT e.name, d.state, d.tries FROM deliveries d JOIN events e ON e.retailer_id = d.retailer_id"
            " AND e.event_id = d.event_id WHERE d.retailer_id = $1 ORDER BY d.event_id, d.webhook_id",
            self.market.retailer.id,
        )
        return [(row["name"], row["state"], row["tries"]) for row in rows]

    def causes(self, order_id: str | None = None) -> list[str | None]:
        """The cause of each failed attempt, None for successful ones; with `order_id`, only for that order."""
        rows = self.server.sql(
            "SELECT a.cause, e.subject FROM attempts a JOIN events e ON e.retailer_id = a.retailer_id"
            " AND e.event_id = a.event_id WHERE a.retailer_id = $1 ORDER BY a.event_id, a.webhook_id, a.number",
            self.market.retailer.id,
        )
        return [row["cause"] for row in rows if order_id in (None, row["subject"])]


def forget_others(server: LiveServer) -> None:
    """Disable other tests' webhooks, since a sender sends for all retailers."""
    server.sql("UPDATE webhooks SET status = 'deleted' RETURNING id")
    server.sql("UPDATE events SET is_queued = $1 WHERE NOT is_queued RETURNING event_id", True)


@pytest.fixture
def shop() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


@pytest.fixture
def post(server: LiveServer, shop: Receiver) -> Iterator[Post]:
    forget_others(server)
    running = Post(Market(server, capacity=100), shop)
    yield running
    running.stop()
