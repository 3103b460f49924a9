"""Letters for tests, and reading the messages that were written."""

import itertools
from typing import Any

from handcart.messages import ops, queries
from handcart.messages.models import MAIL, PUSH, SMS, Letter, Message
from tests.support.server import LiveServer

_numbers = itertools.count(1)
_ADDRESSES = {MAIL: "ana{}@example.com", SMS: "+1 312 555 {:04}", PUSH: "{}"}


def letter(channel: str = MAIL, **fields: Any) -> Letter:
    """A letter to a new recipient with a new address."""
    number = next(_numbers)
    given = {
        "recipient": f"account/{number}",
        "address": _ADDRESSES[channel].format(number),
        "template": "order_delivered",
        "locale": "en-US",
        "subject": "Your order",
        "body": "It is at your door.",
    }
    return Letter(channel=channel, **{**given, **fields})


def write(server: LiveServer, channel: str = MAIL, **fields: Any) -> int:
    """Write a letter; returns the message's id."""
    message_id: int = server.write(ops.write, letter(channel, **fields))
    return message_id


def read(server: LiveServer, message_id: int) -> Message:
    found: Message | None = server.read(queries.message, message_id)
    assert found is not None
    return found
