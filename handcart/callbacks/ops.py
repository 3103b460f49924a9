"""Create, change and read webhook configurations; replay events."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import structs

from handcart.callbacks import errors, signing
from handcart.callbacks.errors import Refused
from handcart.callbacks.models import (
    DELETED,
    DEVELOPMENT,
    DISABLED,
    ENABLED,
    EVERY,
    PRODUCTION,
    VERIFYING,
    NewWebhook,
    Webhook,
)
from handcart.callbacks.schedule import AFTER_NEW
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.outbound import client, urls
from handcart.events import queries as events
from handcart.events.kinds import KINDS, bare
from handcart.events.models import Event

# After a rotation, callbacks are signed with both the old and the new secret for this time.
OVERLAP = 24 * clock.HOUR
MOST_WEBHOOKS = 50
# Values of the setting `verify_receivers`: which receivers must agree before their webhooks are enabled.
ALWAYS, IN_PRODUCTION, NEVER = "always", "production", "never"
MOST_CHARACTERS = 1000
# Limited, because a replay blocks other writes meanwhile.
MOST_REPLAYED = 500

_COLUMNS = (
    "id, retailer_id, name, environment, callback_url, auth_uri, client_id, scope, resource, events, status,"
    " status_reason, verified_at, failures, first_failure_at, failing_since, caught_up_to, old_signing_until,"
    " created_at, updated_at"
)
_FIND = f"SELECT {_COLUMNS} FROM webhooks WHERE retailer_id = $1 AND id = $2 AND status <> 'deleted'"  # noqa: S608
_LIST = f"SELECT {_COLUMNS} FROM webhooks WHERE retailer_id = $1 AND status <> 'deleted' ORDER BY id"  # noqa: S608


def environment_of(*, is_production: bool) -> str:
    """The environment whose webhooks a server serves, in the words of Connect's dashboard."""
    return PRODUCTION if is_production else DEVELOPMENT


async def create(
    tx: Tx,
    retailer_id: int,
    rules: client.Rules,
    *,
    environment: str,
    callback_url: str,
    auth_uri: str,
    client_id: str,
    client_secret: str,
    events: Sequence[str] = (EVERY,),
    name: str | None = None,
    scope: str | None = None,
    resource: str | None = None,
    own_url: str = "",
    verify: str = NEVER,
) -> NewWebhook:
    """Create a webhook; its signing secret is shown only once. Raises `Refused`.

    `rules`: the allowed addresses; `own_url`: this server's URL, which is refused as a receiver; `verify`: which
    webhooks are enabled only after their receiver has agreed (the setting `verify_receivers`).
    """
    if len(await webhooks(tx, retailer_id)) >= MOST_WEBHOOKS:
        raise errors.too_many(MOST_WEBHOOKS)
    asked = {"callback_url": callback_url, "auth_uri": auth_uri, "name": name or None, "client_id": client_id}
    more = {"client_secret": client_secret, "scope": scope or None, "resource": resource or None}
    _check({**asked, **more}, rules, own_url)
    now = clock.now()
    status = VERIFYING if _asks_first(verify, environment) else ENABLED
    webhook = Webhook(
        id=ids.new_id(),
        retailer_id=retailer_id,
        name=name or urls.read(callback_url, rules).authority,
        environment=environment,
        callback_url=callback_url,
        auth_uri=auth_uri,
        client_id=client_id,
        scope=scope or None,
        resource=resource or None,
        events=_chosen(events),
        status=status,
        status_reason=None,
        verified_at=None,
        failures=0,
        first_failure_at=None,
        failing_since=None,
        caught_up_to=None,
        old_signing_until=None,
        created_at=now,
        updated_at=now,
    )
    signing_secret = signing.new_secret()
    await tx.run(
        "INSERT INTO webhooks (id, retailer_id, name, environment, callback_url, auth_uri, client_id, client_secret,"
        " scope, resource, events, status, signing_secret, failures, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, $14, $14)",
        webhook.id,
        retailer_id,
        webhook.name,
        environment,
        callback_url,
        auth_uri,
        client_id,
        tx.keys.seal(client_secret),
        webhook.scope,
        webhook.resource,
        " ".join(webhook.events),
        status,
        tx.keys.seal(signing_secret),
        now,
    )
    return NewWebhook(webhook, signing_secret)


async def webhooks(tx: Tx, retailer_id: int) -> Sequence[Webhook]:
    """A retailer's webhooks, the oldest first."""
    return [_webhook(row) for row in await tx.all(_LIST, retailer_id)]


async def webhook(tx: Tx, retailer_id: int, webhook_id: int) -> Webhook:
    """One of a retailer's webhooks; raises `UnknownWebhook`."""
    row = await tx.one(_FIND, retailer_id, webhook_id)
    if row is None:
        raise errors.unknown_webhook(webhook_id)
    return _webhook(row)


