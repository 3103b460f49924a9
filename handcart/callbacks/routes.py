"""The endpoints of callbacks under `/v2/handcart/callbacks`: path, handler, and the errors that each may return."""

from collections.abc import Sequence
from typing import Any

from handcart.callbacks import api, errors
from handcart.callbacks.webhooks import MOST_CHARACTERS, MOST_WEBHOOKS
from handcart.callbacks.wire import (
    After,
    CreatedWebhookAnswer,
    CreateWebhookRequest,
    DeliveriesResponse,
    EventIdInPath,
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
    WebhookIdInPath,
    WebhooksResponse,
)
from handcart.core.errors import blank, invalid
from handcart.core.web.call import Handler, Route
from handcart.core.web.wire import SuccessResponse
from handcart.events.errors import unknown_event_id
from handcart.oauth.scopes import CALLBACKS
from handcart.retailers.models import RetailerId

TAG = "Callbacks"
ABOUT = (
    "Handcart's own, with the scope `handcart:callbacks`: configure the retailer's webhooks, see whether each event was"
    " delivered, and send events again. Other Connect servers have a dashboard for this."
)
_PATH = "/v2/handcart/callbacks"
_BAD = (
    errors.InvalidWebhook("blocked: the URL must begin with https://", "callback_url"),
    errors.own_address("auth_uri"),
    errors.unprintable("client_id", MOST_CHARACTERS),
    errors.unknown_event("shipped"),
    errors.no_event(),
)


def _route(
    method: str,
    path: str,
    operation_id: str,
    handler: Handler,
    summary: str,
    *,
    query: dict[str, Any] | None = None,
    refusals: Sequence[Any] = (),
    **fields: Any,
) -> Route:
    in_path: dict[str, Any] = {"webhook_id": WebhookIdInPath} if "{webhook_id}" in path else {}
    if "{event_id}" in path:
        in_path["event_id"] = EventIdInPath
    unknown = (errors.unknown_webhook(0),) if in_path else ()
    query = query or {}
    return Route(
        method=method,
        path=_PATH + path,
        operation_id=f"handcart_callbacks_{operation_id}",
        handler=handler,
        scope=CALLBACKS,
        parameters={**in_path, **query, "X-Retailer-Id": RetailerId},
        refusals=(*unknown, *refusals, *(invalid(name) for name in query)),
        summary=summary,
        tag=TAG,
        **{"tx": "read" if method == "GET" else "write", **fields},
    )


ROUTES: Sequence[Route] = (
    _route("GET", "", "list_webhooks", api.list_webhooks, "List the webhooks", response=WebhooksResponse),
    _route(
        "POST",
        "",
        "create_webhook",
        api.create,
        "Create a webhook",
        description="The signing secret is returned only now. The webhook gets the events that happen from now on."
        " A production server first asks the receiver whether it agrees to callbacks; until it does, the status is"
        " `verifying`.",
        body=CreateWebhookRequest,
        response=CreatedWebhookAnswer,
        refusals=(*_BAD, errors.too_many(MOST_WEBHOOKS)),
    ),
    _route("GET", "/{webhook_id}", "get_webhook", api.get, "Read a webhook", response=WebhookAnswer),
    _route(
        "PUT",
        "/{webhook_id}",
        "update_webhook",
        api.update,
        "Change a webhook",
        body=UpdateWebhookRequest,
        response=WebhookAnswer,
        refusals=(*_BAD, errors.secret_needed()),
    ),
    _route(
        "DELETE",
        "/{webhook_id}",
        "delete_webhook",
        api.delete,
        "Delete a webhook",
        description="Its secrets are deleted too, and its waiting events are no longer sent.",
        response=SuccessResponse,
    ),
    _route(
        "POST",
        "/{webhook_id}/enable",
        "enable_webhook",
        api.enable,
        "Enable a webhook",
        description="Waiting events are sent, the oldest first. A receiver that has not agreed yet is asked first:"
        " the status is `verifying` until it answers.",
        response=WebhookAnswer,
        refusals=(errors.disabled_by_operator(),),
    ),
    _route(
        "POST",
        "/{webhook_id}/disable",
        "disable_webhook",
        api.disable,
        "Disable a webhook",
        description="Its events are kept until it is enabled again.",
        response=WebhookAnswer,
    ),
    _route(
        "POST",
        "/{webhook_id}/rotate_secret",
        "rotate_secret",
        api.rotate_secret,
        "Give a webhook a new signing secret",
        description="For one day, callbacks also carry a signature by the old secret.",
        response=CreatedWebhookAnswer,
    ),
    _route(
        "GET",
        "/{webhook_id}/deliveries",
        "list_deliveries",
        api.list_deliveries,
        "List the deliveries to a webhook",
        query={"after": After, "state": StateInQuery, "limit": Limit},
        response=DeliveriesResponse,
    ),
    _route(
        "GET",
        "/events",
        "list_events",
        api.list_events,
        "List events, or follow them",
        tx=None,
        query={"after": After, "order_id": OrderIdInQuery, "limit": Limit, "wait": Wait},
        response=EventsResponse,
    ),
    _route(
        "GET",
        "/events/{event_id}",
        "get_event",
        api.get_event,
        "Read an event, its deliveries and every attempt",
        response=EventResponse,
    ),
    _route(
        "POST",
        "/replay",
        "replay",
        api.replay,
        "Send events again",
        description="They are sent with the same ids and bodies. A webhook gets the events it is subscribed to now;"
        " deliveries that are being sent now are not affected. Up to 500 at once: continue with `next` as `after`.",
        body=ReplayRequest,
        response=ReplayResponse,
        refusals=(unknown_event_id(0), blank("event_id")),
    ),
)
