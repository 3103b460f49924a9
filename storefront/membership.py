"""Whether a customer's account is linked, and a member now. Used by the profile and the checkout."""

import logging
from dataclasses import dataclass
from datetime import datetime

from handcart_client import AsyncClient, BadRequest, ConnectError

from storefront.samples import Customer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Membership:
    """The state of a link. `is_known` is False if the platform did not answer: then offer neither link nor benefit."""

    is_known: bool = True
    is_linked: bool = False
    is_active: bool = False
    ends_at: datetime | None = None


async def verify(platform: AsyncClient, customer: Customer) -> Membership:
    """Ask the platform, without a cache: a membership can end and an account be unlinked at any time.

    Get link: https://docs.instacart.com/connect/api/fulfillment/users/get_user_link
    """
    try:
        link = await platform.links.find(customer.user_id)
    except BadRequest:
        return Membership()  # not linked: the platform does not know the user
    except ConnectError as error:
        log.warning("membership of %s is unknown: %s", customer.user_id, error)
        return Membership(is_known=False)
    if link is None:
        return Membership()
    return Membership(is_linked=True, is_active=link.instacartplus_member, ends_at=link.expired_at)
