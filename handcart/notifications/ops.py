"""Write the messages that events lead to, in the transaction that marks the events as told."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from handcart.core import clock, log
from handcart.core.clock import VirtualClock
from handcart.core.db import Tx, Unavailable
from handcart.events import ops as events
from handcart.events import queries as stored
from handcart.events.models import Event
from handcart.messages import ops as messages
from handcart.messages import push, texts
from handcart.messages.models import MAIL, PUSH, SMS, Letter
from handcart.notifications import reach, values
from handcart.notifications.reach import Way
from handcart.notifications.templates import Situation, choose
from handcart.orders import links, states
from handcart.orders import queries as orders
from handcart.orders.models import Order
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.staff import queries as staff

# Maximum number of events in one transaction, because it blocks other writes.
MOST_AT_ONCE = 20
# Older events lead to a message only if it lasts: the worker may have been off.
STALE = clock.HOUR
# Events of which only the last about an order leads to a message, if several wait: it tells of all lines.
_SUMMED_UP = ("order_item_replacement", "order_item_refund")


async def tell(tx: Tx, retailer_id: int, virtual: VirtualClock | None) -> int:
    """Write the messages of a retailer's oldest new events; returns the number of these events.

    `virtual`: the retailer's clock if it is set. One process at a time; the others return 0.
    """
    if await tx.one("SELECT 1 AS free FROM installation WHERE name = 'notifications' FOR UPDATE SKIP LOCKED") is None:
        return 0
    found = await stored.untold(tx, retailer_id, MOST_AT_ONCE)
    with clock.using(virtual or VirtualClock()):
        retailer = await retailers.retailer(tx, retailer_id)
        for event in _worth_telling(found) if retailer.rules.tells_customers else ():
            try:
                await tx.attempt(_tell, retailer, event)
            except Unavailable:
                raise
            except Exception as error:  # a defect about one order must not silence the others
                log.exception("customer not told", error, retailer=retailer.slug, event_id=event.event_id)
    await events.mark_told(tx, retailer_id, found)
    return len(found)


async def write(
    tx: Tx, retailer: Retailer, order: Order, way: Way, template: str, given: Mapping[str, str], **fields: Any
) -> None:
    """Write a message about an order. `given`: values of the template's placeholders; `fields`: of the `Letter`."""
    text = await texts.render(tx, retailer.id, template, way.locale, way.channel, given)
    body, recipient = text.text, reach.recipient(retailer.id, order)
    if way.channel == SMS and await reach.is_first_sms(tx, recipient):
        body += f" {texts.standard(way.locale.partition('-')[0])['sms_first'].text}"
    elif way.channel == MAIL:
        body += f"\n\n{texts.word(way.locale, 'footer', retailer=given.get('retailer', retailer.name))}"
    for address in way.addresses:
        await messages.write(
            tx,
            Letter(
                recipient=recipient,
                channel=way.channel,
                address=address,
                template=template,
                locale=way.locale,
                subject=text.title,
                body=texts.plain(body) if way.channel == SMS else body,
                order_id=order.order_id,
                retailer_id=retailer.id,
                url=_pushed(tx, retailer, order, address) if way.channel == PUSH else None,
                **fields,
            ),
        )


def _pushed(tx: Tx, retailer: Retailer, order: Order, address: str) -> str | None:
    """The link of a push message, with what its browser reports when it has shown the message."""
    link = links.shown(tx, retailer, order)
    return link and f"{link}?shown={push.shown(tx, reach.recipient(retailer.id, order), int(address))}"


async def _tell(tx: Tx, retailer: Retailer, event: Event) -> None:
    """Write the message of one event, if its customer is told of it and can be reached."""
    order = await orders.find(tx, retailer.id, event.subject)
    if order is None:
        return
    metadata = msgspec.json.decode(event.body)["event_metadata"]
    template = choose(event.name, await _situation(tx, retailer, order, event, metadata))
    if template is None or (not template.is_lasting and event.created_at + STALE < clock.now()):
        return
    due_at = None
    is_night = not template.is_urgent and await reach.is_night(tx, retailer.id, order)
    ways = await reach.ways(tx, retailer, order, rings=not is_night)
    if not ways and is_night and template.is_lasting:
        ways, due_at = await reach.ways(tx, retailer, order), await reach.morning(tx, retailer.id, order)
    for way in ways:
        given = await values.of(tx, retailer, order, template.name, way.locale, metadata)
        if given is not None:
            await write(tx, retailer, order, way, template.name, given, due_at=due_at)


async def _situation(tx: Tx, retailer: Retailer, order: Order, event: Event, metadata: Mapping[str, Any]) -> Situation:
    if event.name != "rescheduled":
        has_appeasement = bool(retailer.rules.appeasement_cents)
        return Situation(order=order, metadata=metadata, has_appeasement=has_appeasement)
    moved = [step for step in await orders.history(tx, retailer.id, order.order_id) if "rescheduled" in step.events]
    subject = f"order/{retailer.slug}/{order.order_id}"
    done = await staff.entries(tx, subject=subject, operation="reschedule_orders", limit=1)
    return Situation(
        order=order,
        metadata=metadata,
        moves=len(moved),
        keeps_time=bool(moved) and moved[-1].what != states.RESCHEDULED,
        is_unbatchable=bool(done) and done[0].actor_kind == "system",
    )


def _worth_telling(found: Sequence[Event]) -> Sequence[Event]:
    """The events, without replacements and refunds that a later event about the same order includes."""
    last = {(one.name, one.subject): one.event_id for one in found}
    return [one for one in found if one.name not in _SUMMED_UP or last[one.name, one.subject] == one.event_id]
