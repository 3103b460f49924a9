"""Request and response bodies of the linking endpoints.

Sources: https://docs.instacart.com/connect/api/fulfillment/users/link_user, .../users/get_user_link.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta, Struct


class LinkRequest(Struct):
    """The linking token that the authorization code was exchanged for."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "The linking token": {"linking_token": "l0ebkrG2JAXEuNI9UBpWXO-yC7asltvuyw4RjELk3Hc"}
    }

    linking_token: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=10_000,
            pattern=r"^[^\x00]*[^\s\x00][^\x00]*$",
            description="The `access_token` that the code was exchanged for",
        ),
    ]


class LinkResponse(Struct, omit_defaults=True):
    """The linked account's membership now. The two flags are always equal."""

    EXAMPLES: ClassVar[Mapping[str, Any]] = {
        "A member": {"express_member": True, "instacartplus_member": True, "expired_at": "2023-03-12T07:59:59Z"},
        "Not a member": {"express_member": False, "instacartplus_member": False},
    }

    express_member: Annotated[
        bool, Meta(description="Use instacartplus_member instead", extra_json_schema={"deprecated": True})
    ]
    instacartplus_member: Annotated[bool, Meta(description="Whether the linked account is a member now")]
    expired_at: Annotated[
        str | None, Meta(description="End of a member's membership, in UTC", extra_json_schema={"format": "date-time"})
    ] = None
