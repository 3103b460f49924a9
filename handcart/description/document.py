"""The OpenAPI document of a server."""

from collections.abc import Sequence

from handcart import __version__
from handcart.callbacks import routes as callbacks_routes
from handcart.core.settings import Settings
from handcart.core.web import openapi
from handcart.core.web.call import Route
from handcart.description.fields import FIELDS
from handcart.oauth import api as oauth_api
from handcart.oauth import bearer
from handcart.sandbox import routes as sandbox_routes

_ABOUT = """
The wire contract of the Connect Fulfillment API: a Connect client works with this server once its base URL is changed.

Unknown fields of a request are ignored, and an explicit null counts as absent. Answers may gain fields in later
releases. Every answer carries `X-Request-Id`.

A refusal names one error, or several under code 9999; `meta.key` is the dotted path into the request. The OAuth
endpoints have their own form, `error` and `error_description`.
""".strip()
_TAGS = {
    "OAuth": "Tokens for a retailer's calls, and linking tokens for customers who agreed.",
    "Users": "The retailer's customers, under the retailer's own ids.",
    "Stores": "Find the stores that serve a place, and validate items.",
    "Time slots": "List the slots for an order, and hold one for ten minutes.",
    "Orders": "Delivery, pickup, last mile and dispatch orders, from creation until a shopper takes them.",
    "Post-checkout": "What the customer of an order sees and does from checkout to delivery.",
    "Order feedback": "Customers rate their orders.",
    "Account linking": "Link a user to the customer's account on this platform, and read the account's membership.",
    callbacks_routes.TAG: callbacks_routes.ABOUT,
}
_SANDBOX_TAGS = {
    "Sandbox": "Shoppers, batches and their states: moves orders on a development server. Not on production servers.",
    sandbox_routes.TAG: sandbox_routes.ABOUT,
}


def describe(settings: Settings, routes: Sequence[Route]) -> dict[str, object]:
    """The document for the routes of a server with these settings."""
    return openapi.describe(
        routes,
        info={"title": "Handcart: Connect Fulfillment API", "version": __version__, "description": _ABOUT},
        server=settings.issuer,
        tags={**_TAGS, **(_SANDBOX_TAGS if settings.is_sandbox else {})},
        security_schemes=oauth_api.security_schemes(settings.issuer, with_unserved=settings.unserved_scopes),
        bearer_refusals=bearer.refusals(),
        meanings=FIELDS,
    )
