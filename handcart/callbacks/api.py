"""Configure webhooks, look at events and their deliveries, replay events."""

import asyncio
from collections.abc import Callable

from msgspec import structs

from handcart.callbacks import errors, ops, present, queries
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
from handcart.core.db import Tx
from handcart.core.errors import blank
from handcart.core.outbound import client
from handcart.core.settings import Settings
from handcart.core.web.call import Call
from handcart.core.web.wire import SuccessResponse, query
from handcart.events import queries as events
from handcart.events.errors import unknown_event_id

RulesOf = Callable[[Settings], client.Rules]

_LOOK_SECONDS = 0.25
_FEW = 100
_DISABLED_BY_API = "disabled over the API"


async def create(tx: Tx, call: Call, rules_of: RulesOf) -> CreatedWebhookAnswer:
    body: CreateWebhookRequest = call.body
    settings = call.app.settings
    made = await ops.create(
        tx,
        call.caller.retailer_id,
        rules_of(settings),
        environment=ops.environment_of(is_production=settings.is_production),
        own_url=settings.issuer,
        verify=settings.verify_receivers,
        **{name: value for name, value in structs.asdict(body).items() if value is not None},
    )
    return present.new_webhook(made)


async def list_webhooks(tx: Tx, call: Call) -> WebhooksResponse:
    return WebhooksResponse([present.webhook(one) for one in await ops.webhooks(tx, call.caller.retailer_id)])


async def get(tx: Tx, call: Call) -> WebhookAnswer:
    return present.webhook(await ops.webhook(tx, call.caller.retailer_id, _webhook_id(call)))


async def update(tx: Tx, call: Call, rules_of: RulesOf) -> WebhookAnswer:
    body: UpdateWebhookRequest = call.body
    settings = call.app.settings
    changes = {name: value for name, value in structs.asdict(body).items() if value is not None}
    retailer_id = call.caller.retailer_id
    return present.webhook(
        await ops.update(
            tx,
            retailer_id,
            _webhook_id(call),
            rules_of(settings),
            changes,
            settings.issuer,
            settings.verify_receivers,
        )
    )


async def delete(tx: Tx, call: Call) -> SuccessResponse:
    await ops.delete(tx, call.caller.retailer_id, _webhook_id(call))
    return SuccessResponse(True)


async def enable(tx: Tx, call: Call) -> WebhookAnswer:
    verify = call.app.settings.verify_receivers
    return present.webhook(await ops.enable(tx, call.caller.retailer_id, _webhook_id(call), verify))


async def disable(tx: Tx, call: Call) -> WebhookAnswer:
    return present.webhook(await ops.disable(tx, call.caller.retailer_id, _webhook_id(call), _DISABLED_BY_API))


async def rotate_secret(tx: Tx, call: Call) -> CreatedWebhookAnswer:
    return present.new_webhook(await ops.rotate_secret(tx, call.caller.retailer_id, _webhook_id(call)))


async def list_deliveries(tx: Tx, call: Call) -> DeliveriesResponse:
    retailer_id, webhook_id = call.caller.retailer_id, _webhook_id(call)
    await ops.webhook(tx, retailer_id, webhook_id)
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
        found = await events.events(tx, retailer_id, after=after, subject=order_id, limit=limit)
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
    event = await events.event(tx, retailer_id, int(text))
    return EventResponse(
        event=present.event(event),
        deliveries=[present.delivery(one) for one in await queries.deliveries(tx, retailer_id, event.event_id)],
        attempts=[present.attempt(one) for one in await queries.attempts(tx, retailer_id, event.event_id)],
    )


async def replay(tx: Tx, call: Call) -> ReplayResponse:
    body: ReplayRequest = call.body
    if body.event_id is None and body.order_id is None and body.after is None:
        raise blank("event_id")
    if body.event_id is not None:
        await events.event(tx, call.caller.retailer_id, body.event_id)
    replayed, last = await ops.replay(
        tx,
        call.caller.retailer_id,
        body.webhook_id,
        after=body.after or 0,
        until=body.until,
        subject=body.order_id,
        event_id=body.event_id,
    )
    return ReplayResponse(replayed=replayed, next=last)


def _webhook_id(call: Call) -> int:
    text = call.path["webhook_id"]
    if not text.isascii() or not text.isdecimal() or len(text) > 16:
        raise errors.unknown_webhook(text)
    return int(text)
