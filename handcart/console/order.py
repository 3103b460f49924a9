"""The page of an order: its lines, its story, who has it, and the choices of its forms (`order_forms`)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct

from handcart.assignment import decisions, queries
from handcart.assignment.models import Row
from handcart.batches import queries as batches
from handcart.console import messages, news, remedies
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.order_chat import chat
from handcart.console.order_story import product_names, sent, story
from handcart.console.orders import PATH as ORDERS
from handcart.console.orders import described, order_url, word
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.orders import proof
from handcart.orders import queries as orders
from handcart.orders.models import Order, OrderLine
from handcart.pictures import queries as pictures
from handcart.pictures.models import subject_of_act
from handcart.retailers import ops as retailers
from handcart.shoppers import queries as shoppers
from handcart.staff import roles
from handcart.stores.models import ItemCode
from handcart.users import ops as users

# Entries of the history, and messages of the chat, that the page shows at first.
MOST_SHOWN = 100
# Names of shoppers that the page shows for each reason why they did not get the order.
_MOST_NAMES = 10
PATH = ORDERS + "/{slug}/{order_id}"
DONE = (
    *(
        "assign",
        "pin",
        "unpin",
        "unassign",
        "cancel",
        "reschedule",
        "unlock-pin",
        "hand-over",
        "write-shopper",
        "tell-late",
        "push",
    ),
    *("allow-leaving", "turn-back", "take-back", "refund", "replay", "pause", "claim", "release"),
)


class Refusal(Struct, frozen=True):
    """A posted form that was refused: its action, the rule, and its fields."""

    action: str
    rule: str
    fields: Mapping[str, str]


async def _show(browser: PersonBrowser) -> Reply:
    return await page(browser, await row_of(browser))


async def row_of(browser: PersonBrowser) -> Row:
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


async def page(browser: PersonBrowser, row: Row, refusal: Refusal | None = None) -> Reply:
    """The page of an order. After a refusal, it says why, and its forms have what the person wrote."""
    fields = {} if refusal is None else refusal.fields
    read = browser.call.app.database.read
    version = await read(news.version, row.retailer_id, row.number)
    context = await read(_context, browser, row, fields)
    done = dict(browser.query).get("done")
    return browser.page(
        "console/order.html",
        409 if refusal is not None else 200,
        **context,
        news=order_url(row.slug, row.order_id) + news.OF_ORDER,
        version=version,
        refusal=refusal,
        changes=_changes(browser, row, fields.get("seen", row.seen)),
        fields=fields,
        to="",
        done=done if done in DONE and refusal is None else None,
        form_token=browser.form_token("order", row.slug, row.order_id),
    )


def _changes(browser: PersonBrowser, row: Row, seen: str) -> Sequence[str]:
    """What is another than it was in the page whose form has `seen` (`Row.seen`)."""
    then, now = seen.split(" "), row.seen.split(" ")
    if len(then) != len(now):
        return []
    locale, texts = browser.locale, list[str]()
    if then[0] != now[0]:
        words = {"then": word(locale, "console.state", then[0][:40]), "now": word(locale, "console.state", now[0])}
        texts.append(pages.text(locale, "console.order.was_state", **words))
    if then[1] != now[1]:
        nobody = pages.text(locale, "console.orders.nobody")
        someone = row.person or pages.text(locale, "console.orders.api_shopper")
        name = str(nobody if row.batch_id is None else someone)
        texts.append(pages.text(locale, "console.order.was_shopper", name=pages.isolated(name)))
    if then[2] != now[2]:
        window = pages.window(locale, row.window_starts_at, row.window_ends_at, row.time_zone)
        texts.append(pages.text(locale, "console.order.was_window", window=window))
    return texts


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
        "customer": await customer(tx, order) if roles.includes(browser.actor, "see_customers") else None,
        "pickup": _pickup(browser, row, order),
        "together": await together(tx, row),
        **_newest(browser, row, "story", await story(tx, browser, row, order), is_latest_first=True),
        "sent": await sent(tx, browser, row),
        **await _photo(tx, order, may_see=roles.includes(browser.actor, "see_pictures")),
        "given": await _given(tx, browser, row, order),
        **_newest(browser, row, "chat", await chat(tx, browser, row, _shown(browser, "chat") + 1)),
        "messages": await messages.of_order(tx, browser, row.retailer_id, row.order_id),
        "find": text,
        "why": await _why(tx, browser, row) if roles.includes(browser.actor, "assign_orders") else None,
        **await remedies.choices(tx, browser, row, order, text, fields),
    }


async def _why(tx: Tx, browser: PersonBrowser, row: Row) -> dict[str, Any] | None:
    """The engine's newest decision about an order; None if there is none."""
    found = await decisions.of_order(tx, row.retailer_id, row.order_id, 1)
    if not found:
        return None
    newest = found[0]

    async def name(person_id: int) -> str:
        person = await shoppers.person(tx, person_id)
        return str(person_id) if person is None else person.name

    def moment(at: int) -> str:
        return str(pages.moment(browser.locale, at, row.time_zone))

    return {
        "at": moment(newest.at),
        "name": None if newest.person_id is None else await name(newest.person_id),
        "given_at": None if newest.given_at is None else moment(newest.given_at),
        "refused": newest.refused,
        "others": [
            (rule, [await name(one) for one in some[:_MOST_NAMES]], max(0, len(some) - _MOST_NAMES))
            for rule, some in newest.ruled_out.items()
        ],
    }


