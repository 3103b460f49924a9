"""Create, change and read webhooks."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, structs

from handcart.callbacks import errors, signing
from handcart.callbacks.errors import InvalidWebhook
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
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.outbound import client, urls
from handcart.core.settings import Settings, parts
from handcart.events.kinds import KINDS, bare

# After a rotation, callbacks are signed with both the old and the new secret for this time.
OVERLAP = 24 * clock.HOUR
MOST_WEBHOOKS = 50
# Values of the setting `verify_receivers`: which receivers must agree before their webhooks are enabled.
ALWAYS, IN_PRODUCTION, NEVER = "always", "production", "never"
MOST_CHARACTERS = 1000
_EVERY_PORT = range(1, 65_536)

_COLUMNS = (
    "id, retailer_id, name, environment, callback_url, auth_uri, client_id, scope, resource, events, status,"
    " status_reason, verified_at, failures, first_failure_at, failing_since, caught_up_to, old_signing_until,"
    " created_at, updated_at, disabled_by_operator"
)
_FIND = f"SELECT {_COLUMNS} FROM webhooks WHERE retailer_id = $1 AND id = $2 AND status <> 'deleted'"  # noqa: S608
_LIST = f"SELECT {_COLUMNS} FROM webhooks WHERE retailer_id = $1 AND status <> 'deleted' ORDER BY id"  # noqa: S608
_ALL = f"SELECT {_COLUMNS} FROM webhooks WHERE status <> 'deleted' ORDER BY retailer_id, id"  # noqa: S608


class Policy(Struct, frozen=True, kw_only=True):
    """What a server allows webhooks. `rules`: the addresses that callbacks may reach.

    `environment`: whose webhooks it serves, in the words of Connect's dashboard; `own_url`: this server's URL, which is
    refused as a receiver; `verify`: which webhooks are enabled only after their receiver has agreed.
    """

    rules: client.UrlRules
    environment: str
    own_url: str = ""
    verify: str = NEVER


class Configuration(Struct, frozen=True, kw_only=True):
    """The fields of a new webhook. `events`: names with or without prefix, or `all`. Default `name`: the URL's host."""

    callback_url: str
    auth_uri: str
    client_id: str
    client_secret: str
    events: Sequence[str] = (EVERY,)
    name: str | None = None
    scope: str | None = None
    resource: str | None = None


def read_policy(settings: Settings, *, environment: str | None = None, trust: bool = False) -> Policy:
    """The policy of a server with these settings. `trust`: receivers need not agree first.

    `environment`: of the webhooks. Default: that of the server.
    """
    ports = _EVERY_PORT if settings.callback_ports.strip() == "*" else tuple(map(int, parts(settings.callback_ports)))
    return Policy(
        rules=client.UrlRules(settings.callback_http, ports, tuple(parts(settings.callback_networks))),
        environment=environment or (PRODUCTION if settings.is_production else DEVELOPMENT),
        own_url=settings.issuer,
        verify=NEVER if trust else settings.verify_receivers,
    )


async def create(tx: Tx, retailer_id: int, wanted: Configuration, policy: Policy) -> NewWebhook:
    """Create a webhook; its signing secret is shown only once. Raises `InvalidWebhook`."""
    if len(await list_all(tx, retailer_id)) >= MOST_WEBHOOKS:
        raise errors.too_many(MOST_WEBHOOKS)
    empty = {name: None for name in ("name", "scope", "resource") if not getattr(wanted, name)}
    wanted = structs.replace(wanted, **empty)
    _check(structs.asdict(wanted), policy)
    now = clock.now()
    webhook = Webhook(
        id=ids.new_id(),
        retailer_id=retailer_id,
        name=wanted.name or urls.read(wanted.callback_url, policy.rules).authority,
        environment=policy.environment,
        callback_url=wanted.callback_url,
        auth_uri=wanted.auth_uri,
        client_id=wanted.client_id,
        scope=wanted.scope,
        resource=wanted.resource,
        events=_chosen(wanted.events),
        status=VERIFYING if _asks_first(policy.verify, policy.environment) else ENABLED,
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
        webhook.environment,
        webhook.callback_url,
        webhook.auth_uri,
        webhook.client_id,
        tx.keys.seal(wanted.client_secret),
        webhook.scope,
        webhook.resource,
        " ".join(webhook.events),
        webhook.status,
        tx.keys.seal(signing_secret),
        now,
    )
    return NewWebhook(webhook, signing_secret)


async def list_all(tx: Tx, retailer_id: int) -> Sequence[Webhook]:
    """A retailer's webhooks, the oldest first."""
    return [_webhook(row) for row in await tx.all(_LIST, retailer_id)]


async def of_all(tx: Tx) -> Sequence[Webhook]:
    """The webhooks of all retailers: each retailer's together, the oldest first."""
    return [_webhook(row) for row in await tx.all(_ALL)]


async def get(tx: Tx, retailer_id: int, webhook_id: int) -> Webhook:
    """One of a retailer's webhooks; raises `UnknownWebhook`."""
    row = await tx.one(_FIND, retailer_id, webhook_id)
    if row is None:
        raise errors.unknown_webhook(webhook_id)
    return _webhook(row)


