"""Request and response bodies of the linking endpoints.

Sources: https://docs.instacart.com/connect/api/fulfillment/users/link_user, .../users/get_user_link.
"""

from typing import Annotated

from msgspec import Meta, Struct


class LinkRequest(Struct):
    """The linking token that the authorization code was traded for."""

    linking_token: Annotated[str, Meta(min_length=1, pattern=r"\S")]


class LinkResponse(Struct, omit_defaults=True):
    """The linked account's membership; the two flags are always equal, the first one is deprecated."""

    express_member: bool
    instacartplus_member: bool
    expired_at: Annotated[str | None, Meta(description="End of the membership, ISO 8601 in UTC")] = None