def _shown(browser: PersonBrowser, part: str) -> int:
    """How many entries of a part of the page are shown: as many as the address says."""
    text = dict(browser.query).get(part, "")
    return max(MOST_SHOWN, int(text)) if re.fullmatch("[0-9]{1,5}", text) else MOST_SHOWN


def _newest(
    browser: PersonBrowser, row: Row, part: str, found: Sequence[Any] | None, *, is_latest_first: bool = False
) -> dict[str, Any]:
    """The newest entries of a part of the page, and the address of the page with older ones, if there are any."""
    most = _shown(browser, part)
    if found is None or len(found) <= most:
        return {part: found, f"older_{part}": None}
    query = {**dict(browser.query), part: str(most + MOST_SHOWN)}
    query.pop("done", None)
    older = f"{order_url(row.slug, row.order_id)}?{urlencode(query)}#{part}"
    return {part: found[:most] if is_latest_first else found[-most:], f"older_{part}": older}


def _pickup(browser: PersonBrowser, row: Row, order: Order) -> Mapping[str, str | None]:
    """The vehicle in one line, and the times that the customer said, on the store's clock."""
    vehicle, details = order.details.vehicle, order.details

    def shown(at: int | None) -> str | None:
        return None if at is None else pages.moment(browser.locale, at, row.time_zone)

    parts = () if vehicle is None else (vehicle.license_plate, vehicle.color, vehicle.vehicle_type, vehicle.model)
    return {
        "vehicle": ", ".join(filter(None, parts)),
        "coming_at": shown(details.coming_at),
        "arrived_at": shown(details.arrived_at),
    }


async def _given(tx: Tx, browser: PersonBrowser, row: Row, order: Order) -> dict[str, Any] | None:
    """How the order was given to its customer, when and by whom; None before that. Names only for who may see them."""
    shown = order.details.proof
    if shown is None:
        return None
    person = None if shown.person_id is None else await shoppers.person(tx, shown.person_id)
    may_see = roles.includes(browser.actor, "see_customers")
    return {
        "how": shown.how,
        "at": None if order.delivered_at is None else pages.moment(browser.locale, order.delivered_at, row.time_zone),
        "by": None if person is None else person.name,
        "age": shown.age,
        "has_code": shown.has_pin,
        "received_by": shown.received_by if may_see else None,
        "signer": shown.signer if may_see else None,
        "drawing": await proof.drawing(tx, row.retailer_id, row.order_id) if may_see else None,
    }


async def _photo(tx: Tx, order: Order, *, may_see: bool) -> dict[str, Any]:
    """The picture that proves that the order was given to its customer, or the text that says why there is none."""
    shown = order.details.proof
    if shown is None or shown.person_id is None or not shown.has_photo:
        return {"picture": None, "no_picture": None}
    subject = subject_of_act(shown.person_id, shown.act_id)
    picture = await proof.photo(tx, order)
    if picture is not None:
        return {"picture": picture if may_see else None, "no_picture": None}
    return {"picture": None, "no_picture": "awaited" if await pictures.is_awaited(tx, subject) else "gone"}


async def together(tx: Tx, row: Row) -> Sequence[tuple[str, str]]:
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
    names = await product_names(tx, row, [*asked, *[code for code in given if code is not None]])
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


def _amount(quantity: float, unit: str) -> str:
    return f"{quantity:g}" if unit == "each" else f"{quantity:g} {unit}"


def _delivered(line: OrderLine) -> str:
    if line.delivered_count is not None:
        return f"{line.delivered_count}"
    unit = "lb" if line.qty_unit == "each" else line.qty_unit
    return "" if line.delivered_weight is None else _amount(line.delivered_weight, unit)


def _money(browser: PersonBrowser, cents: int | None) -> str | None:
    return None if cents is None else pages.decimal(browser.locale, cents / 100)


async def customer(tx: Tx, order: Order) -> dict[str, Any]:
    """Name, phone number, address and instructions of the customer of an order."""
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


ROUTES: Sequence[Route] = (Route(method="GET", path=PATH, handler=signed_in(_show)),)
