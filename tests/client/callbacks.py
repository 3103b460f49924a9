"""Callbacks as a platform sends them, signed by hand, and one way to send them to ASGI and WSGI."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import httpx
from handcart_client.receiver import asgi, wsgi

SECRET = "whsec_" + base64.b64encode(b"signing-secret-value-24-bytes").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"another-secret-of-24-bytes").decode()
FORM = "application/x-www-form-urlencoded"


def body_of(event_id: int | str = 7312640098812345678, **metadata: Any) -> bytes:
    event = {
        "event_id": event_id,
        "event_name": "fulfillment.picking",
        "event_timestamp": "2026-03-04T17:20:03Z",
        "event_metadata": {"order_id": "ORD-1", **metadata},
    }
    return json.dumps(event, ensure_ascii=False).encode()


def signature(body: bytes, webhook_id: str, timestamp: int, secret: str = SECRET) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed(body: bytes, *, after: float = 0, secret: str = SECRET) -> dict[str, str]:
    """The headers of a body that is signed `after` seconds from now."""
    timestamp = int(time.time() + after)
    return {
        "webhook-id": "7312640098812345678",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(body, "7312640098812345678", timestamp, secret),
    }


class Sender:
    """Sends to endpoints that are served by ASGI or by WSGI; or to what is an application already."""

    def __init__(self, kind: str, endpoints: Any, *, is_app: bool = False) -> None:
        self.kind = kind
        self.app: Any = endpoints if is_app else {"asgi": asgi, "wsgi": wsgi}[kind](endpoints)

    def __call__(self, body: bytes = b"", path: str = "/callbacks", method: str = "POST", **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.kind == "asgi":
            return asyncio.run(self.send(body, path, method, named))
        with httpx.Client(transport=httpx.WSGITransport(self.app), base_url="https://shop.example") as http:
            return http.request(method, path, content=body, headers=named)

    async def send(self, body: bytes, path: str, method: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as http:
            return await http.request(method, path, content=body, headers=headers)


def size(value: object) -> str | None:
    """The id of a test with a body: its size, since the body may be large."""
    return f"{len(value)} bytes" if isinstance(value, bytes) else None
