"""Standard Webhooks signatures, sent beside the documented token (https://www.standardwebhooks.com, version 1.0.0)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

_PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> str:
    """A signing secret in the form that verifiers accept: `whsec_` and 32 bytes as base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def is_secret(text: str) -> bool:
    """Whether a text has the form of a signing secret."""
    try:
        return len(base64.b64decode(text.removeprefix(_PREFIX), validate=True)) > 0
    except ValueError:
        return False


def headers(signing_secrets: Sequence[str], event_id: int, timestamp: int, body: bytes) -> list[tuple[str, str]]:
    """The three headers of a callback sent at `timestamp` (Unix seconds), with a signature for each secret."""
    signed = b"%d.%d.%s" % (event_id, timestamp, body)
    signatures = [
        "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()
        for secret in signing_secrets
    ]
    return [
        ("webhook-id", str(event_id)),
        ("webhook-timestamp", str(timestamp)),
        ("webhook-signature", " ".join(signatures)),
    ]


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_PREFIX))
