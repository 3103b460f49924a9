"""Event callbacks on the retailer's side: the token endpoint and the callback endpoint, for any ASGI or WSGI server.

    from handcart_client.receiver import Event, Receiver, SqliteSeen, TokenIssuer, asgi

    def handle(event: Event) -> None:
        print(event.event_name, event.order_id)

    issuer = TokenIssuer(client_id, client_secret)  # what the webhook is registered with
    receiver = Receiver(
        handle, accepts=issuer.accepts, signing_secrets=[signing_secret], seen=SqliteSeen("seen.db")
    )
    app = asgi({"/callbacks/token": issuer, "/callbacks": receiver})

`wsgi` does the same for WSGI; both also accept a single endpoint, for the router of a framework. Checking signatures
needs the extra `handcart-client[receiver]`; callbacks of platforms that do not sign work without it.
"""

from .endpoint import Receiver
from .events import Coordinates, Event, EventItem, EventName, EventWindow, Metadata, NotAnEvent, read_event
from .issuer import TokenIssuer
from .seen import Claim, MemorySeen, Seen, SqliteSeen
from .servers import asgi, wsgi

__all__ = [
    "Claim",
    "Coordinates",
    "Event",
    "EventItem",
    "EventName",
    "EventWindow",
    "MemorySeen",
    "Metadata",
    "NotAnEvent",
    "Receiver",
    "Seen",
    "SqliteSeen",
    "TokenIssuer",
    "asgi",
    "read_event",
    "wsgi",
]
