"""Write messages, send them again, and suppress addresses."""

import msgspec

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.text import visible
from handcart.messages import addresses, errors
from handcart.messages.models import (
    EXPIRED,
    FAILED,
    MAIL,
    PENDING,
    PUSH,
    SMS,
    SUPPRESSED,
    UNSURE,
    Content,
    Letter,
)

MOST_SUBJECT = 200
# Characters of a body. A push service takes 4 KiB with everything around it; an SMS of 1,600 has about ten parts.
MOST_BODY = {MAIL: 100_000, SMS: 1600, PUSH: 800}
# How long after its due time a message is still worth sending.
WORTH = {MAIL: 3 * clock.DAY, SMS: 12 * clock.HOUR, PUSH: 4 * clock.HOUR}
_MOST_URL = 1000
_MOST_SAID = 200
REPLAYABLE = (FAILED, EXPIRED, UNSURE)


async def write(tx: Tx, letter: Letter) -> int:
    """Write a message in the caller's transaction, for the worker to send; returns its id.

    Never refuses, so that no order fails because of a message: unprintable characters are removed and long texts cut; a
    message to a suppressed address is written as `suppressed`, one to something that is no address as `failed`.
    """
    now = clock.now()
    due_at = now if letter.due_at is None else letter.due_at
    expires_at = due_at + WORTH[letter.channel] if letter.expires_at is None else letter.expires_at
    address_hash = addresses.hash_of(tx.keys, letter.channel, letter.address)
    state, reason = PENDING, addresses.fault(letter.channel, letter.address)
    if reason is not None:
        state = FAILED
    elif not letter.is_answer and await is_suppressed(tx, letter.channel, address_hash):
        state, reason = SUPPRESSED, "the address is suppressed"
    content = Content(
        visible(letter.subject, MOST_SUBJECT),
        visible(letter.body, MOST_BODY[letter.channel], lines=True),
        letter.url if letter.url is not None and len(letter.url) <= _MOST_URL else None,
    )
    made, message_id = 0, 0
    while not made:  # another process may have made the same id
        message_id = ids.new_id()
        made = await tx.run(
            "INSERT INTO messages (id, retailer_id, recipient, channel, address, address_hash, template, locale,"
            " content, order_id, is_answer, state, tries, doubts, created_at, due_at, expires_at, ended_at, reason)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0, $13, $14, $15, $16, $17)"
            " ON CONFLICT (id) DO NOTHING",
            message_id,
            letter.retailer_id or 0,
            letter.recipient,
            letter.channel,
            tx.keys.seal(letter.address),
            address_hash,
            letter.template,
            letter.locale,
            tx.keys.seal(msgspec.json.encode(content).decode()),
            letter.order_id,
            letter.is_answer,
            state,
            now,
            due_at,
            expires_at,
            None if state == PENDING else clock.of_process(),
            reason,
        )
    return message_id


async def replay(tx: Tx, message_id: int) -> None:
    """Send a message again that failed, expired, or was perhaps sent. Raises `MessageRefused`.

    It is sent as if it were new: at most twice from now on.
    """
    row = await tx.one(
        "SELECT state, channel, address_hash, is_answer FROM messages WHERE id = $1 FOR UPDATE", message_id
    )
    if row is None:
        raise errors.unknown(message_id)
    if row["state"] not in REPLAYABLE:
        raise errors.not_replayable(message_id, row["state"])
    if not row["is_answer"] and await is_suppressed(tx, row["channel"], row["address_hash"]):
        raise errors.suppressed(message_id)
    now = clock.now()
    await tx.run(
        "UPDATE messages SET state = 'pending', tries = 0, doubts = 0, due_at = $2, expires_at = $3, ended_at = NULL,"
        " reason = NULL, receipt = NULL WHERE id = $1",
        message_id,
        now,
        now + WORTH[row["channel"]],
    )


async def suppress(tx: Tx, channel: str, address: str, source: str, said: str | None = None) -> int:
    """Send no more messages to an address by a channel; returns the number of waiting messages that end with it.

    `source`: `reply`, `gateway` or `operator`; `said`: the text of the reply, or the operator's reason. A suppression
    that exists is kept as it is.
    """
    return await suppress_hash(tx, channel, addresses.hash_of(tx.keys, channel, address), source, said)


async def suppress_hash(tx: Tx, channel: str, address_hash: bytes, source: str, said: str | None) -> int:
    """As `suppress`, for an address of which only the hash is known."""
    await tx.run(
        "INSERT INTO suppressions (channel, address_hash, source, said, at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (channel, address_hash) DO NOTHING",
        channel,
        address_hash,
        source,
        None if said is None else visible(said, _MOST_SAID),
        clock.of_process(),
    )
    return await tx.run(
        "UPDATE messages SET state = 'suppressed', reason = 'the address is suppressed', ended_at = $3"
        " WHERE channel = $1 AND address_hash = $2 AND state = 'pending' AND NOT is_answer",
        channel,
        address_hash,
        clock.of_process(),
    )


async def unsuppress(tx: Tx, channel: str, address: str) -> bool:
    """Send messages to an address again; returns whether it was suppressed. Suppressed messages stay unsent."""
    return await unsuppress_hash(tx, channel, addresses.hash_of(tx.keys, channel, address))


async def unsuppress_hash(tx: Tx, channel: str, address_hash: bytes) -> bool:
    """As `unsuppress`, for an address of which only the hash is known."""
    ended = await tx.run("DELETE FROM suppressions WHERE channel = $1 AND address_hash = $2", channel, address_hash)
    return ended > 0


async def forget(tx: Tx, recipient: str) -> None:
    """Delete all messages to a recipient, their replies, and their subscriptions to push messages.

    Suppressions stay: they have no address, and the person may have asked for them.
    """
    await tx.run(
        "DELETE FROM replies WHERE address_hash IN"
        " (SELECT address_hash FROM messages WHERE recipient = $1 AND channel = 'sms')",
        recipient,
    )
    await tx.run(
        "DELETE FROM message_attempts WHERE message_id IN (SELECT id FROM messages WHERE recipient = $1)", recipient
    )
    await tx.run("DELETE FROM messages WHERE recipient = $1", recipient)
    await tx.run("DELETE FROM push_subscriptions WHERE recipient = $1", recipient)


async def is_suppressed(tx: Tx, channel: str, address_hash: bytes) -> bool:
    """Whether the address with this hash gets no messages by a channel."""
    row = await tx.one(
        "SELECT 1 AS found FROM suppressions WHERE channel = $1 AND address_hash = $2", channel, address_hash
    )
    return row is not None
