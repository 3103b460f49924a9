"""Send events to one URL as a webhook would, for an integrator without a public address."""

import base64
import hashlib
import hmac
import time
from typing import Any

from handcart.callbacks import signing
from handcart.callbacks.models import Destination
from handcart.callbacks.receiver_tokens import POST_SECONDS, TokenRefused, Tokens
from handcart.core.outbound import client


def secret_of(client_secret: str) -> str:
    """A signing secret, always the same for an API client: derived from the client's secret, without revealing it."""
    made = hmac.digest(client_secret.encode(), b"handcart callbacks listen", hashlib.sha256)
    return "whsec_" + base64.b64encode(made).decode()


class Forward:
    """Posts events to one URL with the server's HTTP client. Keeps its token until it expires or is refused."""

    def __init__(self, url: str, signing_secret: str, auth_uri: str | None, client_id: str, client_secret: str) -> None:
        # All addresses are allowed: only the person at this machine chooses the URL.
        self._client = client.Client(client.UrlRules(True, range(1, 65_536), ("0.0.0.0/0", "::/0")))
        self._tokens = Tokens(self._client) if auth_uri else None
        self._destination = Destination(
            id=0,
            retailer_id=0,
            callback_url=url,
            auth_uri=auth_uri or "",
            client_id=client_id,
            client_secret=client_secret,
            scope=None,
            resource=None,
            signing_secrets=[signing_secret],
            updated_at=0,
        )

    async def __call__(self, event: Any) -> dict[str, Any]:
        """Send one event; return `status` or `cause`, and `milliseconds`."""
        started = time.monotonic()
        try:
            token = await self._tokens.get(self._destination) if self._tokens else None
            status = await self._post(event, token)
            if status == 401 and self._tokens:
                status = await self._post(event, await self._tokens.get(self._destination, refused=token))
            answer: dict[str, Any] = {"status": status}
        except TokenRefused as error:
            answer = {"cause": f"no token: {error}"}
        except (client.RequestRefused, client.Failed, client.Crowded) as error:
            answer = {"cause": str(error)}
        return {**answer, "milliseconds": round(1000 * (time.monotonic() - started))}

    async def _post(self, event: Any, token: str | None) -> int:
        body = event["body"].encode()
        headers = [
            ("content-type", "application/json"),
            *signing.headers(self._destination.signing_secrets, event["event_id"], int(time.time()), body),
        ]
        if token is not None:
            headers.append(("authorization", f"Bearer {token}"))
        answer = await self._client.request("POST", self._destination.callback_url, body, headers, seconds=POST_SECONDS)
        return answer.status
