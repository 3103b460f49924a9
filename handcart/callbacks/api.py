"""Configure webhooks, look at events and their deliveries, replay events."""

import asyncio
from typing import Any

from msgspec import Struct, structs

from handcart.callbacks import errors, present, queries, webhooks
from handcart.callbacks.replay import send_again
from handcart.callbacks.wire import (
    After,
    CreatedWebhookAnswer,
    CreateWebhookRequest,
    DeliveriesResponse,
    EventResponse,
    EventsResponse,
    Limit,
    OrderIdInQuery,
    ReplayRequest,
    ReplayResponse,
    StateInQuery,
    UpdateWebhookRequest,
    Wait,
    WebhookAnswer,
    WebhooksResponse,
)
from handcart.core import ids
from handcart.core.db import Tx
from handcart.core.errors import blank
from handcart.core.web.call import Call
from handcart.core.web.wire import SuccessResponse, query
from handcart.events import queries as events
from handcart.events.errors import unknown_event_id

_LOOK_SECONDS = 0.25
_FEW = 100
_DISABLED_BY_API = "disabled over the API"


async def create(tx: Tx, call: Call) -> CreatedWebhookAnswer:
    body: CreateWebhookRequest = call.body
    wanted = webhooks.Configuration(**_given(body))
    made = await webhooks.create(tx, call.caller.retailer_id, wanted, webhooks.read_policy(call.app.settings))
    return present.new_webhook(made)


async def list_webhooks(tx: Tx, call: Call) -> WebhooksResponse:
    return WebhooksResponse([present.webhook(one) for one in await webhooks.list_all(tx, call.caller.retailer_id)])


async def get(tx: Tx, call: Call) -> WebhookAnswer:
    return present.webhook(await webhooks.get(tx, call.caller.retailer_id, _webhook_id(call)))


async def update(tx: Tx, call: Call) -> WebhookAnswer:
    body: UpdateWebhookRequest = call.body
    policy = webhooks.read_policy(call.app.settings)
    return present.webhook(await webhooks.update(tx, call.caller.retailer_id, _webhook_id(call), _given(body), policy))


async def delete(tx: Tx, call: Call) -> SuccessResponse:
    await webhooks.delete(tx, call.caller.retailer_id, _webhook_id(call))
    return SuccessResponse(True)


async def enable(tx: Tx, call: Call) -> WebhookAnswer:
    verify = call.app.settings.verify_receivers
    return present.webhook(await webhooks.enable(tx, call.caller.retailer_id, _webhook_id(call), verify))


async def disable(tx: Tx, call: Call) -> WebhookAnswer:
    return present.webhook(await webhooks.disable(tx, call.caller.retailer_id, _webhook_id(call), _DISABLED_BY_API))


async def rotate_secret(tx: Tx, call: Call) -> CreatedWebhookAnswer:
    return present.new_webhook(await webhooks.rotate_secret(tx, call.caller.retailer_id, _webhook_id(call)))


async def list_deliveries(tx: Tx, call: Call) -> DeliveriesResponse:
    retailer_id, webhook_id = call.caller.retailer_id, _webhook_id(call)
    await webhooks.get(tx, retailer_id, webhook_id)  # refused before a malformed query is
    after, state = query(call.query, "after", After), query(call.query, "state", StateInQuery)
    limit = query(call.query, "limit", Limit) or _FEW
    found = await queries.deliveries_to(tx, retailer_id, webhook_id, after=after, state=state, limit=limit)
    return DeliveriesResponse([present.delivery(one) for one in found])


async def list_events(call: Call) -> EventsResponse:
    """Polls the database while it waits, because another process may write the event."""
    after, limit = query(call.query, "after", After), query(call.query, "limit", Limit) or _FEW
    order_id, wait = query(call.query, "order_id", OrderIdInQuery), query(call.query, "wait", Wait) or 0

    async def look(tx: Tx) -> EventsResponse:
        retailer_id = call.caller.retailer_id
        found = await queries.listed(tx, retailer_id, after=after, subject=order_id, limit=limit)
        return EventsResponse(
            events=[present.event(one) for one in found], last=await events.last_event_id(tx, retailer_id)
        )

    for _ in range(int(wait / _LOOK_SECONDS)):
        answer = await call.app.database.read(look)
        if answer.events:
            return answer
        await asyncio.sleep(_LOOK_SECONDS)
    return await call.app.database.read(look)


async def get_event(tx: Tx, call: Call) -> EventResponse:
    retailer_id, text = call.caller.retailer_id, call.path["event_id"]
    if not text.isascii() or not text.isdecimal() or int(text[:20]) > events.LAST_ID:
        raise unknown_event_id(text)
    return present.story(await queries.event(tx, retailer_id, int(text)))


async def replay(tx: Tx, call: Call) -> ReplayResponse:
    body: ReplayRequest = call.body
    if body.event_id is None and body.order_id is None and body.after is None:
        raise blank("event_id")
    replayed, last = await send_again(
        tx,
        call.caller.retailer_id,
        body.webhook_id,
        after=body.after or 0,
        until=body.until,
        subject=body.order_id,
        event_id=body.event_id,
    )
    return ReplayResponse(replayed=replayed, next=last)


def _given(body: Struct) -> dict[str, Any]:
    return {name: value for name, value in structs.asdict(body).items() if value is not None}


def _webhook_id(call: Call) -> int:
    webhook_id = ids.parse(call.path["webhook_id"])
    if webhook_id is None:
        raise errors.unknown_webhook(call.path["webhook_id"])
    return webhook_id
