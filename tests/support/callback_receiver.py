"""Webhooks for the receiver that `handcart.testing` brings."""

from typing import Any

from handcart.callbacks import ops
from handcart.callbacks.models import NewWebhook
from handcart.core.db import Tx
from handcart.core.outbound import client
from handcart.testing.receiver import CLIENT_ID, CLIENT_SECRET, Received, Receiver, receiver

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "LOOPBACK", "Received", "Receiver", "receiver", "subscribe"]

LOOPBACK = client.Rules(True, range(1, 65_536), ("127.0.0.0/8",))


async def subscribe(tx: Tx, retailer_id: int, to: Receiver, **fields: Any) -> NewWebhook:
    """Make a webhook for a receiver."""
    wanted = {
        "environment": ops.environment_of(is_production=False),
        "callback_url": to.callback_url,
        "auth_uri": to.auth_uri,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        **fields,
    }
    return await ops.create(tx, retailer_id, LOOPBACK, **wanted)
