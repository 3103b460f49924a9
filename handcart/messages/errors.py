"""Refusals about messages. The text is a sentence for the operator."""

from handcart.core.errors import Refused


class MessageRefused(Refused):
    """An operation on a message that is not possible."""


def unknown(message_id: int) -> MessageRefused:
    """There is no message with this id."""
    return MessageRefused(f"there is no message {message_id}: `handcart message list` shows the ids")


def not_replayable(message_id: int, state: str) -> MessageRefused:
    """The message waits, was sent, or was never to be sent."""
    return MessageRefused(
        f"message {message_id} is {state}: only a message that failed, expired or is unsure can be sent again"
    )


def suppressed(message_id: int) -> MessageRefused:
    """The message's address is suppressed."""
    return MessageRefused(
        f"the address of message {message_id} is suppressed: run `handcart message unsuppress` if the person agreed"
    )


class SubscriptionRefused(MessageRefused):
    """A browser's subscription to push messages that is not taken."""


def subscription(why: str) -> SubscriptionRefused:
    """The endpoint may not be reached, or the keys are malformed."""
    return SubscriptionRefused(f"this subscription cannot be used: {why}")
