"""Routes under `/v2/handcart_sandbox/`: Handcart's own operations, which no other Connect server has."""

from typing import Any

from handcart.core.web.call import Handler, Route
from handcart.oauth.scopes import FULFILLMENT
from handcart.retailers.models import RetailerId

PATH = "/v2/handcart_sandbox/"
TAG = "Handcart sandbox"
ABOUT = (
    "Handcart's own, only on sandbox servers: a clock, a request log and faults for each retailer."
    " No other Connect server has these."
)


def route(method: str, path: str, operation_id: str, handler: Handler, summary: str, **fields: Any) -> Route:
    """A route of `path` under `PATH`."""
    return Route(
        method=method,
        operation_id=f"handcart_sandbox_{operation_id}",
        path=PATH + path,
        handler=handler,
        scope=FULFILLMENT,
        summary=summary,
        tag=TAG,
        **{"parameters": {"X-Retailer-Id": RetailerId}, **fields},
    )
