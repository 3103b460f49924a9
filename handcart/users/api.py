"""`/v2/fulfillment/users` and its deprecated twins."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import msgspec

from handcart.core.db import Tx
from handcart.core.errors import invalid
from handcart.core.web.call import Call, Route, route
from handcart.core.web.wire import SuccessResponse
from handcart.oauth.scopes import FULFILLMENT
from handcart.retailers import ops as retailers
from handcart.retailers.models import RetailerId
from handcart.stores import queries as stores
from handcart.users import errors, ops
from handcart.users.models import User, UserAddress, UserId
from handcart.users.wire import (
    AddressFlags,
    AddressRequest,
    AddressResponse,
    CreateUserAndAddressRequest,
    CreateUserRequest,
    UserAddressRequest,
    UserResponse,
)

# Deletes a user's data in a domain that imports this one: (tx, isolation_id, user_id). True: call it again.
Forget = Callable[[Tx, int, str], Awaitable[bool | None]]
_route = partial(
    route,
    docs="https://docs.instacart.com/connect/api/fulfillment",
    types={"user_id": UserId, "X-Retailer-Id": RetailerId},
    scope=FULFILLMENT,
    tag="Users",
)


def routes(forget: Sequence[Forget]) -> Sequence[Route]:
    """The user endpoints. `forget`: deletes a user's data in other domains."""

    async def privacy_request(call: Call) -> SuccessResponse:
        # Each step is its own transaction, so that deleting years of orders does not block other requests.
        while not await call.app.database.write(_delete, call, forget):
            pass
        return SuccessResponse(success=True)

    return (
        _route(
            "create_user",
            "/v2/fulfillment/users",
            _create,
            "Create a Connect user account",
            "users/create_user",
            body=CreateUserRequest,
            response=UserResponse,
            refusals=(errors.user_id_taken(), errors.user_not_active()),
            description="A repeated request with the same content returns the existing user, so retries are safe.",
        ),
        _route(
            "create_user_and_address",
            "/v2/fulfillment/users/{user_id}/addresses",
            _create_with_address,
            "Create a Connect user and validate an address",
            "users/create_user_and_address",
            body=CreateUserAndAddressRequest,
            response=AddressResponse,
            refusals=(invalid("user_id"), errors.user_not_active()),
        ),
        _route(
            "create_user_deletion_request",
            "/v2/fulfillment/users/{user_id}/privacy_request",
            privacy_request,
            "Create a user data deletion request",
            "users/create_user_deletion_request",
            tx=None,
            response=SuccessResponse,
            refusals=(errors.user_not_found(), errors.deletion_not_allowed()),
            description="The user and all their data are deleted before the answer. A repeated request succeeds. Orders"
            " are deleted in steps: if the answer is lost, repeat the request, and it continues where it stopped.",
        ),
        _route(
            "create_user_and_validate_address",
            "/v2/fulfillment/lastmile/validate_address",
            _create_with_address,
            "Create a Connect user and validate an address (deprecated)",
            "lastmile/create_user_and_validate_address",
            body=UserAddressRequest,
            response=AddressResponse,
            refusals=(errors.user_not_active(),),
            deprecated=True,
        ),
        _route(
            "validate_address",
            "/v2/fulfillment/lastmile/users/{user_id}/validate_address",
            _validate_address,
            "Validate an address (deprecated)",
            "lastmile/validate_address",
            body=AddressRequest,
            response=AddressResponse,
            refusals=(errors.user_not_found(), errors.user_not_active()),
            deprecated=True,
        ),
    )


async def _create(tx: Tx, call: Call) -> UserResponse:
    body: CreateUserRequest = call.body
    user = User(body.user_id, body.first_name, body.last_name, body.phone_number, body.locale)
    await ops.create(tx, call.caller.isolation_id, user)
    return UserResponse(user.user_id, user.first_name, user.last_name, user.phone_number, user.locale)


async def _create_with_address(tx: Tx, call: Call) -> AddressResponse:
    body: CreateUserAndAddressRequest | UserAddressRequest = call.body
    if isinstance(body, UserAddressRequest):
        user = User(body.user_id, None, None, None, None)
    else:
        user = User(_new_user_id(call.path["user_id"]), body.first_name, body.last_name, body.phone_number, body.locale)
    address = await ops.create_with_address(tx, call.caller.isolation_id, user, _address(body))
    return await _answer(tx, call, user.user_id, address)


async def _validate_address(tx: Tx, call: Call) -> AddressResponse:
    user_id = call.path["user_id"]
    address = await ops.add_address(tx, call.caller.isolation_id, user_id, _address(call.body))
    return await _answer(tx, call, user_id, address)


async def _delete(tx: Tx, call: Call, forget: Sequence[Forget]) -> bool:
    """One step of a user's deletion; True if it was the last one."""
    isolation_id, user_id = call.caller.isolation_id, call.path["user_id"]
    if not (await retailers.retailer(tx, call.caller.retailer_id)).allows_user_deletion:
        raise errors.deletion_not_allowed()
    if await ops.lock(tx, isolation_id, user_id):
        for forget_user in forget:
            if await forget_user(tx, isolation_id, user_id):
                return False
        await ops.delete(tx, isolation_id, user_id)
    elif not await ops.is_deleted(tx, isolation_id, user_id):
        raise errors.user_not_found()
    return True


def _new_user_id(user_id: str) -> str:
    """A new user's id from the path, checked by the same rule as in a body."""
    try:
        return msgspec.convert(user_id, UserId)
    except msgspec.ValidationError:
        raise invalid("user_id") from None


def _address(body: AddressRequest) -> UserAddress:
    city = body.city if isinstance(body, CreateUserAndAddressRequest) else None
    return UserAddress(body.address_line_1, body.address_line_2 or "", body.postal_code, city, body.address_type)


async def _answer(tx: Tx, call: Call, user_id: str, address: UserAddress) -> AddressResponse:
    is_far = await stores.is_long_distance(tx, call.caller.retailer_id, address.postal_code)
    return AddressResponse(user_id, address.address_line_1, address.postal_code, AddressFlags(is_far))
