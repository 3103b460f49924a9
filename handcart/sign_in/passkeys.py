"""Passkeys (WebAuthn Level 3): registration and sign-in for every audience, as JSON that browsers make and read.

What goes in and out has the form of WebAuthn's `toJSON` and `parse...OptionsFromJSON`. A passkey is discoverable, so
that nobody types who they are, and the authenticator must verify the user (by PIN, finger or face).

A challenge is bound to one session and one use. Nothing is stored for it before it is answered: it is a keyed hash of
the session and of the time. An answered challenge is kept among the one-time links, as used.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.secret import Keys, matches
from handcart.sign_in.errors import PasskeyRefused
from handcart.sign_in.models import Audience, Passkey

if TYPE_CHECKING:
    from fido2.server import Fido2Server

MOST_PASSKEYS = 10
MOST_NAME = 60
CHALLENGE_SECONDS = 900
_MOST_ID = 1400  # characters of base64url: WebAuthn allows 1023 bytes
# What fido2 raises for responses of another form; RecursionError and OverflowError: of CBOR made for that.
_MALFORMED = (
    *(ValueError, TypeError, LookupError, AttributeError, AssertionError),
    *(NotImplementedError, RecursionError, OverflowError),
)


def are_possible(public_url: str) -> bool:
    """Whether browsers offer passkeys at a public URL: they need https (or localhost), and a name of the host."""
    url = urlsplit(public_url)
    host = url.hostname or ""
    is_address = ":" in host or host.replace(".", "").isdigit()
    return not is_address and (url.scheme == "https" or host == "localhost")


def creation_options(
    keys: Keys, public_url: str, audience: Audience, session: str, person_id: int, name: str, known: Sequence[Passkey]
) -> dict[str, Any]:
    """`PublicKeyCredentialCreationOptionsJSON` for a person who is signed in with `session`.

    `name` is shown when the passkey is chosen. An authenticator that has one of the `known` passkeys makes no other.
    """
    from fido2.utils import websafe_decode
    from fido2.webauthn import (
        PublicKeyCredentialDescriptor,
        PublicKeyCredentialType,
        PublicKeyCredentialUserEntity,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    there = [
        PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=websafe_decode(one.credential_id))
        for one in known
    ]
    options, _ = _server(public_url).register_begin(
        PublicKeyCredentialUserEntity(id=_handle(audience, person_id), name=name, display_name=name),
        credentials=there,
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        challenge=_challenge(keys, session, "register"),
    )
    return dict(dict(options)["publicKey"])


async def register(
    tx: Tx,
    audience: Audience,
    public_url: str,
    session: str,
    person_id: int,
    response: Any,
    name: str,
) -> Passkey:
    """Store the passkey of a `RegistrationResponseJSON` for a person; raises `PasskeyRefused`."""
    from fido2 import cbor
    from fido2.cose import CoseKey
    from fido2.utils import websafe_encode

    challenge = _answered(tx.keys, session, "register", response)
    try:
        data = _server(public_url).register_complete(_state(challenge), response)
        credential = data.credential_data
        assert credential is not None
        credential_id = websafe_encode(credential.credential_id)
        is_usable = credential.public_key.ALGORITHM in CoseKey.supported_algorithms()
        public_key = cbor.encode(dict(credential.public_key))
    except _MALFORMED:
        raise PasskeyRefused("invalid") from None
    if not is_usable or len(credential_id) > _MOST_ID or not await _use(tx, audience, challenge, person_id):
        raise PasskeyRefused("invalid")
    if len(await of_person(tx, audience, person_id)) >= MOST_PASSKEYS:
        raise PasskeyRefused("too_many")
    made = await tx.run(
        "INSERT INTO passkeys (credential_id, audience, person_id, public_key, sign_count, name, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        credential_id,
        audience.name,
        person_id,
        public_key,
        data.counter,
        " ".join(name.split())[:MOST_NAME],
        clock.of_process(),
    )
    if not made:
        raise PasskeyRefused("known")
    return next(one for one in await of_person(tx, audience, person_id) if one.credential_id == credential_id)


def request_options(keys: Keys, public_url: str, session: str) -> dict[str, Any]:
    """`PublicKeyCredentialRequestOptionsJSON` with which a browser asks for any passkey of this site."""
    from fido2.webauthn import UserVerificationRequirement

    options, _ = _server(public_url).authenticate_begin(
        user_verification=UserVerificationRequirement.REQUIRED, challenge=_challenge(keys, session, "sign-in")
    )
    return dict(dict(options)["publicKey"])


async def authenticate(tx: Tx, audience: Audience, public_url: str, session: str, response: Any) -> int:
    """The id of the person whose passkey made an `AuthenticationResponseJSON`; raises `PasskeyRefused`.

    The counter of an authenticator that counts must have risen: a copy of the passkey would have an older one.
    """
    from fido2 import cbor
    from fido2.cose import CoseKey
    from fido2.utils import websafe_decode
    from fido2.webauthn import Aaguid, AttestedCredentialData, AuthenticatorData

    challenge = _answered(tx.keys, session, "sign-in", response)
    row = await tx.one(
        "SELECT person_id, public_key FROM passkeys WHERE credential_id = $1 AND audience = $2",
        str(response.get("id"))[:_MOST_ID],
        audience.name,
    )
    if row is None:
        raise PasskeyRefused("unknown")
    try:
        stored: Any = cbor.decode(bytes(row["public_key"]))
        key = CoseKey.parse(stored)
        credential = AttestedCredentialData.create(Aaguid.NONE, websafe_decode(response["id"]), key)
        _server(public_url).authenticate_complete(_state(challenge), [credential], response)
        counter = AuthenticatorData(websafe_decode(response["response"]["authenticatorData"])).counter
        handle = response["response"].get("userHandle")
        is_theirs = handle is None or websafe_decode(handle) == _handle(audience, row["person_id"])
    except _MALFORMED:
        raise PasskeyRefused("invalid") from None
    if not is_theirs or not await _use(tx, audience, challenge, row["person_id"]):
        raise PasskeyRefused("invalid")
    counted = await tx.run(
        "UPDATE passkeys SET sign_count = $2, used_at = $3 WHERE credential_id = $1"
        " AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))",
        response["id"],
        counter,
        clock.of_process(),
    )
    if not counted:
        raise PasskeyRefused("copied")
    found: int = row["person_id"]
    return found


async def of_person(tx: Tx, audience: Audience, person_id: int) -> Sequence[Passkey]:
    """The passkeys of a person, the newest first."""
    rows = await tx.all(
        "SELECT credential_id, name, created_at, used_at FROM passkeys WHERE audience = $1 AND person_id = $2"
        " ORDER BY created_at DESC, credential_id",
        audience.name,
        person_id,
    )
    return [Passkey(row["credential_id"], row["name"], row["created_at"], row["used_at"]) for row in rows]


async def remove(tx: Tx, audience: Audience, person_id: int, credential_id: str) -> bool:
    """Remove a passkey of a person; False if there is no such passkey."""
    return (
        await tx.run(
            "DELETE FROM passkeys WHERE audience = $1 AND person_id = $2 AND credential_id = $3",
            audience.name,
            person_id,
            credential_id,
        )
        > 0
    )


async def remove_all(tx: Tx, audience: Audience, person_id: int) -> None:
    """Remove all passkeys of a person."""
    await tx.run("DELETE FROM passkeys WHERE audience = $1 AND person_id = $2", audience.name, person_id)


def _server(public_url: str) -> "Fido2Server":
    from fido2.server import Fido2Server
    from fido2.webauthn import AttestationConveyancePreference, PublicKeyCredentialRpEntity

    host = urlsplit(public_url).hostname or ""
    return Fido2Server(
        PublicKeyCredentialRpEntity(id=host, name=host),
        attestation=AttestationConveyancePreference.NONE,
        verify_origin=lambda origin: origin == public_url,
    )


def _handle(audience: Audience, person_id: int) -> bytes:
    """What an authenticator stores of the person: an id without a meaning elsewhere."""
    return f"{audience.name}:{person_id}".encode()


def _challenge(keys: Keys, session: str, purpose: str) -> bytes:
    made = f"{clock.of_process() // clock.SECOND}.{secrets.token_urlsafe(16)}"
    return f"{made}.{keys.form_token(session, 'passkey', purpose, made)}".encode()


def _answered(keys: Keys, session: str, purpose: str, response: Any) -> bytes:
    """The challenge that a response answers; refuses one that is not of this session and purpose, or too old."""
    from fido2.utils import websafe_decode
    from fido2.webauthn import CollectedClientData

    try:
        challenge = CollectedClientData(websafe_decode(response["response"]["clientDataJSON"])).challenge
        made, _, mac = challenge.decode("ascii").rpartition(".")
        made_at = int(made.partition(".")[0])
    except _MALFORMED:
        raise PasskeyRefused("invalid") from None
    if not matches(mac, keys.form_token(session, "passkey", purpose, made)):
        raise PasskeyRefused("invalid")
    if made_at + CHALLENGE_SECONDS < clock.of_process() // clock.SECOND:
        raise PasskeyRefused("too_late")
    return challenge


def _state(challenge: bytes) -> Mapping[str, Any]:
    from fido2.utils import websafe_encode
    from fido2.webauthn import UserVerificationRequirement

    return {"challenge": websafe_encode(challenge), "user_verification": UserVerificationRequirement.REQUIRED}


async def _use(tx: Tx, audience: Audience, challenge: bytes, person_id: int) -> bool:
    """Note that a challenge was answered; False if it was before."""
    now = clock.of_process()
    made = await tx.run(
        "INSERT INTO one_time_links (token_hash, audience, purpose, person_id, created_at, expires_at, used_at)"
        " VALUES ($1, $2, 'challenge', $3, $4, $5, $4) ON CONFLICT DO NOTHING",
        tx.keys.hash(challenge.decode("ascii")),
        audience.name,
        person_id,
        now,
        now + CHALLENGE_SECONDS * clock.SECOND,
    )
    return made > 0