async def update(
    tx: Tx,
    retailer_id: int,
    webhook_id: int,
    rules: client.Rules,
    changes: Mapping[str, Any],
    own_url: str = "",
    verify: str = NEVER,
) -> Webhook:
    """Change fields of a webhook, also `client_secret`; running attempts keep the old configuration.

    An empty `scope` or `resource` removes it. The receiver at a new callback URL must agree first, if `verify` says so.
    Raises `Refused` and `UnknownWebhook`.
    """
    changes = dict(changes)
    client_secret = changes.pop("client_secret", None)
    if "events" in changes:
        changes["events"] = _chosen(changes["events"])
    for name in changes.keys() & {"scope", "resource"}:
        changes[name] = changes[name] or None
    there = await _hold(tx, retailer_id, webhook_id)
    changed = structs.replace(there, **changes, updated_at=_later(there))
    if changed.callback_url != there.callback_url:
        changed.verified_at = None
        if there.status != DISABLED:
            changed.status = VERIFYING if _asks_first(verify, there.environment) else ENABLED
    _check({**changes, "client_secret": client_secret}, rules, own_url)
    await tx.run(
        "UPDATE webhooks SET name = $3, callback_url = $4, auth_uri = $5, client_id = $6, scope = $7, resource = $8,"
        " events = $9, updated_at = $10, status = $11, verified_at = $12 WHERE retailer_id = $1 AND id = $2",
        retailer_id,
        webhook_id,
        changed.name,
        changed.callback_url,
        changed.auth_uri,
        changed.client_id,
        changed.scope,
        changed.resource,
        " ".join(changed.events),
        changed.updated_at,
        changed.status,
        changed.verified_at,
    )
    if client_secret is not None:
        await tx.run(
            "UPDATE webhooks SET client_secret = $3 WHERE retailer_id = $1 AND id = $2",
            retailer_id,
            webhook_id,
            tx.keys.seal(client_secret),
        )
    return changed


async def enable(tx: Tx, retailer_id: int, webhook_id: int, verify: str = NEVER) -> Webhook:
    """Enable a webhook: waiting deliveries are sent, and its failures are reset. Raises `UnknownWebhook`.

    A receiver that has not agreed to callbacks is asked first, if `verify` says so.
    """
    there = await _hold(tx, retailer_id, webhook_id)
    must_ask = there.status != ENABLED and there.verified_at is None and _asks_first(verify, there.environment)
    # The caller's clock may differ from the clock used for sending.
    last = await tx.one(
        "SELECT max(attempted_at) AS at FROM deliveries WHERE retailer_id = $1 AND webhook_id = $2"
        " AND state = 'pending'",
        retailer_id,
        webhook_id,
    )
    assert last is not None
    await tx.run(
        "UPDATE webhooks SET status = $3, status_reason = NULL, failures = 0, first_failure_at = NULL,"
        " failing_since = NULL, caught_up_to = $4, updated_at = $5 WHERE retailer_id = $1 AND id = $2",
        retailer_id,
        webhook_id,
        VERIFYING if must_ask else ENABLED,
        max(clock.now(), last["at"] or 0),
        _later(there),
    )
    return await webhook(tx, retailer_id, webhook_id)


async def disable(tx: Tx, retailer_id: int, webhook_id: int, reason: str) -> Webhook:
    """Disable a webhook; its events are kept until it is enabled again. Raises `UnknownWebhook`."""
    there = await _hold(tx, retailer_id, webhook_id)
    await tx.run(
        "UPDATE webhooks SET status = $3, status_reason = $4, updated_at = $5 WHERE retailer_id = $1 AND id = $2",
        retailer_id,
        webhook_id,
        DISABLED,
        reason,
        _later(there),
    )
    return await webhook(tx, retailer_id, webhook_id)


async def delete(tx: Tx, retailer_id: int, webhook_id: int) -> None:
    """Delete a webhook and its secrets; nothing more is sent to it. Raises `UnknownWebhook`."""
    there = await _hold(tx, retailer_id, webhook_id)
    await tx.run(
        "UPDATE webhooks SET status = $3, client_secret = $4, signing_secret = $4, old_signing_secret = NULL,"
        " old_signing_until = NULL, updated_at = $5 WHERE retailer_id = $1 AND id = $2",
        retailer_id,
        webhook_id,
        DELETED,
        b"",
        _later(there),
    )


