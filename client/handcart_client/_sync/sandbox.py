# Generated from ../_async by generate_sync.py: change it there.
"""The sandbox of a development server: take the steps of a shopper, and of a customer of the platform."""

from collections.abc import Sequence

from ..models import Batch, CodeAnswer, IdAnswer, ItemName, Scan
from ..urls import segment
from ..wire import Operation, Retry, accepted, reader
from .connection import Connection

PREFIX = "/v2/fulfillment_sandbox"


class Sandbox:
    """Shoppers, batches, items, callbacks and users of the platform. On a production server, calls raise NotFound.

    Every method may raise any `ConnectError`; NotFound also means that there is no such order, batch or shopper.
    Calls are repeated only if they were not sent, or refused with 429 or 503, unless stated otherwise.

    https://docs.instacart.com/connect/api/sandbox/overview
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create_shopper(self, *, email: str | None = None, phone: str | None = None) -> int:
        """Create a shopper; returns the id.

        Raises:
            BadRequest: key "phone", taken or malformed; key "email".

        https://docs.instacart.com/connect/api/sandbox/shoppers/create_shopper
        """
        body = {"email": email, "phone": phone}
        made = self._connection.send(Operation("POST", f"{PREFIX}/shoppers", reader(IdAnswer), body=body))
        return made.id

    def generate_batch(
        self,
        shopper_id: int,
        order_ids: Sequence[str],
        *,
        batch_type: str | None = None,
        workflow_state: str | None = None,
    ) -> Batch:
        """Put orders into a batch of a shopper.

        batch_type: "delivery", "pickup", "delivery_only" or "runner_customer". workflow_state: the first state.

        Raises:
            BadRequest: key "shopper_id", "batch_type" or "workflow_state"; "orders", one is already in a batch, or does
                not wait for this type.

        https://docs.instacart.com/connect/api/sandbox/batches/generate_batch
        """
        body = {
            "shopper_id": shopper_id,
            "orders": [{"id": order_id} for order_id in order_ids],
            "batch_type": batch_type,
            "workflow_state": workflow_state,
        }
        return self._connection.send(Operation("POST", f"{PREFIX}/batches", reader(Batch), body=body))

    def advance_batch(self, batch_id: int, workflow_state: str | None = None) -> Batch:
        """Move a batch to its next state, or to a later one.

        Raises:
            BadRequest: key "workflow_state", it is unknown or not a later state, or the batch has ended.

        https://docs.instacart.com/connect/api/sandbox/batches/advance_batch_state
        """
        path, body = f"{PREFIX}/batches/{batch_id}/advance", {"workflow_state": workflow_state}
        return self._connection.send(Operation("POST", path, reader(Batch), body=body))

    def add_item(
        self,
        shopper_id: int,
        order_id: str,
        item: ItemName,
        *,
        delivered_count: int | None = None,
        delivered_weight: float | None = None,
        scans: Sequence[Scan] | None = None,
    ) -> None:
        """Add an item that the customer asked for, as the shopper.

        https://docs.instacart.com/connect/api/sandbox/shoppers/create_shopper_order_item
        """
        body = {
            "item": item,
            "delivered_count": delivered_count,
            "delivered_weight": delivered_weight,
            "scans": scans,
        }
        self._connection.send(Operation("POST", items_path(shopper_id, order_id), accepted, body=body))

    def update_item(
        self,
        shopper_id: int,
        order_id: str,
        line_num: str,
        *,
        status: str | None = None,
        delivered_count: int | None = None,
        delivered_weight: float | None = None,
        replacement_item: ItemName | None = None,
        scans: Sequence[Scan] | None = None,
    ) -> None:
        """Record what the shopper did with a line. Repeated whenever there is no response.

        status: "found", "replaced", "to_refund", or "not_found" to start again.

        Raises:
            BadRequest: key "line_num"; "order_id", it is not being picked; "shopper_id", it is another shopper's.

        https://docs.instacart.com/connect/api/sandbox/shoppers/update_shopper_order_item
        """
        path = f"{items_path(shopper_id, order_id)}/{segment(line_num, 'line number')}"
        body = {
            "status": status,
            "delivered_count": delivered_count,
            "delivered_weight": delivered_weight,
            "replacement_item": replacement_item,
            "scans": scans,
        }
        self._connection.send(Operation("PUT", path, accepted, body=body, retry=Retry.SAFE))

    def simulate_callback(self, order_id: str, event_name: str) -> None:
        """Send an event about an order: "canceled" also cancels it; "rescheduled" and "late_delivery" change nothing.

        https://docs.instacart.com/connect/api/sandbox/orders/simulate_order_callback
        """
        path = f"{PREFIX}/orders/{segment(order_id, 'order id')}/callbacks"
        self._connection.send(Operation("POST", path, accepted, body={"event_name": event_name}))

    def create_user(
        self,
        *,
        email: str,
        phone: str,
        password: str,
        instacartplus_member: bool | None = None,
    ) -> int:
        """Create an account of the platform; returns the id.

        Raises:
            BadRequest: key "email", taken or malformed; "phone"; "password".

        https://docs.instacart.com/connect/api/sandbox/instacart_users/create_instacart_user
        """
        body = {"email": email, "phone": phone, "password": password, "instacartplus_member": instacartplus_member}
        path = f"{PREFIX}/instacart_users"
        return (self._connection.send(Operation("POST", path, reader(IdAnswer), body=body))).id

    def authorize_user(
        self, user_id: int, *, redirect_uri: str, scope: str = "account_linking", code_challenge: str | None = None
    ) -> str:
        """The code that sign-in and consent in a browser would give; for `oauth.exchange_code`.

        Raises:
            BadRequest: key "user_id", not created by `create_user`; "redirect_uri", not registered; "scope".

        https://docs.instacart.com/connect/api/sandbox/instacart_users/authorize_instacart_user
        """
        body = {
            "redirect_uri": redirect_uri,
            "scope": scope,
            "code_challenge": code_challenge,
            "code_challenge_method": None if code_challenge is None else "S256",
        }
        path = f"{PREFIX}/instacart_users/{user_id}/authorize"
        return (self._connection.send(Operation("POST", path, reader(CodeAnswer), body=body))).code


def items_path(shopper_id: int, order_id: str) -> str:
    return f"{PREFIX}/shoppers/{shopper_id}/orders/{segment(order_id, 'order id')}/items"
