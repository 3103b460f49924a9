"""Webhooks for the receiver that `handcart.testing` brings."""

from typing import Any

from handcart.callbacks import webhooks
from handcart.callbacks.models import DEVELOPMENT, NewWebhook
from handcart.core.db import Tx
from handcart.core.outbound import client
from handcart.testing.receiver import CLIENT_ID, CLIENT_SECRET, Received, Receiver, receiver

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "LOOPBACK", "Received", "Receiver", "policy", "receiver", "subscribe"]

LOOPBACK = client.UrlRules(True, range(1, 65_536), ("127.0.0.0/8",))


def policy(**fields: Any) -> webhooks.Policy:
    """The policy of a development server whose receivers are on this machine."""
    return webhooks.Policy(**{"rules": LOOPBACK, "environment": DEVELOPMENT, **fields})


DEVELOPMENT_POLICY = policy()


async def subscribe(
    tx: Tx, retailer_id: int, to: Receiver, policy: webhooks.Policy = DEVELOPMENT_POLICY, **fields: Any
) -> NewWebhook:
    """Make a webhook for a receiver."""
    wanted = {
        "callback_url": to.callback_url,
        "auth_uri": to.auth_uri,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        **fields,
    }
    return await webhooks.create(tx, retailer_id, webhooks.Configuration(**wanted), policy)
