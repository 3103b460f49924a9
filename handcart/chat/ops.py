"""Write messages into the chat of an order, and mark them as read."""

from msgspec import structs

from handcart.batches import queries as batches
from handcart.batches.models import Batch
from handcart.chat import errors, queries
from handcart.chat.models import (
    CUSTOMER,
    MOST_CHARACTERS,
    PHRASES,
    Message,
    Said,
    Sender,
    has_control_characters,
    is_visible,
    normal,
)
from handcart.core import clock, ids, ratelimit
from handcart.core.db import Tx
from handcart.core.errors import blank, invalid, too_many_requests
from handcart.core.ratelimit import Limit
from handcart.events import ops as events
from handcart.orders import ops as orders
from handcart.orders.models import Order
from handcart.pictures import ops as pictures
from handcart.pictures import queries as stored
from handcart.pictures.models import Encoded, Picture, subject_of_act

#: Messages of one sender about one order.
MOST_MESSAGES = Limit(60, 600)
#: Pictures of one sender about one order.
MOST_PICTURES = Limit(20, 86_400)
#: Bytes of messages and pictures of one sender about one order.
MOST_BYTES = Limit(16 << 20, 86_400)


async def say(tx: Tx, retailer_id: int, order: Order, sender: Sender, said: Said) -> Message:
    """Write a message about a locked order; returns it. With an `act_id` that is known, returns the message there.

    Raises 403 `not_allowed`, 400 for a message without content, with too many characters or with control characters,
    429. A customer's message emits `chat_message_created`, a shopper's `shopper_message_created`.
    """
    known = await _known(tx, retailer_id, order, sender, said)
    if known is not None:
        return known
    batch = await require_open(tx, retailer_id, order, sender)
    body = _body(said)
    if said.phrase is not None and sender.kind not in PHRASES.get(said.phrase, ()):
        raise invalid("phrase")
    picture = await _picture(tx, retailer_id, order, sender, said)
    if body is None and said.phrase is None and picture is None:
        raise blank("body")
    wait = await ratelimit.count(tx, f"chat:{retailer_id}:{order.number}:{sender.kind}", MOST_MESSAGES)
    if wait:
        raise too_many_requests(wait)
    await _count_bytes(tx, retailer_id, order, sender, len((body or "").encode()))
    who = (sender.kind, batch.shopper_id, sender.person_id)
    written = Message(ids.new_id(), *who, said.act_id, said.phrase, body, picture, clock.now(), None)
    made = await _insert(tx, retailer_id, order, written)
    if sender.kind == CUSTOMER:
        await events.emit(tx, retailer_id, "chat_message_created", order.order_id, {"topic_id": str(order.number)})
    else:
        metadata = {"order_id": order.order_id, "message_id": str(made.id)}
        await events.emit(tx, retailer_id, "shopper_message_created", order.order_id, metadata)
    return made


async def require_open(tx: Tx, retailer_id: int, order: Order, sender: Sender) -> Batch:
    """The batch of the shopper who has the order; raises 403 `not_allowed` unless the sender can write now."""
    batch = await batches.live_of_order(tx, retailer_id, order.order_id)
    if batch is None or not queries.is_open(order, sender.kind):
        raise errors.not_allowed()
    return batch


async def mark_read(tx: Tx, retailer_id: int, order: Order, reader: str, until: int | None = None) -> int:
    """Mark what the other side wrote as read by the reader, customer or shopper; returns the number of messages.

    `until`: the id of the newest message that the reader saw; None for all messages.
    """
    return await tx.run(
        "UPDATE chat_messages SET read_at = $4 WHERE retailer_id = $1 AND order_id = $2 AND sender <> $3"
        " AND read_at IS NULL AND (CAST($5 AS BIGINT) IS NULL OR id <= $5)",
        *(retailer_id, order.order_id, reader, clock.now(), until),
    )


