"""The worker's queue: makes deliveries from events, and claims deliveries as chains with a lease.

A chain has all waiting deliveries of one webhook about one order, in the order of the events. Only one process
claims for a webhook at a time, and an order never has two claimed chains at a webhook, so no event overtakes another.
A lease ends by the real clock: deliveries that a killed process had claimed are sent again. `results` records
the results of attempts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.callbacks import bodies, schedule
from handcart.callbacks.models import FAILED, Delivery, Destination
from handcart.core import clock
from handcart.core.db import Tx
from handcart.events import queries as events
from handcart.events.kinds import KINDS
from handcart.events.ops import mark_queued

# A chain takes 10 s; its last delivery 15 s each for a token and the callback, twice if the token is refused, and 5 s
# of waiting for each of these four; then the result is recorded.
LEASE = 120 * clock.SECOND
# Maximum deliveries that one step creates or sends early, because a step blocks other writes.
MOST_QUEUED = 500
MOST_IN_CHAIN = 20
_EVERY = 1_000_000


class Busy(Struct, frozen=True):
    """An enabled webhook with waiting deliveries. `due_at`: when the first is due, by its retailer's clock."""

    retailer_id: int
    webhook_id: int
    due_at: int
    is_failing: bool
    configured_at: int

    @property
    def key(self) -> tuple[int, int]:
        return self.retailer_id, self.webhook_id


class Chain(Struct):
    """The waiting deliveries to a webhook about one order."""

    destination: Destination
    subject: str
    deliveries: Sequence[Delivery]


