"""Request and response bodies of the operations about callbacks. Handcart's own: Instacart has a dashboard for this."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

from handcart.core.web.wire import NUMBER_TOO, STRING_TOO, WireId

_NO_NUL = r"^[^\x00]*$"
_MOST = 10_000  # the operation says more exactly what is too long
Text = Annotated[str, Meta(max_length=_MOST, pattern=_NO_NUL, description="1 to 1000 printable characters")]
Url = Annotated[
    str,
    Meta(
        max_length=_MOST,
        pattern=_NO_NUL,
        description="An https URL at a public address, unless the settings allow others",
    ),
]
OptionalText = Annotated[
    str, Meta(max_length=_MOST, pattern=_NO_NUL, description="Up to 1000 printable characters; an empty text clears it")
]
EventName = Annotated[
    str,
    Meta(
        max_length=100, pattern=_NO_NUL, description="With or without the prefix `fulfillment.`", examples=["picking"]
    ),
]
EventNames = Annotated[list[EventName], Meta(max_length=100, description="Names of events, or only `all`")]
# 63 bits: more than a double holds, so a decimal string is accepted too.
EventId = Annotated[
    int, Meta(ge=0, le=2**63 - 1, description="A decimal string is accepted too", examples=[0]), STRING_TOO
]
OrderId = Annotated[
    str,
    Meta(min_length=1, max_length=255, pattern=_NO_NUL, description="The retailer's own id of an order"),
    NUMBER_TOO,
]
Timestamp = Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})]
State = Literal["pending", "sending", "delivered", "failed"]

# Of paths and queries.
WebhookIdInPath = Annotated[
    str, Meta(pattern=r"^[0-9]{1,16}\Z", description="The id of a webhook", examples=["117440512000001"])
]
EventIdInPath = Annotated[
    str, Meta(pattern=r"^[0-9]{1,19}\Z", description="The id of an event", examples=["120259084288001024"])
]
After = Annotated[
    int, Meta(ge=0, le=2**63 - 1, description="Only those after the event with this id. Default: the newest")
]
Limit = Annotated[int, Meta(ge=1, le=500, description="Maximum number. Default: 100")]
Wait = Annotated[int, Meta(ge=0, le=25, description="Seconds to wait for an event, if there is none yet")]
StateInQuery = Annotated[State, Meta(description="Only deliveries in this state")]
OrderIdInQuery = Annotated[OrderId, Meta(description="Only events of this order")]

_WEBHOOK = {
    "name": "Order events",
    "callback_url": "https://shop.example/callbacks",
    "auth_uri": "https://shop.example/oauth/token",
    "client_id": "connect-at-the-shop",
    "scope": None,
    "resource": None,
    "events": ["all"],
}
_SHOWN = {
    "id": 117_440_512_000_001,
    "environment": "production",
    **_WEBHOOK,
    "status": "enabled",
    "status_reason": None,
    "verified_at": "2026-11-26T14:00:01Z",
    "failing_since": None,
    "old_signing_secret_until": None,
    "created_at": "2026-11-26T14:00:00Z",
    "updated_at": "2026-11-26T14:00:00Z",
}
_EVENT = {
    "event_id": 120_259_084_288_001_024,
    "event_name": "picking",
    "order_id": "ORD-77120",
    "created_at": "2026-11-26T14:00:00Z",
    "body": '{"event_id":120259084288001024,"event_name":"fulfillment.picking",'
    '"event_timestamp":"2026-11-26T14:00:00Z","event_metadata":{"order_id":"ORD-77120","store_location":"12"}}',
}
_DELIVERY = {
    "event_id": 120_259_084_288_001_024,
    "webhook_id": 117_440_512_000_001,
    "order_id": "ORD-77120",
    "state": "pending",
    "tries": 1,
    "attempts": 1,
    "is_replay": False,
    "created_at": "2026-11-26T14:00:00Z",
    "attempted_at": "2026-11-26T14:00:00Z",
    "next_at": "2026-11-26T14:00:05Z",
}


class CreateWebhookRequest(Struct, kw_only=True):
    """The receiver's URL, its token endpoint, and the events to send.

    By default all events are sent, including events that later releases add. `scope` and `resource` are
    sent to the token endpoint unchanged.
    """

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Every event": {
            "callback_url": "https://shop.example/callbacks",
            "auth_uri": "https://shop.example/oauth/token",
            "client_id": "connect-at-the-shop",
            "client_secret": "what the shop's authorization server gave out",
        },
        "Some events": {
            **{name: value for name, value in _WEBHOOK.items() if value is not None},
            "client_secret": "what the shop's authorization server gave out",
            "events": ["delivered", "canceled"],
        },
    }

    callback_url: Url
    auth_uri: Url
    client_id: Text
    client_secret: Text
    name: Text | None = None
    scope: OptionalText | None = None
    resource: OptionalText | None = None
    events: EventNames | None = None


class UpdateWebhookRequest(Struct, kw_only=True):
    """The fields to change; others stay as they are. Callbacks that are being sent now are not affected."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Other events": {"events": ["brand_new", "delivered"]},
        "Another path": {"callback_url": "https://shop.example/v2/callbacks", "name": "Second version"},
        "Another token endpoint": {"auth_uri": "https://id.shop.example/token", "client_secret": "its secret"},
    }

    name: Text | None = None
    callback_url: Url | None = None
    auth_uri: Url | None = None
    client_id: Text | None = None
    client_secret: Text | None = None
    scope: OptionalText | None = None
    resource: OptionalText | None = None
    events: EventNames | None = None


