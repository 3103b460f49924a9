"""A gateway for tests, which remembers what it was given and answers as it is told."""

import asyncio
from collections.abc import Mapping
from typing import Any

from handcart.messages.gateways import SENT, Gateway, Parcel, Result
from handcart.messages.models import CHANNELS
from handcart.messages.sender import Sender
from tests.support.server import LiveServer


class Remembering:
    """`parcels`: every parcel, in the order of sending. `answers`: results by message id, the next one first."""

    name = "test"

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []
        self.answers: dict[int, list[Result]] = {}
        self.hold: asyncio.Event | None = None
        self.has_sent = asyncio.Event()

    @property
    def ids(self) -> list[int]:
        return [parcel.id for parcel in self.parcels]

    async def send(self, parcel: Parcel) -> Result:
        self.parcels.append(parcel)
        self.has_sent.set()
        if self.hold is not None:
            await self.hold.wait()
        answers = self.answers.get(parcel.id)
        return answers.pop(0) if answers else Result(SENT)

    async def close(self) -> None:
        """Nothing is open."""


def drain(server: LiveServer, gateway: Gateway, **options: Any) -> None:
    """Send everything that is due, by every channel, with one gateway."""
    gateways: Mapping[str, Gateway] = dict.fromkeys(CHANNELS, gateway)
    server.wait_for(asyncio.wait_for(Sender(gateways, **options).drain(server.app.database), 60))