async def fan_out(tx: Tx, environment: str) -> int:
    """Create the deliveries of new events, one for each subscribed webhook; returns the number of events handled.

    A step creates about 500 deliveries, in equal shares for the retailers that have new events. The next step begins
    after the last retailer of this one.
    """
    row = await tx.one("SELECT value FROM installation WHERE name = 'callbacks' FOR UPDATE")  # one process at a time
    assert row is not None
    last = int(row["value"] or 0)
    waiting = [*await events.retailers_with_unqueued(tx, last, MOST_QUEUED)]
    earlier = await events.retailers_with_unqueued(tx, 0, MOST_QUEUED - len(waiting))
    waiting += [retailer_id for retailer_id in earlier if retailer_id <= last]
    handled, left = 0, MOST_QUEUED
    for turn, retailer_id in enumerate(waiting):
        of_event = max(1, await _webhooks_of(tx, retailer_id, environment))
        share = left // (len(waiting) - turn)
        many = await _fan_out(tx, retailer_id, environment, max(1, share // of_event))
        handled, left, last = handled + many, left - many * of_event, retailer_id
        if left <= 0:
            break
    if handled:
        await tx.run("UPDATE installation SET value = $1 WHERE name = 'callbacks'", str(last))
    return handled


async def _webhooks_of(tx: Tx, retailer_id: int, environment: str) -> int:
    row = await tx.one(
        "SELECT count(*) AS many FROM webhooks WHERE retailer_id = $1 AND environment = $2 AND status <> 'deleted'",
        retailer_id,
        environment,
    )
    assert row is not None
    return int(row["many"])


async def _fan_out(tx: Tx, retailer_id: int, environment: str, most: int) -> int:
    """Create the deliveries of a retailer's oldest new events, at most `most` events; returns their number."""
    found = await events.unqueued(tx, retailer_id, most)
    rows = [(retailer_id, one.event_id, one.name, one.subject, one.created_at) for one in found]
    await tx.many(
        _FAN_OUT,
        [
            (*row, environment, row[-1] + schedule.PATIENCE, schedule.AFTER_NEW, not KINDS[row[2]].is_own)
            for row in rows
        ],
    )
    await mark_queued(tx, retailer_id, found)
    return len(found)


async def busy(tx: Tx, environment: str) -> Sequence[Busy]:
    """The enabled webhooks with waiting deliveries."""
    rows = await tx.all(
        "SELECT retailer_id, id, failing_since, caught_up_to, updated_at, (SELECT min(d.due_at) FROM deliveries d"
        " WHERE d.retailer_id = w.retailer_id AND d.webhook_id = w.id AND d.state = 'pending') AS due_at"
        " FROM webhooks w WHERE status = 'enabled' AND environment = $1",
        environment,
    )
    return [
        Busy(
            row["retailer_id"],
            row["id"],
            0 if row["caught_up_to"] is not None else row["due_at"],
            row["failing_since"] is not None,
            row["updated_at"],
        )
        for row in rows
        if row["due_at"] is not None
    ]


async def release_expired(tx: Tx) -> int:
    """Release deliveries whose lease has expired, at most 500 per step; returns their number."""
    return await tx.run(
        "UPDATE deliveries SET state = 'pending', leased_until = NULL, due_at = 0"
        " WHERE (retailer_id, event_id, webhook_id) IN (SELECT retailer_id, event_id, webhook_id FROM deliveries"
        " WHERE state = 'sending' AND leased_until < $1 ORDER BY leased_until LIMIT $2)"
        " AND state = 'sending' AND leased_until < $1",
        clock.of_process(),
        MOST_QUEUED,
    )


async def any_expired(tx: Tx) -> bool:
    """Whether `release_expired` would release any."""
    found = await tx.one(
        "SELECT 1 AS found FROM deliveries WHERE state = 'sending' AND leased_until < $1 ORDER BY leased_until LIMIT 1",
        clock.of_process(),
    )
    return found is not None


async def claim(tx: Tx, retailer_id: int, webhook_id: int, now: int, most: int) -> Sequence[Chain]:
    """Claim at most `most` chains of a webhook that are due by `now` (the retailer's time), with a lease."""
    row = await tx.one(
        "SELECT * FROM webhooks WHERE retailer_id = $1 AND id = $2 FOR NO KEY UPDATE SKIP LOCKED",
        retailer_id,
        webhook_id,
    )
    if row is None or row["status"] != "enabled":
        return []
    if row["caught_up_to"] is not None:
        await _catch_up(tx, row, now)
    heads = await tx.all(_HEADS, retailer_id, webhook_id, now, most)
    destination = _destination(tx, row, await bodies.slug(tx, retailer_id)) if heads else None
    chains = []
    for subject, due in {head["subject"]: head["event_id"] for head in heads}.items():
        assert destination is not None
        waiting = await tx.all(_WAITING, retailer_id, webhook_id, subject, MOST_IN_CHAIN)
        # The due delivery must be in the chain, or the order would be claimed again and again.
        if waiting and waiting[-1]["event_id"] < due:
            waiting = await tx.all(_WAITING, retailer_id, webhook_id, subject, _EVERY)
        if due not in (one["event_id"] for one in waiting):
            await _give_up(tx, retailer_id, webhook_id, subject)
        if waiting:
            chains.append(Chain(destination, subject, await _take(tx, destination, waiting)))
    return chains


async def _give_up(tx: Tx, retailer_id: int, webhook_id: int, subject: str) -> None:
    """Give up deliveries whose event was deleted: they cannot be sent."""
    await tx.run(
        "UPDATE deliveries SET state = $4 WHERE retailer_id = $1 AND webhook_id = $2 AND subject = $3"
        " AND state = 'pending' AND NOT EXISTS (SELECT 1 FROM events e WHERE e.retailer_id = $1"
        " AND e.event_id = deliveries.event_id)",
        *(retailer_id, webhook_id, subject, FAILED),
    )


async def give_back(tx: Tx, destination: Destination, deliveries: Sequence[Delivery]) -> None:
    """Release claimed deliveries that were not attempted."""
    await tx.many(
        "UPDATE deliveries SET state = 'pending', leased_until = NULL"
        " WHERE retailer_id = $1 AND webhook_id = $2 AND event_id = $3 AND state = 'sending' AND leased_until = $4",
        [(*destination.key, one.event_id, one.leased_until) for one in deliveries],
    )


async def more(tx: Tx, destination: Destination, subject: str, after: int) -> Sequence[Delivery]:
    """Claim later deliveries about the order of a claimed chain, which ends with the event `after`."""
    waiting = await tx.all(_WAITING, *destination.key, subject, MOST_IN_CHAIN)
    return await _take(tx, destination, [row for row in waiting if row["event_id"] > after])


async def _take(tx: Tx, destination: Destination, rows: Sequence[Any]) -> Sequence[Delivery]:
    leased_until = clock.of_process() + LEASE
    await tx.many(
        "UPDATE deliveries SET state = 'sending', leased_until = $4"
        " WHERE retailer_id = $1 AND webhook_id = $2 AND event_id = $3",
        [(*destination.key, row["event_id"], leased_until) for row in rows],
    )
    return [_delivery(row, leased_until, destination.retailer_slug) for row in rows]


# PostgreSQL's statistics of a queue are poor, since rows change state quickly: each query leaves it one good index.
# Orders are chosen by their longest due delivery, except orders that have a claimed chain: so an order with a new
# event does not wait for orders that only have replays.
_HEADS = (
    "SELECT subject, event_id FROM deliveries d WHERE retailer_id = $1 AND webhook_id = $2"
    " AND state = 'pending' AND due_at <= $3"
    " AND (SELECT 1 FROM deliveries o WHERE o.retailer_id = $1 AND o.webhook_id = $2"
    " AND o.subject = d.subject AND o.state IN ('pending', 'sending')"
    " AND (o.state = 'sending' OR (o.event_id < d.event_id AND o.due_at <= d.due_at)) LIMIT 1) IS NULL"
    " ORDER BY due_at, event_id LIMIT $4"
)

_WAITING = (
    "SELECT d.event_id, e.name, d.subject, e.body, d.tries, d.attempts, d.is_replay, d.created_at, d.due_at,"
    " d.planned_at FROM deliveries d JOIN events e ON e.retailer_id = d.retailer_id AND e.event_id = d.event_id"
    " WHERE d.retailer_id = $1 AND d.webhook_id = $2 AND d.subject = $3 AND d.state IN ('pending', 'sending')"
    " ORDER BY d.event_id LIMIT $4"
)
# Arguments: the event's retailer, id, name, subject, created_at; environment; when patience ends; `AFTER_NEW`;
# whether webhooks for all events get it. A later
# event of an order is due together with an earlier one that waits for a retry, or when patience ends.
_FAN_OUT = (
    "INSERT INTO deliveries (retailer_id, event_id, webhook_id, subject, state, tries, attempts, is_replay,"
    " created_at, due_at, planned_at, attempted_at)"
    " SELECT $1, $2, w.id, $4, 'pending', 0, 0, 0 = 1, CAST($5 AS BIGINT),"
    " CASE WHEN w.held_until > $7 THEN $7 ELSE w.held_until END, 0, 0"
    " FROM (SELECT id, COALESCE((SELECT max(d.due_at) FROM deliveries d WHERE d.retailer_id = $1"
    " AND d.webhook_id = webhooks.id AND d.subject = $4 AND d.state IN ('pending', 'sending') AND d.event_id < $2"
    " AND d.due_at > $8), 0) AS held_until"
    " FROM webhooks WHERE retailer_id = $1 AND environment = $6 AND status <> 'deleted'"
    " AND (events = 'all' AND $9 OR ' ' || events || ' ' LIKE '% ' || $3 || ' %')) w"
    " WHERE true ON CONFLICT (retailer_id, event_id, webhook_id) DO NOTHING"
)


async def _catch_up(tx: Tx, row: Any, now: int) -> None:
    """The receiver answers again: send some of the waiting retries early, if not tried since its recovery."""
    key = (row["retailer_id"], row["id"])
    waiting = await tx.all(
        "SELECT event_id FROM deliveries WHERE retailer_id = $1 AND webhook_id = $2 AND state = 'pending'"
        " AND due_at > $3 AND attempted_at <= $4 ORDER BY due_at LIMIT $5",
        *(*key, now, row["caught_up_to"], MOST_QUEUED),
    )
    await tx.many(
        "UPDATE deliveries SET due_at = $4 WHERE retailer_id = $1 AND webhook_id = $2 AND event_id = $3",
        [(*key, one["event_id"], schedule.AFTER_NEW) for one in waiting],
    )
    if len(waiting) < MOST_QUEUED:
        await tx.run("UPDATE webhooks SET caught_up_to = NULL WHERE retailer_id = $1 AND id = $2", *key)


def _destination(tx: Tx, row: Mapping[str, Any], retailer_slug: str | None) -> Destination:
    signing_secrets = [tx.keys.open(row["signing_secret"])]
    if row["old_signing_until"] is not None and row["old_signing_until"] > clock.of_process():
        signing_secrets.append(tx.keys.open(row["old_signing_secret"]))
    return Destination(
        id=row["id"],
        retailer_id=row["retailer_id"],
        callback_url=row["callback_url"],
        auth_uri=row["auth_uri"],
        client_id=row["client_id"],
        client_secret=tx.keys.open(row["client_secret"]),
        scope=row["scope"],
        resource=row["resource"],
        signing_secrets=signing_secrets,
        updated_at=row["updated_at"],
        is_verified=row["verified_at"] is not None,
        retailer_slug=retailer_slug,
    )


def _delivery(row: Any, leased_until: int, retailer_slug: str | None) -> Delivery:
    return Delivery(
        event_id=row["event_id"],
        name=row["name"],
        subject=row["subject"],
        body=bodies.with_retailer(row["body"], retailer_slug).encode(),
        tries=row["tries"],
        attempts=row["attempts"],
        is_replay=bool(row["is_replay"]),
        created_at=row["created_at"],
        due_at=row["due_at"],
        planned_at=row["planned_at"],
        leased_until=leased_until,
    )
