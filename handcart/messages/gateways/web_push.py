"""Send web push messages: encrypted for the browser, signed by this installation, posted to the browser's push service.

The endpoint is a foreign URL that a browser has named, so it is only asked with the outbound client and its checks of
addresses. RFC 8030 (the request), 8188 and 8291 (the encryption), 8292 (the signature).
"""

import base64
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from handcart.core import clock
from handcart.core.outbound.client import Answer, UrlRules
from handcart.messages.gateways import SENT, UNWANTED, Parcel, Result, http
from handcart.messages.models import Content, Subscription

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

# Push services take 4 KiB at least, some browsers less.
MOST_PAYLOAD = 3000
_SIGNED_FOR = 12 * clock.HOUR
_RECORD = 4096
_SALT_BYTES, _KEY_BYTES, _NONCE_BYTES, _SECRET_BYTES = 16, 16, 12, 32
_GONE = (404, 410)
_JWT_HEADER = b'{"typ":"JWT","alg":"ES256"}'


class WebPush:
    """Posts to push services. `contact`: the URL of this installation, by which they can find its operator."""

    name = "web push"

    def __init__(self, contact: str, rules: UrlRules) -> None:
        self._client = http.client(rules)
        self._contact = contact

    async def send(self, parcel: Parcel) -> Result:
        subscription, private_key = parcel.subscription, parcel.push_key
        if subscription is None or private_key is None:
            return Result(UNWANTED, "the browser's subscription has ended")
        try:
            body = encrypt(payload(parcel.content), subscription)
        except ValueError as error:  # a point that is not on the curve
            return Result(UNWANTED, f"the browser's keys cannot be used: {error}")
        headers = [
            ("content-type", "application/octet-stream"),
            ("content-encoding", "aes128gcm"),
            ("ttl", str(max(0, parcel.seconds_left))),
            ("authorization", authorization(private_key, subscription.endpoint, self._contact)),
        ]
        answer = await http.ask(self._client, subscription.endpoint, body, headers, parcel.retailer_id)
        return answer if isinstance(answer, Result) else read(answer)

    async def close(self) -> None:
        await self._client.close()


def read(answer: Answer) -> Result:
    """What an answer means. 404 and 410 end the subscription."""
    if 200 <= answer.status < 300:
        return Result(SENT, f"status {answer.status}")
    if answer.status in _GONE:
        return Result(UNWANTED, f"status {answer.status}: the browser's subscription has ended")
    return http.failure(answer)


def payload(content: Content) -> bytes:
    """What the browser's service worker gets: JSON with title, body and url. A long body is cut."""
    body = content.body
    while True:
        made = msgspec.json.encode({"title": content.subject, "body": body, "url": content.url})
        if len(made) <= MOST_PAYLOAD or not body:
            return made
        body = body[: -max(1, (len(made) - MOST_PAYLOAD) // 4)]


def encrypt(
    plain: bytes, to: Subscription, *, salt: bytes | None = None, key: "EllipticCurvePrivateKey | None" = None
) -> bytes:
    """The body of a push message in one record. `salt` and `key`: fresh ones by default. Raises ValueError."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt = salt or secrets.token_bytes(_SALT_BYTES)
    key = key or ec.generate_private_key(ec.SECP256R1())
    theirs, ours = decoded(to.p256dh), public_bytes(key)
    shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
    secret = _derived(decoded(to.auth), shared, b"WebPush: info\0" + theirs + ours, _SECRET_BYTES)
    content_key = _derived(salt, secret, b"Content-Encoding: aes128gcm\0", _KEY_BYTES)
    nonce = _derived(salt, secret, b"Content-Encoding: nonce\0", _NONCE_BYTES)
    header = salt + _RECORD.to_bytes(4) + bytes([len(ours)]) + ours
    return header + AESGCM(content_key).encrypt(nonce, plain + b"\2", None)  # 2: the last record


def authorization(private_key: str, endpoint: str, contact: str) -> str:
    """The header that shows a push service who sends."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    target = urlsplit(endpoint)
    claims = {
        "aud": f"{target.scheme}://{target.netloc}",
        "exp": (clock.of_process() + _SIGNED_FOR) // clock.SECOND,
        "sub": contact,
    }
    signed = f"{encoded(_JWT_HEADER)}.{encoded(msgspec.json.encode(claims))}"
    key = ec.derive_private_key(int.from_bytes(decoded(private_key)), ec.SECP256R1())
    numbers = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(SHA256())))
    signature = encoded(b"".join(number.to_bytes(32) for number in numbers))
    return f"vapid t={signed}.{signature},k={encoded(public_bytes(key))}"


def new_key() -> tuple[str, str]:
    """A new private key of an installation, and its public key, in base64url."""
    from cryptography.hazmat.primitives.asymmetric import ec

    made = ec.generate_private_key(ec.SECP256R1())
    return encoded(made.private_numbers().private_value.to_bytes(32)), encoded(public_bytes(made))


def public_bytes(key: "EllipticCurvePrivateKey") -> bytes:
    """The public key as an uncompressed point."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decoded(text: str) -> bytes:
    """The bytes of base64url, with or without padding. Raises ValueError."""
    return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", validate=True)


def _derived(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length, salt, info).derive(secret)
