"""Secrets: random, stored as keyed hashes, compared in constant time; encrypted where they must be read again.

Tokens, codes and client secrets have 256 random bits, so a fast keyed hash is enough for them; passwords of people
use argon2 (`sign_in.passwords`). Secrets that this server must send to others, such as its credentials at a retailer's
token endpoint, are encrypted ("sealed") with AES-256-GCM.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from itertools import pairwise
from math import log2

KEY_BYTES = 32

# Minimum numbers of different pairs of neighbours, and of steps between them; random keys of 32 characters have more.
_LEAST_BITS, _LEAST_PAIRS, _LEAST_STEPS = 128, 20, 8
_FORMAT = b"\x01"
_KEY_ID_BYTES = 4
_NONCE_BYTES = 12  # NIST SP 800-38D: 96 random bits serve 2**32 secrets under one key


def new_token() -> str:
    """32 random bytes as base64url: 43 characters, the form of every documented token and code.

    Never starts with a hyphen, which a command line would read as an option.
    """
    token = secrets.token_urlsafe(32)
    return new_token() if token.startswith("-") else token


class SealBroken(ValueError):
    """Sealed bytes that cannot be decrypted: sealed with another secret key, or changed."""


class Keys:
    """The keys derived from the installation's secret key, each for one purpose.

    `secret_key`: at least 32 bytes. `earlier`: the hash keys of earlier secret keys, the oldest first: after
    `handcart key rotate`, stored values are hashes of hashes. These keys are used only for hashes.
    """

    def __init__(self, secret_key: bytes, earlier: Sequence[bytes] = ()) -> None:
        if len(secret_key) < KEY_BYTES:
            raise ValueError(f"the secret key needs at least {KEY_BYTES} bytes")
        self.hash_keys = (*earlier, _derive(secret_key, b"secrets at rest"))
        self._form_key = _derive(secret_key, b"form tokens")
        self._request_key = _derive(secret_key, b"authorization requests")
        self._password_key = _derive(secret_key, b"password links")
        self._device_key = _derive(secret_key, b"known devices")
        self.slot_key = _derive(secret_key, b"slot ids")
        self._seal_key = _derive(secret_key, b"sealed secrets")
        # Identifies the key that sealed a secret.
        self._seal_header = _FORMAT + _derive(self._seal_key, b"key id")[:_KEY_ID_BYTES]
        # Shows whether a database and a key belong together, without revealing the key.
        self.fingerprint = _derive(secret_key, b"fingerprint" + b"".join(earlier)).hex()[:16]

    def hash(self, secret: str) -> bytes:
        """The hash (32 bytes) by which `secret` is stored and looked up."""
        hashed = secret.encode("utf-8", "surrogatepass")
        for key in self.hash_keys:
            hashed = hashlib.blake2b(hashed, key=key, digest_size=32).digest()
        return hashed

    def hash_again(self, hashed: bytes) -> bytes:
        """The hash of a secret under this key, computed from its hash under the earlier keys."""
        return hashlib.blake2b(hashed, key=self.hash_keys[-1], digest_size=32).digest()

    def form_token(self, *subject: str) -> str:
        """The token that a page's form must contain; `subject` names the session and the purpose of the form."""
        return _mac(self._form_key, subject)

    def request_mac(self, text: str) -> str:
        """Proof that this server has checked an authorization request."""
        return _mac(self._request_key, (text,))

    def password_mac(self, account_id: int, email: str, ends_at: int, password_hash: str) -> str:
        """Proof that this server made a link for replacing this password, which was sent to this address."""
        return _mac(self._password_key, (str(account_id), email, str(ends_at), password_hash))

    def device_token(self, email: str, password_hash: str) -> str:
        """A browser's proof that it has signed in to this account before, with the current password."""
        return _mac(self._device_key, (email, password_hash))

    def link_macs(self, *subject: str) -> list[bytes]:
        """16 bytes that prove that this server made a link: under this key, then under the earlier ones."""
        text = "\x1f".join(subject).encode()
        return [
            hashlib.blake2b(text, key=key, digest_size=16, person=b"links").digest() for key in reversed(self.hash_keys)
        ]

    def seal(self, secret: str) -> bytes:
        """Encrypt a secret that must be read again: format, key id, nonce, AES-256-GCM of its UTF-8.

        Each call returns different bytes, 33 more than the secret has.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # takes 36 ms, and most processes never need it

        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = secret.encode("utf-8", "surrogatepass")
        return self._seal_header + nonce + AESGCM(self._seal_key).encrypt(nonce, text, self._seal_header)

    def open(self, sealed: bytes) -> str:
        """Decrypt a sealed secret; raises `SealBroken`."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        length = len(self._seal_header)
        header, nonce, text = sealed[:length], sealed[length : length + _NONCE_BYTES], sealed[length + _NONCE_BYTES :]
        if header != self._seal_header:
            raise SealBroken("another secret key sealed this")
        try:
            return AESGCM(self._seal_key).decrypt(nonce, text, header).decode("utf-8", "surrogatepass")
        except (InvalidTag, ValueError):  # ValueError: too short for a nonce
            raise SealBroken("this was changed after it was sealed") from None


def is_guessable(key: str) -> bool:
    """Whether a key is unlikely to come from a random generator: under 128 bits, repetitive, or counting up.

    ASVS 5.0, 11.2.3: at least 128 bits. Words of a language are not recognized.
    """
    kinds = ((str.isdecimal, 10), (_is_hexadecimal, 16), (str.islower, 26), (str.isupper, 26))
    alphabet = next((size for is_kind, size in kinds if is_kind(key)), 64)
    pairs = set(pairwise(key))
    steps = {ord(second) - ord(first) for first, second in pairs}
    return len(key) * log2(alphabet) < _LEAST_BITS or len(pairs) < _LEAST_PAIRS or len(steps) < _LEAST_STEPS


def _is_hexadecimal(text: str) -> bool:
    return set(text) <= set("0123456789abcdef")


def matches(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def _derive(secret_key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret_key, b"handcart: " + purpose, "sha256")


def _mac(key: bytes, subject: tuple[str, ...]) -> str:
    # The unit separator cannot occur in ids and session tokens, so different subjects never collide.
    return hmac.digest(key, "\x1f".join(subject).encode("utf-8", "surrogatepass"), "sha256").hex()
