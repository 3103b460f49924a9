"""Ask receivers whether they agree to callbacks. `verification` says whom to ask, and what their answers mean."""

import asyncio
from collections.abc import Callable

from handcart.callbacks import verification
from handcart.callbacks.verification import Asked
from handcart.core import log
from handcart.core.budget import Budget
from handcart.core.db import Database
from handcart.core.outbound import client

# Maximum receivers asked at the same time: per retailer, and in total.
_ASKED_EACH, _ASKED = 4, 16
_ASK_SECONDS = 10.0
_MOST_BODY = 2048


class Asker:
    """Asks receivers, for one process. `origin`: this server's name; `wake`: called when a receiver has answered.

    `now`: the time of a retailer's clock, by the retailer's id. `running`: the requests that wait for an answer.
    """

    def __init__(self, http: client.Client, origin: str, now: Callable[[int], int], wake: Callable[[], None]) -> None:
        self._client = http
        self._origin = origin
        self._now = now
        self._wake = wake
        self._places = Budget(_ASKED_EACH, _ASKED)  # shared by retailers
        self.running: set[asyncio.Task[None]] = set()

    def cancel(self) -> None:
        """Cancel the requests that wait for an answer."""
        for question in self.running:
            question.cancel()

    async def ask_waiting(self, database: Database, environment: str) -> bool:
        """Start asking the receivers of webhooks that wait for agreement; returns whether there was one to ask."""
        begun = False
        for retailer_id, webhook_id in await database.read(verification.waiting, environment):
            if not self._places.room(retailer_id):
                continue
            asked = await database.write(verification.claim, retailer_id, webhook_id)
            if asked is not None:
                begun = True
                self._start(database, asked)
        return begun

    def _start(self, database: Database, asked: Asked) -> None:
        self._places.take(asked.retailer_id)
        task = asyncio.create_task(self._ask(database, asked))
        self.running.add(task)
        task.add_done_callback(lambda done: self._finish(asked.retailer_id, done))

    def _finish(self, retailer_id: int, done: asyncio.Task[None]) -> None:
        self.running.discard(done)
        self._places.give(retailer_id)
        self._wake()
        if not done.cancelled() and (error := done.exception()) is not None:  # the receiver is asked again later
            log.warning("receiver not asked", retailer=retailer_id, cause=str(error))

    async def _ask(self, database: Database, asked: Asked) -> None:
        """Ask a receiver whether it agrees to callbacks, and enable or disable its webhook. Raises `Crowded`."""
        headers = [("webhook-request-origin", self._origin)]
        try:
            answer = await self._client.request(
                "OPTIONS",
                asked.callback_url,
                b"",
                headers,
                seconds=_ASK_SECONDS,
                most_body=_MOST_BODY,
                sharer=asked.key,
                payer=asked.retailer_id,
            )
        except (client.RequestRefused, client.Failed) as error:
            refusal: str | None = verification.could_not_ask(str(error))
        else:
            refusal = verification.refusal(answer.status, answer.headers, self._origin)
        await database.write(verification.record, asked, refusal, self._now(asked.retailer_id))
