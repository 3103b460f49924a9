"""The chat of an order in the shopper's app: its messages in the run, and their pictures."""

from handcart.batches import queries as batches
from handcart.chat import queries
from handcart.chat.models import SHOPPER, Message
from handcart.core import clock, errors, ids
from handcart.core.db import Tx
from handcart.core.web.body import picture_reply
from handcart.core.web.call import Call, Reply, Route
from handcart.orders.models import Order
from handcart.pictures import queries as pictures
from handcart.shopper_app import wire
from handcart.shopper_app.browser import device_of

#: Messages of an order that the run has, the newest.
MOST_SHOWN = 100
_PATH = "/shopper/api/messages/{message_id}/picture"


async def of_order(tx: Tx, person_id: int, retailer_id: int, order: Order) -> wire.Chat:
    """The chat of an order for one of its shoppers."""
    found = await queries.messages(tx, retailer_id, order)
    shown = [await _message(tx, person_id, one) for one in found[-MOST_SHOWN:]]
    return wire.Chat(queries.is_open(order, SHOPPER), queries.unread(found, SHOPPER), shown)


async def _message(tx: Tx, person_id: int, one: Message) -> wire.ChatMessage:
    picture = None
    if one.picture is not None:
        is_there = await pictures.of_subject(tx, one.picture) is not None
        picture = _PATH.format(message_id=one.id) if is_there else ""
    return wire.ChatMessage(
        id=str(one.id),
        sender=one.sender,
        phrase=one.phrase,
        text=one.body,
        picture=picture,
        at=clock.to_wire(one.sent_at),
        is_read=one.is_read,
        act_id=one.act_id if one.person_id == person_id else None,
    )


async def _picture(call: Call) -> Reply:
    device = await device_of(call)
    message_id = ids.parse(call.path["message_id"])
    jpeg = await call.app.database.read(_jpeg, device.person.id, message_id)
    return picture_reply(jpeg, f"message-{message_id}")


async def _jpeg(tx: Tx, person_id: int, message_id: int | None) -> bytes:
    """The picture of a message about an order that the shopper has; raises 404 for any other."""
    for batch in await batches.live(tx, person_id):
        for order in batch.orders:
            found = None
            if message_id is not None and order.order_id in batch.order_ids:
                found = await queries.find(tx, batch.retailer_id, order, message_id)
            picture = None if found is None or found.picture is None else await pictures.of_subject(tx, found.picture)
            if picture is not None:
                return await pictures.jpeg(tx, picture)
    raise errors.not_found()


ROUTES = (Route(method="GET", path=_PATH, handler=_picture),)
