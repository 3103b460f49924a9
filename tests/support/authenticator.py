"""An authenticator in software: it makes passkeys and signs with them, as a browser's `toJSON` returns it."""

import hashlib
import json
import secrets
import struct
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode

PRESENT, VERIFIED, HAS_CREDENTIAL = 1, 4, 64


class Authenticator:
    """One authenticator with at most one passkey. Its attributes can be changed, to make wrong responses.

    `counter` rises with each signature unless `counts` is False.
    """

    def __init__(self, origin: str, rp_id: str = "localhost") -> None:
        self.origin, self.rp_id = origin, rp_id
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(16)
        self.flags = PRESENT | VERIFIED
        self.counter, self.counts = 0, True
        self.handle = ""

    def create(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """`RegistrationResponseJSON` for `PublicKeyCredentialCreationOptionsJSON`."""
        self.handle = options["user"]["id"]
        public_key = cbor.encode(dict(ES256.from_cryptography_key(self.key.public_key())))
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + public_key
        data = self._data(self.flags | HAS_CREDENTIAL) + attested
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        response = {"attestationObject": websafe_encode(attestation), "transports": ["internal"]}
        return self._response("webauthn.create", options, response, client_data)

    def get(self, options: dict[str, Any], **client_data: Any) -> dict[str, Any]:
        """`AuthenticationResponseJSON` for `PublicKeyCredentialRequestOptionsJSON`."""
        self.counter += self.counts
        data = self._data(self.flags)
        response: dict[str, Any] = {"authenticatorData": websafe_encode(data), "userHandle": self.handle}
        answer = self._response("webauthn.get", options, response, client_data)
        hashed = hashlib.sha256(websafe_decode(answer["response"]["clientDataJSON"])).digest()
        signature = self.key.sign(data + hashed, ec.ECDSA(hashes.SHA256()))
        answer["response"]["signature"] = websafe_encode(signature)
        return answer

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _response(self, kind: str, options: dict[str, Any], response: dict[str, Any], changed: Any) -> dict[str, Any]:
        client = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        written = json.dumps(client | changed).encode()
        name = websafe_encode(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {**response, "clientDataJSON": websafe_encode(written)},
        }
