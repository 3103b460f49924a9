"""Read messages, their attempts, and suppressions."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from handcart.core import clock, ids
from handcart.core.db import Tx, within
from handcart.messages import addresses
from handcart.messages.models import SMS, STATES, Attempt, Content, Message, Subscription, Suppression

# Messages to a number that a reply from it may be an answer to.
MOST_ANSWERABLE = 100
MOST_ATTEMPTS = 100
_COLUMNS = (
    "id, retailer_id, recipient, channel, address, template, locale, content, order_id, state, tries, doubts,"
    " created_at, due_at, expires_at, ended_at, reason, receipt"
)
_LAST = 2**63 - 1


async def messages(
    tx: Tx,
    *,
    retailer_id: int | None = None,
    recipient: str | None = None,
    order_id: str | None = None,
    channel: str | None = None,
    state: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> Sequence[Message]:
    """Messages with ids below `before`, the newest first; None leaves a condition out.

    At most `limit`, and about 1 MiB of text. `order_id` needs `retailer_id`.
    """
    assert state in (None, *STATES)
    wanted = {
        "retailer_id": retailer_id,
        "recipient": recipient,
        "order_id": order_id,
        "channel": channel,
        "state": state,
    }
    given = [(name, value) for name, value in wanted.items() if value is not None]
    where = "".join(f" AND {name} = ${place}" for place, (name, _) in enumerate(given, 3))
    values = [value for _, value in given]

    async def fetch(last: Any, few: int) -> Sequence[Any]:
        end = last["id"] if last else before or _LAST
        return await tx.all(
            f"SELECT {_COLUMNS} FROM messages WHERE id < $1{where} ORDER BY id DESC LIMIT $2",  # noqa: S608
            end,
            few,
            *values,
        )

    rows = await within(limit, fetch, lambda row: len(row["content"]))
    return [_message(tx, row) for row in rows]


async def message(tx: Tx, message_id: int) -> Message | None:
    """One message; None if there is none with this id."""
    row = await tx.one(f"SELECT {_COLUMNS} FROM messages WHERE id = $1", message_id)  # noqa: S608
    return None if row is None else _message(tx, row)


async def failed_of(tx: Tx, recipient: str) -> Sequence[int]:
    """The ids of the messages to a recipient that failed, the oldest first."""
    rows = await tx.all("SELECT id FROM messages WHERE recipient = $1 AND state = 'failed' ORDER BY id", recipient)
    return [row["id"] for row in rows]


async def attempts(tx: Tx, message_id: int) -> Sequence[Attempt]:
    """The newest attempts to send a message, at most `MOST_ATTEMPTS`, the oldest first."""
    rows = await tx.all(
        "SELECT number, at, milliseconds, gateway, outcome, detail FROM message_attempts WHERE message_id = $1"
        " ORDER BY number DESC LIMIT $2",
        message_id,
        MOST_ATTEMPTS,
    )
    return [Attempt(**dict(row)) for row in rows[::-1]]


async def to_number(tx: Tx, phone_number: str, limit: int = MOST_ANSWERABLE) -> Sequence[Message]:
    """The newest text messages to a phone number, the newest first: what a reply from it may be an answer to."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM messages WHERE channel = $1 AND address_hash = $2 ORDER BY id DESC LIMIT $3",  # noqa: S608
        SMS,
        addresses.hash_of(tx.keys, SMS, phone_number),
        limit,
    )
    return [_message(tx, row) for row in rows]


class Counts(Struct):
    """Numbers of messages by channel and state: those that are open, and those that ended in the last hour.

    `due_at`: when the oldest waiting message was due; None if none waits.
    """

    open: Mapping[tuple[str, str], int]
    ended: Mapping[tuple[str, str], int]
    due_at: int | None


async def counts(tx: Tx) -> Counts:
    """The numbers of messages now."""
    # By state first: for groups by channel, SQLite would read all messages in the sequence of an index that has it.
    grouped = "SELECT channel, state, count(*) AS many FROM messages WHERE {} GROUP BY state, channel"
    open_rows = await tx.all(grouped.format("state IN ('pending', 'sending')"))
    ended_rows = await tx.all(grouped.format("ended_at > $1"), clock.of_process() - clock.HOUR)
    row = await tx.one("SELECT min(due_at) AS due_at FROM messages WHERE state = 'pending'")
    opened, ended = ({(one["channel"], one["state"]): one["many"] for one in rows} for rows in (open_rows, ended_rows))
    return Counts(opened, ended, None if row is None else row["due_at"])


async def suppression(tx: Tx, channel: str, address: str) -> Suppression | None:
    """Why an address gets no messages by a channel; None if it does get messages."""
    row = await tx.one(
        "SELECT channel, address_hash, source, said, at FROM suppressions WHERE channel = $1 AND address_hash = $2",
        channel,
        addresses.hash_of(tx.keys, channel, address),
    )
    return None if row is None else Suppression(**dict(row))


async def suppressions(
    tx: Tx, channel: str | None = None, *, after: tuple[str, bytes] = ("", b""), limit: int = 100
) -> Sequence[Suppression]:
    """Suppressions by channel and hash, those after a channel and hash; `channel`: only of this one."""
    columns = "SELECT channel, address_hash, source, said, at FROM suppressions"
    order = "ORDER BY channel, address_hash LIMIT $3"
    if channel is None:
        rows = await tx.all(f"{columns} WHERE (channel, address_hash) > ($1, $2) {order}", *after, limit)
    else:
        there = after[1] if after[0] == channel else b""
        rows = await tx.all(f"{columns} WHERE channel = $1 AND address_hash > $2 {order}", channel, there, limit)
    return [Suppression(**dict(row)) for row in rows]


async def subscriptions(tx: Tx, recipient: str) -> Sequence[Subscription]:
    """The browsers of a recipient that get web push messages, the oldest first."""
    rows = await tx.all(
        "SELECT id, recipient, subscription, expires_at FROM push_subscriptions WHERE recipient = $1 ORDER BY id",
        recipient,
    )
    return [_subscription(tx, row) for row in rows]


async def subscription(tx: Tx, address: str) -> Subscription | None:
    """The subscription whose id is the address of a push message; None if it has ended."""
    row = await tx.one(
        "SELECT id, recipient, subscription, expires_at FROM push_subscriptions WHERE id = $1", ids.parse(address) or 0
    )
    return None if row is None else _subscription(tx, row)


def _subscription(tx: Tx, row: Any) -> Subscription:
    return Subscription(
        id=row["id"],
        recipient=row["recipient"],
        expires_at=row["expires_at"],
        **msgspec.json.decode(tx.keys.open(row["subscription"])),
    )


def _message(tx: Tx, row: Any) -> Message:
    return Message(
        **{
            **dict(row),
            "retailer_id": row["retailer_id"] or None,
            "address": tx.keys.open(row["address"]),
            "content": msgspec.json.decode(tx.keys.open(row["content"]), type=Content),
        }
    )
