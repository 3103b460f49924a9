"""Subscriptions of browsers to web push messages, and the installation's keys for them (RFC 8030, 8291, 8292)."""

import msgspec

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.outbound.client import RequestRefused, UrlRules, check_url
from handcart.core.secret import matches
from handcart.messages import errors
from handcart.messages.gateways import web_push

# Browsers of one recipient; a further one replaces the oldest.
MOST_SUBSCRIPTIONS = 5
# A push service is always a public https address.
RULES = UrlRules()
_POINT_BYTES, _AUTH_BYTES = 65, 16


async def subscribe(tx: Tx, recipient: str, endpoint: str, p256dh: str, auth: str, expires_at: int) -> int:
    """Store a browser's subscription until `expires_at`; returns its id. Raises `SubscriptionRefused`.

    `endpoint` is the URL of a push service that the browser names, `p256dh` and `auth` its keys in base64url.
    """
    _check(endpoint, p256dh, auth)
    endpoint_hash = tx.keys.hash(endpoint)
    await tx.run(
        "DELETE FROM push_subscriptions WHERE recipient = $1 AND (endpoint_hash = $2 OR id IN (SELECT id FROM"
        " push_subscriptions WHERE recipient = $1 AND endpoint_hash <> $2 ORDER BY id DESC LIMIT 1000 OFFSET $3))",
        recipient,
        endpoint_hash,
        MOST_SUBSCRIPTIONS - 1,
    )
    sealed = tx.keys.seal(msgspec.json.encode({"endpoint": endpoint, "p256dh": p256dh, "auth": auth}).decode())
    made, subscription_id = 0, 0
    while not made:  # another process may have made the same id
        subscription_id = ids.new_id()
        made = await tx.run(
            "INSERT INTO push_subscriptions (id, recipient, subscription, endpoint_hash, created_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
            subscription_id,
            recipient,
            sealed,
            endpoint_hash,
            clock.of_process(),
            expires_at,
        )
    return subscription_id


def shown(tx: Tx, recipient: str, subscription_id: int) -> str:
    """What a browser reports when it has shown a message: only somebody who has got one knows it."""
    return f"{subscription_id}.{tx.keys.form_token('push shown', recipient, str(subscription_id))}"


async def confirm(tx: Tx, recipient: str, reported: str) -> bool:
    """Note that a browser of a recipient shows messages; returns whether the report is one of ours (`shown`)."""
    subscription_id = ids.parse(reported.partition(".")[0]) or 0
    row = await tx.one(
        "SELECT subscription FROM push_subscriptions WHERE id = $1 AND recipient = $2", subscription_id, recipient
    )
    if row is None or not matches(reported, shown(tx, recipient, subscription_id)):
        return False
    facts = {**msgspec.json.decode(tx.keys.open(row["subscription"])), "is_confirmed": True}
    sealed = tx.keys.seal(msgspec.json.encode(facts).decode())
    await tx.run("UPDATE push_subscriptions SET subscription = $2 WHERE id = $1", subscription_id, sealed)
    return True


async def unsubscribe(tx: Tx, recipient: str, endpoint: str) -> bool:
    """End a browser's subscription; returns whether there was one."""
    return (
        await tx.run(
            "DELETE FROM push_subscriptions WHERE recipient = $1 AND endpoint_hash = $2",
            recipient,
            tx.keys.hash(endpoint),
        )
        > 0
    )


async def public_key(tx: Tx) -> str:
    """The installation's public key in base64url, to which browsers subscribe: their `applicationServerKey`.

    Makes the key the first time, so the transaction must be one that writes.
    """
    return (await _keys(tx))[1]


async def private_key(tx: Tx) -> str:
    """The installation's private key in base64url; as `public_key`."""
    return (await _keys(tx))[0]


async def _keys(tx: Tx) -> tuple[str, str]:
    find = "SELECT private_key, public_key FROM vapid_keys WHERE id = 1"
    row = await tx.one(find)
    if row is None:
        private, public = web_push.new_key()
        await tx.run(
            "INSERT INTO vapid_keys (id, private_key, public_key) VALUES (1, $1, $2) ON CONFLICT (id) DO NOTHING",
            tx.keys.seal(private),
            public,
        )
        row = await tx.one(find)
        assert row is not None
    return tx.keys.open(row["private_key"]), row["public_key"]


def _check(endpoint: str, p256dh: str, auth: str) -> None:
    try:
        check_url(endpoint, RULES)
    except RequestRefused as error:
        raise errors.subscription(str(error)) from None
    point = _bytes(p256dh)
    if len(point) != _POINT_BYTES or point[0] != 4 or len(_bytes(auth)) != _AUTH_BYTES:
        raise errors.subscription("the keys are not those of a browser")


def _bytes(text: str) -> bytes:
    try:
        return web_push.decoded(text)
    except ValueError:
        return b""
