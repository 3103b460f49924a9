"""The data of links that other domains use."""

from collections.abc import Sequence

from msgspec import Struct

from handcart.accounts.models import Account, Membership


class Link(Struct, frozen=True):
    """A link of an account at one retailer; time in microseconds."""

    isolation_id: int
    retailer_slug: str
    retailer_name: str
    user_id: str
    linked_at: int


class LinkedAccount(Struct, frozen=True):
    """An account with its membership and its links, newest first."""

    account: Account
    membership: Membership
    links: Sequence[Link]
