"""The data of links that other domains use."""

from msgspec import Struct


class Link(Struct, frozen=True):
    """A link of an account at one retailer; time in microseconds."""

    isolation_id: int
    retailer_slug: str
    retailer_name: str
    user_id: str
    linked_at: int
