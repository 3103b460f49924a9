"""The data of shoppers that other domains use."""

from msgspec import Struct


class Shopper(Struct, frozen=True):
    """A person who picks and delivers orders."""

    id: int
    email: str | None
    phone: str | None
