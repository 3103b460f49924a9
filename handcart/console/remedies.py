"""What a person can do about an order in its state: the choices of the forms on the pages that show one."""

from collections.abc import Mapping
from typing import Any

from handcart.acts import verbs
from handcart.assignment import claims, fitting, pins
from handcart.assignment import remedies as work
from handcart.assignment.models import MISSING, UNTAKEN, Claim, Row
from handcart.batches import queries as batches
from handcart.batches import states as batch_states
from handcart.callbacks import queries as callbacks
from handcart.callbacks.models import ENABLED
from handcart.console.browser import PersonBrowser
from handcart.console.order_story import product_names
from handcart.console.orders import word
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.messages import queries as messages
from handcart.messages.models import of_order
from handcart.orders import reschedule, states
from handcart.orders.models import Order
from handcart.shoppers import queries as shoppers
from handcart.staff import roles
from handcart.stores.models import ItemCode

_MOST_SLOTS = 60
_MOST_MISFITS = 20
_KEEPABLE = (states.PICKING, states.VERIFYING_REPLACEMENTS)
# The reason for the retailer that fits a warning.
_CANCELLATIONS = {MISSING: "customer_driven: customer mia", UNTAKEN: "unbatchable: unbatchable"}
# Choices that stand in the card of changes.
_CHANGES = (
    *("can_unlock_pin", "can_unassign", "reasons", "hand_to", "writes_to", "can_tell_late", "push_to"),
    *("can_allow_leaving", "back_reasons", "can_take_back", "refundable", "can_replay", "failing_webhooks"),
)


async def choices(
    tx: Tx, browser: PersonBrowser, row: Row, order: Order, text: str, fields: Mapping[str, str]
) -> dict[str, Any]:
    """The choices of the forms that this person may use for the order now; None, or empty, for the others.

    `text`: part of the name of the shopper who is looked for. `fields`: what the person wrote into a refused form.
    """

    def may(operation: str) -> bool:
        return roles.includes(browser.actor, operation)

    is_open = row.status not in states.TERMINAL
    found: dict[str, Any] = dict.fromkeys((*_CHANGES, "shoppers", "pinned", "misfits", "slots", "claims_for", "claim"))
    waits = may("assign_orders") and row.batch_id is None and _waits(row)
    found["can_unassign"] = may("assign_orders") and row.batch_id is not None and _may_leave(row)
    if waits or found["can_unassign"]:
        some = await fitting.candidates(tx, await fitting.needs(tx, row.retailer_id, order), text)
        fitting_ones = [one for one in some if one.rule is None and one.person.id != row.person_id]
        if waits:
            found["shoppers"] = fitting_ones
            pinned = (await pins.of_retailers(tx, [row.retailer_id])).get((row.retailer_id, row.order_id))
            found["pinned"] = None if pinned is None else await shoppers.person(tx, pinned)
            found["misfits"] = [one for one in some if one.rule is not None][:_MOST_MISFITS]
        else:
            found["hand_to"] = [(one.person.id, one.person.name) for one in fitting_ones]
    found["can_unlock_pin"] = may("unlock_pins") and verbs.is_pin_locked(order) and is_open
    found["can_keep"] = row.status in _KEEPABLE
    if may("reschedule_orders") and states.may(row.kind, row.status, states.UPDATE):
        slots = (await reschedule.offers(tx, row.retailer_id, order))[:_MOST_SLOTS]
        found["slots"] = [(slot.id, _window(browser, row, slot.window)) for slot in slots]
    if may("cancel_orders") and is_open:
        found["reasons"] = states.CANCELLATIONS
    found["cancellation"] = fields.get("cancellation") or next(
        (text for kind, text in _CANCELLATIONS.items() if kind in row.warnings), ""
    )
    if is_open:
        found |= await _of_people(tx, browser, row, order)
        found |= await _of_goods(tx, browser, row, order)
        found |= await _of_sending(tx, browser, row)
    found["has_changes"] = any(found[name] for name in _CHANGES) or found["slots"] is not None
    return found


