"""Request and response bodies of the mailbox. Nothing here is documented by Instacart."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct

OrderId = Annotated[str, Meta(min_length=1, max_length=255, description="Only messages about this order")]
Limit = Annotated[int, Meta(ge=1, le=100, description="Maximum number of messages. Default: 100")]
Before = Annotated[int, Meta(ge=1, description="Only messages before the one with this id")]
Outcome = Literal[
    "stopped", "started", "helped", "informed", "answered", "unclear", "late", "said", "unread", "unknown", "limited"
]


class MessageAnswer(Struct, kw_only=True):
    """A message. `to`: a phone number, an e-mail address, or for `push` the number of a browser's subscription.

    `parts`: the number of parts of an SMS. `due_at`: when it would be sent, such as in the morning.
    """

    id: int
    order_id: str | None
    channel: Literal["sms", "mail", "push"]
    to: str
    template: str
    locale: str
    subject: str
    text: str
    url: str | None
    parts: int | None
    state: str
    reason: str | None
    created_at: str
    due_at: str


class MessagesResponse(Struct):
    """Messages to customers of the retailer, the newest first."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "One": {
            "messages": [
                {
                    "id": 7312640098812345,
                    "order_id": "ORD-77120",
                    "channel": "sms",
                    "to": "+13125550188",
                    "template": "delivered",
                    "locale": "en-US",
                    "subject": "Your order was delivered",
                    "text": "Corner Market: your order was delivered. Thank you! https://connect.example.org/o/...",
                    "url": None,
                    "parts": 1,
                    "state": "kept",
                    "reason": None,
                    "created_at": "2026-11-26T14:00:00Z",
                    "due_at": "2026-11-26T14:00:00Z",
                }
            ]
        }
    }

    messages: list[MessageAnswer]


class ReplyRequest(Struct, kw_only=True):
    """A text message from a customer. `number`: the phone number that it comes from."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Take the replacement": {"number": "+13125550188", "text": "Y"},
        "End text messages": {"number": "+13125550188", "text": "STOP"},
    }

    number: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[^\x00]*$")]
    text: Annotated[str, Meta(max_length=10_000, pattern=r"^[^\x00]*$")]


class ReplyResponse(Struct):
    """What was done with the reply."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A replacement was answered": {"outcome": "answered"}}

    outcome: Outcome
