"""Ask a receiver whether it wants callbacks before its webhook is enabled: a retailer may enter another party's URL.

CloudEvents, HTTP 1.1 Web Hooks for Event Delivery 1.0, section 4 (abuse protection):
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/http-webhook.md. `asker` sends the requests; reasons:
docs/decisions/0016-ask-receivers-first.md.
"""

from collections.abc import Sequence

from msgspec import Struct

from handcart.callbacks.models import DISABLED, ENABLED, VERIFYING
from handcart.core import clock
from handcart.core.db import Tx

# Minimum time between two requests of one retailer to one URL, over all processes.
PAUSE = 15 * clock.SECOND
_MOST_WAITING = 200
# A URL counts for all webhooks of a retailer, deleted ones too: who makes a webhook again must wait as well. $1: the
# earliest time of a request that still counts.
_IS_RESTED = (
    "asked_at < $1 AND NOT EXISTS (SELECT 1 FROM webhooks o WHERE o.retailer_id = webhooks.retailer_id"
    " AND o.callback_url = webhooks.callback_url AND o.asked_at >= $1)"
)
_HINT = "docs/callbacks-receiving.md shows the expected answer"


class Asked(Struct):
    """A webhook whose receiver is being asked. `updated_at` identifies the version of its configuration."""

    retailer_id: int
    webhook_id: int
    callback_url: str
    updated_at: int

    @property
    def key(self) -> tuple[int, int]:
        return self.retailer_id, self.webhook_id


async def waiting(tx: Tx, environment: str) -> Sequence[tuple[int, int]]:
    """Retailer and id of the webhooks whose receivers should be asked now, longest waiting first."""
    rows = await tx.all(
        f"SELECT retailer_id, id FROM webhooks WHERE status = 'verifying' AND environment = $2 AND {_IS_RESTED}"  # noqa: S608
        " ORDER BY asked_at, updated_at LIMIT $3",
        clock.of_process() - PAUSE,
        environment,
        _MOST_WAITING,
    )
    return [(row["retailer_id"], row["id"]) for row in rows]


async def claim(tx: Tx, retailer_id: int, webhook_id: int) -> Asked | None:
    """Claim the question to a webhook's receiver; None if another process has it, or if it is no longer needed."""
    now = clock.of_process()
    row = await tx.one(
        f"UPDATE webhooks SET asked_at = $4 WHERE retailer_id = $2 AND id = $3 AND status = $5 AND {_IS_RESTED}"  # noqa: S608
        " RETURNING callback_url, updated_at",
        now - PAUSE,
        retailer_id,
        webhook_id,
        now,
        VERIFYING,
    )
    return None if row is None else Asked(retailer_id, webhook_id, row["callback_url"], row["updated_at"])


async def record(tx: Tx, asked: Asked, refusal: str | None, now: int) -> bool:
    """Enable the webhook, or disable it with the `refusal`; returns False if its configuration has changed since.

    `now`: the retailer's time, in microseconds.
    """
    changed = await tx.run(
        "UPDATE webhooks SET status = $4, status_reason = $5, verified_at = $6"
        " WHERE retailer_id = $1 AND id = $2 AND updated_at = $3 AND status = $7",
        *asked.key,
        asked.updated_at,
        ENABLED if refusal is None else DISABLED,
        refusal,
        now if refusal is None else None,
        VERIFYING,
    )
    return changed == 1


def refusal(status: int, headers: Sequence[tuple[str, str]], origin: str) -> str | None:
    """Why a response is not an agreement, for people; None if it is one.

    A receiver agrees with any 2xx and a WebHook-Allowed-Origin header that is `*` or the `origin` of the request.
    """
    if not 200 <= status < 300:
        return f"the receiver did not agree to callbacks: status {status} to OPTIONS; {_HINT}"
    allowed = [
        one.strip().lower() for name, value in headers if name == "webhook-allowed-origin" for one in value.split(",")
    ]
    if "*" in allowed or origin.lower() in allowed:
        return None
    if allowed:
        return f"the receiver did not agree to callbacks: its WebHook-Allowed-Origin is not {origin}; {_HINT}"
    return f"the receiver did not agree to callbacks: no WebHook-Allowed-Origin in its answer to OPTIONS; {_HINT}"


def could_not_ask(cause: str) -> str:
    """The reason shown for a receiver that gave no response."""
    return f"the receiver could not be asked whether it agrees to callbacks: {cause}"
