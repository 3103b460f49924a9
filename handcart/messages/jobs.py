"""What the worker does regularly: delete old messages and replies, and expired subscriptions."""

from collections.abc import Sequence

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.jobs import Purge


def purges(days: int) -> Sequence[Purge]:
    """The jobs of this domain. `days`: for which a message can be read after its end. Suppressions stay."""

    async def purge_attempts(tx: Tx, most: int) -> int:
        """Delete the attempts of messages that ended long ago; returns their number."""
        return await tx.run(
            "DELETE FROM message_attempts WHERE (message_id, number) IN (SELECT a.message_id, a.number"
            " FROM message_attempts a JOIN messages m ON m.id = a.message_id WHERE m.ended_at < $1 LIMIT $2)",
            *(clock.of_process() - days * clock.DAY, most),
        )

    async def purge_messages(tx: Tx, most: int) -> int:
        """Delete messages that ended long ago and have no attempts any more; returns their number."""
        return await tx.run(
            "DELETE FROM messages WHERE id IN (SELECT m.id FROM messages m WHERE m.ended_at < $1 AND NOT EXISTS"
            " (SELECT 1 FROM message_attempts a WHERE a.message_id = m.id) LIMIT $2)",
            *(clock.of_process() - days * clock.DAY, most),
        )

    async def purge_replies(tx: Tx, most: int) -> int:
        """Delete replies that came long ago; returns their number."""
        return await tx.run(
            "DELETE FROM replies WHERE (gateway, id) IN"
            " (SELECT gateway, id FROM replies WHERE received_at < $1 LIMIT $2)",
            *(clock.of_process() - days * clock.DAY, most),
        )

    async def purge_subscriptions(tx: Tx, most: int) -> int:
        """Delete expired subscriptions to push messages; returns their number."""
        return await tx.run(
            "DELETE FROM push_subscriptions WHERE id IN"
            " (SELECT id FROM push_subscriptions WHERE expires_at < $1 LIMIT $2)",
            *(clock.now(), most),
        )

    return (purge_attempts, purge_messages, purge_replies, purge_subscriptions)
