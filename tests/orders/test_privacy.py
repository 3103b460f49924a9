"""Deleting a user: orders in state brand_new are canceled, places are freed, and no table has data of the person."""

import asyncio
import secrets
from typing import Any

import pytest

from handcart.core import clock
from handcart.core.db import Unavailable
from handcart.messages import queries
from handcart.messages.models import of_order
from handcart.orders import ops
from tests.support.contents import mentions
from tests.support.letters import write
from tests.support.orders import KINDS, LASTMILE, SHOPPED, USERS, Market, line
from tests.support.server import LiveServer
from tests.support.shop import error
from tests.support.volley import Connection


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", ["brand_new", "completed"])
def test_user_is_deleted_then_nothing_of_the_person_is_left(server: LiveServer, kind: str, status: str) -> None:
    market = Market(server, capacity=1)
    name = f"Name{secrets.token_hex(8)}"
    phone = f"+1312{secrets.randbelow(10**7):07}"
    address = {"address_line_1": f"1 {name} St", "address_line_2": name, "postal_code": "60610", "city": name}
    user_id = market.customer(f"user-{name}", first_name=name, last_name=name, phone_number=phone)
    market.post(f"{USERS}/{user_id}/addresses", {**address, "city": None}).raise_for_status()
    personal = {
        "delivery": {"address": address, "loyalty_number": name},
        "pickup": {"loyalty_number": name},
        "last_mile": {"first_name": name, "last_name": name, "user_phone": phone, "address": address},
        "dispatch": {"first_name": name, "last_name": name, "user_phone": phone, "address": address, "email": name},
    }[kind]
    if kind in SHOPPED:
        personal["user"] = {"phone_number": phone, "birthday": "1991-03-05"}
        personal["items"] = [line("1", "milk", special_instructions=name, metadata={"for": name})]
    else:
        personal["bag_label"] = name
    personal |= {"special_instructions": f"for {name}, {phone}", "metadata": {"name": name, "phone": phone}}
    hold = {} if kind == "dispatch" else {"service_option_hold_id": market.hold(user_id, kind)}
    user = {"user_id": user_id} if kind == "dispatch" else {}
    body = market.body(kind, **hold, **user, **personal)
    market.send(kind, user_id, body, headers={"Idempotency-Key": "key-1"}).raise_for_status()
    neighbour = market.order("pickup" if kind != "pickup" else "delivery")
    market.hold(user_id, "delivery", hour=18)
    market.set_status(body["order_id"], status)
    assert mentions(server, name, phone)
    answer = market.post(f"{USERS}/{user_id}/privacy_request")
    assert answer.json() == {"success": True}
    assert mentions(server, name, phone) == []
    row = market.row(body["order_id"])
    assert (row["status"], row["user_id"]) == ("canceled" if status == "brand_new" else status, None)
    assert market.taken == (0, 1 + (status != "brand_new"))
    assert market.history(body["order_id"])[-1][1] == "user deleted"
    if kind not in SHOPPED:
        assert market.get(f"{LASTMILE}/{body['order_id']}").status_code == 200
    assert market.row(neighbour["id"])["status"] == "brand_new"
    assert market.post(f"{USERS}/{user_id}/privacy_request").json() == {"success": True}


def test_user_is_deleted_then_messages_about_their_orders_are_gone(server: LiveServer) -> None:
    market = Market(server)
    order_id, neighbour = (market.order("delivery")["id"] for _ in range(2))
    mine, theirs = (of_order(market.retailer.id, one) for one in (order_id, neighbour))
    kept = [write(server, recipient=one, channel="sms", address="+13125550171") for one in (mine, theirs)]
    user_id = market.row(order_id)["user_id"]
    market.post(f"{USERS}/{user_id}/privacy_request").raise_for_status()
    assert server.read(queries.messages, recipient=mine) == []
    assert [one.id for one in server.read(queries.messages, recipient=theirs)] == [kept[1]]


def test_user_is_deleted_then_others_keep_their_orders_and_keys(server: LiveServer) -> None:
    market, elsewhere = Market(server), Market(server)
    leaver, neighbour = market.customer("leaver"), market.customer("neighbour")
    namesake = elsewhere.customer("leaver")
    bodies = {
        (market, leaver): "ORDER-1",
        (market, neighbour): "ORDER-12",
        (elsewhere, namesake): "ORDER-1",
    }
    sent = {}
    for (place, user_id), order_id in bodies.items():
        body = place.body("delivery", order_id=order_id, service_option_hold_id=place.hold(user_id))
        sent[place, user_id] = body, place.send("delivery", user_id, body, headers={"Idempotency-Key": user_id})
    market.post(f"{USERS}/{leaver}/privacy_request").raise_for_status()
    for place, user_id in ((market, neighbour), (elsewhere, namesake)):
        body, first = sent[place, user_id]
        again = place.send("delivery", user_id, body, headers={"Idempotency-Key": user_id})
        assert (again.status_code, again.content) == (200, first.content)
        assert place.read(user_id, body["order_id"]).json()["status"] == "brand_new"
        (row,) = server.sql(
            "SELECT count(*) AS keys FROM idempotency_keys WHERE client_id = $1", place.client.client_id
        )
        assert row["keys"] == 1


def test_user_has_many_orders_then_deleted_in_steps_that_can_be_repeated(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    market = Market(server, capacity=50)
    user_id = market.customer()
    orders = [market.order("dispatch", user_id)["id"] for _ in range(7)]
    monkeypatch.setattr(ops, "MOST_FORGOTTEN", 3)
    write, steps = server.app.database.write, []

    async def until_killed(op: Any, *args: Any, **kwargs: Any) -> Any:
        if op.__name__ == "_delete":
            steps.append(op)
            if len(steps) == 3:
                raise Unavailable("killed")
        return await write(op, *args, **kwargs)

    monkeypatch.setattr(server.app.database, "write", until_killed)
    path = f"{USERS}/{user_id}/privacy_request"
    assert market.post(path).status_code == 503
    left = [row["order_id"] for row in server.sql("SELECT order_id FROM orders WHERE user_id = $1", user_id)]
    assert left == orders[6:]  # the oldest first; what was done stays done
    assert market.read(user_id, left[0]).status_code == 200
    assert market.post(path).json() == {"success": True}
    assert len(steps) == 4
    assert server.sql("SELECT order_id FROM orders WHERE user_id = $1", user_id) == []
    assert {market.row(order_id)["status"] for order_id in orders} == {"canceled"}
    assert market.taken == (0, 0)
    assert error(market.read(user_id, orders[0])) == (403, "User Not Active", None, None)


async def test_many_users_deleted_at_once_then_no_deadlock(server: LiveServer) -> None:
    market = Market(server, capacity=1000)
    connections = [await Connection.open(server.url) for _ in range(6)]
    windows = [
        {"start_at": clock.to_wire(market.at(hour)), "end_at": clock.to_wire(market.at(hour + 2))}
        for hour in range(8, 20, 2)
    ]
    for _ in range(4):
        users = [market.customer() for _ in connections]
        for turn, user_id in enumerate(users):
            for window in windows[:: 1 if turn % 2 else -1]:
                market.order("dispatch", user_id, **window)
        paths = [f"{USERS}/{user_id}/privacy_request" for user_id in users]
        sent = [one.post(path, {}, market.token) for one, path in zip(connections, paths, strict=True)]
        assert [status for status, _ in await asyncio.gather(*sent)] == [200] * len(users)
    for one in connections:
        await one.close()
    assert market.taken == (0, 0)
