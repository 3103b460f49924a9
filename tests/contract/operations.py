"""The operations of the OpenAPI description, and a request to each that the server accepts."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from handcart import app
from handcart.core import clock
from handcart.core.settings import Settings
from handcart.slots.models import WINDOW
from tests.support.orders import LASTMILE, PHONE, Market
from tests.support.picking import propose
from tests.support.sandbox import SANDBOX, Shopping
from tests.support.shop import PASSWORD, REDIRECT_URI, Shop

CALLBACKS = "/v2/handcart/callbacks"
RECEIVER = "https://shop.example/callbacks"
DOCUMENT = app.description(Settings(public_url="https://connect.example.org", environment="sandbox"))


def resolved(part: Any) -> Any:
    """A part of the document, or what its reference points to."""
    while isinstance(part, dict) and "$ref" in part:
        found: Any = DOCUMENT
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        part = found
    return part


@dataclass(frozen=True)
class Operation:
    """One operation of the description."""

    method: str
    path: str
    described: dict[str, Any]

    def __str__(self) -> str:
        return str(self.described["operationId"])

    @property
    def is_about_selling(self) -> bool:
        """Whether it needs stores, slots, holds or orders."""
        is_robots = "/orders" in self.path
        return is_robots or self.described["tags"][0] in (
            *("Time slots", "Orders", "Sandbox", "Callbacks", "Post-checkout", "Order feedback"),
        )

    @property
    def bodies(self) -> list[Any]:
        """The documented examples of the request body."""
        content = self.described.get("requestBody", {}).get("content", {}).get("application/json", {})
        return [example["value"] for example in content.get("examples", {}).values()]

    def responses(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for status, response in self.described["responses"].items():
            yield int(status), resolved(response)

    def refusals(self) -> Iterator[tuple[int, str, Any]]:
        """Status, name and body of every refusal shown."""
        for status, response in self.responses():
            if status >= 400:
                for name, example in response["content"]["application/json"]["examples"].items():
                    yield status, name, example["value"]


OPERATIONS = {
    str(operation): operation
    for path, item in DOCUMENT["paths"].items()  # type: ignore[attr-defined]
    for operation in (Operation(method.upper(), path, described) for method, described in item.items())
}


class Attempt:
    """A request that the server would take; a test changes in it what is to be refused."""

    def __init__(self, operation: Operation, shop: Shop) -> None:
        self.operation = operation
        self.shop = shop
        self.user_id = shop.customer() if isinstance(shop, Market) else shop.user()
        self.option_id = self.order_id = self.shopper_id = self.batch_id = self.instacart_user_id = ""
        self.line_num, self.order_item_id = "1", ""
        self.webhook_id = self.event_id = ""
        self.is_oauth = "/oauth" in operation.path
        self.body = dict((operation.bodies or [{}])[0])
        true = {**shop.credentials, "user_id": f"new-{self.user_id}"}
        if isinstance(shop, Market):
            true = self._stocked(shop)
        self.body |= {name: value for name, value in true.items() if name in self.body}

    def _stocked(self, market: Market) -> dict[str, Any]:
        """Create the slot, hold or order that the operation needs; returns their fields for the body."""
        fields = {"location_code": "here"}
        if "{service_option_id}" in self.operation.path:
            self.option_id = str(market.option(self.kind))
        if "service_option_hold_id" in self.body:
            fields["service_option_hold_id"] = market.hold(self.user_id, self.kind)
        if "service_option_reference" in self.body:
            wished = {"postal_code": "60610", "desired_windows": [self.desired_window]}
            listed = market.post("/v2/fulfillment/service_options/delivery", wished).json()["service_options"]
            fields["service_option_reference"] = listed[0]["service_option_reference"]
        if "{order_id}" in self.operation.path:
            self.order_id = self.order(self.kind)
        if str(self.operation) == "send_chat_message":
            Shopping(market).batch(self.order_id, workflow_state="picking")
        if "{order_item_id}" in self.operation.path:
            self.order_item_id = propose(market, self.order_id)
        if self.is_about_callbacks:
            return self._told(market)
        if self.operation.path.startswith(SANDBOX):
            return self._staffed(Shopping(market))
        fields["schedule_pickup_eta"] = clock.to_wire(clock.of_process() + clock.HOUR)
        return {**fields, "start_at": self.desired_window["starts_at"], "end_at": self.desired_window["ends_at"]}

    def _told(self, market: Market) -> dict[str, Any]:
        """Create the webhook and event that a callback operation needs; returns their fields for the body."""
        webhook = {"callback_url": RECEIVER, "auth_uri": RECEIVER, "client_id": "shop", "client_secret": "secret"}
        self.webhook_id = str(market.post(CALLBACKS, webhook).raise_for_status().json()["id"])
        self.order("delivery")
        listed = market.get(f"{CALLBACKS}/events").json()["events"]
        self.event_id = str(listed[0]["event_id"])
        return {"event_id": int(self.event_id), "webhook_id": int(self.webhook_id)}

    def _staffed(self, shopping: Shopping) -> dict[str, Any]:
        """Create the shopper, batch or account that a sandbox operation needs; returns their fields for the body."""
        path, market = self.operation.path, shopping.market
        if "instacart_users/" in path:
            account = {"email": f"{self.user_id}@example.com", "phone": PHONE, "password": PASSWORD}
            self.instacart_user_id = str(market.post(f"{SANDBOX}/instacart_users", account).json()["id"])
        self.shopper_id = str(shopping.shopper())
        if "{batch_id}" in path or "{shopper_id}" in path:
            order_id = self.order_id or self.order("delivery")
            state = "picking" if "items" in path else "acknowledged"
            batch = shopping.generate(self.shopper_id, order_id, workflow_state=state)
            self.batch_id = str(batch.raise_for_status().json()["id"])
        orders = [{"id": self.order("delivery"), "user_id": self.user_id}] if "orders" in self.body else []
        email = f"new-{self.user_id}@example.com"
        return {"shopper_id": int(self.shopper_id), "orders": orders, "email": email, "redirect_uri": REDIRECT_URI}

    def order(self, kind: str, **fields: Any) -> str:
        """Create an order of the user with these fields; returns its id."""
        fields = {"locale": "en-US", "metadata": {"channel": "web"}, **fields}
        order = self.market.order(kind, self.user_id, **fields)
        return str(order["id"])

    def reach(self, state: str) -> None:
        """Bring the order to a state of its batch."""
        shopping = Shopping(self.market)
        shopping.reach(shopping.batch(self.order_id), state)

    def cancel(self, order_id: str) -> None:
        """Cancel an order of the operation's kind."""
        path = self.market.path(self.user_id, order_id, "/cancel")
        self.market.post(f"{LASTMILE}/{order_id}/cancel" if self.kind == "dispatch" else path).raise_for_status()

    @property
    def is_about_callbacks(self) -> bool:
        return self.operation.path.startswith(CALLBACKS)

    @property
    def market(self) -> Market:
        assert isinstance(self.shop, Market)
        return self.shop

    @property
    def kind(self) -> str:
        """Which of the four kinds of order the operation is about."""
        name = "last_mile" if str(self.operation) == "stage_order" else f"{self.operation}{self.operation.path}"
        return next((kind for kind in ("pickup", "last_mile", "dispatch") if kind in name), "delivery")

    @property
    def desired_window(self) -> dict[str, str]:
        """Two hours at noon."""
        starts_at = self.market.at(12)
        return {"starts_at": clock.to_wire(starts_at), "ends_at": clock.to_wire(starts_at + WINDOW)}

    @property
    def path(self) -> str:
        values = {
            "user_id": self.instacart_user_id or self.user_id,
            "service_option_id": self.option_id,
            "order_id": self.order_id,
            "shopper_id": self.shopper_id,
            "batch_id": self.batch_id,
            "line_num": self.line_num,
            "order_item_id": self.order_item_id,
            "webhook_id": self.webhook_id,
            "event_id": self.event_id,
        }
        return self.operation.path.format(**values)

    def send(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        content: str | bytes | None = None,
        query: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send it with these changes."""
        sent = {} if self.is_oauth else self.shop.headers
        if self.operation.bodies:
            sent["Content-Type"] = "application/json"
            content = json.dumps(self.body) if content is None else content
        return self.shop.http.request(
            method or self.operation.method,
            path or self.path,
            params=query,
            content=content,
            headers={**sent, **(headers or {})},
        )

    def naming(self, user_id: str) -> httpx.Response:
        """Send it about this user, who stands in the path, the query or the body."""
        self.user_id = user_id
        parameters = {(parameter["name"], parameter["in"]) for parameter in self.operation.described["parameters"]}
        if ("user_id", "query") in parameters:
            return self.send(query={"user_id": user_id})
        return self.send() if ("user_id", "path") in parameters else self.having(user_id=user_id)

    def having(self, **fields: Any) -> httpx.Response:
        """Send it with other values in these fields of the body; a field of None is left out."""
        body = {**self.body, **fields}
        return self.send(content=json.dumps({name: value for name, value in body.items() if value is not None}))
