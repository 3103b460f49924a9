"""What happened to an order: the steps of its history, what dispatchers did, and what shoppers did."""

from collections.abc import Mapping, Sequence
from typing import Any

from handcart.acts.models import REFUSED
from handcart.acts.queries import Done, content
from handcart.assignment import queries
from handcart.assignment.models import Row
from handcart.callbacks import queries as callbacks
from handcart.callbacks import webhooks
from handcart.callbacks.models import DeliveryRow, PastAttempt
from handcart.console import ops
from handcart.console.browser import PersonBrowser
from handcart.console.orders import word
from handcart.console.webhooks import url as webhook_url
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.orders import queries as orders
from handcart.orders import states
from handcart.orders.models import Order, PastStep
from handcart.shoppers import queries as shoppers
from handcart.staff import queries as staff
from handcart.staff import roles
from handcart.stores import items
from handcart.stores.models import ItemCode

# An act that the server received so much later than it was done has both times.
_LATE = 2 * clock.MINUTE
# The steps that an act makes, in its transaction: at most this time after the act was received.
_TOGETHER = 5 * clock.SECOND
_STEPS: Mapping[str, Sequence[str]] = {
    "accept": (states.ACKNOWLEDGED, states.ACKNOWLEDGED_FOR_DELIVERY),
    "start": (states.ACKNOWLEDGED, states.PICKING),
    "find": (states.FOUND,),
    "replace": (states.REPLACED,),
    "refund": (states.REFUNDED,),
    "put_back": (states.PUT_BACK,),
    "add": (states.ADDED,),
    "review": (states.VERIFYING_REPLACEMENTS,),
    "checkout": (states.PAID, states.VERIFYING_REPLACEMENTS, states.CHECKOUT),
    "bag": (states.BAGGED,),
    "check_bags": (states.BAGS_CHECK,),
    "stage": (states.PUT_AWAY, states.BAGS_CHECK, states.STAGED),
    "arrive": (states.ACKNOWLEDGED_FOR_DELIVERY, states.AT_STORE, states.USER_AT_STORE),
    "verify_bags": (states.CHECKED, states.BAGS_VERIFIED),
    "leave": (states.DELIVERING,),
    "cannot_reach": (states.MISSING,),
    "deliver": (states.COMPLETED,),
    "bring_back": (states.TURNED_BACK, states.REFUNDED),
    "returned": (states.CANCELED,),
}
# What people did about an order that needed one: the texts of the operations in the audit log.
_DEEDS: Mapping[str, str] = {
    "allow_leaving": "allow_leaving",
    "claim_order": "claim",
    "pause_webhooks": "pause",
    "pin_order": "pin",
    "refund_lines": "refund",
    "release_order": "release",
    "replay_failed": "replay",
    "take_back": "take_back",
    "tell_late": "tell_late",
    "unpin_order": "unpin",
    "write_shopper": "write_shopper",
}


async def story(tx: Tx, browser: PersonBrowser, row: Row, order: Order) -> list[dict[str, Any]]:
    """What happened to the order, the latest first: the steps of its history, and what dispatchers and shoppers did.

    Steps that an act of a shopper made are part of the act.
    """
    acts = await _acts(tx, browser, row, order)
    steps = [
        _told(step.at, step.number, _step(browser, row, step.what), events=step.events)
        for step in await orders.history(tx, row.retailer_id, row.order_id)
        if not _is_part(browser, row, step, acts)
    ]
    subject = f"order/{row.slug}/{row.order_id}"
    deeds = [
        _told(entry.at, entry.id, _deed(browser, row, entry), who=entry.actor_name, reason=entry.reason)
        for entry in await staff.entries(tx, subject=subject)
    ]
    story = sorted([*steps, *deeds, *acts], key=lambda one: (one["at"], one["rank"]), reverse=True)
    return [{**one, "time": pages.moment(browser.locale, one["at"], row.time_zone)} for one in story]


def _told(at: int, rank: int, what: str, **more: Any) -> dict[str, Any]:
    """An entry of the story; of entries of the same moment, the one with the larger rank is the later one."""
    return {
        "at": at,
        "rank": rank,
        "what": what,
        "who": None,
        "reason": None,
        "events": (),
        "done_at": None,
        "states": (),
        **more,
    }


def _is_part(browser: PersonBrowser, row: Row, step: PastStep, acts: Sequence[dict[str, Any]]) -> bool:
    """Whether one of these acts made a step; if so, the act tells of it."""
    made_by = [
        act for act in acts if step.what in _STEPS.get(act["verb"], ()) and 0 <= step.at - act["at"] <= _TOGETHER
    ]
    if not made_by:
        return False
    act = made_by[-1]
    act["events"] = (*act["events"], *step.events)
    if step.what in states.WORKFLOWS[row.kind].states:
        act["states"] = (*act["states"], _step(browser, row, step.what))
    return True