async def keep_picture(
    tx: Tx, retailer_id: int, order: Order, sender: Sender, key: str, content_hash: bytes, encoded: Encoded, days: int
) -> Picture:
    """Store a picture that a sender writes about an order, for `Said.picture_id`.

    `key`: the sender's own id of the picture; the rest as `pictures.ops.store`. Raises 429.
    """
    subject = f"{_subject(retailer_id, order, sender)}{key}"
    there = await stored.of_subject(tx, subject)
    if there is None:
        await _count_picture(tx, retailer_id, order, sender)
        await _count_bytes(tx, retailer_id, order, sender, len(encoded.jpeg))
    picture, _ = await pictures.store(tx, subject, content_hash, encoded, days=days)
    return picture


async def forget_user(tx: Tx, isolation_id: int, user_id: str) -> None:
    """Delete the messages, with their pictures, of the orders that `orders.ops.forget_user` handles next."""
    for retailer_id, order in await orders.lock_of_user(tx, isolation_id, user_id):
        for one in await queries.all_messages(tx, retailer_id, order.order_id):
            if one.picture is not None:
                await pictures.forget(tx, one.picture)
        await tx.run("DELETE FROM chat_messages WHERE retailer_id = $1 AND order_id = $2", retailer_id, order.order_id)


def _body(said: Said) -> str | None:
    """The text of a message, None if it has none. Raises 400."""
    if said.body is None:
        return None
    body = normal(said.body)
    if len(body) > MOST_CHARACTERS:
        raise errors.too_long(MOST_CHARACTERS)
    if not is_visible(body):
        if said.picture_id is not None or said.has_picture:
            return None
        raise blank("body")
    if has_control_characters(body) or said.phrase is not None:
        raise invalid("body")
    return body


async def _picture(tx: Tx, retailer_id: int, order: Order, sender: Sender, said: Said) -> str | None:
    """The subject of a message's picture. Raises 400 for a picture that is not the sender's, or of another order."""
    if said.has_picture and sender.person_id is not None and said.act_id is not None:
        await _count_picture(tx, retailer_id, order, sender)
        return subject_of_act(sender.person_id, said.act_id)
    if said.picture_id is None:
        return None
    found = await stored.find(tx, said.picture_id)
    if found is None or not found.subject.startswith(_subject(retailer_id, order, sender)):
        raise invalid("picture")
    return found.subject


async def _count_picture(tx: Tx, retailer_id: int, order: Order, sender: Sender) -> None:
    wait = await ratelimit.count(tx, f"chat pictures:{retailer_id}:{order.number}:{sender.kind}", MOST_PICTURES)
    if wait:
        raise too_many_requests(wait)


async def _count_bytes(tx: Tx, retailer_id: int, order: Order, sender: Sender, size: int) -> None:
    wait = await ratelimit.count(tx, f"chat bytes:{retailer_id}:{order.number}:{sender.kind}", MOST_BYTES, size)
    if wait:
        raise too_many_requests(wait)


def _subject(retailer_id: int, order: Order, sender: Sender) -> str:
    """How the subjects begin of the pictures that a sender writes about an order."""
    return f"chat/{retailer_id}/{order.number}/{sender.kind}/"


async def _known(tx: Tx, retailer_id: int, order: Order, sender: Sender, said: Said) -> Message | None:
    """The message that the sender wrote with the same act."""
    if said.act_id is None:
        return None
    row = await tx.one(
        f"SELECT {queries.COLUMNS} FROM chat_messages"  # noqa: S608 (the names of columns)
        " WHERE retailer_id = $1 AND order_id = $2 AND sender = $3 AND act_id = $4",
        *(retailer_id, order.order_id, sender.kind, said.act_id),
    )
    return None if row is None else queries.message(row)


async def _insert(tx: Tx, retailer_id: int, order: Order, written: Message) -> Message:
    """Insert a message, with another id if its own is taken; returns it as it is stored."""
    while True:
        made = await tx.run(
            f"INSERT INTO chat_messages (retailer_id, order_id, {queries.COLUMNS})"  # noqa: S608 (the names of columns)
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING",
            *(retailer_id, order.order_id, *structs.astuple(written)),
        )
        if made:
            return written
        written = structs.replace(written, id=ids.new_id())
