"""`/v2/handcart_sandbox/messages`: read the messages of a retailer, and reply to them as their recipient."""

from collections.abc import Sequence

from handcart.core import clock, errors
from handcart.core.db import Database, Tx
from handcart.core.web.call import Call, Route
from handcart.core.web.wire import query
from handcart.messages import queries, texts
from handcart.messages.models import SMS, Message
from handcart.notifications import ops as notifications
from handcart.notifications import replies
from handcart.notifications.replies import Reply
from handcart.retailers.models import RetailerId
from handcart.sandbox import state
from handcart.sandbox.mailbox.wire import (
    Before,
    Limit,
    MessageAnswer,
    MessagesResponse,
    OrderId,
    ReplyRequest,
    ReplyResponse,
)
from handcart.sandbox.routes import route

MOST_LISTED = 100


async def get_messages(call: Call) -> MessagesResponse:
    retailer_id, database = call.caller.retailer_id, call.app.database
    order_id, limit, before = (
        query(call.query, *one) for one in (("order_id", OrderId), ("limit", Limit), ("before", Before))
    )
    await tell(database, retailer_id)
    found = await database.read(
        queries.messages, retailer_id=retailer_id, order_id=order_id, before=before, limit=limit or MOST_LISTED
    )
    return MessagesResponse([_answer(one) for one in found])


async def reply(tx: Tx, call: Call) -> ReplyResponse:
    body: ReplyRequest = call.body
    said = Reply(body.number, body.text, call.app.settings.brand, call.caller.retailer_id)
    return ReplyResponse(await replies.read(tx, said))  # type: ignore[arg-type]


async def tell(database: Database, retailer_id: int) -> None:
    """Write the messages of events that the worker has not come to yet, so that what happened can be read."""
    virtual = (await database.read(state.load, retailer_id)).clock
    while await database.write(notifications.tell, retailer_id, virtual):
        pass


def _answer(one: Message) -> MessageAnswer:
    return MessageAnswer(
        id=one.id,
        order_id=one.order_id,
        channel=one.channel,  # type: ignore[arg-type]
        to=one.address,
        template=one.template,
        locale=one.locale,
        subject=one.content.subject,
        text=one.content.body,
        url=one.content.url,
        parts=texts.parts(one.content.body) if one.channel == SMS else None,
        state=one.state,
        reason=one.reason,
        created_at=clock.to_wire(one.created_at),
        due_at=clock.to_wire(one.due_at),
    )


ROUTES: Sequence[Route] = (
    route(
        "GET",
        "messages",
        "get_messages",
        get_messages,
        "Read the messages to customers",
        parameters={"order_id": OrderId, "limit": Limit, "before": Before, "X-Retailer-Id": RetailerId},
        response=MessagesResponse,
        refusals=tuple(errors.invalid(name) for name in ("order_id", "limit", "before")),
        description="A sandbox sends no messages. This operation lists them, the newest first.",
    ),
    route(
        "POST",
        "messages/replies",
        "reply_to_message",
        reply,
        "Reply to a text message",
        tx="write",
        body=ReplyRequest,
        response=ReplyResponse,
        description="Acts like an SMS from the customer: STOP, HELP, Y or N to a replacement, words for the shopper.",
    ),
)
