"""The documented bodies of the chat endpoints of the Post-checkout API.

Sources: https://docs.instacart.com/connect/api/post_checkout/chat/get_chat_messages, .../chat/send_chat_message,
.../chat/mark_messages_as_read, .../chat/get_order_messages.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct

from handcart.chat.models import MOST_CHARACTERS

CHAT = "CHAT"
_CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
# At least one visible character, and no control characters but tabs and line breaks.
_VISIBLE = rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"

_MESSAGE = {
    "id": 118_109_859_875_018,
    "order_id": 118_109_859_871_002,
    "created_at": "2026-06-11T18:29:00Z",
    "recipient_id": 81_254_367_092_113,
    "recipient_type": "user",
    "sender_id": 118_109_859_872_450,
    "sender_type": "driver",
    "read": False,
    "type": "CHAT",
    "body": "Is this replacement all right?",
}


class ChatMessage(Struct):
    """A message between the customer (`user`) and a shopper (`driver`). `order_id` is the order's number."""

    id: int
    order_id: int
    created_at: str
    recipient_id: int
    recipient_type: Annotated[str, Meta(description="user or driver")]
    sender_id: int
    sender_type: Annotated[str, Meta(description="user or driver")]
    read: bool
    type: str
    body: str


class ChatMetadata(Struct):
    """`is_expired`: the order was delivered or canceled 24 hours ago, and its messages can no longer be read."""

    is_expired: bool


class ChatMessagesResponse(Struct):
    """The messages of an order, the oldest first."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A message of the shopper": {"chat_messages": [_MESSAGE], "metadata": {"is_expired": False}},
        "A day after the end": {"chat_messages": [], "metadata": {"is_expired": True}},
    }

    chat_messages: Sequence[ChatMessage]
    metadata: ChatMetadata


class SendMessageRequest(Struct):
    """A message of the customer."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"A text": {"body": "Yes, that is fine"}}

    # The chat itself refuses what breaks the published form, with the documented messages.
    body: Annotated[
        str,
        Meta(
            description="The text: at most 1,000 characters, without control characters but tabs and line breaks",
            extra_json_schema={"minLength": 1, "maxLength": MOST_CHARACTERS, "pattern": _VISIBLE},
        ),
    ]


class SentMessageResponse(Struct):
    """The message that was sent. `timezone` is the store's."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "Sent": {
            "id": 118_109_859_875_019,
            "type": "CHAT",
            "created_at": "2026-06-11T18:30:12Z",
            "timezone": "America/Chicago",
        }
    }

    id: int
    type: str
    created_at: str
    timezone: str


class ReadMessagesResponse(Struct):
    """The number of messages that were marked now."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {"Some": {"messages_read_count": 4}}

    messages_read_count: int


class LifecycleMessage(Struct):
    """An automated message about the order's way, in the order's locale."""

    id: int
    body: str
    created_at: str


class OrderMessagesResponse(Struct):
    """The messages of an order, and the automated ones, each from the oldest."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "On its way": {
            "chat_messages": [_MESSAGE],
            "lifecycle_messages": [
                {"id": 7, "body": "Your order is on the way.", "created_at": "2026-06-11T19:06:01Z"}
            ],
            "metadata": {"is_expired": False},
        }
    }

    chat_messages: Sequence[ChatMessage]
    lifecycle_messages: Sequence[LifecycleMessage]
    metadata: ChatMetadata
