"""What others see of callbacks."""

from collections.abc import Sequence

from msgspec import Struct

ENABLED = "enabled"
DISABLED = "disabled"
# Its receiver is asked first whether it wants callbacks.
VERIFYING = "verifying"
# Of a webhook whose row stays until what was sent to it may be forgotten.
DELETED = "deleted"

PENDING = "pending"
SENDING = "sending"
DELIVERED = "delivered"
FAILED = "failed"
STATES = (PENDING, SENDING, DELIVERED, FAILED)

PRODUCTION = "production"
DEVELOPMENT = "development"


class Webhook(Struct, kw_only=True):
    """A webhook configuration, without its secrets. Times in microseconds.

    `status`: `ENABLED`, `DISABLED` or `VERIFYING`. `verified_at`: when the receiver at this callback URL agreed to
    callbacks; None if it was not asked. `events`: bare names, or the one word `all`. `failures` in a row since
    `first_failure_at`; from `failing_since` on there was nothing else. `caught_up_to`: the receiver is back since then,
    and what waits for a retry goes out early.
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
    verified_at: int | None
    failures: int
    first_failure_at: int | None
    failing_since: int | None
    caught_up_to: int | None
    old_signing_until: int | None
    created_at: int
    updated_at: int


class NewWebhook(Struct):
    """A webhook with its signing secret, which is shown this once."""

    webhook: Webhook
    signing_secret: str


class Target(Struct, kw_only=True):
    """A webhook as it is sent to: with its secrets. `updated_at` tells one configuration from the next."""

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

    @property
    def key(self) -> tuple[int, int]:
        return self.retailer_id, self.id


class Delivery(Struct, kw_only=True):
    """An event on its way to a webhook. `planned_at` in the future: it goes early, and a failure does not count.

    `leased_until`: whoever claimed it has it until then, and can be told by it from who claims it later.
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
    """What became of one attempt. `cause`: why it failed, None if it did not. `request_head` shows no token.

    `retry_after`: what the receiver asked for, in microseconds; `is_gone`: it wants nothing any more (410).
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


class EventRow(Struct, kw_only=True):
    """An event as it was written; `body` is what receivers get."""

    event_id: int
    name: str
    subject: str
    body: str
    created_at: int


class DeliveryRow(Struct, kw_only=True):
    """How an event fares at a webhook. `next_at`: when it is tried again, None if it is not."""

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
