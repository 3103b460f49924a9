"""Dispatch last mile orders: the retailer chooses the window, without a list of slots or a hold."""

from typing import Unpack
from urllib.parse import quote

from ..models import Order
from ..requests import CreateDispatch, StageOrder, UpdateCarried
from ..urls import segment
from ..wire import Operation, Retry, creation, reader
from .connection import AsyncConnection

ORDERS = "/v2/fulfillment/lastmile/orders"


class AsyncDispatch:
    """Orders that need no Connect user.

    `get`, `update`, `stage` and `cancel` also accept last mile orders, which is deprecated. Errors and repeats are as
    in `orders`.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(self, **fields: Unpack[CreateDispatch]) -> Order:
        """Create an order to deliver in a window; `fulfillment_details` has the window actually used.

        Raises:
            BadRequest: key "start_at" or "location_code", the store is full or does not deliver then; "last_name",
                "user_phone", "alcoholic"; "order_id", an order with this id and other content exists.

        https://docs.instacart.com/connect/api/fulfillment/lastmile/create_order_single_call
        """
        return await self._connection.send(creation(ORDERS, fields))

    async def get(self, order_id: str, *, user_id: str | None = None) -> Order:
        """The current state of an order; with `user_id`, only if it is that user's.

        https://docs.instacart.com/connect/api/fulfillment/lastmile/get_order_dispatch
        """
        path = order_path(order_id) + ("" if user_id is None else f"?user_id={quote(user_id, safe='')}")
        return await self._connection.send(Operation("GET", path, reader(Order), retry=Retry.SAFE))

    async def update(self, order_id: str, **fields: Unpack[UpdateCarried]) -> Order:
        """Change an order: window, tip, totals, instructions.

        https://docs.instacart.com/connect/api/fulfillment/lastmile/update_order_dispatch
        """
        path = order_path(order_id)
        return await self._connection.send(Operation("PUT", path, reader(Order), body=fields, retry=Retry.SAFE))

    async def stage(self, order_id: str, **fields: Unpack[StageOrder]) -> Order:
        """Report that an order waits in the staging area, so that a shopper is sent.

        https://docs.instacart.com/connect/api/fulfillment/lastmile/stage_order_dispatch
        """
        path = order_path(order_id, "/staged")
        return await self._connection.send(Operation("POST", path, reader(Order), body=fields))

    async def cancel(self, order_id: str, *, user_id: str | None = None) -> Order:
        """Cancel an order; with `user_id`, only if it is that user's.

        https://docs.instacart.com/connect/api/fulfillment/lastmile/cancel_order_dispatch
        """
        path = order_path(order_id, "/cancel")
        return await self._connection.send(Operation("POST", path, reader(Order), body={"user_id": user_id}))


def order_path(order_id: str, tail: str = "") -> str:
    return f"{ORDERS}/{segment(order_id, 'order id')}{tail}"
