"""The data of callbacks that other domains use."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.events.models import Event

ENABLED = "enabled"
DISABLED = "disabled"
# The receiver is first asked whether it wants callbacks.
VERIFYING = "verifying"
# The row of a deleted webhook is kept as long as its deliveries.
DELETED = "deleted"

PENDING = "pending"
SENDING = "sending"
DELIVERED = "delivered"
FAILED = "failed"
STATES = (PENDING, SENDING, DELIVERED, FAILED)

# Subscription to every event, including events added in later releases.
EVERY = "all"

PRODUCTION = "production"
DEVELOPMENT = "development"


class Webhook(Struct, kw_only=True):
    """A webhook configuration, without its secrets. Times in microseconds.

    `status`: `ENABLED`, `DISABLED` or `VERIFYING`. `disabled_by_operator`: the retailer cannot enable it.
    `verified_at`: when the receiver at this callback URL agreed to callbacks; None if it was not asked. `events`: bare
    names, or only `all`. `failures`: consecutive failures since `first_failure_at`; since `failing_since` the webhook
    counts as failing. `caught_up_to`: since then the receiver answers again, and waiting retries are sent early.
    """

    id: int
    retailer_id: int
    name: str
    environment: str
    callback_url: str
    auth_uri: str
    client_id: str
    scope: str | None
    resource: str | None
    events: Sequence[str]
    status: str
    status_reason: str | None
    disabled_by_operator: bool = False
    verified_at: int | None
    failures: int
    first_failure_at: int | None
    failing_since: int | None
    caught_up_to: int | None
    old_signing_until: int | None
    created_at: int
    updated_at: int


class NewWebhook(Struct):
    """A webhook with its signing secret, which is shown only once."""

    webhook: Webhook
    signing_secret: str


class Destination(Struct, kw_only=True):
    """A webhook with the secrets needed to send to it. `updated_at` identifies the version of its configuration.

    `retailer_slug`: None if callbacks do not name the retailer.
    """

    id: int
    retailer_id: int
    callback_url: str
    auth_uri: str
    client_id: str
    client_secret: str
    scope: str | None
    resource: str | None
    signing_secrets: Sequence[str]
    updated_at: int
    is_verified: bool = False
    retailer_slug: str | None = None

    @property
    def key(self) -> tuple[int, int]:
        return self.retailer_id, self.id


class Delivery(Struct, kw_only=True):
    """An event to be sent to a webhook. `planned_at` in the future: it is sent early, and a failure does not count.

    `leased_until`: end of the lease; it also identifies the lease, so that an expired one is recognized.
    """

    event_id: int
    name: str
    subject: str
    body: bytes
    tries: int
    attempts: int
    is_replay: bool
    created_at: int
    due_at: int
    planned_at: int
    leased_until: int = 0


class Attempt(Struct, kw_only=True):
    """The result of one attempt. `cause`: why it failed, None on success. `request_head` contains no token.

    `retry_after`: the wait that the receiver asked for, in microseconds; `is_gone`: it answered 410.
    """

    at: int
    milliseconds: int
    url: str
    request_head: str
    status: int | None = None
    cause: str | None = None
    response_head: str | None = None
    response_body: str | None = None
    retry_after: int | None = None
    is_gone: bool = False


class DeliveryRow(Struct, kw_only=True):
    """The state of an event's delivery to a webhook. `next_at`: time of the next try, None if there is none."""

    event_id: int
    webhook_id: int
    subject: str
    state: str
    tries: int
    attempts: int
    is_replay: bool
    created_at: int
    attempted_at: int | None
    next_at: int | None


class PastAttempt(Struct, frozen=True, kw_only=True):
    """What a list says of an attempt. `status`: of the answer. `cause`: why it failed, None on success."""

    event_id: int
    webhook_id: int
    number: int
    at: int
    milliseconds: int
    status: int | None
    cause: str | None


class EventDeliveries(Struct):
    """An event with its deliveries, one for each webhook."""

    event: Event
    deliveries: Sequence[DeliveryRow]


class EventStory(Struct):
    """An event with its deliveries and its newest attempts, sorted by webhook, oldest first."""

    event: Event
    deliveries: Sequence[DeliveryRow]
    attempts: Sequence[Mapping[str, Any]]


class WebhookState(Struct):
    """A webhook with the number of deliveries that wait or are being sent, and of those that failed finally."""

    webhook: Webhook
    waiting: int
    failed: int


class NewAttempts(Struct):
    """Attempts since the last look. `until` and `seen` tell the next look where this one ended."""

    attempts: Sequence[Mapping[str, Any]]
    until: int
    seen: frozenset[tuple[int, int, int]]
