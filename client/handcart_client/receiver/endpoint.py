"""The retailer's callback endpoint: checks sender, content and repeats, then calls the retailer's own function."""

import asyncio
import inspect
import logging
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .events import Event, NotAnEvent, read_event
from .seen import Claim, MemorySeen, Seen
from .wire import Answer, Headers, only_post, refused

if TYPE_CHECKING:
    from standardwebhooks import Webhook

log = logging.getLogger("handcart_client.receiver")

BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*) *")
SENDER = re.compile(r"[A-Za-z0-9._:-]{1,253}")
SIGNATURE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
POLL_SECONDS = 0.05


class Receiver:
    """Calls `handler` once for every event.

    handler: a function or coroutine function that takes the Event. The sender gets 200 after it returns, so it must
    have stored its data by then. It should be faster than the sender's time limit, fifteen seconds with Handcart.
    If it raises, the sender gets 500, and the event is handled when it arrives again.
    accepts: whether a bearer token is valid, such as `TokenIssuer.accepts`.
    signing_secrets: the webhook's ("whsec_..."), two during a rotation; then every event must have a signature that is
    at most five minutes old (Standard Webhooks). Needs the extra `handcart-client[receiver]`.
    seen: remembers handled events; default: in memory. See `MemorySeen` and `SqliteSeen`.
    senders: names of the platforms that may send, such as "connect.example.org"; default: all that ask.
    wait_seconds: how long a repeated event waits while the first is being handled, before it is answered 503 with
    `Retry-After`.

    Raises ValueError for an invalid signing secret.
    """

    body_limit = 1024 * 1024

    def __init__(
        self,
        handler: Callable[[Event], Any],
        *,
        accepts: Callable[[str], bool],
        signing_secrets: Sequence[str] = (),
        seen: Seen | None = None,
        senders: Sequence[str] | None = None,
        wait_seconds: float = 5,
    ) -> None:
        self.is_async = inspect.iscoroutinefunction(handler)
        self._handler = handler
        self._accepts = accepts
        self._webhooks = [_webhook(secret) for secret in signing_secrets]
        self._seen = seen or MemorySeen()
        self._senders = None if senders is None else {one.lower() for one in senders}
        self._waits = max(1, round(wait_seconds / POLL_SECONDS))

    def __repr__(self) -> str:
        return f"Receiver({getattr(self._handler, '__qualname__', 'handler')}, seen={self._seen!r})"

    def agreement(self, headers: Headers) -> Answer:
        """The response to OPTIONS, by which a platform asks whether it may send events.

        CloudEvents, HTTP 1.1 Web Hooks for Event Delivery 1.0, section 4. The request has no token, and the response
        grants no access: every event still needs a token.
        """
        sender = headers.get("webhook-request-origin")
        if sender is None:
            return only_post()
        if not SENDER.fullmatch(sender) or (self._senders is not None and sender.lower() not in self._senders):
            log.warning("a sender that is not expected asked whether it may send events")
            return refused(403, "this sender is not expected here")
        return Answer(200, b"", (("Allow", "POST"), ("WebHook-Allowed-Origin", sender), ("WebHook-Allowed-Rate", "*")))

    def refusal(self, headers: Headers) -> Answer | None:
        """401 with a challenge (RFC 6750 section 3) for a request without a valid token; otherwise None."""
        sent = headers.get("authorization")
        if sent is None:
            return refused(401, "the request has no bearer token", WWW_Authenticate="Bearer")
        bearer = BEARER.fullmatch(sent)
        if bearer and self._accepts(bearer[1]):
            return None
        log.warning("callback refused: the token is wrong or has expired")
        return refused(401, "the token is wrong or has expired", WWW_Authenticate='Bearer error="invalid_token"')

    def answer(self, headers: Headers, body: bytes) -> Answer:
        """The response to a callback with a valid token. For handlers that are plain functions."""
        event = self._event(headers, body)
        if isinstance(event, Answer):
            return event
        for _ in range(self._waits):
            claim = self._seen.claim(event.event_id)
            if claim is Claim.NEW:
                break
            if claim is Claim.SEEN:
                return Answer(200)
            time.sleep(POLL_SECONDS)
        else:
            return _busy()
        try:
            self._handler(event)
            self._seen.keep(event.event_id)
        except BaseException as error:
            return self._failed(event, error)
        return Answer(200)

    async def answer_async(self, headers: Headers, body: bytes) -> Answer:
        """As `answer`, for every kind of handler; a plain function runs in a thread."""
        event = self._event(headers, body)
        if isinstance(event, Answer):
            return event
        for _ in range(self._waits):
            claim = await asyncio.to_thread(self._seen.claim, event.event_id)
            if claim is Claim.NEW:
                break
            if claim is Claim.SEEN:
                return Answer(200)
            await asyncio.sleep(POLL_SECONDS)
        else:
            return _busy()
        try:
            await (self._handler(event) if self.is_async else asyncio.to_thread(self._handler, event))
            await asyncio.to_thread(self._seen.keep, event.event_id)
        except BaseException as error:
            return self._failed(event, error)
        return Answer(200)

    def _event(self, headers: Headers, body: bytes) -> Event | Answer:
        if self._webhooks and not any(_is_signed(webhook, headers, body) for webhook in self._webhooks):
            log.warning("callback refused: its signature does not match, or not at this time")
            return refused(403, "the signature does not match, or not at this time")
        try:
            return read_event(body)
        except NotAnEvent as error:
            log.warning("callback refused: %s", error)
            return refused(400, str(error))

    def _failed(self, event: Event, error: BaseException) -> Answer:
        """Mark the event as not handled. Errors that are not the handler's, such as `KeyboardInterrupt`, are raised."""
        self._seen.release(event.event_id)
        if not isinstance(error, Exception):
            raise error
        log.error("handling event %d (%s) failed", event.event_id, event.event_name, exc_info=error)
        return refused(500, "the event could not be handled")


def _busy() -> Answer:
    return refused(503, "the event is being handled", Retry_After="5")


def _webhook(secret: str) -> "Webhook":
    try:
        from standardwebhooks import Webhook
    except ImportError as error:
        raise ImportError("signing_secrets need the extra: pip install 'handcart-client[receiver]'") from error
    try:
        return Webhook(secret)
    except Exception:
        raise ValueError("a signing secret must be whsec_ and Base64") from None


def _is_signed(webhook: "Webhook", headers: Headers, body: bytes) -> bool:
    from standardwebhooks import WebhookVerificationError

    try:
        webhook.verify(body, {name: headers.get(name, "") for name in SIGNATURE_HEADERS}, json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: not UTF-8, not Base64, or no comma
        return False
    return True
