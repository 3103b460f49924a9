"""A typed client for any server that speaks the Connect API: Handcart's or Instacart's own.

    with Client("https://connect.example.com", client_id, client_secret) as client:
        client.users.create("member-1", first_name="Sample")
        link = client.links.find("member-1")
        if link is None:
            state, pkce = new_state(), new_pkce()  # keep both in the customer's session
            url = client.oauth.authorization_url(
                authorize_url, redirect_uri=redirect_uri, state=state, code_challenge=pkce.challenge
            )  # send the browser there; it comes back to redirect_uri with `code` and `state`
            token = client.oauth.exchange_code(code, redirect_uri=redirect_uri, code_verifier=pkce.verifier)
            client.links.create("member-1", token.access_token)

`AsyncClient` has the same methods, awaited. What can go wrong is drawn in `handcart_client.errors`.
"""

from ._async.client import AsyncClient
from ._sync.client import Client
from .authorization import Pkce, new_pkce, new_state
from .errors import (
    ApiError,
    BadRequest,
    ConnectError,
    ErrorDetail,
    Forbidden,
    NotFound,
    OAuthError,
    RateLimited,
    ServerError,
    TransportError,
    Unauthorized,
    UnexpectedResponse,
)
from .models import (
    AddressFlags,
    FoundStores,
    Introspection,
    ItemFailure,
    ItemName,
    ItemProblem,
    ItemToValidate,
    Link,
    ServerMetadata,
    Store,
    StoreFlags,
    Token,
    User,
    ValidatedAddress,
    ValidatedItems,
)

__all__ = [
    "AddressFlags",
    "ApiError",
    "AsyncClient",
    "BadRequest",
    "Client",
    "ConnectError",
    "ErrorDetail",
    "Forbidden",
    "FoundStores",
    "Introspection",
    "ItemFailure",
    "ItemName",
    "ItemProblem",
    "ItemToValidate",
    "Link",
    "NotFound",
    "OAuthError",
    "Pkce",
    "RateLimited",
    "ServerError",
    "ServerMetadata",
    "Store",
    "StoreFlags",
    "Token",
    "TransportError",
    "Unauthorized",
    "UnexpectedResponse",
    "User",
    "ValidatedAddress",
    "ValidatedItems",
    "new_pkce",
    "new_state",
]
