# Generated from ../_async by generate_sync.py: change it there.
"""The retailer's stores."""

from ..models import FoundStores
from ..wire import Operation, Retry, reader
from .connection import Connection


class Stores:
    """Find the retailer's stores that serve a place: coordinates, an address with its postal code, or a postal code.

    Every method may raise any `ConnectError`; BadRequest has code 1001 and `key` names the field, such as
    "find_by.postal_code". All are repeated whenever there is no response: they change nothing.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_delivery(
        self,
        *,
        latitude: float | None = None,
        longitude: float | None = None,
        address_line_1: str | None = None,
        address_line_2: str | None = None,
        address_type: str | None = None,
        postal_code: str | None = None,
    ) -> FoundStores:
        """Stores that deliver.

        https://docs.instacart.com/connect/api/fulfillment/delivery/find_stores
        """
        return self._find(
            "/v2/fulfillment/stores/delivery",
            latitude=latitude,
            longitude=longitude,
            address_line_1=address_line_1,
            address_line_2=address_line_2,
            address_type=address_type,
            postal_code=postal_code,
        )

    def find_pickup(
        self, *, latitude: float | None = None, longitude: float | None = None, postal_code: str | None = None
    ) -> FoundStores:
        """Stores that take pickup orders.

        https://docs.instacart.com/connect/api/fulfillment/pickup/find_stores
        """
        return self._find(
            "/v2/fulfillment/stores/pickup", latitude=latitude, longitude=longitude, postal_code=postal_code
        )

    def find_last_mile(
        self,
        *,
        latitude: float | None = None,
        longitude: float | None = None,
        address_line_1: str | None = None,
        address_line_2: str | None = None,
        address_type: str | None = None,
        city: str | None = None,
        postal_code: str | None = None,
    ) -> FoundStores:
        """Stores that take last mile orders; this does not guarantee that an address is served.

        https://docs.instacart.com/connect/api/fulfillment/last_mile/find_stores
        """
        return self._find(
            "/v2/fulfillment/stores/last_mile",
            latitude=latitude,
            longitude=longitude,
            address_line_1=address_line_1,
            address_line_2=address_line_2,
            address_type=address_type,
            city=city,
            postal_code=postal_code,
        )

    def find_dispatch(
        self,
        *,
        latitude: float | None = None,
        longitude: float | None = None,
        address_line_1: str | None = None,
        address_line_2: str | None = None,
        address_type: str | None = None,
        city: str | None = None,
        postal_code: str | None = None,
    ) -> FoundStores:
        """Stores that take dispatch last mile orders. For a postal code the result may be partial; use the address.

        https://docs.instacart.com/connect/api/fulfillment/lastmile/find_stores_dispatch
        """
        return self._find(
            "/v2/fulfillment/lastmile/stores",
            latitude=latitude,
            longitude=longitude,
            address_line_1=address_line_1,
            address_line_2=address_line_2,
            address_type=address_type,
            city=city,
            postal_code=postal_code,
        )

    def _find(self, path: str, **find_by: str | float | None) -> FoundStores:
        given = {name: value for name, value in find_by.items() if value is not None}
        operation = Operation("POST", path, reader(FoundStores), body={"find_by": given}, retry=Retry.SAFE)
        return self._connection.send(operation)
