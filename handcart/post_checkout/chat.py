"""The chat of an order for programs of its customer: read, write, mark as read."""

from collections.abc import Sequence
from hashlib import blake2b

from handcart.chat import errors as chat_errors
from handcart.chat import lifecycle, ops, queries
from handcart.chat.models import CUSTOMER, MOST_CHARACTERS, Message, Said, Sender
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import invalid
from handcart.core.web.call import Call, Route
from handcart.core.web.wire import TreatIdsAsInternal
from handcart.orders.models import Order
from handcart.post_checkout import chat_wire, errors
from handcart.post_checkout.endpoints import FIND, PATH, TYPES, endpoint
from handcart.post_checkout.orders import find, lock
from handcart.retailers import ops as retailers
from handcart.stores import queries as stores

_TYPES = {**TYPES, "X-Treat-Ids-As-Internal": TreatIdsAsInternal}
_CHAT = "/v2/post_checkout/chat/{order_id}/messages"


async def get_messages(tx: Tx, call: Call) -> chat_wire.ChatMessagesResponse:
    order = await _readable(tx, call)
    return chat_wire.ChatMessagesResponse(await _messages(tx, call, order), _metadata(order))


async def send_message(tx: Tx, call: Call) -> chat_wire.SentMessageResponse:
    body: chat_wire.SendMessageRequest = call.body
    order = await lock(tx, call)
    sent = await ops.say(tx, call.caller.retailer_id, order, Sender(CUSTOMER), Said(body.body))
    store = await stores.store_by_number(tx, call.caller.retailer_id, order.store_number)
    assert store is not None
    return chat_wire.SentMessageResponse(sent.id, chat_wire.CHAT, clock.to_wire(sent.sent_at), store.time_zone)


async def mark_read(tx: Tx, call: Call) -> chat_wire.ReadMessagesResponse:
    order = await lock(tx, call)
    return chat_wire.ReadMessagesResponse(await ops.mark_read(tx, call.caller.retailer_id, order, CUSTOMER))


async def get_order_messages(tx: Tx, call: Call) -> chat_wire.OrderMessagesResponse:
    order = await _readable(tx, call)
    told = [
        chat_wire.LifecycleMessage(one.number, lifecycle.text(one, order.details.locale), clock.to_wire(one.at))
        for one in await lifecycle.messages(tx, call.caller.retailer_id, order)
    ]
    return chat_wire.OrderMessagesResponse(await _messages(tx, call, order), told, _metadata(order))


async def _readable(tx: Tx, call: Call) -> Order:
    """The order of a call; raises 403 if its retailer hides its shoppers."""
    order = await find(tx, call)
    if (await retailers.retailer(tx, call.caller.retailer_id)).rules.shopper_information_removal:
        raise errors.shopper_pii()
    return order


async def _messages(tx: Tx, call: Call, order: Order) -> Sequence[chat_wire.ChatMessage]:
    return [_message(order, one) for one in await queries.messages(tx, call.caller.retailer_id, order)]


def _message(order: Order, one: Message) -> chat_wire.ChatMessage:
    user, driver = (_number_of_user(order), "user"), (one.shopper_id, "driver")
    sender, recipient = (user, driver) if one.sender == CUSTOMER else (driver, user)
    return chat_wire.ChatMessage(
        id=one.id,
        order_id=order.number,
        created_at=clock.to_wire(one.sent_at),
        recipient_id=recipient[0],
        recipient_type=recipient[1],
        sender_id=sender[0],
        sender_type=sender[1],
        read=one.is_read,
        type=chat_wire.CHAT,
        body=queries.text(one, order.details.locale),
    )


def _number_of_user(order: Order) -> int:
    """Stands for the order's user in messages, whose ids are integers: the same for all orders of the user."""
    return int.from_bytes(blake2b(f"{order.isolation_id}/{order.user_id}".encode(), digest_size=6).digest())


def _metadata(order: Order) -> chat_wire.ChatMetadata:
    return chat_wire.ChatMetadata(queries.is_expired(order))


ROUTES: Sequence[Route] = (
    endpoint(
        "get_chat_messages",
        _CHAT,
        get_messages,
        "Get the chat messages of an order",
        "chat/get_chat_messages",
        method="GET",
        types=_TYPES,
        response=chat_wire.ChatMessagesResponse,
        refusals=(*FIND, errors.shopper_pii()),
        description="A phrase of the chat is in the order's locale. A picture without a text has an empty `body`.",
    ),
    endpoint(
        "send_chat_message",
        _CHAT,
        send_message,
        "Send a message to the shopper",
        "chat/send_chat_message",
        body=chat_wire.SendMessageRequest,
        response=chat_wire.SentMessageResponse,
        refusals=(*FIND, chat_errors.too_long(MOST_CHARACTERS), invalid("body"), chat_errors.not_allowed()),
    ),
    endpoint(
        "mark_messages_as_read",
        _CHAT,
        mark_read,
        "Mark the messages of the shopper as read",
        "chat/mark_messages_as_read",
        method="PUT",
        types=_TYPES,
        response=chat_wire.ReadMessagesResponse,
        refusals=FIND,
    ),
    endpoint(
        "get_order_messages",
        f"{PATH}/order_messages",
        get_order_messages,
        "Get the chat messages and the automated messages of an order",
        "chat/get_order_messages",
        method="GET",
        response=chat_wire.OrderMessagesResponse,
        refusals=(*FIND, errors.shopper_pii()),
    ),
)