async def _acts(tx: Tx, browser: PersonBrowser, row: Row, order: Order) -> list[dict[str, Any]]:
    """What shoppers did with the order; a refused act has the sentence that its shopper got, and made no steps."""
    found = await queries.acts(tx, row)
    codes = [_product(act, order) for act in found]
    products = await product_names(tx, row, [code for code in codes if code is not None])
    names = {one: await shoppers.person(tx, one) for one in {act.person_id for act in found}}
    return [
        _told(
            act.received_at,
            number,
            _did(browser, act, None if code is None else products[code]),
            who=person.name if (person := names[act.person_id]) else "?",
            reason=act.message,
            done_at=_done_at(browser, row, act),
            verb=None if act.outcome == REFUSED else act.verb,
        )
        for number, (act, code) in enumerate(zip(found, codes, strict=True))
    ]


def _product(act: Done, order: Order) -> ItemCode | None:
    """The product that an act is about: the one of its line, or the item that it adds."""
    body = content(act)
    line = next((one for one in order.lines if one.line_num == getattr(body, "line", None)), None)
    if line is not None:
        return ItemCode(line.upc, line.rrc)
    item = getattr(body, "item", None)
    return None if item is None else ItemCode(item.upc, item.rrc)


def _did(browser: PersonBrowser, act: Done, product: str | None) -> str:
    """What a shopper did, as a sentence without its subject."""
    did = word(browser.locale, "console.verb", act.verb)
    if product is not None:
        did = pages.text(browser.locale, "console.order.act_product", did=did, product=pages.isolated(product))
    refused = f" ({pages.text(browser.locale, 'console.order.act_refused')})" if act.outcome == REFUSED else ""
    return did + refused


def _done_at(browser: PersonBrowser, row: Row, act: Done) -> str | None:
    """When the device says that an act was done, if the server received it clearly later."""
    is_late = act.received_at - act.at > _LATE
    return pages.moment(browser.locale, act.at, row.time_zone) if is_late else None


def _step(browser: PersonBrowser, row: Row, what: str) -> str:
    group = "console.state" if what in states.WORKFLOWS[row.kind].states else "console.step"
    return word(browser.locale, group, what)


def _deed(browser: PersonBrowser, row: Row, entry: staff.Entry) -> str:
    """What a person did, as a sentence without its subject."""
    detail = entry.detail or {}
    name = pages.cleaned(str(detail.get("name") or "?"))
    match entry.operation:
        case "assign_orders" if "keeps_picked" in detail:
            return str(pages.text(browser.locale, "console.deed.unassign", name=name))
        case "assign_orders":
            return str(pages.text(browser.locale, "console.deed.assign", name=name))
        case "cancel_orders":
            return str(pages.text(browser.locale, "console.deed.cancel"))
        case "reschedule_orders":
            return str(pages.text(browser.locale, "console.deed.reschedule"))
        case "unlock_pins":
            return str(pages.text(browser.locale, "console.deed.unlock_pin"))
        case "push_orders":
            state = word(browser.locale, "console.state", str(detail.get("to")))
            return str(pages.text(browser.locale, "console.deed.push", state=state))
        case "turn_back":
            why = word(browser.locale, "console.back", str(detail.get("why")))
            return str(pages.text(browser.locale, "console.deed.turn_back", why=why))
        case one if one in _DEEDS:
            return str(pages.text(browser.locale, f"console.deed.{_DEEDS[one]}", name=name))
    return ops.meaning(browser.locale, entry.operation) or entry.operation


async def sent(tx: Tx, browser: PersonBrowser, row: Row) -> list[dict[str, Any]]:
    """The newest events about the order with their deliveries, each with its newest attempts."""
    found = await callbacks.events(tx, row.retailer_id, subject=row.order_id, limit=50)
    attempts = await callbacks.attempts_of(tx, row.retailer_id, [one.event.event_id for one in found])
    names = {one.id: one.name for one in await webhooks.list_all(tx, row.retailer_id)}
    return [
        {
            "name": one.event.name,
            "time": pages.moment(browser.locale, one.event.created_at, row.time_zone),
            "deliveries": [_delivery(browser, row, sent, attempts, names) for sent in one.deliveries],
        }
        for one in reversed(found)
    ]


def _delivery(
    browser: PersonBrowser, row: Row, sent: DeliveryRow, attempts: Sequence[PastAttempt], names: Mapping[int, str]
) -> dict[str, Any]:
    """A delivery; the webhook and its address only for who may see webhooks."""
    may_see = roles.includes(browser.actor, "see_webhooks") and sent.webhook_id in names
    return {
        "state": word(browser.locale, "console.delivery", sent.state),
        "count": sent.attempts,
        "webhook": names[sent.webhook_id] if may_see else None,
        "url": f"{webhook_url(row.slug, sent.webhook_id)}/events/{sent.event_id}" if may_see else None,
        "attempts": [
            {"attempt": one, "time": pages.moment(browser.locale, one.at, row.time_zone)}
            for one in attempts
            if (one.event_id, one.webhook_id) == (sent.event_id, sent.webhook_id)
        ],
    }


async def product_names(tx: Tx, row: Row, codes: Sequence[ItemCode]) -> dict[ItemCode, str]:
    """The names of products by their codes; the code itself for a product that is not in the catalog."""
    found = zip(codes, await items.find(tx, row.retailer_id, codes), strict=True)
    return {code: (item.name if item is not None else None) or code.upc or code.rrc or "?" for code, item in found}
