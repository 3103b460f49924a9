"""Helpers for races: create many single-use things at once, and send requests at the same time.

LONG_RUNS=1 (`make torture`) runs many rounds; without it there are fewer, so that the suite stays short.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx

from handcart.accounts import ops as accounts
from handcart.core.db import Tx
from handcart.core.secret import new_token
from handcart.oauth import codes
from handcart.oauth.models import IssuedToken
from handcart.retailers import clients
from handcart.users import ops as users
from handcart.users.models import User
from tests.support.oauth import make_code
from tests.support.shop import PASSWORD_HASH, REDIRECT_URI
from tests.support.volley import MOST_TRIES

IS_LONG = bool(os.environ.get("LONG_RUNS"))

# Prints the number of tries.
Report = Callable[[str], None]


def together(url: str, rounds: Sequence[Sequence[Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]]]) -> Any:
    """The responses of each round; its requests are sent at once, each on its own connection.

    A request that is answered 503, by a busy database, is repeated, so no response is one.
    """
    widest = max(len(requests) for requests in rounds)

    async def answer(client: httpx.AsyncClient, request: Callable[..., Awaitable[httpx.Response]]) -> httpx.Response:
        for _ in range(MOST_TRIES):
            response = await request(client)
            if response.status_code != 503:
                break
            await asyncio.sleep(1)  # its Retry-After
        return response

    async def run() -> list[list[httpx.Response]]:
        limits = httpx.Limits(max_connections=widest, max_keepalive_connections=widest)
        async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60, verify=False) as client:
            return [await asyncio.gather(*(answer(client, request) for request in requests)) for requests in rounds]

    return asyncio.run(run())


def post(path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
    """A request to send by `together`."""
    return lambda client: client.post(path, json=body, headers=headers)


def told(answer: httpx.Response) -> tuple[int, str]:
    """Status and message of a response; the message is empty on success."""
    body = answer.json()
    return answer.status_code, body["error"]["message"] if "error" in body else ""


async def make_codes(tx: Tx, client_id: str, account_id: int, count: int) -> list[str]:
    """`count` authorization codes."""
    return [await make_code(tx, client_id, account_id) for _ in range(count)]


async def make_accounts(tx: Tx, count: int) -> list[int]:
    """`count` accounts."""
    made = [await accounts.create(tx, f"{new_token()}@example.com", PASSWORD_HASH) for _ in range(count)]
    return [account.id for account in made]


async def make_linking_tokens(tx: Tx, client_id: str, account_ids: list[int]) -> list[str]:
    """A linking token for each of these accounts."""
    client = await clients.find(tx, client_id)
    assert client is not None
    made = []
    for account_id in account_ids:
        code = await make_code(tx, client_id, account_id)
        issued = await codes.redeem(tx, client, code, REDIRECT_URI, None)
        assert isinstance(issued, IssuedToken)
        made.append(issued.access_token)
    return made


async def make_users(tx: Tx, isolation_id: int, count: int) -> list[str]:
    """`count` users of an isolation context."""
    made = [User(f"user-{new_token()}", "Sample", None, None, None) for _ in range(count)]
    return [(await users.create(tx, isolation_id, user)).user_id for user in made]
