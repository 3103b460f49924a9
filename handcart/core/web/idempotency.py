"""`Idempotency-Key`: a repeated request gets the first response (IETF draft idempotency-key-header-07).

Key and response are written in the transaction of the request, so a refused or failed request stores no key, and a
concurrent duplicate waits for the first request.
"""

from hashlib import blake2b
from typing import Any

import msgspec

from handcart.core import clock, errors
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.core.web.body import json_reply
from handcart.core.web.call import Call, Handler, Reply

KEPT = 24 * clock.HOUR
HEADER = "Idempotency-Key"
MOST_CHARACTERS = 255
# Longer responses are not stored, only their key: a repeated request then runs again.
MOST_ANSWER = 64 << 10


async def once(tx: Tx, call: Call, handler: Handler, operation: str) -> Any:
    """Run a handler, or return its stored response to the same key; raises 400 and 422.

    `operation` names the handler, since the same body may mean something else elsewhere. The response's `id` is stored
    as the subject of the key (see `forget`). Responses over `MOST_ANSWER` bytes are not stored, so a handler with such
    responses must itself be safe to repeat.
    """
    values = call.header_values(HEADER.lower().encode())
    if not values:
        return await handler(tx, call)
    key, fingerprint = _key(values), _fingerprint(call, operation)
    await tx.run(
        "DELETE FROM idempotency_keys WHERE client_id = $1 AND idempotency_key = $2 AND expires_at <= $3",
        call.caller.client_id,
        key,
        clock.now(),
    )
    made = await tx.run(
        "INSERT INTO idempotency_keys (client_id, idempotency_key, fingerprint, answer, expires_at)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        call.caller.client_id,
        key,
        fingerprint,
        b"",
        clock.now() + KEPT,
    )
    if not made:
        return await _first_answer(tx, call, key, fingerprint) or await handler(tx, call)
    answer = await handler(tx, call)
    reply: Reply = answer if isinstance(answer, Reply) else json_reply(answer)
    await tx.run(
        "UPDATE idempotency_keys SET answer = $3, subject = $4 WHERE client_id = $1 AND idempotency_key = $2",
        call.caller.client_id,
        key,
        reply.body if len(reply.body) <= MOST_ANSWER else b"",
        getattr(answer, "id", None),
    )
    return reply


async def purge(tx: Tx, most: int) -> int:
    """Delete expired keys; returns their number."""
    return await tx.run(
        "DELETE FROM idempotency_keys WHERE (client_id, idempotency_key) IN"
        " (SELECT client_id, idempotency_key FROM idempotency_keys WHERE expires_at <= $1 LIMIT $2)",
        clock.now(),
        most,
    )


async def forget(tx: Tx, client_id: str, subject: str) -> None:
    """Delete a client's keys whose responses have this `id`, because they contain a deleted user's data."""
    await tx.run("DELETE FROM idempotency_keys WHERE client_id = $1 AND subject = $2", client_id, subject)


def malformed() -> ApiError:
    """A key that is empty, too long, given twice or not printable."""
    return errors.invalid(HEADER)


def reused() -> ApiError:
    """The key was used for another request."""
    return ApiError(422, "Idempotency-Key was used for another request: use a new key", key=HEADER)


async def _first_answer(tx: Tx, call: Call, key: str, fingerprint: bytes) -> Reply | None:
    """The stored response to this key; None if it was not stored."""
    row = await tx.one(
        "SELECT fingerprint, answer FROM idempotency_keys WHERE client_id = $1 AND idempotency_key = $2",
        call.caller.client_id,
        key,
    )
    assert row is not None
    if bytes(row["fingerprint"]) != fingerprint:
        raise reused()
    if not row["answer"]:
        return None
    return Reply(200, bytes(row["answer"]), ((b"content-type", b"application/json"),))


def _key(values: list[str]) -> str:
    """The key, from a quoted structured string or (as most clients send it) from bare text."""
    key = values[0].strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(values) > 1 or not 0 < len(key) <= MOST_CHARACTERS or not key.isascii() or not key.isprintable():
        raise malformed()
    return key


def _fingerprint(call: Call, operation: str) -> bytes:
    """A hash of a request's content; the order of keys, spaces and unknown fields are ignored."""
    banner = call.header(b"x-retailer-id") or ""
    meaning = msgspec.json.encode(call.body, order="deterministic")
    content = "\0".join((operation, str(sorted(call.path.items())), banner)).encode() + b"\0" + meaning
    return blake2b(content, digest_size=16).digest()
