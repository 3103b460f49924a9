# Generated from ../_async by generate_sync.py: change it there.
"""The retailer's catalog."""

from collections.abc import Mapping, Sequence

from ..models import Address, ItemToValidate, ValidatedItems
from ..wire import Operation, Retry, reader
from .connection import Connection


class Items:
    """The items of the retailer's catalog."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def validate(
        self,
        items: Sequence[ItemToValidate],
        *,
        location_code: str | None = None,
        address: Address | Mapping[str, object] | None = None,
    ) -> ValidatedItems:
        """Check that a store has items, and that quantities fit how they are sold. Nothing is reserved.

        Args:
            location_code: the store; by default the one nearest to the address.
            address: `address_line_1`, `postal_code` and other documented fields.

        Raises:
            BadRequest: code 1001, `key` names the field.

        Repeated whenever there is no response: it changes nothing.

        https://docs.instacart.com/connect/api/fulfillment/delivery/validate_items
        """
        body = {"items": items, "location_code": location_code, "address": address}
        path = "/v2/fulfillment/validate_items"
        return self._connection.send(
            Operation("POST", path, reader(ValidatedItems), body=body, retry=Retry.SAFE),
        )
