# Generated from ../_async by generate_sync.py: change it there.
"""Send operations: headers, the shared token, repeats if they are safe."""

import copy
import logging
import time
from collections.abc import Callable
from threading import Lock
from time import sleep
from typing import TypeVar

import httpx

from ..errors import ConnectError, Unauthorized, UnexpectedResponse
from ..models import Token
from ..urls import is_loopback, require_secure
from ..wire import USER_AGENT, Operation, Retry, may_repeat, no_answer, pause, reader, result

T = TypeVar("T")

TOKEN_PATH = "/v2/oauth/token"  # noqa: S105
log = logging.getLogger("handcart_client")


class Connection:
    """A connection to one server, with one pair of credentials and one token for all calls."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str | None,
        retailer_id: str | None,
        locale: str | None,
        timeout: float,
        max_retries: int,
        allow_plain_http: bool,
        transport: httpx.BaseTransport | None,
    ) -> None:
        url = require_secure(base_url, "base_url", allow_plain_http=allow_plain_http)
        if url.query or url.fragment:
            raise ValueError("base_url must not have a query or a fragment")
        self.base_url = str(url).rstrip("/")
        self.client_id = client_id
        self.allow_plain_http = allow_plain_http
        self._client_secret = client_secret
        self._scope = scope
        self._max_retries = max_retries
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            "X-Retailer-Id": retailer_id,
            "Accept-Language": locale,
        }
        self._http = httpx.Client(
            headers={name: value for name, value in headers.items() if value is not None},
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
            trust_env=url.scheme == "https",  # a proxy from the environment could read plain http
            mounts={f"all://{url.netloc.decode()}": None}
            if is_loopback(url.host)
            else None,  # and cannot reach this machine
        )
        self._clock = time.monotonic
        self._sleep = sleep
        self._lock = Lock()
        self._token: Token | None = None
        self._renew_at = 0.0
        self._fetches = 0
        self._fetch_error: ConnectError | None = None

    def close(self) -> None:
        self._http.close()

    def send(self, operation: Operation[T]) -> T:
        """Make a call and return its result; repeats it as `operation.retry` allows. A 401 renews the token once."""
        refused: Token | None = None
        repeats = 0
        while True:
            token = self._bearer(refused) if operation.bearer else None
            try:
                return self._send_once(operation, token)
            except Unauthorized:
                if token is None or refused is not None:
                    raise
                refused = token
            except ConnectError as error:
                wait = pause(repeats, error.retry_after)
                if wait is None or repeats >= self._max_retries or not may_repeat(operation.retry, error):
                    raise
                repeats += 1
                what = f"{operation.method} {operation.path}: {type(error).__name__}"
                log.debug("%s, repeat %d of %d in %.1f s", what, repeats, self._max_retries, wait)
                self._sleep(wait)

    def authenticate(self, path: str, read: Callable[[bytes], T], *, retry: Retry, **fields: str | None) -> T:
        """Make a call with the credentials in its body, as the OAuth endpoints require."""
        return self.send(
            Operation(
                "POST",
                path,
                read,
                body={"client_id": self.client_id, "client_secret": self._client_secret, **fields},
                bearer=False,
                retry=retry,
            ),
        )

    def _send_once(self, operation: Operation[T], token: Token | None) -> T:
        request = self._http.build_request(
            operation.method,
            self.base_url + operation.path,
            content=operation.content(),
            headers={**operation.headers, **({"Authorization": f"Bearer {token.access_token}"} if token else {})},
        )
        try:
            response = self._http.send(request)
        except httpx.DecodingError:
            raise UnexpectedResponse("the server's answer is not compressed as it says") from None
        except httpx.TransportError as error:
            raise no_answer(error) from None
        return result(operation, response)

    def _bearer(self, refused: Token | None) -> Token:
        """The shared token; a new one if it is about to expire or is the `refused` one."""
        seen = self._fetches
        with self._lock:
            if self._token and self._token is not refused and self._clock() < self._renew_at:
                return self._token
            if self._fetches != seen and self._fetch_error:  # calls that waited for a fetch share its failure
                raise copy.copy(self._fetch_error)
            return self._fetch_token()

    def _fetch_token(self) -> Token:
        self._fetch_error = None
        try:
            self._token = self.authenticate(
                TOKEN_PATH,
                reader(Token),
                retry=Retry.SAFE,  # a lost response leaves only an unused token
                grant_type="client_credentials",
                scope=self._scope,
            )
        except ConnectError as error:
            self._fetch_error = error
            raise
        finally:
            self._fetches += 1
        lifetime = self._token.expires_in
        self._renew_at = self._clock() + max(lifetime - 60, lifetime / 2)
        return self._token
