"""The worker's queue: claims due messages with a lease, and records the results of attempts.

Of the messages to one recipient by one channel only the first is claimed, so that they are sent in their order. A later
one overtakes only a message whose first try has failed, after `PATIENCE`, or one that is not due yet.

A lease ends by the process's clock. When it ends before an outcome was recorded, the sending was interrupted: the
message may have been sent. It is sent a second time, and never a third time.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from handcart.core import backoff, clock
from handcart.core.clock import HOUR, MINUTE, SECOND
from handcart.core.db import Tx
from handcart.core.secret import SealBroken
from handcart.core.text import visible
from handcart.messages import addresses, push
from handcart.messages.gateways import DOUBTFUL, SENT, UNWANTED, Parcel, Result
from handcart.messages.gateways import FAILED as TRY_AGAIN
from handcart.messages.models import EXPIRED, FAILED, PENDING, PUSH, SMS, SUPPRESSED, UNSURE, Content
from handcart.messages.ops import suppress_hash
from handcart.messages.queries import subscription

# A gateway takes at most `sender.SEND_SECONDS`; then the outcome is recorded.
LEASE = 120 * SECOND
# The wait before each try after the first.
WAITS = (30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, 24 * HOUR)
# Maximum time that a message waits for an earlier one to the same recipient that could not be sent.
PATIENCE = 60 * SECOND
# Maximum attempts of a message that may each have sent it.
MOST_DOUBTS = 2
# Maximum messages that one step changes, because a step blocks other writes.
MOST_CHANGED = 500
_MOST_DETAIL = 300


class Due(Struct, frozen=True):
    """A retailer (0: the platform) with waiting messages of a channel. `due_at`: when the first of them is due."""

    retailer_id: int
    channel: str
    due_at: int


class Claimed(Struct):
    """A message under a lease. `leased_until` identifies the lease; `address_hash`: of the parcel's address."""

    parcel: Parcel
    leased_until: int
    tries: int
    doubts: int
    expires_at: int
    address_hash: bytes


async def due(tx: Tx) -> Sequence[Due]:
    """Who has waiting messages, and when the first of them is due."""
    return [Due(**dict(row)) for row in await tx.all(_DUE) if row["due_at"] is not None]


async def claim(
    tx: Tx, retailer_id: int, channel: str, now: int, most: int, lease: int = LEASE
) -> tuple[Sequence[Claimed], int]:
    """Claim at most `most` messages of a retailer that are due by `now` (the retailer's time), with a lease.

    Those that have expired, are suppressed, or can no longer be opened end here; returns their number too.
    """
    leased_until = clock.of_process() + lease
    claimed: list[Claimed] = []
    taken, ended = [], []
    push_key = await push.private_key(tx) if channel == PUSH else None
    for row in await tx.all(_HEADS, retailer_id, channel, now, most, PATIENCE):
        if row["is_suppressed"] and not row["is_answer"]:
            ended.append((row["id"], SUPPRESSED, "the address is suppressed"))
        elif row["expires_at"] <= now:
            ended.append((row["id"], EXPIRED, "it could not be sent in time"))
        else:
            try:
                parcel = await _parcel(tx, row, push_key, now)
            except SealBroken as error:
                ended.append((row["id"], FAILED, f"its content cannot be read: {error}"))
                continue
            if channel == PUSH and parcel.subscription is None:
                ended.append((row["id"], FAILED, "the browser's subscription has ended"))
                continue
            taken.append((row["id"], leased_until))
            claimed.append(
                Claimed(parcel, leased_until, row["tries"], row["doubts"], row["expires_at"], row["address_hash"])
            )
    await tx.many("UPDATE messages SET state = 'sending', leased_until = $2 WHERE id = $1", taken)
    await _end(tx, ended)
    return claimed, len(ended)


async def give_back(tx: Tx, one: Claimed) -> None:
    """End the lease of a message that was not tried."""
    await tx.run(
        "UPDATE messages SET state = 'pending', leased_until = NULL"
        " WHERE id = $1 AND state = 'sending' AND leased_until = $2",
        one.parcel.id,
        one.leased_until,
    )


