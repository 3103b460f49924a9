"""Shopper information removal: a retailer whose switch is on, and its customers, never learn who the shopper is.

The test calls every route about orders that retailers and customers have, whatever it answers, and reads every event
and every message. So a new one is visited without a change here, and turns the test red if it tells.
https://docs.instacart.com/connect/post-checkout_guide/concepts/shopper_information_removal
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from handcart import app
from handcart.batches import queries as batches
from handcart.core import clock
from handcart.core.db import Tx
from handcart.notifications import ops as notifications
from handcart.order_page import live
from handcart.orders import later, links, proof
from handcart.orders import ops as orders
from handcart.retailers import ops as retailers
from tests.support import pictures
from tests.support.acting import Acting, moment
from tests.support.orders import TEXTED, Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.working import Working

NAME, SIGNER = "Zebulon", "Signora Unica"
# The place of the shopper, three kilometres from the store.
LATITUDE, LONGITUDE = 41.912345, -87.654321
TOLD = {
    "the name": NAME,
    "the surname": "Quux",
    "the signer": SIGNER,
    "the latitude": str(LATITUDE),
    "the longitude": str(LONGITUDE),
    "the photo": links.PHOTO,
}
ABOUT_ORDERS = re.compile(r"order|/chat/|/o/\{token\}|/callbacks/events")
# Routes of people of the operator and of the retailer's staff, and of shoppers: they may know each other.
OF_STAFF = ("/console", "/shopper")


def routes() -> list[tuple[str, str]]:
    """Method and path of every route about orders that retailers and customers have."""
    found = (*app.api_routes(), *app.page_routes(live.Watch()))
    return sorted(
        (one.method, one.path)
        for one in found
        if ABOUT_ORDERS.search(one.path) and not one.path.startswith(OF_STAFF) and not one.path.endswith("/news")
    )


class Story:
    """Orders of a retailer: one on its way, one that was delivered, and one that a runner brings out."""

    def __init__(self, server: LiveServer, **rules: Any) -> None:
        self.server = server
        self.market = market = Market(server, certified_from_cents=0, **rules)
        self.working = Working(server, f"{NAME} Quux")
        self.user = market.customer(email="ada@example.com")
        self.delivered = self._at_the_door()
        server.write(_sign, market, self.delivered.order_ids[0])
        act = self.delivered.act("deliver", order=self.delivered.order_ids[0], how="handed_over", photo=True)
        assert self.delivered.send(act)[0]["outcome"] == "applied"
        self.working.phone.put(f"pictures/{act['id']}", pictures.file()).raise_for_status()
        self.under_way = self._at_the_door()
        server.write(_sign, market, self.under_way.order_ids[0])
        self.report()
        picked_up = market.order("pickup", self.user, user=TEXTED)["id"]
        Shopping(market).reach(Shopping(market).batch(picked_up), "staged")
        self.runner = Acting(self.working, market, picked_up, batch_type="runner_customer")
        self.runner.did("accept")
        self.runner.did("arrive")
        server.write(_later, market.retailer.id, clock.now() + 3 * clock.MINUTE)
        while server.write(notifications.tell, market.retailer.id, None):
            pass

    def _at_the_door(self) -> Acting:
        order_id = self.market.order("delivery", self.user, user=TEXTED)["id"]
        acting = Acting(self.working, self.market, order_id, workflow_state="brand_new")
        self.report()
        acting.did("start")
        acting.did("checkout", rest_found=True)
        acting.did("bag", order=order_id, bags=[{"code": f"B-{order_id}"}])
        acting.did("leave")
        return acting

    def report(self) -> None:
        point = {"at": moment(), "latitude": LATITUDE, "longitude": LONGITUDE, "accuracy": 5.0}
        assert self.working.phone.post("positions", {"points": [point]}).json() == {"taken": 1}

    def order_ids(self) -> list[str]:
        return [one.order_ids[0] for one in (self.delivered, self.under_way, self.runner)]

    def link(self, order_id: str) -> str:
        async def find(tx: Tx) -> str:
            order = await orders.lock(tx, self.market.retailer.id, order_id)
            return links.token(tx.keys, self.market.retailer.id, order.number)

        found: str = self.server.write(find)
        return found

    def visit(self, method: str, path: str, order_id: str) -> tuple[int, str]:
        """Status and text of what a route answers about an order."""
        values = {
            "order_id": order_id,
            "user_id": self.user,
            "token": self.link(order_id),
            "event_id": str(self.events()[-1]["event_id"]),
        }
        url = re.sub(r"\{(\w+)\}", lambda name: quote(values.get(name[1], "1"), safe=""), path)
        body = None if method == "GET" else {}
        headers = {"Accept-Language": "en-US", **({} if path.startswith("/o/") else self.market.headers)}
        answer = self.market.http.request(method, url, json=body, headers=headers)
        return answer.status_code, answer.text

    def events(self) -> list[dict[str, Any]]:
        """The bodies of all events of the retailer."""
        sql = "SELECT body FROM events WHERE retailer_id = $1 ORDER BY event_id"
        return [json.loads(row["body"]) for row in self.server.sql(sql, self.market.retailer.id)]

    def messages(self) -> list[str]:
        """The contents of all messages to the retailer's customers."""

        async def read(tx: Tx) -> list[str]:
            rows = await tx.all("SELECT content FROM messages WHERE retailer_id = $1", self.market.retailer.id)
            return [tx.keys.open(bytes(row["content"])) for row in rows]

        found: list[str] = self.server.read(read)
        return found

    def tells(self) -> dict[str, set[str]]:
        """What each surface tells of the shopper; surfaces that tell nothing are left out."""
        seen = {f"event {one['event_name']}": "" for one in self.events()}
        for one in self.events():
            seen[f"event {one['event_name']}"] += json.dumps(one)
        seen["messages"] = json.dumps(self.messages())
        for method, path in routes():
            seen[f"{method} {path}"] = "".join(self.visit(method, path, order_id)[1] for order_id in self.order_ids())
        found = {name: {what for what, text in TOLD.items() if text in shown} for name, shown in seen.items()}
        found["GET /o/{token}"] -= {"the signer"}  # customers may read what they have just written themselves
        return {name: told for name, told in found.items() if told}


