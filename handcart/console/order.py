"""The page of an order: its story, its lines, who has it, and the forms of dispatchers."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.acts.models import REFUSED
from handcart.acts.queries import Done, content
from handcart.assignment import fitting, ops, queries
from handcart.assignment.errors import WorkRefused
from handcart.assignment.models import Row
from handcart.batches import queries as batches
from handcart.batches import states as batch_states
from handcart.callbacks import queries as callbacks
from handcart.callbacks.models import STATES as DELIVERY_STATES
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.orders import PATH, described, order_url, word
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.orders import queries as orders
from handcart.orders import reschedule, states
from handcart.orders.models import Order, OrderLine
from handcart.pictures import queries as pictures
from handcart.pictures.models import Picture, subject_of_act
from handcart.retailers import ops as retailers
from handcart.shoppers import queries as shoppers
from handcart.staff import queries as staff
from handcart.staff import roles
from handcart.staff.models import Actor
from handcart.stores import items
from handcart.stores.models import ItemCode
from handcart.users import ops as users

_DONE = ("assign", "unassign", "cancel", "reschedule")
_MOST_SLOTS = 60
_MOST_MISFITS = 20
# An act that the server received so much later than it was done has both times.
_LATE = 2 * clock.MINUTE
_KEEPABLE = (states.PICKING, states.VERIFYING_REPLACEMENTS)
_ORDER = PATH + "/{slug}/{order_id}"


class Refusal(Struct, frozen=True):
    """A posted form that was refused: its action, the rule, and its fields."""

    action: str
    rule: str
    fields: Mapping[str, str]


async def _show(browser: PersonBrowser) -> Reply:
    return await _page(browser, await _row(browser))


async def _assign(browser: PersonBrowser) -> Reply:
    return await _do(browser, "assign", _assign_posted)


async def _unassign(browser: PersonBrowser) -> Reply:
    return await _do(browser, "unassign", _unassign_posted)


async def _cancel(browser: PersonBrowser) -> Reply:
    return await _do(browser, "cancel", _cancel_posted)


async def _reschedule(browser: PersonBrowser) -> Reply:
    return await _do(browser, "reschedule", _reschedule_posted)


async def _assign_posted(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    person_id = _number(form.get("shopper", ""))
    await ops.assign(tx, actor, row.retailer_id, [row.order_id], person_id, form.get("seen", ""))


async def _unassign_posted(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await ops.unassign(
        tx,
        actor,
        row.retailer_id,
        row.order_id,
        form.get("reason", ""),
        keeps_picked=form.get("picked") == "keep",
        seen=form.get("seen", ""),
    )


async def _cancel_posted(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    reason, _, kind = form.get("cancellation", "").partition(": ")
    await ops.cancel(
        tx,
        actor,
        row.retailer_id,
        row.order_id,
        form.get("reason", ""),
        (reason, kind),
        seen=form.get("seen", ""),
    )


async def _reschedule_posted(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await ops.reschedule(
        tx,
        actor,
        row.retailer_id,
        row.order_id,
        _number(form.get("slot", "")),
        form.get("reason", ""),
        seen=form.get("seen", ""),
    )


async def _do(browser: PersonBrowser, action: str, operation: Any) -> Reply:
    """Do what a posted form asks for, and show the order; a refusal shows the order as it is now, and says why."""
    slug, order_id = browser.call.path["slug"], browser.call.path["order_id"]
    form = await browser.posted("order", slug, order_id)
    row = await _row(browser)
    try:
        await browser.write(operation, row, form)
    except WorkRefused as refused:
        return await _page(browser, await _row(browser), Refusal(action, refused.rule, form))
    return browser.see_other(f"{order_url(slug, order_id)}?done={action}")


async def _row(browser: PersonBrowser) -> Row:
    """The order of the address, if the person may see it; its retailer's clock is used from now on.

    For a person of a store, an order of another store is as unknown as one that does not exist.
    """
    slug, order_id = browser.call.path["slug"], browser.call.path["order_id"]
    actor, database = browser.actor, browser.call.app.database
    retailer = await database.read(retailers.retailer_by_slug, slug)
    roles.require(actor, "see_orders", None if retailer is None else retailer.id, actor.store_number)
    row = None if retailer is None else await database.read(queries.order, retailer.id, order_id)
    if row is None or actor.store_number not in (None, row.store_number):
        raise PageRefused(404, "not_found")
    await database.read(browser.call.use_clock_of, row.retailer_id)
    browser.call.hook_data = None  # not a call of the retailer's client, so its faults and its log do not concern it
    return row


async def _page(browser: PersonBrowser, row: Row, refusal: Refusal | None = None) -> Reply:
    fields = {} if refusal is None else refusal.fields
    context = await browser.call.app.database.read(_context, browser, row, fields)
    done = dict(browser.query).get("done")
    return browser.page(
        "console/order.html",
        409 if refusal is not None else 200,
        **context,
        refusal=refusal,
        fields=fields,
        done=done if done in _DONE and refusal is None else None,
        form_token=browser.form_token("order", row.slug, row.order_id),
    )


async def _context(tx: Tx, browser: PersonBrowser, row: Row, fields: Mapping[str, str]) -> dict[str, Any]:
    order = await orders.find(tx, row.retailer_id, row.order_id)
    assert order is not None
    text = dict(browser.query).get("shopper", fields.get("find", ""))[:60]
    return {
        **described(browser, row),
        "zone": pages.zone_name(browser.locale, row.window_starts_at, row.time_zone),
        "order": order,
        "receipt_total": _money(browser, order.details.receipt_cents),
        "lines": await _lines(tx, browser, row, order),
        "customer": await _customer(tx, order) if roles.includes(browser.actor, "see_customers") else None,
        "together": await _together(tx, row),
        "story": await _story(tx, browser, row, order),
        "sent": await _sent(tx, browser, row),
        "sent_states": DELIVERY_STATES,
        "picture": await _picture(tx, order) if roles.includes(browser.actor, "see_pictures") else None,
        "find": text,
        **await _forms(tx, browser, row, order, text),
    }


async def _forms(tx: Tx, browser: PersonBrowser, row: Row, order: Order, text: str) -> dict[str, Any]:
    """The choices of the forms that this person may use for the order now; None for the others."""
    may = {name: roles.includes(browser.actor, f"{name}_orders") for name in ("assign", "cancel", "reschedule")}
    found: dict[str, Any] = {"shoppers": None, "misfits": (), "can_unassign": False, "slots": None, "reasons": None}
    if may["assign"] and row.batch_id is None and _waits(row):
        fitting_ones = await fitting.candidates(tx, await fitting.needs(tx, row.retailer_id, order), text)
        found["shoppers"] = [one for one in fitting_ones if one.rule is None]
        found["misfits"] = [one for one in fitting_ones if one.rule is not None][:_MOST_MISFITS]
    found["can_unassign"] = may["assign"] and row.batch_id is not None and _may_leave(row)
    found["can_keep"] = row.status in _KEEPABLE
    if may["reschedule"] and states.may(row.kind, row.status, states.UPDATE):
        slots = (await reschedule.offers(tx, row.retailer_id, order))[:_MOST_SLOTS]
        found["slots"] = [(slot.id, _window(browser, row, slot.window)) for slot in slots]
    if may["cancel"] and row.status not in states.TERMINAL:
        found["reasons"] = states.CANCELLATIONS
    return found


def _waits(row: Row) -> bool:
    """Whether an order without a batch waits for one."""
    takes = {one.takes for one in batch_states.TYPES.values() if row.kind in one.kinds}
    return row.status in takes or row.status in batch_states.HANDED_ON


def _may_leave(row: Row) -> bool:
    """Whether an order can be taken away from its shopper in its state."""
    takes = batch_states.TYPES[row.batch_type or ""].takes
    back = states.WORKFLOWS[row.kind].states[row.status].back
    return row.status == takes or back == takes or row.status in batch_states.HANDED_ON


def _window(browser: PersonBrowser, row: Row, window: Any) -> str:
    return pages.window(browser.locale, window.starts_at, window.ends_at, row.time_zone)


async def _picture(tx: Tx, order: Order) -> Picture | None:
    """The picture that proves that the order was given to its customer, if it has arrived and not expired."""
    proof = order.details.proof
    if proof is None or proof.person_id is None:
        return None
    return await pictures.of_subject(tx, subject_of_act(proof.person_id, proof.act_id))


async def _together(tx: Tx, row: Row) -> Sequence[tuple[str, str]]:
    """The other orders of the batch, with the addresses of their pages."""
    if row.batch_id is None:
        return []
    batch = await batches.find(tx, row.retailer_id, row.batch_id)
    others = [] if batch is None else [one for one in batch.order_ids if one != row.order_id]
    return [(one, order_url(row.slug, one)) for one in others]


async def _lines(tx: Tx, browser: PersonBrowser, row: Row, order: Order) -> list[dict[str, Any]]:
    lines = [line for line in order.lines if not line.is_removed]
    asked = [ItemCode(line.upc, line.rrc) for line in lines]
    given = [ItemCode(line.substitute.upc, line.substitute.rrc) if line.substitute else None for line in lines]
    names = await _names(tx, row, [*asked, *[code for code in given if code is not None]])
    return [
        {
            "line": line,
            "name": names[code],
            "ordered": _amount(line.qty, line.qty_unit),
            "delivered": _delivered(line),
            "substitute": None if substitute is None else names[substitute],
            "status": word(browser.locale, "console.line", line.status),
        }
        for line, code, substitute in zip(lines, asked, given, strict=True)
    ]


async def _names(tx: Tx, row: Row, codes: Sequence[ItemCode]) -> dict[ItemCode, str]:
    """The names of products by their codes; the code itself for a product that is not in the catalog."""
    found = zip(codes, await items.find(tx, row.retailer_id, codes), strict=True)
    return {code: (item.name if item is not None else None) or code.upc or code.rrc or "?" for code, item in found}


def _amount(quantity: float, unit: str) -> str:
    return f"{quantity:g}" if unit == "each" else f"{quantity:g} {unit}"


def _delivered(line: OrderLine) -> str:
    if line.delivered_count is not None:
        return f"{line.delivered_count}"
    unit = "lb" if line.qty_unit == "each" else line.qty_unit
    return "" if line.delivered_weight is None else _amount(line.delivered_weight, unit)


def _money(browser: PersonBrowser, cents: int | None) -> str | None:
    return None if cents is None else pages.decimal(browser.locale, cents / 100)


async def _customer(tx: Tx, order: Order) -> dict[str, Any]:
    user = None if order.user_id is None else await users.find(tx, order.isolation_id, order.user_id)
    details = order.details
    first = details.first_name or (user.first_name if user else None)
    last = details.last_name or (user.last_name if user else None)
    return {
        "name": " ".join(filter(None, (first, last))),
        "phone": details.phone_number or (user.phone_number if user else None),
        "address": details.address,
        "instructions": details.special_instructions,
    }


async def _story(tx: Tx, browser: PersonBrowser, row: Row, order: Order) -> list[dict[str, Any]]:
    """What happened to the order, the latest first: the steps of its history, and what dispatchers and shoppers did."""
    steps: list[dict[str, Any]] = [
        {
            "at": step.at,
            "rank": step.number,
            "what": _step(browser, row, step.what),
            "who": None,
            "reason": None,
            "events": step.events,
            "done_at": None,
        }
        for step in await orders.history(tx, row.retailer_id, row.order_id)
    ]
    subject = f"order/{row.slug}/{row.order_id}"
    deeds: list[dict[str, Any]] = [
        {
            "at": entry.at,
            "rank": entry.id,
            "what": _deed(browser, row, entry),
            "who": entry.actor_name,
            "reason": entry.reason,
            "events": (),
            "done_at": None,
        }
        for entry in await staff.entries(tx, subject=subject)
    ]
    story = sorted(
        [*steps, *deeds, *await _acts(tx, browser, row, order)], key=lambda one: (one["at"], one["rank"]), reverse=True
    )
    return [{**one, "time": pages.moment(browser.locale, one["at"], row.time_zone)} for one in story]


async def _acts(tx: Tx, browser: PersonBrowser, row: Row, order: Order) -> list[dict[str, Any]]:
    """What shoppers did with the order; a refused act has the sentence that its shopper got."""
    found = await queries.acts(tx, row)
    codes = [_product(act, order) for act in found]
    products = await _names(tx, row, [code for code in codes if code is not None])
    names = {one: await shoppers.person(tx, one) for one in {act.person_id for act in found}}
    return [
        {
            "at": act.received_at,
            "rank": number,
            "what": _did(browser, act, None if code is None else products[code]),
            "who": person.name if (person := names[act.person_id]) else "?",
            "reason": act.message,
            "events": (),
            "done_at": _done_at(browser, row, act),
        }
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
    return entry.operation


async def _sent(tx: Tx, browser: PersonBrowser, row: Row) -> list[dict[str, Any]]:
    """The newest events about the order with the states of their deliveries."""
    found = await callbacks.events(tx, row.retailer_id, subject=row.order_id, limit=50)
    return [
        {
            "name": one.event.name,
            "time": pages.moment(browser.locale, one.event.created_at, row.time_zone),
            "states": [word(browser.locale, "console.delivery", sent.state) for sent in one.deliveries],
        }
        for one in reversed(found)
    ]


def _number(text: str) -> int:
    """The number in a field of a form; 0, which nothing has, if there is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else 0


ROUTES: Sequence[Route] = (
    Route(method="GET", path=_ORDER, handler=signed_in(_show)),
    Route(method="POST", path=f"{_ORDER}/assign", handler=signed_in(_assign)),
    Route(method="POST", path=f"{_ORDER}/unassign", handler=signed_in(_unassign)),
    Route(method="POST", path=f"{_ORDER}/cancel", handler=signed_in(_cancel)),
    Route(method="POST", path=f"{_ORDER}/reschedule", handler=signed_in(_reschedule)),
)
