"""What is refused about callbacks. On the wire it is `message`; as text, for the command line, it says more."""

from handcart.core.errors import ApiError


class Refused(ApiError):
    """A configuration that cannot be; `key` is the field it is about. The text says what to change."""

    def __init__(self, text: str, key: str) -> None:
        super().__init__(400, text, key=key)

    def __str__(self) -> str:
        return f"{self.key}: {self.message}"


class Unknown(ApiError):
    """A webhook or an event that the retailer does not have; the text says which, the wire does not."""

    def __init__(self, text: str) -> None:
        super().__init__(404, "Resource not found", 4000)
        self._text = text

    def __str__(self) -> str:
        return self._text


def too_many(most: int) -> Refused:
    """A retailer has only so many webhooks."""
    return Refused(f"a retailer has {most} webhooks at most: delete one first", "callback_url")


def own_address(key: str) -> Refused:
    """A receiver that is this very server."""
    return Refused("is this server's own address: name the receiver's", key)


def unprintable(key: str, most: int) -> Refused:
    """A text that is empty, too long, or has characters that no header or log should have."""
    return Refused(f"needs 1 to {most} printable characters", key)


def unknown_event(name: str) -> Refused:
    """An event that there is not."""
    return Refused(f"{name!r} is no event: choose `all`, or names such as brand_new, acknowledged, picking", "events")


def no_event() -> Refused:
    """A webhook that wants nothing."""
    return Refused("no event is chosen: choose `all`, or names such as brand_new, acknowledged, picking", "events")


def unknown_webhook(webhook_id: int | str) -> Unknown:
    """No such webhook of this retailer."""
    return Unknown(f"there is no webhook {webhook_id}")


def unknown_event_id(event_id: int | str) -> Unknown:
    """No such event of this retailer."""
    return Unknown(f"there is no event {event_id}")
