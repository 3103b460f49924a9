"""Handcart as an OAuth client of its retailers: the tokens sent with callbacks.

https://docs.instacart.com/connect/api/authentication_webhooks
"""

import asyncio
import re
from time import monotonic
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from handcart.callbacks.models import Destination
from handcart.core import clock
from handcart.core.budget import Crowded
from handcart.core.outbound import client

# Maximum duration of a token request, and of a callback.
POST_SECONDS = 15.0
_MOST_TOKEN_BODY = 64 * 1024

# Lifetime of a token without `expires_in`, unless it is refused earlier; no token is used for more than a day.
_TOKEN_SECONDS = 3600
_MOST_TOKEN_SECONDS = 86_400
# Maximum running token requests of a webhook; those after the first are for another configuration.
MOST_ASKED = 2
# The pause of a webhook after a failed token request doubles with each further failure. Nobody asks the owner of the
# token endpoint for agreement, so neither a replay nor `enable` may end a pause.
FIRST_PAUSE, LONGEST_PAUSE = 5 * clock.SECOND, 5 * clock.MINUTE
# Maximum failed token requests of one retailer to one host within this time.
MOST_FAILED, FAILED_WITHIN = 10, clock.MINUTE
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


class TokenRefused(Exception):
    """The receiver's token endpoint returned no usable token; the text says why."""


class TokenPaused(Exception):
    """No token is requested now, because recent requests have failed."""


class _Request(Struct, frozen=True):
    """A token request: equal requests are expected to get the same answer."""

    auth_uri: str
    content: bytes


class _Pause(Struct):
    """A webhook's pause after `failures` consecutive failures of its token requests, of which `request` was the last.

    `configured_at`: the newest configuration of the webhook that is known to make the same request.
    """

    request: _Request
    configured_at: int
    failures: int
    until: int


class _Token(Struct):
    value: str
    configured_at: int
    ends_at: float

    def is_for(self, destination: Destination) -> bool:
        return self.configured_at == destination.updated_at and monotonic() < self.ends_at


class _TokenAnswer(Struct):
    access_token: str
    expires_in: int | float | str | None = None


class _Asking(Struct):
    """A running token request; concurrent callers with the same configuration share it."""

    request: _Request
    task: asyncio.Task[_Token]


class Tokens:
    """The receivers' tokens: a token is used until it expires or is refused.

    A webhook has one running request, and one more after its configuration has changed. After a failed request it
    pauses. A different request (a new secret, another URL) is made at once, up to a limit for the retailer and the
    host. Pauses and limits are those of one process.
    """

    def __init__(self, http: client.Client) -> None:
        self._client = http
        self._known: dict[tuple[int, int], _Token] = {}
        self._asking: dict[tuple[int, int, int], _Asking] = {}
        self._pauses: dict[tuple[int, int], _Pause] = {}
        self._failed: dict[tuple[int, str | None], list[int]] = {}

    async def get(self, destination: Destination, *, refused: str | None = None, pauses: bool = True) -> str:
        """A token for a webhook; a new one if the last is `refused`. `pauses`: whether pauses apply.

        Raises `TokenPaused`, `TokenRefused`, and `client.RequestRefused`, `Failed` and `Crowded`.
        """
        known = self._known.get(destination.key)
        if known is not None and known.is_for(destination) and known.value != refused:
            return known.value
        wanted = (*destination.key, destination.updated_at)
        asking = self._asking.get(wanted)
        if asking is None:
            request = _request(destination)
            running = [one.request for key, one in self._asking.items() if key[:2] == destination.key]
            if request in running or len(running) >= MOST_ASKED:
                raise Crowded("a token is being requested for an earlier configuration")
            if pauses:
                self._check_pause(destination, request)
            asking = self._asking[wanted] = _Asking(request, asyncio.create_task(self._ask(destination, request)))
            asking.task.add_done_callback(lambda _: self._asking.pop(wanted, None))
        return (await asyncio.shield(asking.task)).value

    def is_paused(self, webhook: tuple[int, int], configured_at: int) -> bool:
        """Whether `get` would raise `TokenPaused` for this configuration, as far as it is known."""
        pause = self._pauses.get(webhook)
        return pause is not None and pause.configured_at == configured_at and _is_ahead(pause.until)

    async def close(self) -> None:
        """Cancel running token requests."""
        asking = [one.task for one in self._asking.values()]
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, destination: Destination, request: _Request) -> _Token:
        headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")]
        try:
            answer = await self._client.request(
                "POST",
                request.auth_uri,
                request.content,
                headers,
                seconds=POST_SECONDS,
                most_body=_MOST_TOKEN_BODY,
                sharer=destination.key,
                payer=destination.retailer_id,
            )
            token = _read_token(answer, destination.updated_at)
        except (TokenRefused, client.RequestRefused, client.Failed):
            self._note_failure(destination, request)
            raise
        self._pauses.pop(destination.key, None)
        self._known[destination.key] = token
        return token

    def _check_pause(self, destination: Destination, request: _Request) -> None:
        """Raise `TokenPaused` if this request, or the retailer's requests to this host, failed too recently."""
        pause = self._pauses.get(destination.key)
        until = pause.until if pause is not None and pause.request == request else 0
        failed = self._failed_at(destination, request)
        if len(failed) >= MOST_FAILED:
            until = max(until, failed[-MOST_FAILED] + FAILED_WITHIN)
        if _is_ahead(until):
            self._pauses[destination.key] = _Pause(
                request, destination.updated_at, pause.failures if pause else 0, until
            )
            raise TokenPaused("the last token requests failed")

    def _note_failure(self, destination: Destination, request: _Request) -> None:
        now, last = clock.of_process(), self._pauses.get(destination.key)
        failures = 1 + (last.failures if last else 0)
        until = now + min(FIRST_PAUSE << min(failures - 1, 16), LONGEST_PAUSE)
        self._pauses = {key: pause for key, pause in self._pauses.items() if now < pause.until + LONGEST_PAUSE}
        self._pauses[destination.key] = _Pause(request, destination.updated_at, failures, until)
        failed = [*self._failed_at(destination, request), now]
        self._failed = {host: times for host, times in self._failed.items() if now < times[-1] + FAILED_WITHIN}
        self._failed[destination.retailer_id, _host(request)] = failed

    def _failed_at(self, destination: Destination, request: _Request) -> list[int]:
        """The times of the retailer's recently failed token requests to this host, the oldest first."""
        since = clock.of_process() - FAILED_WITHIN
        return [at for at in self._failed.get((destination.retailer_id, _host(request)), []) if since < at]


def _request(destination: Destination) -> _Request:
    fields = {
        "client_id": destination.client_id,
        "client_secret": destination.client_secret,
        "grant_type": "client_credentials",
        "scope": destination.scope,
        "resource": destination.resource,
    }
    content = urlencode({name: value for name, value in fields.items() if value is not None}).encode()
    return _Request(destination.auth_uri, content)


def _host(request: _Request) -> str | None:
    return urlsplit(request.auth_uri).hostname


def _is_ahead(until: int) -> bool:
    """Whether a pause still lasts; not if the clock was set back so far that the pause would be too long."""
    return 0 < until - clock.of_process() <= LONGEST_PAUSE


def _read_token(answer: client.Answer, configured_at: int) -> _Token:
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
