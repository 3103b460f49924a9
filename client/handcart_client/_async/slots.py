"""Time slots (service options), and holds on them."""

from collections.abc import Mapping
from typing import Unpack

from ..models import ServiceOptionHold, ServiceOptions
from ..requests import ListDelivery, ListLastMile, ListPickup, PreviewDelivery, PreviewLastMile, PreviewPickup
from ..urls import user_path
from ..wire import Operation, Retry, read_hold, reader
from .connection import AsyncConnection


class AsyncSlots:
    """Time slots for delivery and pickup, and holds, which keep a place in a slot for a user.

    Previews depend on neither user nor cart: show them early, but reserve from a list. Slots that begin with the order
    are included only `with_eta_options` and `with_priority_eta_options`. Unavailable slots are listed, with reasons.

    Every method may raise any `ConnectError`; BadRequest has code 1001 and `key` names the field, unless stated
    otherwise. All are repeated whenever there is no response: lists change nothing, and a user has one hold at a time,
    so a second one replaces the first.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def preview_delivery(self, **fields: Unpack[PreviewDelivery]) -> ServiceOptions:
        """Slots of the nearest store that delivers to a postal code.

        https://docs.instacart.com/connect/api/fulfillment/delivery/preview_service_options
        """
        return await self._list("/v2/fulfillment/service_options/delivery", fields)

    async def preview_pickup(self, **fields: Unpack[PreviewPickup]) -> ServiceOptions:
        """Slots of a store for pickup.

        https://docs.instacart.com/connect/api/fulfillment/pickup/preview_service_options
        """
        return await self._list("/v2/fulfillment/service_options/pickup", fields)

    async def preview_last_mile(self, **fields: Unpack[PreviewLastMile]) -> ServiceOptions:
        """Last mile slots of a store, or of the nearest one to a postal code.

        https://docs.instacart.com/connect/api/fulfillment/last_mile/preview_service_options
        """
        return await self._list("/v2/fulfillment/service_options/last_mile", fields)

    async def preview_last_mile_deprecated(self, **fields: Unpack[PreviewLastMile]) -> ServiceOptions:
        """Deprecated on the wire: use `preview_last_mile`, with the same parameters and result.

        https://docs.instacart.com/connect/api/fulfillment/deprecated
        """
        return await self._list("/v2/fulfillment/lastmile/service_options", fields)

    async def list_delivery(self, user_id: str, **fields: Unpack[ListDelivery]) -> ServiceOptions:
        """Delivery slots for a user's cart.

        Raises:
            BadRequest: wrong fields; or code 2000 with key "items", the cart is invalid.

        https://docs.instacart.com/connect/api/fulfillment/delivery/list_cart_service_options
        """
        return await self._list(user_path(user_id, "service_options/cart/delivery"), fields)

    async def list_delivery_deprecated(self, user_id: str, **fields: Unpack[ListDelivery]) -> ServiceOptions:
        """Deprecated on the wire: use `list_delivery`, with the same parameters and result.

        https://docs.instacart.com/connect/api/fulfillment/deprecated
        """
        return await self._list(user_path(user_id, "service_options/cart"), fields)

    async def list_pickup(self, user_id: str, **fields: Unpack[ListPickup]) -> ServiceOptions:
        """Pickup slots for a user's cart; raises as `list_delivery`.

        https://docs.instacart.com/connect/api/fulfillment/pickup/list_cart_service_options
        """
        return await self._list(user_path(user_id, "service_options/cart/pickup"), fields)

    async def list_last_mile(self, user_id: str, **fields: Unpack[ListLastMile]) -> ServiceOptions:
        """Last mile slots for a user's cart.

        https://docs.instacart.com/connect/api/fulfillment/last_mile/list_cart_service_options
        """
        return await self._list(user_path(user_id, "service_options/cart/last_mile"), fields)

    async def reserve(self, user_id: str, service_option_id: int) -> ServiceOptionHold:
        """Hold a place in a slot for ten minutes. The user's earlier hold is dropped, even if this one is refused.

        Raises:
            BadRequest: key "service_option_id", the slot is full, not allowed or past: list again. Key "user_id".
            NotFound: no slot has this id.

        https://docs.instacart.com/connect/api/fulfillment/delivery/create_service_option_hold
        """
        return await self._reserve(user_path(user_id, f"service_options/{service_option_id:d}/reserve"))

    async def reserve_reference(self, user_id: str, service_option_reference: str) -> ServiceOptionHold:
        """Like `reserve`, for a slot from a list with desired windows.

        https://docs.instacart.com/connect/api/fulfillment/delivery/create_desired_window_hold
        """
        path = user_path(user_id, "service_options/reserve")
        return await self._reserve(path, {"service_option_reference": service_option_reference})

    async def reserve_with_cart(
        self, user_id: str, service_option_id: int, **fields: Unpack[ListDelivery]
    ) -> ServiceOptionHold:
        """Deprecated on the wire: list slots for the cart and use `reserve`. Raises as both of them.

        https://docs.instacart.com/connect/api/fulfillment/delivery/create_service_option_hold_with_cart
        """
        return await self._reserve(user_path(user_id, f"service_options/{service_option_id:d}/reserve/cart"), fields)

    async def reserve_last_mile_deprecated(self, user_id: str, service_option_id: int) -> ServiceOptionHold:
        """Deprecated on the wire: use `reserve`, with the same parameters and result.

        https://docs.instacart.com/connect/api/fulfillment/deprecated
        """
        path = f"service_options/{service_option_id:d}/reserve"
        return await self._reserve(user_path(user_id, path, under="/v2/fulfillment/lastmile/users"))

    async def _list(self, path: str, body: Mapping[str, object]) -> ServiceOptions:
        operation = Operation("POST", path, reader(ServiceOptions), body=body, retry=Retry.SAFE)
        return await self._connection.send(operation)

    async def _reserve(self, path: str, body: Mapping[str, object] | None = None) -> ServiceOptionHold:
        return await self._connection.send(Operation("POST", path, read_hold, body=body, retry=Retry.SAFE))
