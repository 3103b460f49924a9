"""Refusals about events."""

from handcart.core.errors import ApiError, Refused


class UnknownEvent(ApiError, Refused):
    """The retailer has no such event. The text says which one, the wire does not."""

    def __init__(self, text: str) -> None:
        super().__init__(404, "Resource not found", 4000)
        self._text = text

    def __str__(self) -> str:
        return self._text


def unknown_event_id(event_id: int | str) -> UnknownEvent:
    """No such event of this retailer."""
    return UnknownEvent(f"there is no event {event_id}")
