"""What others see of links."""

from msgspec import Struct


class Link(Struct, frozen=True):
    """One retailer that an account is linked at; time in microseconds."""

    isolation_id: int
    retailer_slug: str
    retailer_name: str
    user_id: str
    linked_at: int
