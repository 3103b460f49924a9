"""What sends messages: one gateway for each channel, each behind the same small interface.

A gateway sends one message once. It interprets strictly what the other side answers: only a message that was surely
not sent may count as failed, and one that may have been sent is doubtful.
"""

from typing import Protocol

from msgspec import Struct

from handcart.messages.models import Content, Subscription

SENT = "sent"
FAILED = "failed"
# It will never be sent, for example because the number does not exist.
REFUSED = "refused"
# It may have been sent: the other side did not answer in time, or not understandably.
DOUBTFUL = "doubtful"
# The person has told the gateway, or the browser its push service, that they want no messages.
UNWANTED = "unwanted"


class Parcel(Struct, kw_only=True):
    """A message on its way. `seconds_left`: until it expires.

    `address`: of an SMS, the digits with the country code. `subscription`, `push_key`: of a push message, with the
    installation's private key.
    """

    id: int
    retailer_id: int
    channel: str
    address: str
    template: str
    locale: str
    content: Content
    subscription: Subscription | None
    push_key: str | None
    seconds_left: int


class Result(Struct):
    """How sending ended: one of the words above. `detail`: what the other side said, for people.

    `retry_after`: the wait that it asked for, in microseconds.
    """

    outcome: str
    detail: str | None = None
    retry_after: int | None = None


class Gateway(Protocol):
    """Sends messages by one channel."""

    name: str

    async def send(self, parcel: Parcel) -> Result:
        """Send a message once. Raises `Crowded` if this server had no place or descriptor for it."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
