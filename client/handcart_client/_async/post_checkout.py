"""Orders after checkout: what their customers see and do."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar, Unpack

from ..models import (
    ChatMessages,
    Coordinates,
    Handling,
    ItemName,
    LineItem,
    LineItemsAnswer,
    LocationAnswer,
    OrderMessages,
    PickupDetailsAnswer,
    PickupInstruction,
    PostCheckoutOrder,
    ReadAnswer,
    SentMessage,
    Token,
    Vehicle,
    VehicleAnswer,
)
from ..requests import SetVehicle
from ..urls import segment, user_path
from ..wire import Operation, Retry, accepted, read_nothing, reader
from .connection import AsyncConnection

T = TypeVar("T")


class AsyncPostCheckout:
    """The Post-checkout API and Order Feedback.

    The client's own token needs the scope "connect:post_checkout", and "Connect::Orders::RatingService" for `rate`; it
    reaches the orders of all users of the retailer. `with_token` uses the token of one user instead.

    Every method may raise any `ConnectError`; NotFound with code 4000 means that the token reaches no such order.
    BadRequest with code 4001 means that the order has no user, or that it is not picked up.

    https://docs.instacart.com/connect/post-checkout_guide/overview/
    """

    def __init__(self, connection: AsyncConnection, token: Token | None = None) -> None:
        self._connection = connection
        self._token = token

    def with_token(self, token: Token) -> "AsyncPostCheckout":
        """The same calls with the token of one user, from `oauth.user_token`. It is not renewed. Makes no request."""
        return AsyncPostCheckout(self._connection, token)

    async def get(self, order_id: str) -> PostCheckoutOrder:
        """The state of an order. Repeated after any temporary failure: it only reads.

        https://docs.instacart.com/connect/api/post_checkout/order/get_order
        """
        return await self._read(order_path(order_id), reader(PostCheckoutOrder))

    async def handling(self, order_id: str) -> Handling:
        """Where an order goes, and how it is handed over. Repeated after any temporary failure: it only reads.

        https://docs.instacart.com/connect/api/post_checkout/order/get_handling_details
        """
        return await self._read(order_path(order_id, "/handling"), reader(Handling))

    async def location(self, order_id: str) -> Coordinates | None:
        """Where an order is; None unless it is on its way. Repeated after any temporary failure: it only reads.

        Raises:
            Forbidden: the retailer hides its shoppers.

        https://docs.instacart.com/connect/api/post_checkout/order/get_order_location
        """
        return (await self._read(order_path(order_id, "/location"), reader(LocationAnswer))).coordinates

    async def items(self, order_id: str) -> tuple[LineItem, ...]:
        """The lines of an order with their replacements. Repeated after any temporary failure: it only reads.

        https://docs.instacart.com/connect/api/post_checkout/order_items/get_order_items
        """
        return (await self._read(order_path(order_id, "/items"), reader(LineItemsAnswer))).line_items

    async def approve_replacement(self, order_id: str, order_item_id: str) -> None:
        """Accept the replacement that the shopper proposes. `order_item_id`: the `id` of the line.

        Repeated only if it was not sent, or refused with 429 or 503: a second answer is refused.

        Raises:
            BadRequest: there is no proposal, or it was answered already.
            NotFound: code 4000, the order has no such line.

        https://docs.instacart.com/connect/api/post_checkout/order_items/handle_order_item_replacement
        """
        await self._answer(order_id, order_item_id, {"status": "APPROVED"})

    async def reject_replacement(
        self,
        order_id: str,
        order_item_id: str,
        *,
        alternative: ItemName | None = None,
        count: int | None = None,
        weight: float | None = None,
    ) -> None:
        """Refuse the proposed replacement: the line is refunded, or the shopper looks for another item.

        Args:
            alternative: the item to look for, with its `count` or its `weight`, as the catalog sells it.

        Raises and repeats as `approve_replacement`; also:
            BadRequest: key "alternative_item", or the item is unknown.

        https://docs.instacart.com/connect/api/post_checkout/order_items/handle_order_item_replacement
        """
        body: dict[str, object] = {"status": "REJECTED"}
        if alternative is not None:
            asked = {"upc": alternative.upc, "rrc": alternative.rrc, "count": count, "weight": weight}
            body["alternative_item"] = {name: value for name, value in asked.items() if value is not None}
        await self._answer(order_id, order_item_id, body)

    async def chat_messages(self, order_id: str) -> ChatMessages:
        """The messages between customer and shopper; none a day after the end. Repeated: it only reads.

        Raises:
            Forbidden: the retailer hides its shoppers.

        https://docs.instacart.com/connect/api/post_checkout/chat/get_chat_messages
        """
        return await self._read(chat_path(order_id), reader(ChatMessages))

    async def order_messages(self, order_id: str) -> OrderMessages:
        """As `chat_messages`, with the automated messages about the order's way.

        https://docs.instacart.com/connect/api/post_checkout/chat/get_order_messages
        """
        return await self._read(order_path(order_id, "/order_messages"), reader(OrderMessages))

    async def send_message(self, order_id: str, body: str) -> SentMessage:
        """Write to the shopper, at most 1,000 characters.

        Repeated only if it was not sent, or refused with 429 or 503.

        Raises:
            BadRequest: key "body".
            Forbidden: the chat is closed, or nobody has the order.

        https://docs.instacart.com/connect/api/post_checkout/chat/send_chat_message
        """
        return await self._send(Operation("POST", chat_path(order_id), reader(SentMessage), body={"body": body}))

    async def mark_read(self, order_id: str) -> int:
        """Mark the shopper's messages as read; returns how many. Repeated whenever there is no response.

        https://docs.instacart.com/connect/api/post_checkout/chat/mark_messages_as_read
        """
        call = Operation("PUT", chat_path(order_id), reader(ReadAnswer), retry=Retry.SAFE)
        return (await self._send(call)).messages_read_count

    async def pickup_instructions(self, order_id: str) -> tuple[PickupInstruction, ...]:
        """The instructions of the store, by category. Repeated after any temporary failure: it only reads.

        https://docs.instacart.com/connect/api/post_checkout/pickup/get_order_pickup_details
        """
        path = order_path(order_id, "/pickup/details")
        return (await self._read(path, reader(PickupDetailsAnswer))).pickup_instructions

    async def vehicle(self, order_id: str) -> Vehicle | None:
        """The vehicle that comes for an order, if one was named. Repeated after any temporary failure: it only reads.

        https://docs.instacart.com/connect/api/post_checkout/pickup/get_vehicle_info
        """
        return (await self._read(order_path(order_id, "/pickup/vehicle_info"), reader(VehicleAnswer))).vehicle_info

    async def set_vehicle(self, order_id: str, **fields: Unpack[SetVehicle]) -> Vehicle | None:
        """Name the vehicle that comes for an order, or change what is known of it.

        Repeated whenever there is no response.

        Raises:
            BadRequest: key "vehicle_type", "color", "model", "license_plate"; "is_pickup_delegate", there is none.

        https://docs.instacart.com/connect/api/post_checkout/pickup/create_update_vehicle_info
        """
        path = order_path(order_id, "/pickup/vehicle_info")
        call = Operation("PUT", path, reader(VehicleAnswer), body=fields, retry=Retry.SAFE)
        return (await self._send(call)).vehicle_info

    async def set_pickup_delegate(self, order_id: str, name: str, phone_number: str) -> None:
        """Name the person who fetches an order for its customer. Repeated whenever there is no response.

        Raises:
            BadRequest: key "name"; "phone_number", which must be E.164.

        https://docs.instacart.com/connect/api/post_checkout/pickup/create_update_pickup_delegate
        """
        body = {"name": name, "phone_number": phone_number}
        path = order_path(order_id, "/pickup_delegate")
        await self._send(Operation("PUT", path, read_nothing, body=body, retry=Retry.SAFE))

    async def schedule_pickup(self, order_id: str, schedule_pickup_eta: datetime) -> None:
        """Say when the customer will be at the store; another call changes it. Repeated whenever there is no response.

        Args:
            schedule_pickup_eta: with its time zone.

        Raises:
            BadRequest: code 2001, the order is not ready; key "schedule_pickup_eta".

        https://docs.instacart.com/connect/api/post_checkout/pickup/schedule_pickup
        """
        body = {"schedule_pickup_eta": schedule_pickup_eta}
        path = order_path(order_id, "/pickup/schedule_pickup")
        await self._send(Operation("POST", path, accepted, body=body, retry=Retry.SAFE))

    async def arrive(self, order_id: str, *, is_pickup_delegate: bool | None = None) -> None:
        """Say that the customer, or the delegate, is at the store.

        Repeated whenever there is no response: a second arrival changes nothing at Handcart.

        Raises:
            BadRequest: code 2001, the order is not ready.
            NotFound: also for an order that is not picked up.

        https://docs.instacart.com/connect/api/post_checkout/pickup/record_user_arrival
        """
        body = {"is_pickup_delegate": is_pickup_delegate}
        path = order_path(order_id, "/pickup/user_arrived")
        await self._send(Operation("POST", path, accepted, body=body, retry=Retry.SAFE))

    async def rate(
        self,
        order_id: str,
        rating_value: str,
        *,
        highlights: Sequence[str] = (),
        thank_you_note: str | None = None,
        user_id: str | None = None,
    ) -> None:
        """Rate a completed order, or change its rating. Repeated whenever there is no response.

        Args:
            rating_value: "STARS1" (worst) to "STARS5" (best).
            highlights: such as "SMART_BAGGING"; the documentation lists them.
            user_id: the order's user. The documentation asks for it with a client's token.

        Raises:
            BadRequest: key "rating_value", "highlights" or "thank_you_note"; "order_id", the order is not completed.

        https://docs.instacart.com/connect/api/fulfillment/order_feedback/backend/create_or_update_order_feedback
        """
        tail = f"orders/{segment(order_id, 'order id')}/rating"
        path = f"/v2/feedback/{tail}" if user_id is None else user_path(user_id, tail, under="/v2/feedback/users")
        body = {"rating_value": rating_value, "highlights": highlights or None, "thank_you_note": thank_you_note}
        await self._send(Operation("POST", path, accepted, body=body, retry=Retry.SAFE))

    async def _answer(self, order_id: str, order_item_id: str, body: dict[str, object]) -> None:
        path = order_path(order_id, f"/items/{segment(order_item_id, 'order item id')}/replacement")
        await self._send(Operation("PUT", path, read_nothing, body=body))

    async def _read(self, path: str, read: Callable[[bytes], T]) -> T:
        return await self._send(Operation("GET", path, read, retry=Retry.SAFE))

    async def _send(self, operation: Operation[T]) -> T:
        return await self._connection.send(operation if self._token is None else operation.with_token(self._token))


def order_path(order_id: str, tail: str = "") -> str:
    return f"/v2/post_checkout/orders/{segment(order_id, 'order id')}{tail}"


def chat_path(order_id: str) -> str:
    return f"/v2/post_checkout/chat/{segment(order_id, 'order id')}/messages"
