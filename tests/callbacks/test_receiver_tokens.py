"""How many token requests run at once for one webhook. `test_tokens` has what a receiver sees of them."""

import asyncio
from typing import Any

import pytest

from handcart.callbacks import receiver_tokens
from handcart.callbacks.models import Destination
from handcart.core.budget import Crowded


def test_two_changes_during_a_token_request_then_two_requests_run() -> None:
    """The owner of the token endpoint does not see more requests because a webhook is enabled or changed."""

    class Slow:
        asked = 0

        async def request(self, *_: Any, **__: Any) -> None:
            self.asked += 1
            await asyncio.Event().wait()

    def destination(secret: str, updated_at: int) -> Destination:
        return Destination(
            id=1,
            retailer_id=1,
            callback_url="https://shop.example/callbacks",
            auth_uri="https://shop.example/token",
            client_id="id",
            client_secret=secret,
            scope=None,
            resource=None,
            signing_secrets=[],
            updated_at=updated_at,
        )

    async def run() -> None:
        client: Any = Slow()
        tokens = receiver_tokens.Tokens(client)
        waiting = [
            asyncio.ensure_future(tokens.get(one))
            for one in (destination("a", 1), destination("a", 1), destination("b", 2))
        ]
        await asyncio.sleep(0)
        for refused in (destination("b", 3), destination("c", 4)):
            with pytest.raises(Crowded):
                await tokens.get(refused)
        await asyncio.sleep(0)
        assert client.asked == 2
        await tokens.close()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(run())
