"""Connect user accounts."""

from ..models import User, ValidatedAddress
from ..urls import user_path
from ..wire import Operation, accepted, reader
from .connection import AsyncConnection


class AsyncUsers:
    """The Connect user accounts of the retailer.

    Every method may raise any `ConnectError`; each method lists those with a special meaning.
    """

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(
        self,
        user_id: str,
        *,
        first_name: str,
        last_name: str | None = None,
        phone_number: str | None = None,
        locale: str | None = None,
    ) -> User:
        """Create a Connect user account.

        Args:
            user_id: any identifier of the customer that is unique at the retailer.
            first_name: without the characters / : < > $ % ? like last_name.
            phone_number: E.164, such as "+13125550188".
            locale: IETF language tag, such as "en-US"; overrides the client's own.

        Raises:
            BadRequest: code 1001, `key` names the field; "user_id" for an existing user. Handcart accepts an identical
                user again, but other servers do not document that.
            Forbidden: "User Not Active", the user requested deletion.

        Repeated only if it was not sent, or refused with 429 or 503: a repeat could be refused as a second user.

        https://docs.instacart.com/connect/api/fulfillment/users/create_user
        """
        body = {
            "user_id": user_id,
            "first_name": first_name,
            "last_name": last_name,
            "phone_number": phone_number,
            "locale": locale,
        }
        return await self._connection.send(Operation("POST", "/v2/fulfillment/users", reader(User), body=body))

    async def create_with_address(
        self,
        user_id: str,
        *,
        address_line_1: str,
        postal_code: str,
        address_line_2: str | None = None,
        address_type: str | None = None,
        city: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        phone_number: str | None = None,
        locale: str | None = None,
    ) -> ValidatedAddress:
        """Create a Connect user if the id is new, validate an address and attach it to the user.

        Args:
            address_type: such as "residential".
            first_name, last_name, phone_number, locale: as for `create`.

        Raises:
            BadRequest: code 1001, `key` names the field.
            Forbidden: "User Not Active", the user requested deletion.

        Repeated only if it was not sent, or refused with 429 or 503.

        https://docs.instacart.com/connect/api/fulfillment/users/create_user_and_address
        """
        body = {
            "address_line_1": address_line_1,
            "address_line_2": address_line_2,
            "address_type": address_type,
            "city": city,
            "postal_code": postal_code,
            "first_name": first_name,
            "last_name": last_name,
            "phone_number": phone_number,
            "locale": locale,
        }
        path = user_path(user_id, "addresses")
        return await self._connection.send(Operation("POST", path, reader(ValidatedAddress), body=body))

    async def create_and_validate_address(
        self,
        user_id: str,
        *,
        address_line_1: str,
        postal_code: str,
        address_line_2: str | None = None,
        address_type: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        phone_number: str | None = None,
        locale: str | None = None,
    ) -> ValidatedAddress:
        """Deprecated on the wire: use `create_with_address`, with the same parameters and errors.

        https://docs.instacart.com/connect/api/fulfillment/lastmile/create_user_and_validate_address
        """
        body = {
            "user_id": user_id,
            "address_line_1": address_line_1,
            "address_line_2": address_line_2,
            "address_type": address_type,
            "postal_code": postal_code,
            "first_name": first_name,
            "last_name": last_name,
            "phone_number": phone_number,
            "locale": locale,
        }
        path = "/v2/fulfillment/lastmile/validate_address"
        return await self._connection.send(Operation("POST", path, reader(ValidatedAddress), body=body))

    async def validate_address(
        self,
        user_id: str,
        *,
        address_line_1: str,
        postal_code: str,
        address_line_2: str | None = None,
        address_type: str | None = None,
    ) -> ValidatedAddress:
        """Deprecated on the wire: use `create_with_address`. The user must exist.

        Raises:
            BadRequest: code 1001; "User Not Found" with key "user_id", or `key` names the field.

        https://docs.instacart.com/connect/api/fulfillment/lastmile/validate_address
        """
        body = {
            "address_line_1": address_line_1,
            "address_line_2": address_line_2,
            "address_type": address_type,
            "postal_code": postal_code,
        }
        path = user_path(user_id, "validate_address", under="/v2/fulfillment/lastmile/users")
        return await self._connection.send(Operation("POST", path, reader(ValidatedAddress), body=body))

    async def request_deletion(self, user_id: str) -> None:
        """Request the deletion of the user and their data. It cannot be undone.

        Raises:
            BadRequest: "User Not Found", code 1001, key "user_id".
            Forbidden: "User Not Active", deletion was requested before.

        Repeated only if it was not sent, or refused with 429 or 503.

        https://docs.instacart.com/connect/api/fulfillment/users/create_user_deletion_request
        """
        path = user_path(user_id, "privacy_request")
        await self._connection.send(Operation("POST", path, accepted))
