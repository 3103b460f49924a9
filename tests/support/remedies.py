"""Orders in the situations in which a person does something about them, one for each form."""

from collections.abc import Callable, Mapping
from typing import Any

from handcart.assignment import claims, pins, remedies
from handcart.assignment import ops as work
from handcart.core.db import Tx
from handcart.staff.models import SYSTEM, Actor
from tests.support import letters
from tests.support.orders import Market, lock_pin
from tests.support.sandbox import TYPE_OF, Shopping
from tests.support.shoppers import add_shopper
from tests.support.working import Working

# The fields that a person fills in, besides the reason.
Fields = Mapping[str, str]


def prepare(market: Market, action: str, actor: Actor = SYSTEM, **order: Any) -> tuple[str, Fields]:
    """An order about which the form of an action can be posted, and the fields that the form needs."""
    order_id: str = market.order(**order)["id"]
    return order_id, _PREPARED.get(action, _nothing)(market, order_id, actor)


def taken(market: Market, order_id: str, state: str | None = None, **facts: Any) -> Working:
    """A shopper with a phone number who has an order, in a state of the batch."""
    working = Working(market.server)
    market.server.sql(
        "UPDATE shoppers SET phone = $2 WHERE id = $1 RETURNING id", working.id, f"+1{working.id % 10**10}"
    )
    batch_id = working.batch(market, order_id, **facts)
    if state is not None:
        Shopping(market).reach(batch_id, state)
    return working


def reach(market: Market, kind: str, status: str) -> str:
    """A new order of a kind, in a state, with a shopper if the state has one."""
    order_id: str = market.order(kind)["id"]
    shopping, begins = Shopping(market), TYPE_OF[kind]
    if status == "brand_new":
        return order_id
    if status == "canceled":
        market.server.write(work.cancel, SYSTEM, market.retailer.id, order_id, "why", ("other", "none"))
        return order_id
    if kind == "pickup" and status in ("runner_awaiting", "user_at_store", "bags_verified", "completed"):
        shopping.reach(shopping.batch(order_id), "staged")
        names = {"runner_awaiting": "brand_new", "user_at_store": "at_store"}
        taken(market, order_id, None, workflow_state=names.get(status, status))
        return order_id
    name = {"acknowledged_for_delivery": "acknowledged"}.get(status, status)
    if status == "completed":
        taken(market, order_id, "completed")
    else:
        taken(market, order_id, None, workflow_state=name, batch_type=begins)
    return order_id


def _nothing(market: Market, order_id: str, actor: Actor) -> Fields:
    return {}


def _assign(market: Market, order_id: str, actor: Actor) -> Fields:
    return {"shopper": str(add_shopper(market.server).id)}


def _unpin(market: Market, order_id: str, actor: Actor) -> Fields:
    person = add_shopper(market.server)
    market.server.write(pins.pin, SYSTEM, market.retailer.id, order_id, person.id)
    return {}


def _unassign(market: Market, order_id: str, actor: Actor) -> Fields:
    taken(market, order_id)
    return {}


def _cancel(market: Market, order_id: str, actor: Actor) -> Fields:
    return {"cancellation": "retailer_driven: store early closure"}


def _reschedule(market: Market, order_id: str, actor: Actor) -> Fields:
    return {"slot": str(market.option(hour=15, day=1))}


def _unlock_pin(market: Market, order_id: str, actor: Actor) -> Fields:
    market.server.write(lock_pin, market.retailer.id, order_id)
    return {}


def _hand_over(market: Market, order_id: str, actor: Actor) -> Fields:
    taken(market, order_id)
    return {"shopper": str(add_shopper(market.server, "Ada Sample").id)}


def _push(market: Market, order_id: str, actor: Actor) -> Fields:
    taken(market, order_id, "picking")
    return {"state": "checkout"}


def _on_the_way(market: Market, order_id: str, actor: Actor) -> Fields:
    taken(market, order_id, "delivering")
    return {}


def _turn_back(market: Market, order_id: str, actor: Actor) -> Fields:
    taken(market, order_id, "delivering")
    return {"why": "nobody_there"}


def _take_back(market: Market, order_id: str, actor: Actor) -> Fields:
    taken(market, order_id, "delivering")
    market.server.write(remedies.turn_back, SYSTEM, market.retailer.id, order_id, "nobody_there", "why")
    return {}


def _refund(market: Market, order_id: str, actor: Actor) -> Fields:
    taken(market, order_id, "picking")
    return {"line:1": "yes"}


def _replay(market: Market, order_id: str, actor: Actor) -> Fields:
    recipient = f"order/{market.retailer.id}/{order_id}"
    of_order = {"order_id": order_id, "retailer_id": market.retailer.id}
    letters.write(market.server, "sms", recipient=recipient, address="no number", **of_order)
    return {}


def _pause(market: Market, order_id: str, actor: Actor) -> Fields:
    return {"webhook": str(market.server.write(failing_webhook, market.retailer.id, order_id))}


def _claim(market: Market, order_id: str, actor: Actor) -> Fields:
    return {"minutes": "30"}


def _release(market: Market, order_id: str, actor: Actor) -> Fields:
    market.server.write(claims.claim, actor, market.retailer.id, order_id, 30)
    return {}


async def failing_webhook(tx: Tx, retailer_id: int, order_id: str) -> int:
    """A webhook that did not get the first event about an order; returns its id."""
    made = await tx.one("SELECT max(id) AS newest FROM webhooks WHERE retailer_id = $1", retailer_id)
    webhook_id = int((made and made["newest"]) or 7000) + 1
    await tx.run(
        "INSERT INTO webhooks (id, retailer_id, name, environment, callback_url, auth_uri, client_id, client_secret,"
        " events, status, signing_secret, failures, created_at, updated_at) VALUES ($1, $2, 'Tills', 'development',"
        " 'http://127.0.0.1:9/', 'http://127.0.0.1:9/', 'c', $3, 'all', 'enabled', $3, 0, 1, 1)",
        *(webhook_id, retailer_id, tx.keys.seal("secret")),
    )
    await tx.run(
        "INSERT INTO deliveries (retailer_id, event_id, webhook_id, subject, state, tries, attempts, is_replay,"
        " created_at, due_at, planned_at, attempted_at) SELECT retailer_id, min(event_id), $3, subject, 'failed', 9, 9,"
        " $4, 1, 1, 0, 1 FROM events WHERE retailer_id = $1 AND subject = $2 GROUP BY retailer_id, subject",
        *(retailer_id, order_id, webhook_id, False),
    )
    return webhook_id


_PREPARED: Mapping[str, Callable[[Market, str, Actor], Fields]] = {
    "assign": _assign,
    "pin": _assign,
    "unpin": _unpin,
    "unassign": _unassign,
    "cancel": _cancel,
    "reschedule": _reschedule,
    "unlock-pin": _unlock_pin,
    "hand-over": _hand_over,
    "write-shopper": _unassign,
    "push": _push,
    "allow-leaving": _on_the_way,
    "turn-back": _turn_back,
    "take-back": _take_back,
    "refund": _refund,
    "replay": _replay,
    "pause": _pause,
    "claim": _claim,
    "release": _release,
}
