"""
The same operations with the same SQL, directly on ASGI: no routing, validation, request ids, limits, logs.

Run by uvicorn like Handcart. Environment: BENCH_DATABASE (URL), HANDCART_SECRET_KEY, and for replayed operations
BENCH_SAMPLES (JSON file of samples by operation id).
"""

import os
import time
from pathlib import Path
from typing import Any

import msgspec

from bench.limit import replay
from bench.limit.postgresql import Postgresql
from bench.limit.sqlite import Sqlite
from handcart.core.clock import to_wire
from handcart.core.db.connect import connect
from handcart.core.secret import Keys, new_token
from handcart.linking.ops import LINK
from handcart.linking.wire import LinkResponse
from handcart.oauth.bearer import CALLER
from handcart.oauth.tokens import INSERT
from handcart.oauth.wire import TokenResponse
from handcart.retailers import clients

LIFETIME_SECONDS = 86400
SECOND = 1_000_000
BEFORE_USER, AFTER_USER = len("/v2/fulfillment/users/"), len("/link")
HEADERS = [(b"content-type", b"application/json")]


Headers = list[tuple[bytes, bytes]]


class TokenFields(msgspec.Struct):
    """The body of a token request."""

    client_id: str
    client_secret: str
    scope: str


URL = os.environ["BENCH_DATABASE"]
DATABASE: Sqlite | Postgresql = Sqlite(URL) if URL.startswith("sqlite") else Postgresql(URL)
KEEPS_TOKENS = isinstance(DATABASE, Postgresql)  # for a second, as Handcart does when a look-up is a round trip
KEYS = Keys(os.environ["HANDCART_SECRET_KEY"].encode())
encode = msgspec.json.Encoder().encode
decode_fields = msgspec.json.Decoder(TokenFields).decode
SAMPLES = msgspec.json.decode(
    Path(os.environ["BENCH_SAMPLES"]).read_bytes() if "BENCH_SAMPLES" in os.environ else b"{}",
    type=dict[str, replay.Sample],
)
decode_values = msgspec.json.Decoder(dict[str, replay.Value]).decode
kept: dict[bytes, tuple[int, Any]] = {}
scripts: dict[str, replay.Script] = {}  # by their paths


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] == "lifespan":
        await receive()
        await record()
        await DATABASE.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    path = scope["path"]
    if path == "/live":
        status, body = 200, b"{}"
    elif path in scripts:
        status, body = await run_again(scripts[path], await whole(receive), scope["headers"])
    elif scope["method"] == "POST":
        status, body = await issue_token(await whole(receive))
    else:
        status, body = await get_link(path[BEFORE_USER:-AFTER_USER], scope["headers"])
    headers = [*HEADERS, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def record() -> None:
    """Record the operations to replay, with Handcart's code."""
    if SAMPLES:
        database = await connect(URL, KEYS)
        for operation_id, sample in SAMPLES.items():
            scripts[f"/{operation_id}"] = await replay.record(database, sample)
        await database.close()


async def run_again(script: replay.Script, body: bytes, headers: Headers) -> tuple[int, bytes]:
    """Check the token and run the statements of an operation with the values of the body."""
    if await authenticated(headers) is None:
        return 401, b"{}"
    await DATABASE.run(script.bound(decode_values(body)), is_write=script.is_write)
    return 200, script.answer


async def whole(receive: Any) -> bytes:
    """The body of a request."""
    message = await receive()
    body: bytes = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    return body


async def issue_token(body: bytes) -> tuple[int, bytes]:
    """Check the client, store a token, return it."""
    fields, now = decode_fields(body), time.time_ns() // 1000
    client = await DATABASE.one(clients.PROVEN, fields.client_id, KEYS.hash(fields.client_secret), now)
    if client is None or client["disabled_at"] is not None or fields.scope not in client["scopes"].split():
        return 401, b"{}"
    token, until = new_token(), now + LIFETIME_SECONDS * SECOND
    owner = (client["client_id"], client["organization_id"], client["retailer_id"], client["isolation_id"])
    await DATABASE.insert(INSERT, KEYS.hash(token), *owner, fields.scope, None, None, None, now, until, 0)
    return 200, encode(
        TokenResponse(
            access_token=token,
            token_type="Bearer",
            expires_in=LIFETIME_SECONDS,
            scope=fields.scope,
            created_at=now // SECOND,
        )
    )


async def get_link(user_id: str, headers: Headers) -> tuple[int, bytes]:
    """Check the token, look the link up, return the membership."""
    now, token = time.time_ns() // 1000, await authenticated(headers)
    if token is None:
        return 401, b"{}"
    rows = await DATABASE.all(LINK, token["isolation_id"], user_id)
    if not rows or rows[0]["ends_at"] is None:
        return 400, b"{}"
    is_member, ends_at = rows[0]["starts_at"] <= now < rows[0]["ends_at"], rows[0]["ends_at"]
    answer = LinkResponse(express_member=is_member, instacartplus_member=is_member, expired_at=to_wire(ends_at))
    return 200, encode(answer)


async def authenticated(headers: Headers) -> Any:
    """The row of the request's bearer token; None if it is not valid."""
    authorization = next((value for name, value in headers if name == b"authorization"), b"Bearer ")
    now = time.time_ns() // 1000
    token = await caller(authorization, now)
    return None if token is None or token["is_revoked"] or token["expires_at"] <= now else token


async def caller(authorization: bytes, now: int) -> Any:
    """The row of a bearer token."""
    if not KEEPS_TOKENS:
        return await DATABASE.one(CALLER, KEYS.hash(authorization[7:].decode()))
    until, row = kept.get(authorization, (0, None))
    if until <= now:
        row = await DATABASE.one(CALLER, KEYS.hash(authorization[7:].decode()))
        kept[authorization] = (now + SECOND, row)
    return row
