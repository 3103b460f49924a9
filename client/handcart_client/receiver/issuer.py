"""The retailer's token endpoint, where the platform fetches the token for its callbacks.

Source: https://docs.instacart.com/connect/api/authentication_webhooks, RFC 6749 sections 4.4 and 5
"""

import base64
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from urllib.parse import parse_qsl

from .wire import Answer, Headers, json_answer, only_post

log = logging.getLogger("handcart_client.receiver")

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 32
PURPOSE = b"handcart-client callback token, version 1"
NONCE_BYTES = 16


class TokenIssuer:
    """Issues tokens to one client with the grant `client_credentials`, and verifies them.

    client_id, client_secret: the credentials registered for the webhook. scope, resource: if given, the client must
    request exactly these. expires_in: lifetime of a token in seconds. signing_key: signs the tokens; by default derived
    from the client's secret.

    Nothing is stored: processes with the same secret accept each other's tokens, and a new secret invalidates them all.
    Raises ValueError for an empty secret.
    """

    body_limit = 16 * 1024
    is_async = False

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        scope: str | None = None,
        resource: str | None = None,
        expires_in: int = 3600,
        signing_key: bytes | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not client_id or not client_secret:
            raise ValueError("client_id and client_secret must not be empty")
        self.client_id = client_id
        self._secret_digest = _digest(client_secret)
        self._scope = scope
        self._resource = resource
        self._expires_in = expires_in
        own_key = hmac.digest(client_secret.encode(), PURPOSE + b"\0" + client_id.encode(), "sha256")
        self._key = signing_key or own_key
        self._now = now

    def __repr__(self) -> str:
        return f"TokenIssuer(client_id={self.client_id!r})"

    def issue(self) -> str:
        """A new token."""
        signed = int(self._now() + self._expires_in).to_bytes(8) + secrets.token_bytes(NONCE_BYTES)
        return base64.urlsafe_b64encode(signed + self._signature(signed)).rstrip(b"=").decode()

    def accepts(self, token: str) -> bool:
        """Whether a token was issued here and has not expired."""
        try:
            value = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return False
        signed, signature = value[: 8 + NONCE_BYTES], value[8 + NONCE_BYTES :]
        is_ours = hmac.compare_digest(signature, self._signature(signed))
        return is_ours and self._now() < int.from_bytes(signed[:8])

    def agreement(self, headers: Headers) -> Answer:
        """Refuses OPTIONS: this endpoint takes no events."""
        return only_post()

    def refusal(self, headers: Headers) -> Answer | None:
        if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            return _error("invalid_request", f"the body must be {FORM}")
        return None

    def answer(self, headers: Headers, body: bytes) -> Answer:
        """The response to a token request; errors as in RFC 6749 section 5.2."""
        try:
            listed = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        except ValueError:
            return _error("invalid_request", "the body is not a form")
        form = dict(listed)
        if len(form) < len(listed):
            return _error("invalid_request", "a field came twice")
        error = self._error(form)
        if error:
            return error
        granted: dict[str, object] = {"access_token": self.issue(), "token_type": "Bearer"}
        granted["expires_in"] = self._expires_in
        return json_answer(200, granted, Cache_Control="no-store", Pragma="no-cache")

    async def answer_async(self, headers: Headers, body: bytes) -> Answer:
        return self.answer(headers, body)

    def _error(self, form: dict[str, str]) -> Answer | None:
        if not self._is_client(form.get("client_id", ""), form.get("client_secret", "")):
            return _error("invalid_client", "client_id or client_secret is wrong", status=401)
        if "grant_type" not in form:
            return _error("invalid_request", "grant_type is missing")
        if form["grant_type"] != "client_credentials":
            return _error("unsupported_grant_type", "grant_type must be client_credentials")
        if self._scope is not None and set(form.get("scope", "").split()) != set(self._scope.split()):
            return _error("invalid_scope", "that is not the scope which was agreed on")
        if self._resource is not None and form.get("resource") != self._resource:
            return _error("invalid_target", "that is not the resource which was agreed on")
        return None

    def _is_client(self, client_id: str, client_secret: str) -> bool:
        """Whether the credentials are right. Both are always compared, so that timing reveals nothing."""
        is_id = hmac.compare_digest(_digest(client_id), _digest(self.client_id))
        return is_id & hmac.compare_digest(_digest(client_secret), self._secret_digest)

    def _signature(self, signed: bytes) -> bytes:
        return hmac.digest(self._key, signed, "sha256")


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _error(error: str, description: str, status: int = 400) -> Answer:
    log.warning("token request refused: %s", description)
    return json_answer(
        status,
        {"error": error, "error_description": description},
        Cache_Control="no-store",
        Pragma="no-cache",
    )