async def record(tx: Tx, one: Claimed, gateway: str, result: Result, now: int, at: int, milliseconds: int) -> None:
    """Record an attempt and plan the next one. Nothing is recorded of a message that was deleted meanwhile.

    `now`: the retailer's time; `at`: when the attempt began, by the process's clock.
    """
    if await tx.one("SELECT 1 AS found FROM messages WHERE id = $1 FOR UPDATE", one.parcel.id) is None:
        return  # deleted meanwhile, at the request of its recipient
    detail = _detail(result.detail, one.parcel.address)
    outcome = result.outcome if result.outcome in (SENT, DOUBTFUL) else TRY_AGAIN
    await _attempt(tx, one.parcel.id, at, milliseconds, gateway, outcome, detail)
    if result.outcome == UNWANTED:
        await _unwanted(tx, one, detail)
    state, due_at, reason = _next(one, result, detail, now)
    await tx.run(
        "UPDATE messages SET state = $3, tries = $4, doubts = $5, reason = $6, ended_at = $7, leased_until = NULL,"
        " due_at = COALESCE(CAST($8 AS BIGINT), due_at) WHERE id = $1 AND ((state = 'sending' AND leased_until = $2)"
        " OR ($3 = 'sent' AND state IN ('pending', 'unsure')))",  # another process has given it up meanwhile
        one.parcel.id,
        one.leased_until,
        state,
        one.tries + (result.outcome in (TRY_AGAIN, DOUBTFUL)),
        one.doubts + (result.outcome == DOUBTFUL),
        reason,
        None if state == PENDING else clock.of_process(),
        due_at,
    )


async def release_expired(tx: Tx) -> int:
    """Release messages whose lease has expired, at most 500 per step; returns their number.

    Each may have been sent: it is sent a second time, or ends as unsure if that was the second time.
    """
    rows = await tx.all(
        "SELECT id, doubts, leased_until FROM messages WHERE state = 'sending' AND leased_until < $1"
        " ORDER BY leased_until, id LIMIT $2 FOR UPDATE SKIP LOCKED",
        clock.of_process(),
        MOST_CHANGED,
    )
    for row in rows:
        await _attempt(tx, row["id"], row["leased_until"], 0, "", "interrupted", None)
    await tx.many(
        "UPDATE messages SET state = $2, doubts = doubts + 1, leased_until = NULL, ended_at = $3, reason = $4"
        " WHERE id = $1",
        [
            (row["id"], UNSURE, clock.of_process(), _INTERRUPTED)
            if row["doubts"] + 1 >= MOST_DOUBTS
            else (row["id"], PENDING, None, None)
            for row in rows
        ],
    )
    return len(rows)


async def any_expired(tx: Tx) -> bool:
    """Whether `release_expired` would release any."""
    found = await tx.one(
        "SELECT 1 AS found FROM messages WHERE state = 'sending' AND leased_until < $1 ORDER BY leased_until LIMIT 1",
        clock.of_process(),
    )
    return found is not None


async def keep(tx: Tx, retailer_id: int, channel: str, now: int) -> int:
    """End due messages as `kept`, unsent, at most 500 per step; returns their number."""
    return await tx.run(
        "UPDATE messages SET state = 'kept', ended_at = $5 WHERE id IN (SELECT id FROM messages"
        " WHERE retailer_id = $1 AND channel = $2 AND state = 'pending' AND due_at <= $3 ORDER BY due_at, id LIMIT $4)",
        retailer_id,
        channel,
        now,
        MOST_CHANGED,
        clock.of_process(),
    )