class WebhookAnswer(Struct, kw_only=True):
    """A webhook.

    `failing_since`: the time since which every attempt has failed. After five days of failures it is disabled.
    `status` is `verifying` while the receiver is asked whether it agrees to callbacks. `verified_at`: when it agreed;
    null if it was not asked.
    """

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A webhook": _SHOWN}

    id: int
    environment: Literal["production", "development"]
    name: str
    callback_url: str
    auth_uri: str
    client_id: str
    scope: str | None
    resource: str | None
    events: list[str]
    status: Literal["enabled", "verifying", "disabled"]
    status_reason: str | None
    verified_at: Timestamp | None
    failing_since: Timestamp | None
    old_signing_secret_until: Timestamp | None
    created_at: Timestamp
    updated_at: Timestamp


class CreatedWebhookAnswer(WebhookAnswer, kw_only=True):
    """A webhook with its new signing secret, which is shown only now."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A new secret": {**_SHOWN, "signing_secret": "whsec_..."}}

    signing_secret: str


class WebhooksResponse(Struct):
    """The retailer's webhooks, the oldest first."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"One": {"webhooks": [_SHOWN]}}

    webhooks: list[WebhookAnswer]


class EventAnswer(Struct, kw_only=True):
    """An event. `body`: the exact bytes that receivers get."""

    event_id: int
    event_name: str
    order_id: str
    created_at: Timestamp
    body: str


class EventsResponse(Struct, kw_only=True):
    """Events, the oldest first. `last`: the id of the retailer's newest event, 0 if there is none."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"One": {"events": [_EVENT], "last": 120_259_084_288_001_024}}

    events: list[EventAnswer]
    last: int


class DeliveryAnswer(Struct, kw_only=True):
    """The delivery of an event to a webhook. `tries`: attempts of the current schedule; `attempts`: all attempts."""

    event_id: int
    webhook_id: int
    order_id: str
    state: State
    tries: int
    attempts: int
    is_replay: bool
    created_at: Timestamp
    attempted_at: Timestamp | None
    next_at: Timestamp | None


class DeliveriesResponse(Struct):
    """Deliveries to a webhook, in the order of their events."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"One that waits for its retry": {"deliveries": [_DELIVERY]}}

    deliveries: list[DeliveryAnswer]


class AttemptAnswer(Struct, kw_only=True):
    """One attempt. `cause`: why it failed, null if it did not. Tokens are masked, bodies are cut after 2 KiB."""

    webhook_id: int
    number: int
    at: Timestamp
    milliseconds: int
    is_replay: bool
    status: int | None
    cause: str | None
    url: str
    request_head: str
    response_head: str | None
    response_body: str | None


class EventResponse(Struct, kw_only=True):
    """An event, its deliveries, and every attempt."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "After a failure": {
            "event": _EVENT,
            "deliveries": [_DELIVERY],
            "attempts": [
                {
                    "webhook_id": 117_440_512_000_001,
                    "number": 1,
                    "at": "2026-11-26T14:00:00Z",
                    "milliseconds": 12,
                    "is_replay": False,
                    "status": 500,
                    "cause": "status 500",
                    "url": "https://shop.example/callbacks",
                    "request_head": "POST https://shop.example/callbacks\ncontent-type: application/json\n"
                    "authorization: Bearer ***",
                    "response_head": "500\ncontent-type: text/plain",
                    "response_body": "database is down",
                }
            ],
        }
    }

    event: EventAnswer
    deliveries: list[DeliveryAnswer]
    attempts: list[AttemptAnswer]


class ReplayRequest(Struct, kw_only=True):
    """Send again one event, all events of an order, or all events after `after` up to `until`.

    They are sent even if they were delivered before. They are sent to one webhook, or without `webhook_id` to all.
    """

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "One event": {"event_id": 120_259_084_288_001_024},
        "All of an order": {"order_id": "ORD-77120"},
        "A range, to one webhook": {"webhook_id": 117_440_512_000_001, "after": 120_259_084_288_000_000},
    }

    event_id: EventId | None = None
    order_id: OrderId | None = None
    after: EventId | None = None
    until: EventId | None = None
    webhook_id: WireId | None = None


class ReplayResponse(Struct, kw_only=True):
    """The number of deliveries that are sent again. `next`: the next `after`, or null if there are no more."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"All": {"replayed": 8, "next": None}}

    replayed: int
    next: int | None
