# Generated from ../_async by generate_sync.py: change it there.
"""The client itself."""

from types import TracebackType
from typing import Self

import httpx

from .connection import Connection
from .dispatch import Dispatch
from .items import Items
from .links import Links
from .oauth import OAuth
from .orders import Orders
from .post_checkout import PostCheckout
from .sandbox import Sandbox
from .slots import Slots
from .stores import Stores
from .users import Users


class Client:
    """A client of one Connect server. Create one and share it: it holds the connections and the access token.

    Args:
        base_url: such as "https://connect.example.com"; plain http only to this machine, else ValueError.
        client_id, client_secret: the credentials of the retailer's application.
        scope: of the client's own token, such as "connect:fulfillment"; None for all that the application may have.
        retailer_id: slug of one banner, for multi-banner retailers; sent as X-Retailer-Id.
        locale: such as "en-US", "en-CA" or "fr-CA"; sent as Accept-Language.
        timeout: seconds for connecting, and for each wait for the server.
        max_retries: maximum number of repeats of a call, if repeating is safe; 0 for none.
        allow_plain_http: allow plain http to other machines, where others on the network can read tokens and the
            secret. Only for a test server in a private network, such as "http://handcart:8080".
        transport: an httpx transport to use instead of the network.

    The token is fetched on first use, kept until shortly before it expires, and renewed once when the server answers
    401. Calls raise `ConnectError`; see `handcart_client.errors`.

    https://docs.instacart.com/connect/api/access_tokens
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        *,
        scope: str | None = None,
        retailer_id: str | None = None,
        locale: str | None = None,
        timeout: float = 15.0,
        max_retries: int = 2,
        allow_plain_http: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._connection = Connection(
            base_url,
            client_id,
            client_secret,
            scope=scope,
            retailer_id=retailer_id,
            locale=locale,
            timeout=timeout,
            max_retries=max_retries,
            allow_plain_http=allow_plain_http,
            transport=transport,
        )
        self.users = Users(self._connection)
        self.links = Links(self._connection)
        self.stores = Stores(self._connection)
        self.items = Items(self._connection)
        self.slots = Slots(self._connection)
        self.orders = Orders(self._connection)
        self.dispatch = Dispatch(self._connection)
        self.post_checkout = PostCheckout(self._connection)
        self.sandbox = Sandbox(self._connection)
        self.oauth = OAuth(self._connection)

    def close(self) -> None:
        """Close the connections. A closed client cannot be used again."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._connection.base_url!r}, client_id={self._connection.client_id!r})"
