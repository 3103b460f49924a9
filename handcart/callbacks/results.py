"""Record the results of attempts, and plan retries, release waiting deliveries, disable failing webhooks."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from handcart.callbacks import queue, schedule
from handcart.callbacks.models import DISABLED, ENABLED, FAILED, PENDING, Attempt, Delivery, Destination
from handcart.core.db import Tx

_GONE = "the receiver refused further callbacks (410)"
_ONLY_FAILURES = "all attempts failed for five days"


class Outcome(Struct):
    """An attempt to record; `left`: the later deliveries of its chain that are not sent now."""

    delivery: Delivery
    attempt: Attempt
    left: Sequence[Delivery] = ()


async def record(tx: Tx, destination: Destination, outcomes: Sequence[Outcome], now: int) -> bool:
    """Record attempts at a webhook; returns whether more may be sent to it with this configuration.

    `now`: the retailer's time, in microseconds.
    """
    row = await tx.one(_HEALTH, *destination.key)
    assert row is not None
    if row["failures"] or any(one.attempt.cause is not None for one in outcomes):
        row = await tx.one(f"{_HEALTH} FOR NO KEY UPDATE", *destination.key)  # failures are counted one at a time
        assert row is not None
    await _keep_attempts(tx, destination, outcomes)
    delivered = [one.delivery for one in outcomes if one.attempt.cause is None]
    await tx.many(
        "UPDATE deliveries SET state = 'delivered', tries = tries + 1, attempts = attempts + 1, attempted_at = $4,"
        " leased_until = NULL WHERE retailer_id = $1 AND webhook_id = $2 AND event_id = $3",
        [(*destination.key, one.event_id, now) for one in delivered],
    )
    for late in [one for one in delivered if one.attempts]:
        await _let_go(tx, destination, late)
    for one in outcomes:
        if one.attempt.cause is not None:
            await _put_off(tx, destination, one, now, row["caught_up_to"] or 0)
    why = await _judge(tx, destination, row, outcomes, now)
    if any(one.attempt.is_gone for one in outcomes):
        why = _GONE
    if why is not None:
        await _disable(tx, destination, why, now)
        return False
    return bool(row["status"] == ENABLED and row["updated_at"] == destination.updated_at)


_HEALTH = (
    "SELECT status, failures, first_failure_at, failing_since, caught_up_to, updated_at FROM webhooks"
    " WHERE retailer_id = $1 AND id = $2"
)
_ATTEMPT = (
    "INSERT INTO attempts (retailer_id, webhook_id, event_id, number, at, milliseconds, is_replay, status, cause, url,"
    " request_head, response_head, response_body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    " ON CONFLICT DO NOTHING"
)


async def _keep_attempts(tx: Tx, destination: Destination, outcomes: Sequence[Outcome]) -> None:
    rows = [
        (
            *destination.key,
            one.delivery.event_id,
            one.delivery.attempts + 1,
            one.attempt.at,
            one.attempt.milliseconds,
            one.delivery.is_replay,
            one.attempt.status,
            one.attempt.cause,
            one.attempt.url,
            one.attempt.request_head,
            one.attempt.response_head,
            one.attempt.response_body,
        )
        for one in outcomes
    ]
    await tx.many(_ATTEMPT, rows)


async def _put_off(tx: Tx, destination: Destination, outcome: Outcome, now: int, caught_up_to: int) -> None:
    """Plan the next try of a failed delivery, if there is one; later deliveries about its order wait with it.

    It is recorded as attempted after `caught_up_to`, even if the clock is frozen, so that it is not sent early again.
    """
    delivery, attempt = outcome.delivery, outcome.attempt
    is_early = delivery.planned_at > now
    tries = delivery.tries if is_early else delivery.tries + 1
    pause = schedule.wait(tries, attempt.retry_after) if not is_early else delivery.planned_at - now
    due_at = now + (pause or 0)
    is_ours = await tx.run(
        "UPDATE deliveries SET state = $4, tries = $5, attempts = attempts + 1, attempted_at = $6, due_at = $7,"
        " planned_at = $7, leased_until = NULL"
        " WHERE retailer_id = $1 AND webhook_id = $2 AND event_id = $3 AND state = 'sending' AND leased_until = $8",
        *destination.key,
        delivery.event_id,
        FAILED if pause is None else PENDING,
        tries,
        max(now, caught_up_to + 1),
        due_at,
        delivery.leased_until,
    )
    await queue.give_back(tx, destination, outcome.left)
    if not is_ours:  # the lease has expired: another process may have claimed it
        return
    if pause is None:
        await _let_go(tx, destination, delivery)
        return
    await tx.run(
        "UPDATE deliveries SET due_at = CASE WHEN $5 > created_at + $6 THEN created_at + $6 ELSE $5 END"
        " WHERE retailer_id = $1 AND webhook_id = $2 AND subject = $3 AND event_id > $4 AND state = 'pending'"
        " AND planned_at = 0 AND created_at + $6 > $7",
        *destination.key,
        delivery.subject,
        delivery.event_id,
        due_at,
        schedule.PATIENCE,
        now,
    )


async def _let_go(tx: Tx, destination: Destination, delivery: Delivery) -> None:
    """Release the deliveries that waited for this one."""
    await tx.run(
        "UPDATE deliveries SET due_at = 0 WHERE retailer_id = $1 AND webhook_id = $2 AND subject = $3"
        " AND state = 'pending' AND planned_at = 0 AND due_at > $4",
        *destination.key,
        delivery.subject,
        schedule.AFTER_NEW,
    )


async def _judge(tx: Tx, destination: Destination, row: Any, outcomes: Sequence[Outcome], now: int) -> str | None:
    """Count a webhook's consecutive failures, or note its recovery. Returns why to disable it, or None."""
    counted = [one for one in outcomes if one.attempt.cause is None or one.delivery.planned_at <= now]
    failures, first, since = row["failures"], row["first_failure_at"], row["failing_since"]
    is_back = False
    for one in counted:
        if one.attempt.cause is None:
            is_back = is_back or since is not None
            failures, first, since = 0, None, None
            continue
        if first is None or (since is None and now - first > schedule.FAILING_WITHIN):
            failures, first = 0, now
        failures += 1
        if since is None and failures >= schedule.FAILING_AFTER:
            since = first
    if (failures, first, since) == (row["failures"], row["first_failure_at"], row["failing_since"]) and not is_back:
        return None
    await tx.run(
        "UPDATE webhooks SET failures = $3, first_failure_at = $4, failing_since = $5,"
        " caught_up_to = CASE WHEN $6 THEN $7 ELSE caught_up_to END WHERE retailer_id = $1 AND id = $2",
        *destination.key,
        failures,
        first,
        since,
        is_back,
        now,
    )
    return _ONLY_FAILURES if since is not None and now - since >= schedule.DISABLED_AFTER else None


async def _disable(tx: Tx, destination: Destination, reason: str, now: int) -> None:
    await tx.run(
        "UPDATE webhooks SET status = $3, status_reason = $4, updated_at = CASE WHEN updated_at < $5 THEN $5"
        " ELSE updated_at + 1 END, verified_at = CASE WHEN $6 THEN NULL ELSE verified_at END"
        " WHERE retailer_id = $1 AND id = $2 AND status = 'enabled'",
        *destination.key,
        DISABLED,
        reason,
        now,
        reason == _GONE,
    )