async def rotate_secret(tx: Tx, retailer_id: int, webhook_id: int) -> NewWebhook:
    """Give a webhook a new signing secret; for a day, callbacks are also signed with the old one."""
    there = await _hold(tx, retailer_id, webhook_id)
    signing_secret = signing.new_secret()
    await tx.run(
        "UPDATE webhooks SET old_signing_secret = signing_secret, old_signing_until = $3, signing_secret = $4,"
        " updated_at = $5 WHERE retailer_id = $1 AND id = $2",
        retailer_id,
        webhook_id,
        clock.of_process() + OVERLAP,
        tx.keys.seal(signing_secret),
        _later(there),
    )
    return NewWebhook(await webhook(tx, retailer_id, webhook_id), signing_secret)


async def replay(
    tx: Tx, retailer_id: int, webhook_id: int | None, *, after: int = 0, until: int | None = None, **of: Any
) -> tuple[int, int | None]:
    """Send events again, whether delivered or not: one `event_id`, those of a `subject`, or all.

    Sends to one webhook, or to all if `webhook_id` is None. Skips events that a webhook is not subscribed to, and
    deliveries that are being sent now. Takes ids over `after`, up to `until`, at most `limit` (default and maximum:
    `MOST_REPLAYED`). Returns the number of deliveries, and the last event's id if there may be more.
    Raises `UnknownWebhook`.
    """
    to = await webhooks(tx, retailer_id) if webhook_id is None else [await webhook(tx, retailer_id, webhook_id)]
    if of.get("event_id") is not None:
        after, until = of["event_id"] - 1, of["event_id"]
    limit = max(1, min(of.get("limit") or MOST_REPLAYED, MOST_REPLAYED) // max(1, len(to)))
    until = events.LAST_ID if until is None else until
    found = await events.without_bodies(tx, retailer_id, after, until, of.get("subject"), limit)
    count = 0
    for one in found:
        for webhook_ in to:
            if one.name in webhook_.events or EVERY in webhook_.events:
                count += await _deliver_again(tx, webhook_, one)
    return count, found[-1].event_id if len(found) == limit and found[-1].event_id < until else None


async def _deliver_again(tx: Tx, webhook: Webhook, event: Event) -> int:
    return await tx.run(
        "INSERT INTO deliveries (retailer_id, event_id, webhook_id, subject, state, tries, attempts, is_replay,"
        " created_at, due_at, planned_at, attempted_at) VALUES ($1, $2, $3, $4, 'pending', 0, 0, $5, $6, $7, 0, 0)"
        " ON CONFLICT (retailer_id, event_id, webhook_id) DO UPDATE SET state = 'pending', tries = 0,"
        " is_replay = excluded.is_replay, due_at = excluded.due_at, planned_at = 0"
        " WHERE deliveries.state <> 'sending'",
        *(webhook.retailer_id, event.event_id, webhook.id, event.subject, True, event.created_at, AFTER_NEW),
    )


def _asks_first(verify: str, environment: str) -> bool:
    return verify == ALWAYS or (verify == IN_PRODUCTION and environment == PRODUCTION)


def _check(fields: Mapping[str, Any], rules: client.Rules, own_url: str) -> None:
    """Refuse invalid fields of a webhook. Absent fields and None mean no change."""
    for key in ("callback_url", "auth_uri"):
        if (url := fields.get(key)) is not None:
            _check_url(url, key, rules, own_url)
    for key in ("client_id", "client_secret", "name", "scope", "resource"):
        value = fields.get(key)
        if value is not None and not (value.strip() and len(value) <= MOST_CHARACTERS and value.isprintable()):
            raise errors.unprintable(key, MOST_CHARACTERS)


def _check_url(url: str, key: str, rules: client.Rules, own_url: str) -> None:
    try:
        client.check_url(url, rules)
    except client.Refused as refused:
        raise Refused(str(refused), key) from None
    if own_url and _origin(url) == _origin(own_url):
        raise errors.own_address(key)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _chosen(names: Sequence[str]) -> Sequence[str]:
    chosen = list(dict.fromkeys(bare(name) for name in names))
    if not chosen:
        raise errors.no_event()
    for name in chosen:
        if name not in KINDS and name != EVERY:
            raise errors.unknown_event(name)
    return [EVERY] if EVERY in chosen else chosen


def _later(webhook: Webhook) -> int:
    """A new `updated_at`, later than the last one even if the clock is frozen: it identifies the configuration."""
    return max(clock.now(), webhook.updated_at + 1)


async def _hold(tx: Tx, retailer_id: int, webhook_id: int) -> Webhook:
    row = await tx.one(f"{_FIND} FOR UPDATE", retailer_id, webhook_id)
    if row is None:
        raise errors.unknown_webhook(webhook_id)
    return _webhook(row)


def _webhook(row: Any) -> Webhook:
    return Webhook(**{**dict(row), "events": row["events"].split(" ")})
