"""The client itself."""

from types import TracebackType
from typing import Self

import httpx

from .connection import AsyncConnection
from .dispatch import AsyncDispatch
from .items import AsyncItems
from .links import AsyncLinks
from .oauth import AsyncOAuth
from .orders import AsyncOrders
from .post_checkout import AsyncPostCheckout
from .sandbox import AsyncSandbox
from .slots import AsyncSlots
from .stores import AsyncStores
from .users import AsyncUsers


class AsyncClient:
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
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._connection = AsyncConnection(
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
        self.users = AsyncUsers(self._connection)
        self.links = AsyncLinks(self._connection)
        self.stores = AsyncStores(self._connection)
        self.items = AsyncItems(self._connection)
        self.slots = AsyncSlots(self._connection)
        self.orders = AsyncOrders(self._connection)
        self.dispatch = AsyncDispatch(self._connection)
        self.post_checkout = AsyncPostCheckout(self._connection)
        self.sandbox = AsyncSandbox(self._connection)
        self.oauth = AsyncOAuth(self._connection)

    async def aclose(self) -> None:
        """Close the connections. A closed client cannot be used again."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncClient({self._connection.base_url!r}, client_id={self._connection.client_id!r})"
