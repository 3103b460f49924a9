"""Handcart as an OAuth client of its retailers: the tokens sent with callbacks.

https://docs.instacart.com/connect/api/authentication_webhooks
"""

import asyncio
import re
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from handcart.callbacks.models import Target
from handcart.core.outbound import client as egress

# Maximum duration of a token request, and of a callback.
POST_SECONDS = 15.0
_MOST_TOKEN_BODY = 64 * 1024

# Lifetime of a token without `expires_in`, unless it is refused earlier; no token is used for more than a day.
_TOKEN_SECONDS = 3600
_MOST_TOKEN_SECONDS = 86_400
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


class TokenRefused(Exception):
    """The receiver's token endpoint returned no usable token; the text says why."""


class _Token(Struct):
    value: str
    configured_at: int
    ends_at: float

    def is_for(self, target: Target) -> bool:
        return self.configured_at == target.updated_at and monotonic() < self.ends_at


class _TokenAnswer(Struct):
    access_token: str
    expires_in: int | float | str | None = None


class Tokens:
    """The receivers' tokens: concurrent callers share one request; a token is used until it expires or is refused."""

    def __init__(self, client: egress.Client) -> None:
        self._client = client
        self._known: dict[tuple[int, int], _Token] = {}
        self._asking: dict[tuple[int, int, int], asyncio.Task[_Token]] = {}

    async def get(self, target: Target, *, refused: str | None = None) -> str:
        """A token for a webhook; a new one if the last is `refused`.

        Raises `TokenRefused`, and `egress.Refused`, `Failed` and `Crowded`.
        """
        known = self._known.get(target.key)
        if known is not None and known.is_for(target) and known.value != refused:
            return known.value
        wanted = (*target.key, target.updated_at)
        asking = self._asking.get(wanted)
        if asking is None:
            asking = self._asking[wanted] = asyncio.create_task(self._ask(target))
            asking.add_done_callback(lambda _: self._asking.pop(wanted, None))
        return (await asyncio.shield(asking)).value

    async def close(self) -> None:
        """Cancel running token requests."""
        asking = [*self._asking.values()]
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, target: Target) -> _Token:
        fields = {
            "client_id": target.client_id,
            "client_secret": target.client_secret,
            "grant_type": "client_credentials",
            "scope": target.scope,
            "resource": target.resource,
        }
        content = urlencode({name: value for name, value in fields.items() if value is not None}).encode()
        headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")]
        answer = await self._client.post(
            target.auth_uri,
            content,
            headers,
            seconds=POST_SECONDS,
            most_body=_MOST_TOKEN_BODY,
            sharer=target.key,
            payer=target.retailer_id,
        )
        token = _read_token(answer, target.updated_at)
        self._known[target.key] = token
        return token


def _read_token(answer: egress.Answer, configured_at: int) -> _Token:
    if not 200 <= answer.status < 300:
        raise TokenRefused(f"status {answer.status}")
    if answer.is_cut:
        raise TokenRefused("the answer is over 64 KiB or does not end")
    try:
        read = msgspec.json.decode(answer.body, type=_TokenAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise TokenRefused("the answer is not a JSON object with an access_token") from None
    if not _TOKEN.fullmatch(read.access_token):
        raise TokenRefused("the access_token is empty, too long, or has characters that are not allowed in headers")
    seconds = _seconds(read.expires_in)
    # Renewed a little early, because it may expire on its way.
    return _Token(read.access_token, configured_at, monotonic() + seconds - min(30.0, seconds / 10))


def _seconds(expires_in: Any) -> float:
    if expires_in is None:
        return _TOKEN_SECONDS
    try:
        seconds = float(expires_in)
    except (ValueError, OverflowError):
        seconds = -1.0
    if not seconds > 0:
        raise TokenRefused("expires_in is not a positive number")
    return min(seconds, _MOST_TOKEN_SECONDS)
