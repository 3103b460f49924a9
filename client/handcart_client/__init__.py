"""A typed client for any server with the Connect API: Handcart's or Instacart's.

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

Stores, slots and orders:

    store = client.stores.find_delivery(address_line_1=..., postal_code=...).stores[0]
    listed = client.slots.list_delivery("member-1", address=address, location_code=store.location_code, items=items)
    hold = client.slots.reserve("member-1", listed.service_options[0].id)
    order = client.orders.create_delivery(
        "member-1", order_id="ORD-1", service_option_hold_id=hold.id, address=address, items=items
    )

`AsyncClient` has the same methods, awaited. `handcart_client.errors` shows all errors as a tree.
"""

from ._async.client import AsyncClient
from ._async.post_checkout import AsyncPostCheckout
from ._sync.client import Client
from ._sync.post_checkout import PostCheckout
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
    Address,
    AddressFlags,
    Availability,
    Batch,
    ChatMessage,
    ChatMessages,
    ChatMetadata,
    Coordinates,
    DesiredWindow,
    FoundStores,
    FulfillmentDetails,
    Handling,
    HandlingAddress,
    HandlingShopper,
    InstructionImage,
    Introspection,
    ItemFailure,
    ItemName,
    ItemProblem,
    ItemToValidate,
    LifecycleMessage,
    LineItem,
    LineItemProduct,
    Link,
    Order,
    OrderedItem,
    OrderItem,
    OrderLine,
    OrderMessages,
    OrderUser,
    PickupInstruction,
    PostCheckoutOrder,
    ReplacementSelection,
    Scan,
    SentMessage,
    ServerMetadata,
    ServiceOption,
    ServiceOptionHold,
    ServiceOptions,
    SlotFlags,
    Store,
    StoreFlags,
    Token,
    User,
    ValidatedAddress,
    ValidatedItems,
    Vehicle,
    WarningDetail,
    Window,
)

__all__ = [
    "Address",
    "AddressFlags",
    "ApiError",
    "AsyncClient",
    "AsyncPostCheckout",
    "Availability",
    "BadRequest",
    "Batch",
    "ChatMessage",
    "ChatMessages",
    "ChatMetadata",
    "Client",
    "ConnectError",
    "Coordinates",
    "DesiredWindow",
    "ErrorDetail",
    "Forbidden",
    "FoundStores",
    "FulfillmentDetails",
    "Handling",
    "HandlingAddress",
    "HandlingShopper",
    "InstructionImage",
    "Introspection",
    "ItemFailure",
    "ItemName",
    "ItemProblem",
    "ItemToValidate",
    "LifecycleMessage",
    "LineItem",
    "LineItemProduct",
    "Link",
    "NotFound",
    "OAuthError",
    "Order",
    "OrderItem",
    "OrderLine",
    "OrderMessages",
    "OrderUser",
    "OrderedItem",
    "PickupInstruction",
    "Pkce",
    "PostCheckout",
    "PostCheckoutOrder",
    "RateLimited",
    "ReplacementSelection",
    "Scan",
    "SentMessage",
    "ServerError",
    "ServerMetadata",
    "ServiceOption",
    "ServiceOptionHold",
    "ServiceOptions",
    "SlotFlags",
    "Store",
    "StoreFlags",
    "Token",
    "TransportError",
    "Unauthorized",
    "UnexpectedResponse",
    "User",
    "ValidatedAddress",
    "ValidatedItems",
    "Vehicle",
    "WarningDetail",
    "Window",
    "new_pkce",
    "new_state",
]
