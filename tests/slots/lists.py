"""Shared by the tests of lists: the time of the request, and the fields of requests and responses."""

from typing import Any

NOW = "2027-06-10T10:07:30-05:00"  # a Thursday
WITH_CART = ("delivery", "cart", "pickup")
OF_USERS = ("delivery", "cart", "pickup", "last mile")


def spans(slots: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Type, start and end of slots, as hours and minutes."""
    return [
        (slot["window"]["type"], slot["window"]["start_at"][11:16], slot["window"]["end_at"][11:16]) for slot in slots
    ]


def window(begin: str, end: str) -> dict[str, str]:
    return {"starts_at": begin, "ends_at": end}