async def _sign(tx: Tx, market: Market, order_id: str) -> None:
    await proof.sign(tx, market.retailer.id, await orders.lock(tx, market.retailer.id, order_id), SIGNER, [])


async def _later(tx: Tx, retailer_id: int, until: int) -> None:
    await later.perform(tx, retailer_id, until, batches.courier)


@pytest.fixture(scope="module")
def hidden(server: LiveServer) -> Iterator[Story]:
    with server.clients():
        yield Story(server, shopper_information_removal=True)


def test_switch_is_on_then_no_surface_tells_of_the_shopper(hidden: Story) -> None:
    assert hidden.tells() == {}
    names = {one["event_name"] for one in hidden.events()}
    assert names & {"fulfillment.order_location", "fulfillment.customer_acknowledged"} == set()
    assert {"fulfillment.delivering", "fulfillment.delivered", "fulfillment.pickup_runner_started"} <= names


def test_switch_is_off_then_the_surfaces_tell(server: LiveServer) -> None:
    """Otherwise the test above could be green because nothing is there to be told."""
    with server.clients():
        tells = Story(server).tells()
    assert tells["event fulfillment.customer_acknowledged"] == {"the name"}
    assert tells["event fulfillment.order_location"] == {"the latitude", "the longitude"}
    assert tells["event fulfillment.delivered"] == {"the signer", "the photo"}
    assert tells["GET /v2/post_checkout/orders/{order_id}/handling"] == {"the name"}
    assert tells["GET /v2/post_checkout/orders/{order_id}/location"] == {"the latitude", "the longitude"}
    assert {"the name", "the photo"} <= tells["GET /o/{token}"]
    assert "the name" in tells["messages"]


def test_switch_is_on_then_refusals_are_as_documented(hidden: Story) -> None:
    (_, under_way, _) = hidden.order_ids()
    documented = {
        "/v2/post_checkout/orders/{order_id}/location",
        "/v2/post_checkout/chat/{order_id}/messages",
        "/v2/post_checkout/orders/{order_id}/order_messages",
    }
    refused = {
        path
        for method, path in routes()
        if method == "GET" and path in documented
        for status, text in [hidden.visit(method, path, under_way)]
        if (status, json.loads(text)["error"]) == (403, {"message": "Shopper PII", "code": None})
    }
    assert refused == documented & {path for method, path in routes() if method == "GET"}
    status, text = hidden.visit("GET", "/v2/post_checkout/orders/{order_id}/handling", under_way)
    assert (status, "shopper" in json.loads(text)) == (200, False)
    assert hidden.visit("GET", "/o/{token}/photo", hidden.order_ids()[0])[0] == 404


def test_switch_is_turned_on_later_then_earlier_orders_tell_nothing_either(server: LiveServer) -> None:
    with server.clients():
        story = Story(server)
        server.write(retailers.change, story.market.slug, {"shopper_information_removal": True})
        told = {name for name in story.tells() if not name.startswith(("event ", "messages"))}
    # Events that were sent are history: lists of them show what was sent.
    assert told == {"GET /v2/handcart/callbacks/events", "GET /v2/handcart/callbacks/events/{event_id}"} & told
