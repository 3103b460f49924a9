"""A production network for tests: a server with production settings over https, a market, a receiver of callbacks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handcart.callbacks.models import PRODUCTION
from tests.support.callback_receiver import Receiver, policy, receiver, subscribe
from tests.support.certificates import Authority
from tests.support.orders import Market
from tests.support.server import LiveServer, live_server


class Network:
    """A market on a production server, and the receiver that its callbacks go to."""

    def __init__(self, server: LiveServer, receiver: Receiver) -> None:
        self.server = server
        self.receiver = receiver
        self.market = Market(server)
        server.write(subscribe, self.market.retailer.id, receiver, policy(environment=PRODUCTION))


@contextmanager
def network(database_url: str, data: Path) -> Iterator[Network]:
    """Serve a network until the block ends."""
    certificate = Authority(data).server(data / "server.pem", "127.0.0.1")
    options: dict[str, Any] = {
        "environment": "production",
        "deliver_callbacks": True,
        "callback_http": True,
        "callback_ports": "*",
        "callback_networks": "127.0.0.0/8",
        "verify_receivers": "never",
        "rate_limit_per_second": 500,
    }
    with receiver() as told, live_server(database_url, data, certificate, **options) as server:
        yield Network(server, told)
