"""Links between Connect users and platform accounts."""

from ..errors import BadRequest
from ..models import Link
from ..urls import user_path
from ..wire import Operation, Retry, accepted, read_link
from .connection import AsyncConnection

NOT_LINKED = "User Not Linked"  # only this text distinguishes it from an unknown user


class AsyncLinks:
    """The link of a Connect user to their platform account. Every method may raise any `ConnectError`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(self, user_id: str, linking_token: str) -> None:
        """Link the user to the account of a linking token: `Token.access_token` of `oauth.exchange_code`.

        Raises:
            BadRequest: code 1001; key "user_id" with "User Not Found"; key "linking_token" with "Linking token is
                invalid", "can't be blank", or a text that the account is already linked to another user.
            Forbidden: "User Not Active", the user requested deletion.

        Repeated only if it was not sent, or refused with 429 or 503: Handcart accepts the same link twice, but other
        servers do not document that. After a `TransportError`, call `find`.

        https://docs.instacart.com/connect/api/fulfillment/users/link_user
        """
        body = {"linking_token": linking_token}
        await self._connection.send(Operation("POST", user_path(user_id, "link"), accepted, body=body))

    async def get(self, user_id: str) -> Link:
        """The linked account's current membership. Repeated after any temporary failure: it only reads.

        Raises:
            BadRequest: code 1001, key "user_id"; "User Not Linked" or "User Not Found".
            Forbidden: "User Not Active", the user requested deletion.

        https://docs.instacart.com/connect/api/fulfillment/users/get_user_link
        """
        return await self._connection.send(Operation("GET", user_path(user_id, "link"), read_link, retry=Retry.SAFE))

    async def find(self, user_id: str) -> Link | None:
        """Like `get`, but returns None if the user is not linked. An unknown user still raises BadRequest."""
        try:
            return await self.get(user_id)
        except BadRequest as error:
            if any(detail.message == NOT_LINKED for detail in error.errors):
                return None
            raise
