"""Gateways that send nothing: for a channel that is not set up, and one that only writes to the log."""

from handcart.core import log
from handcart.messages.gateways import REFUSED, SENT, Parcel, Result


class NotSetUp:
    """Refuses every message. `sentence` says which setting is missing."""

    name = "none"

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    async def send(self, parcel: Parcel) -> Result:
        return Result(REFUSED, self._sentence)

    async def close(self) -> None:
        """Nothing is open."""


class Log:
    """Writes a line for each message, without address and content: `handcart message show` prints both."""

    name = "log"

    async def send(self, parcel: Parcel) -> Result:
        log.info("message", id=parcel.id, channel=parcel.channel, template=parcel.template, locale=parcel.locale)
        return Result(SENT)

    async def close(self) -> None:
        """Nothing is open."""
