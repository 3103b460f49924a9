"""Attempt a delivery: post the event to the receiver with a token and a signature, and read the answer."""

import re
from collections.abc import Sequence
from time import monotonic

from handcart.callbacks import signing
from handcart.callbacks.models import Attempt, Delivery, Destination
from handcart.callbacks.receiver_tokens import POST_SECONDS, TokenPaused, TokenRefused, Tokens
from handcart.core import backoff, clock, log
from handcart.core.budget import Crowded
from handcart.core.outbound import client

_MOST_KEPT = 2048
_SHORT_TOKEN = 8
_UNAUTHORIZED, _GONE = 401, 410


class Transport:
    """Attempts deliveries, for one process. `origin`: this server's name."""

    def __init__(self, http: client.Client, origin: str) -> None:
        self._client = http
        self._tokens = Tokens(http)
        self._origin = origin

    def is_paused(self, webhook: tuple[int, int], configured_at: int) -> bool:
        """Whether no token is requested now for this configuration of a webhook."""
        return self._tokens.is_paused(webhook, configured_at)

    async def close(self) -> None:
        """Cancel running token requests."""
        await self._tokens.close()

    async def attempt(self, destination: Destination, delivery: Delivery, now: int, *, pauses: bool) -> Attempt:
        """Post an event once (twice if the token is refused). Raises `Crowded` and `TokenPaused`.

        `now`: the retailer's time; `pauses`: whether failed token requests cause a pause.
        """
        started = monotonic()
        attempt = Attempt(at=now, milliseconds=0, url=destination.callback_url, request_head="")
        try:
            token = await self._token(destination, pauses=pauses)
            answer = await self._post(destination, delivery, token, attempt)
            if answer.status == _UNAUTHORIZED:
                token = await self._token(destination, pauses=pauses, refused=token)
                answer = await self._post(destination, delivery, token, attempt)
        except (TokenRefused, client.RequestRefused, client.Failed) as error:
            attempt.cause = str(error)
        except (Crowded, TokenPaused):
            raise
        except Exception as error:  # otherwise every lease would end in another try, and others would wait
            log.exception("callback met a defect", error)
            attempt.cause = f"a defect of this server: {type(error).__name__}"
        else:
            _read(answer, attempt, token)
        attempt.milliseconds = round(1000 * (monotonic() - started))
        return attempt

    async def _token(self, destination: Destination, *, pauses: bool, refused: str | None = None) -> str:
        try:
            return await self._tokens.get(destination, refused=refused, pauses=pauses)
        except TokenPaused as error:
            if refused is None:
                raise
            raise TokenRefused(f"no token: {error}") from None  # the event was posted: this attempt must be recorded
        except (TokenRefused, client.RequestRefused, client.Failed) as error:
            raise TokenRefused(f"no token: {error}") from None

    async def _post(self, destination: Destination, delivery: Delivery, token: str, attempt: Attempt) -> client.Answer:
        # The real time, because receivers compare the timestamp with their own clocks.
        timestamp = clock.of_process() // clock.SECOND
        headers = [
            ("content-type", "application/json"),
            ("user-agent", "Handcart"),
            *([("origin", self._origin)] if destination.is_verified else []),
            *signing.headers(destination.signing_secrets, delivery.event_id, timestamp, delivery.body),
        ]
        attempt.request_head = _head(f"POST {destination.callback_url}", [*headers, ("authorization", "Bearer ***")])
        return await self._client.request(
            "POST",
            destination.callback_url,
            delivery.body,
            [*headers, ("authorization", f"Bearer {token}")],
            seconds=POST_SECONDS,
            most_body=_MOST_KEPT,
            sharer=destination.key,
            payer=destination.retailer_id,
        )


def _read(answer: client.Answer, attempt: Attempt, token: str) -> None:
    attempt.status = answer.status
    # A receiver that echoes the request would echo the token.
    attempt.response_head = _head(str(answer.status), [(name, _masked(v, token)) for name, v in answer.headers])
    attempt.response_body = _text(_masked(answer.body.decode("latin-1"), token).encode("latin-1"))
    if not 200 <= answer.status < 300:
        attempt.cause = f"status {answer.status}"
        attempt.is_gone = answer.status == _GONE
        attempt.retry_after = backoff.retry_after(answer.status, answer.headers, clock.of_process())


def _head(first: str, headers: Sequence[tuple[str, str]]) -> str:
    return "\n".join([first, *(f"{name}: {value}" for name, value in headers)]).replace("\0", "")[:_MOST_KEPT]


def _masked(text: str, token: str) -> str:
    """A text without the token. A short token is masked only as a whole word, since it may be part of other words."""
    if len(token) >= _SHORT_TOKEN:
        return text.replace(token, "***")
    return re.sub(rf"(?<![\w-]){re.escape(token)}(?![\w-])", "***", text, flags=re.ASCII)


def _text(body: bytes) -> str:
    return body[:_MOST_KEPT].decode("utf-8", "replace").replace("\0", "")