async def _of_people(tx: Tx, browser: PersonBrowser, row: Row, order: Order) -> dict[str, Any]:
    """Who is on it, and whom one can tell."""
    found: dict[str, Any] = {}
    if roles.includes(browser.actor, "see_exceptions"):
        found["claims_for"] = claims.MINUTES
        found["claim"] = claim_of(browser, row, await claims.of_order(tx, row.retailer_id, row.order_id))
    if roles.includes(browser.actor, "tell_people"):
        found["can_tell_late"] = work.may_be_late(order)
        found["writes_to"] = None if row.person_id is None else await shoppers.person(tx, row.person_id)
        found["last_written"] = await work.last_written(tx, row)
    return found


async def _of_goods(tx: Tx, browser: PersonBrowser, row: Row, order: Order) -> dict[str, Any]:
    """Where the order can go: forward, to the door, back to the store; and what can be refunded."""
    found: dict[str, Any] = {}
    is_on_the_way = row.status == states.DELIVERING and row.batch_id is not None
    is_returning = order.details.returning is not None
    if roles.includes(browser.actor, "push_orders") and work.may_push(row):
        batch = await batches.live_of_order(tx, row.retailer_id, row.order_id)
        ahead = [] if batch is None else work.ahead(batch)
        found["push_to"] = [(one, word(browser.locale, "console.state", one)) for one in ahead]
    if roles.includes(browser.actor, "return_orders") and is_on_the_way:
        found["can_take_back"] = is_returning
        if not is_returning:
            may_leave = await work.may_leave(tx, row.retailer_id, order)
            found["can_allow_leaving"] = may_leave and not order.leave_unattended
            found["back_reasons"] = [(one, word(browser.locale, "console.back", one)) for one in work.reasons(order)]
    if roles.includes(browser.actor, "refund_lines"):
        lines = work.refundable(order)
        codes = [ItemCode(line.upc, line.rrc) for line in lines]
        names = await product_names(tx, row, codes)
        found["refundable"] = [(line.line_num, names[code]) for line, code in zip(lines, codes, strict=True)]
    return found


async def _of_sending(tx: Tx, browser: PersonBrowser, row: Row) -> dict[str, Any]:
    """What was not delivered, to the customer and to the retailer's webhooks."""
    if not roles.includes(browser.actor, "replay_messages"):
        return {}
    failing = await callbacks.failed_to(tx, row.retailer_id, row.order_id)
    found: dict[str, Any] = {
        "can_replay": bool(failing) or bool(await messages.failed_of(tx, of_order(row.retailer_id, row.order_id)))
    }
    if roles.includes(browser.actor, "pause_webhooks"):
        found["failing_webhooks"] = [(one.id, one.name) for one in failing if one.status == ENABLED]
    return found


def claim_of(browser: PersonBrowser, row: Row, claim: Claim | None) -> dict[str, Any] | None:
    """A claim as a page shows it."""
    if claim is None:
        return None
    return {
        "person_id": claim.person_id,
        "name": claim.name,
        "is_mine": claim.person_id == browser.actor.id,
        "until": pages.moment(browser.locale, claim.until, row.time_zone),
    }


def _waits(row: Row) -> bool:
    """Whether an order without a batch waits for one."""
    takes = {one.takes for one in batch_states.TYPES.values() if row.kind in one.kinds}
    return row.status in (*takes, *batch_states.HANDED_ON, states.RUNNER_AWAITING)


def _may_leave(row: Row) -> bool:
    """Whether an order can be taken away from its shopper in its state."""
    takes = batch_states.TYPES[row.batch_type or ""].takes
    back = states.WORKFLOWS[row.kind].states[row.status].back
    return row.status == takes or back == takes or row.status in batch_states.HANDED_ON


def _window(browser: PersonBrowser, row: Row, window: Any) -> str:
    return pages.window(browser.locale, window.starts_at, window.ends_at, row.time_zone)
