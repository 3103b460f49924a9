"""`/v2/fulfillment/users/{user_id}/link`."""

from collections.abc import Sequence

from handcart.core import clock
from handcart.core import errors as core_errors
from handcart.core.db import Tx
from handcart.core.web.call import Call, Route
from handcart.core.web.wire import SuccessResponse
from handcart.linking import errors, ops
from handcart.linking.wire import LinkRequest, LinkResponse
from handcart.oauth.scopes import FULFILLMENT
from handcart.retailers.models import RetailerId
from handcart.users import errors as user_errors
from handcart.users.models import UserId

_DOCS = "https://docs.instacart.com/connect/api/fulfillment/users"
_PATH = "/v2/fulfillment/users/{user_id}/link"


async def _get_link(tx: Tx, call: Call) -> LinkResponse:
    membership = await ops.membership(tx, call.caller.isolation_id, call.path["user_id"])
    return LinkResponse(
        express_member=membership.is_active,
        instacartplus_member=membership.is_active,
        expired_at=clock.to_wire(membership.ends_at) if membership.is_active and membership.ends_at else None,
    )


async def _link(tx: Tx, call: Call) -> SuccessResponse:
    await ops.link(tx, call.caller, call.path["user_id"], call.body.linking_token)
    return SuccessResponse(success=True)


ROUTES: Sequence[Route] = (
    Route(
        method="GET",
        operation_id="get_user_link",
        path=_PATH,
        handler=_get_link,
        tx="read",
        scope=FULFILLMENT,
        parameters={"user_id": UserId, "X-Retailer-Id": RetailerId},
        response=LinkResponse,
        refusals=(user_errors.user_not_found(), errors.user_not_linked(), user_errors.user_not_active()),
        summary="Get Instacart account information",
        description="Returns the current membership of the linked account.",
        source=f"{_DOCS}/get_user_link",
        tag="Account linking",
    ),
    Route(
        method="POST",
        operation_id="link_user",
        path=_PATH,
        handler=_link,
        tx="write",
        scope=FULFILLMENT,
        parameters={"user_id": UserId, "X-Retailer-Id": RetailerId},
        body=LinkRequest,
        response=SuccessResponse,
        refusals=(
            user_errors.user_not_found(),
            errors.linking_token_invalid(),
            core_errors.blank("linking_token"),
            errors.account_already_linked(),
            errors.user_already_linked(),
            user_errors.user_not_active(),
        ),
        summary="Link an Instacart account",
        description="Links a user to the account of the linking token. A repeated request succeeds.",
        source=f"{_DOCS}/link_user",
        tag="Account linking",
    ),
)
