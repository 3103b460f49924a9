"""Refusals about callbacks. The wire shows `message`; the text for the command line says more."""

from handcart.core.errors import ApiError, Refused


class InvalidWebhook(ApiError, Refused):
    """An invalid configuration. `key` is the field at fault. The text says what to change."""

    def __init__(self, text: str, key: str) -> None:
        super().__init__(400, text, key=key)

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


class UnknownWebhook(ApiError, Refused):
    """The retailer has no such webhook. The text says which one, the wire does not."""

    def __init__(self, text: str) -> None:
        super().__init__(404, "Resource not found", 4000)
        self._text = text

    def __str__(self) -> str:
        return self._text


def too_many(most: int) -> InvalidWebhook:
    """The retailer has the maximum number of webhooks."""
    return InvalidWebhook(f"a retailer can have at most {most} webhooks: delete one first", "callback_url")


def own_address(key: str) -> InvalidWebhook:
    """The receiver's URL is this server's."""
    return InvalidWebhook("is this server's own address: give the receiver's address", key)


def unprintable(key: str, most: int) -> InvalidWebhook:
    """A text that is empty, too long, or has unprintable characters."""
    return InvalidWebhook(f"must have 1 to {most} printable characters", key)


def secret_needed() -> InvalidWebhook:
    """The stored secret would be sent to another address."""
    return InvalidWebhook(
        "must be given again when the auth URI or the host of the callback URL changes", "client_secret"
    )


def disabled_by_operator() -> InvalidWebhook:
    """A retailer enables a webhook that the operator disabled."""
    return InvalidWebhook("the operator disabled this webhook: ask the operator to enable it", "status")


def unknown_event(name: str) -> InvalidWebhook:
    """There is no event with this name."""
    return InvalidWebhook(
        f"{name!r} is not an event: choose `all`, or names such as brand_new, acknowledged, picking", "events"
    )


def no_event() -> InvalidWebhook:
    """A webhook without events."""
    return InvalidWebhook(
        "no event is chosen: choose `all`, or names such as brand_new, acknowledged, picking", "events"
    )


def unknown_webhook(webhook_id: int | str) -> UnknownWebhook:
    """No such webhook of this retailer."""
    return UnknownWebhook(f"there is no webhook {webhook_id}")
