"""Secrets: made at random, kept as keyed hashes, compared in constant time.

Tokens, codes and client secrets carry 256 random bits, so a fast keyed hash is enough for them; people's passwords
go through argon2 instead (`core.passwords`).
"""

import hashlib
import hmac
import secrets

KEY_BYTES = 32


def new_token() -> str:
    """32 random bytes as base64url: 43 characters, the form of every documented token and code.

    None starts with a hyphen: command lines would take it for an option.
    """
    token = secrets.token_urlsafe(32)
    return new_token() if token.startswith("-") else token


class Keys:
    """The keys derived from the installation's one secret key, each for one purpose.

    `secret_key`: at least 32 bytes.
    """

    def __init__(self, secret_key: bytes) -> None:
        if len(secret_key) < KEY_BYTES:
            raise ValueError(f"the secret key needs at least {KEY_BYTES} bytes")
        self._hash_key = _derive(secret_key, b"secrets at rest")
        self._form_key = _derive(secret_key, b"form tokens")
        self._device_key = _derive(secret_key, b"known devices")
        # Says whether a database and a key belong together, and tells nothing about the key.
        self.fingerprint = _derive(secret_key, b"fingerprint").hex()[:16]

    def hash(self, secret: str) -> bytes:
        """The 32 bytes under which `secret` is stored and looked up."""
        return hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=self._hash_key, digest_size=32).digest()

    def form_token(self, *subject: str) -> str:
        """What a page's form must bring back; `subject` names the session and what the form is about."""
        return _mac(self._form_key, subject)

    def device_token(self, *subject: str) -> str:
        """What a browser keeps to prove that it has signed in to this account before."""
        return _mac(self._device_key, subject)


def matches(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())


def _derive(secret_key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(secret_key, b"handcart: " + purpose, "sha256")


def _mac(key: bytes, subject: tuple[str, ...]) -> str:
    # The unit separator cannot occur in ids and session tokens, so no two subjects read alike.
    return hmac.digest(key, "\x1f".join(subject).encode("utf-8", "surrogatepass"), "sha256").hex()