_INTERRUPTED = "sending it was interrupted twice: it may have been sent"
# Steps from one retailer to the next in the index of waiting messages, however many messages each has.
_DUE = (
    "WITH RECURSIVE payers(id) AS (SELECT min(retailer_id) FROM messages WHERE state = 'pending' UNION ALL"
    " SELECT (SELECT min(retailer_id) FROM messages WHERE state = 'pending' AND retailer_id > payers.id)"
    " FROM payers WHERE payers.id IS NOT NULL)"
    " SELECT payers.id AS retailer_id, c.channel AS channel, (SELECT min(m.due_at) FROM messages m"
    " WHERE m.state = 'pending' AND m.retailer_id = payers.id AND m.channel = c.channel) AS due_at FROM payers"
    " CROSS JOIN (SELECT 'mail' AS channel UNION ALL SELECT 'sms' UNION ALL SELECT 'push') c"
    " WHERE payers.id IS NOT NULL"
)
# PostgreSQL's statistics of a queue are poor, since rows change state quickly: the inner query leaves it one index.
_HEADS = (
    "SELECT id, retailer_id, channel, address, address_hash, template, locale, content, is_answer, tries, doubts,"
    " expires_at, EXISTS (SELECT 1 FROM suppressions s WHERE s.channel = m.channel"
    " AND s.address_hash = m.address_hash) AS is_suppressed FROM messages m"
    " WHERE retailer_id = $1 AND channel = $2 AND state = 'pending' AND due_at <= $3"
    " AND (SELECT 1 FROM messages e WHERE e.recipient = m.recipient AND e.channel = m.channel"
    " AND e.state IN ('pending', 'sending') AND e.id <> m.id AND (e.state = 'sending' OR (e.id < m.id"
    " AND (e.due_at <= $3 OR (e.tries > 0 AND m.due_at + $5 > $3)))) LIMIT 1) IS NULL"
    " ORDER BY due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED"
)


def _next(one: Claimed, result: Result, detail: str | None, now: int) -> tuple[str, int | None, str | None]:
    """State of a message after an attempt, when it is tried again, and why it ended without being sent."""
    if result.outcome == SENT:
        return "sent", None, None
    if result.outcome == DOUBTFUL and one.doubts + 1 >= MOST_DOUBTS:
        return UNSURE, None, detail or _INTERRUPTED
    if result.outcome not in (TRY_AGAIN, DOUBTFUL):
        return (SUPPRESSED if result.outcome == UNWANTED else FAILED), None, detail
    pause = backoff.wait(WAITS, one.tries + 1, result.retry_after)
    if pause is None:
        return FAILED, None, detail
    if now + pause >= one.expires_at:
        return EXPIRED, None, detail
    return PENDING, now + pause, None


async def _unwanted(tx: Tx, one: Claimed, detail: str | None) -> None:
    if one.parcel.subscription is not None:
        await tx.run("DELETE FROM push_subscriptions WHERE id = $1", one.parcel.subscription.id)
    else:
        await suppress_hash(tx, one.parcel.channel, one.address_hash, "gateway", detail)


async def _attempt(
    tx: Tx, message_id: int, at: int, milliseconds: int, gateway: str, outcome: str, detail: str | None
) -> None:
    await tx.run(
        "INSERT INTO message_attempts (message_id, number, at, milliseconds, gateway, outcome, detail)"
        " SELECT CAST($1 AS BIGINT), COALESCE(max(number), 0) + 1, CAST($2 AS BIGINT), CAST($3 AS BIGINT),"
        " CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT)"
        " FROM message_attempts WHERE message_id = $1",
        *(message_id, at, milliseconds, gateway, outcome, detail),
    )


async def _end(tx: Tx, rows: Sequence[tuple[int, str, str]]) -> None:
    now = clock.of_process()
    await tx.many(
        "UPDATE messages SET state = $2, reason = $3, ended_at = $4 WHERE id = $1", [(*row, now) for row in rows]
    )


async def _parcel(tx: Tx, row: Any, push_key: str | None, now: int) -> Parcel:
    address = tx.keys.open(row["address"])
    return Parcel(
        id=row["id"],
        retailer_id=row["retailer_id"],
        channel=row["channel"],
        address=addresses.normal(SMS, address) if row["channel"] == SMS else address,
        template=row["template"],
        locale=row["locale"],
        content=msgspec.json.decode(tx.keys.open(row["content"]), type=Content),
        subscription=await subscription(tx, address) if row["channel"] == PUSH else None,
        push_key=push_key,
        seconds_left=(row["expires_at"] - now) // SECOND,
    )


def _detail(text: str | None, address: str) -> str | None:
    """What a gateway said on one line, without the address that it may repeat."""
    if text is None:
        return None
    shown = visible(text, 2 * _MOST_DETAIL)
    return re.sub(re.escape(address), "***", shown, flags=re.IGNORECASE)[:_MOST_DETAIL]