async def lock(tx: Tx, retailer_id: int, webhook_id: int) -> Webhook:
    """As `get`; concurrent changes of the webhook wait until this transaction ends."""
    row = await tx.one(f"{_FIND} FOR UPDATE", retailer_id, webhook_id)
    if row is None:
        raise errors.unknown_webhook(webhook_id)
    return _webhook(row)


async def update(
    tx: Tx,
    retailer_id: int,
    webhook_id: int,
    changes: Mapping[str, Any],
    policy: Policy,
) -> Webhook:
    """Change fields of a webhook, also `client_secret`; running attempts keep the old configuration.

    An empty `scope` or `resource` removes it. The receiver at a new callback URL must agree first, if the policy says
    so. A change of `auth_uri`, or of the callback URL's origin, needs `client_secret`: the stored one is never sent to
    an address that it was not given for. Raises `InvalidWebhook` and `UnknownWebhook`.
    """
    changes = dict(changes)
    client_secret = changes.pop("client_secret", None)
    if "events" in changes:
        changes["events"] = _chosen(changes["events"])
    for name in changes.keys() & {"scope", "resource"}:
        changes[name] = changes[name] or None
    there = await lock(tx, retailer_id, webhook_id)
    changed = structs.replace(there, **changes, updated_at=_later(there))
    if changed.callback_url != there.callback_url:
        changed.verified_at = None
        if there.status != DISABLED:
            changed.status = VERIFYING if _asks_first(policy.verify, there.environment) else ENABLED
    _check({**changes, "client_secret": client_secret}, policy)
    if client_secret is None and _goes_elsewhere(there, changed):
        raise errors.secret_needed()
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


async def enable(
    tx: Tx, retailer_id: int, webhook_id: int, verify: str = NEVER, *, by_operator: bool = False
) -> Webhook:
    """Enable a webhook: waiting deliveries are sent, and its failures are reset.

    A receiver that has not agreed to callbacks is asked first, if `verify` says so. Raises `UnknownWebhook`, and
    `InvalidWebhook` if the operator disabled the webhook and only the retailer wants it enabled.
    """
    there = await lock(tx, retailer_id, webhook_id)
    if there.disabled_by_operator and not by_operator:
        raise errors.disabled_by_operator()
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
        " failing_since = NULL, caught_up_to = $4, updated_at = $5, disabled_by_operator = $6"
        " WHERE retailer_id = $1 AND id = $2",
        retailer_id,
        webhook_id,
        VERIFYING if must_ask else ENABLED,
        max(clock.now(), last["at"] or 0),
        _later(there),
        False,
    )
    return await get(tx, retailer_id, webhook_id)


async def disable(tx: Tx, retailer_id: int, webhook_id: int, reason: str, *, by_operator: bool = False) -> Webhook:
    """Disable a webhook; its events are kept until it is enabled again. Raises `UnknownWebhook`.

    `by_operator`: only the operator can enable it again. A webhook that the operator disabled stays as it is.
    """
    there = await lock(tx, retailer_id, webhook_id)
    if there.disabled_by_operator and not by_operator:
        return there
    await tx.run(
        "UPDATE webhooks SET status = $3, status_reason = $4, updated_at = $5, disabled_by_operator = $6"
        " WHERE retailer_id = $1 AND id = $2",
        retailer_id,
        webhook_id,
        DISABLED,
        reason,
        _later(there),
        by_operator,
    )
    return await get(tx, retailer_id, webhook_id)


async def delete(tx: Tx, retailer_id: int, webhook_id: int) -> None:
    """Delete a webhook and its secrets; nothing more is sent to it. Raises `UnknownWebhook`."""
    there = await lock(tx, retailer_id, webhook_id)
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
    there = await lock(tx, retailer_id, webhook_id)
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
    return NewWebhook(await get(tx, retailer_id, webhook_id), signing_secret)


def _asks_first(verify: str, environment: str) -> bool:
    return verify == ALWAYS or (verify == IN_PRODUCTION and environment == PRODUCTION)


def _goes_elsewhere(old: Webhook, new: Webhook) -> bool:
    """Whether the client's secret, or a token that it gets, would be sent to another place than before."""
    return new.auth_uri != old.auth_uri or _origin(new.callback_url) != _origin(old.callback_url)


def _check(fields: Mapping[str, Any], policy: Policy) -> None:
    """Refuse invalid fields of a webhook. Absent fields and None mean no change."""
    for key in ("callback_url", "auth_uri"):
        if (url := fields.get(key)) is not None:
            _check_url(url, key, policy)
    for key in ("client_id", "client_secret", "name", "scope", "resource"):
        value = fields.get(key)
        if value is not None and not (value.strip() and len(value) <= MOST_CHARACTERS and value.isprintable()):
            raise errors.unprintable(key, MOST_CHARACTERS)


def _check_url(url: str, key: str, policy: Policy) -> None:
    try:
        client.check_url(url, policy.rules)
    except client.RequestRefused as refused:
        raise InvalidWebhook(str(refused), key) from None
    if policy.own_url and _origin(url) == _origin(policy.own_url):
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


def _webhook(row: Any) -> Webhook:
    is_operators = bool(row["disabled_by_operator"])
    return Webhook(**{**dict(row), "events": row["events"].split(" "), "disabled_by_operator": is_operators})
