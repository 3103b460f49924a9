# Generated from ../_async by generate_sync.py: change it there.
"""Orders of Connect users."""

from collections.abc import Sequence
from typing import Unpack

from ..models import Order, ReplacementSelection
from ..requests import CreateDelivery, CreateLastMile, CreatePickup, StageOrder, UpdateCarried, UpdateOrder
from ..urls import segment, user_path
from ..wire import Operation, Retry, creation, read_orders, reader
from .connection import Connection


class Orders:
    """Delivery, pickup and last mile orders; `dispatch` has orders without a user.

    Every method may raise any `ConnectError`; BadRequest has code 1001 and `key` names the field, unless stated
    otherwise; NotFound means that the user has no such order. An order can be changed while it is "brand_new"; later,
    methods raise BadRequest with the message "too_late".

    Creations send an Idempotency-Key and are repeated whenever there is no response: Handcart then returns the existing
    order. A server without such keys refuses a second order with the same order_id: call `get`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_delivery(self, user_id: str, **fields: Unpack[CreateDelivery]) -> Order:
        """Create a delivery order for the user's held slot; an expired hold still works while the slot has room.

        Raises:
            BadRequest: key "service_option_hold_id", hold another slot; "order_id", an order with this id and other
                content exists; "user.birthday" or "user.phone_number"; "items", code 2000, the cart is invalid.

        https://docs.instacart.com/connect/api/fulfillment/delivery/create_order
        """
        return self._connection.send(creation(user_path(user_id, "orders/delivery"), fields))

    def create_pickup(self, user_id: str, **fields: Unpack[CreatePickup]) -> Order:
        """Create a pickup order for the user's held slot; raises as `create_delivery`.

        https://docs.instacart.com/connect/api/fulfillment/pickup/create_order
        """
        return self._connection.send(creation(user_path(user_id, "orders/pickup"), fields))

    def create_last_mile(self, user_id: str, **fields: Unpack[CreateLastMile]) -> Order:
        """Create a last mile order, which the retailer picks, for the user's held slot.

        Without an order_id the server chooses one, and only the Idempotency-Key makes repeats safe.

        Raises:
            BadRequest: key "service_option_hold_id", hold another slot; "start_at"; "user_phone"; "alcoholic".

        https://docs.instacart.com/connect/api/fulfillment/last_mile/create_order
        """
        return self._connection.send(creation(user_path(user_id, "orders/last_mile"), fields))

    def create_last_mile_deprecated(self, user_id: str, **fields: Unpack[CreateLastMile]) -> Order:
        """Deprecated on the wire: use `create_last_mile`, with the same parameters and result.

        https://docs.instacart.com/connect/api/fulfillment/deprecated
        """
        path = user_path(user_id, "orders", under="/v2/fulfillment/lastmile/users")
        return self._connection.send(creation(path, fields))

    def get(self, user_id: str, order_id: str) -> Order:
        """The current state of an order. Repeated after any temporary failure: it only reads.

        https://docs.instacart.com/connect/api/fulfillment/delivery/get_order
        """
        path = order_path(user_id, order_id)
        return self._connection.send(Operation("GET", path, reader(Order), retry=Retry.SAFE))

    def list(self, user_id: str) -> tuple[Order, ...]:
        """A user's orders. Deprecated on the wire, without a replacement. Repeated after any temporary failure.

        https://docs.instacart.com/connect/api/fulfillment/delivery/get_orders
        """
        path = user_path(user_id, "orders")
        return self._connection.send(Operation("GET", path, read_orders, retry=Retry.SAFE))

    def update(self, user_id: str, order_id: str, **fields: Unpack[UpdateOrder]) -> Order:
        """Change a delivery or pickup order: slot, tip, instructions, customer, items.

        Repeated whenever there is no response, unless it uses a hold, which works once.

        Raises:
            BadRequest: as `create_delivery`; "Duplicate items were provided" if a product got a new line_num.

        https://docs.instacart.com/connect/api/fulfillment/delivery/update_order
        """
        retry = Retry.REFUSED if fields.get("service_option_hold_id") is not None else Retry.SAFE
        path = order_path(user_id, order_id)
        return self._connection.send(Operation("PUT", path, reader(Order), body=fields, retry=retry))

    def update_last_mile(self, user_id: str, order_id: str, **fields: Unpack[UpdateCarried]) -> Order:
        """Change a last mile order: window, tip, totals, instructions. Repeated whenever there is no response.

        Raises:
            BadRequest: key "service_option_id", the slot is full; "start_at", the window is not within the slot.

        https://docs.instacart.com/connect/api/fulfillment/last_mile/update_order
        """
        path = order_path(user_id, order_id, "/last_mile")
        return self._connection.send(Operation("PUT", path, reader(Order), body=fields, retry=Retry.SAFE))

    def choose_replacements(
        self,
        user_id: str,
        order_id: str,
        selections: Sequence[ReplacementSelection],
    ) -> Order:
        """Set the replacements that the customer accepts, for at most ten lines; overwrites earlier choices.

        Possible until the shopper has picked. Repeated whenever there is no response.

        Raises:
            BadRequest: key "selections", a line_num that the order does not have.

        https://docs.instacart.com/connect/api/fulfillment/delivery/set_item_replacements
        """
        path = order_path(user_id, order_id, "/replacement_selections")
        body = {"selections": selections}
        return self._connection.send(Operation("PUT", path, reader(Order), body=body, retry=Retry.SAFE))

    def update_tip(self, user_id: str, order_id: str, tip_amount_cents: int) -> Order:
        """Change the tip of a completed order; before that, use `update`. Repeated whenever there is no response.

        Raises:
            BadRequest: key "tip_amount_cents"; key "order_id", the order is not completed.

        https://docs.instacart.com/connect/api/fulfillment/delivery/update_tip
        """
        body = {"tip_amount_cents": tip_amount_cents}
        path = order_path(user_id, order_id, "/tip")
        return self._connection.send(Operation("PUT", path, reader(Order), body=body, retry=Retry.SAFE))

    def stage(self, user_id: str, order_id: str, **fields: Unpack[StageOrder]) -> Order:
        """Report that a last mile order waits in the staging area, so that a shopper is sent.

        Repeated only if it was not sent, or refused with 429 or 503.

        https://docs.instacart.com/connect/api/fulfillment/last_mile/stage_order
        """
        path = order_path(user_id, order_id, "/staged")
        return self._connection.send(Operation("POST", path, reader(Order), body=fields))

    def cancel(self, user_id: str, order_id: str) -> Order:
        """Cancel an order. Repeated only if it was not sent, or refused with 429 or 503; otherwise call `get`.

        https://docs.instacart.com/connect/api/fulfillment/delivery/cancel_order
        """
        path = order_path(user_id, order_id, "/cancel")
        return self._connection.send(Operation("POST", path, reader(Order)))


def order_path(user_id: str, order_id: str, tail: str = "") -> str:
    return user_path(user_id, f"orders/{segment(order_id, 'order id')}{tail}")
