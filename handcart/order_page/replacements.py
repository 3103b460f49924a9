"""The replacements that wait for the customer's answer, and the search for an alternative."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.core.web import pages
from handcart.core.web.call import Reply
from handcart.order_page import brand
from handcart.order_page.browser import OrderBrowser, not_found
from handcart.order_page.items import names_of
from handcart.order_page.words import amount
from handcart.orders import lines, replacements
from handcart.orders.models import Alternative, Order, OrderLine
from handcart.stores import assortment, items, search
from handcart.stores import queries as stores
from handcart.stores.models import Item, ItemCode, ItemName, Store

_MOST_FOUND = 8
_MOST_COUNT = 99
_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3})?")


class Question(Struct, frozen=True):
    """A replacement that waits for an answer. `proposed_at` names the proposal."""

    line_num: str
    url: str
    name: str
    asked: str
    substitute: str
    offered: str
    proposed_at: int
    note: str


class Choice(Struct, frozen=True):
    """An item that the customer can name in place of a replacement."""

    rrc: str
    name: str
    unit: str
    price: str | None


async def questions(tx: Tx, browser: OrderBrowser) -> Sequence[Question]:
    """The replacements of the order that wait for an answer."""
    waiting = replacements.pending(browser.order)
    named = [ItemName(line.upc, line.rrc) for line in waiting] + [line.substitute or ItemName() for line in waiting]
    names = await names_of(tx, browser.retailer.id, named)
    return [
        Question(
            line.line_num,
            _url(browser, line.line_num),
            name,
            amount(browser.locale, line.qty, line.qty_unit),
            substitute,
            amount(browser.locale, lines.qty(line), line.qty_unit),
            line.proposed_at or 0,
            line.special_instructions,
        )
        for line, name, substitute in zip(waiting, names, names[len(waiting) :], strict=False)
    ]


async def alternatives(browser: OrderBrowser) -> Reply:
    """The page on which a customer finds what they want in place of a replacement."""
    context = await browser.call.app.database.read(_alternatives, browser)
    if context is None:  # the question was answered, or the order went on
        return browser.see_other(f"{browser.path}#items")
    return browser.page("order_page/alternatives.html", **context, form_token=browser.form_token)


async def _alternatives(tx: Tx, browser: OrderBrowser) -> Mapping[str, Any] | None:
    wanted = browser.call.path["line_num"]
    question = next((one for one in await questions(tx, browser) if one.line_num == wanted), None)
    if question is None:
        return None
    line = next(one for one in browser.order.lines if one.line_num == wanted)
    store = await stores.store_by_number(tx, browser.retailer.id, browser.order.store_number)
    assert store is not None
    text = " ".join(dict(browser.query).get("q", "").split())[:80]
    found = await _found(tx, browser, line, text)
    return {
        "has_logo": await brand.has_logo(tx, browser.retailer.id),
        "question": question,
        "text": text,
        "choices": [_choice(browser, store, item) for item in found],
    }


async def _found(tx: Tx, browser: OrderBrowser, line: OrderLine, text: str) -> Sequence[Item]:
    """What a search finds; without one, items that are like the ordered one."""
    retailer_id, order = browser.retailer.id, browser.order
    (ordered,) = await items.find(tx, retailer_id, [ItemCode(line.upc, line.rrc)])
    if text:
        found = (await search.by_name(tx, retailer_id, text, 4 * _MOST_FOUND)).items
    elif ordered is not None:
        found = await items.similar(tx, retailer_id, ordered, _MOST_FOUND, ebt_only=order.details.paid_with_ebt)
    else:
        found = []
    found = await assortment.in_store(tx, retailer_id, order.store_number, found)
    substitute = line.substitute or ItemName()
    return [
        item
        for item in found
        if item.rrc not in (line.rrc, substitute.rrc)
        and (item.alcohol_kind is None or order.has_alcohol)
        and not item.restricted_reasons
        and (item.is_ebt_eligible or not order.details.paid_with_ebt)
    ][:_MOST_FOUND]


def _choice(browser: OrderBrowser, store: Store, item: Item) -> Choice:
    price = pages.money(browser.locale, store.country, item.price_cents) if item.price_cents else None
    return Choice(item.rrc, item.name, item.cost_unit, price)


async def post(browser: OrderBrowser, form: Mapping[str, str]) -> str | None:
    """Answer a replacement with a posted form; returns why not, or None."""
    wanted, chosen = browser.call.path["line_num"], form.get("answer", "")
    alternative = _alternative(form) if chosen == "alternative" else None
    if chosen not in ("approve", "refuse", "alternative"):
        raise not_found()
    if chosen == "alternative" and alternative is None:
        return "alternative_amount"
    proposed_at = form.get("proposed_at", "")
    seen = int(proposed_at) if proposed_at.isascii() and proposed_at.isdecimal() else -1
    try:
        await browser.write(_answer, wanted, chosen == "approve", alternative, seen)
    except ApiError as refused:
        if refused.status != 400:
            raise
        return await browser.call.app.database.read(_why, browser, wanted, alternative)
    return None


async def _answer(
    tx: Tx, retailer_id: int, order: Order, line_num: str, approved: bool, alternative: Alternative | None, seen: int
) -> None:
    await replacements.answer(tx, retailer_id, order, line_num, approved, alternative, proposed_at=seen)


async def _why(tx: Tx, browser: OrderBrowser, line_num: str, alternative: Alternative | None) -> str:
    """Why an answer was refused, by what is true now."""
    is_open = any(one.line_num == line_num for one in await questions(tx, browser))
    return "alternative" if is_open and alternative is not None else "changed"


def _alternative(form: Mapping[str, str]) -> Alternative | None:
    """The item and the amount of a posted form; None if the amount is not a number that can be wanted."""
    name = ItemName(rrc=form.get("rrc", "")[:64] or None)
    written = form.get("amount", "").strip().replace(",", ".")
    if not _NUMBER.fullmatch(written):
        return None
    number = float(written)
    if not 0 < number <= _MOST_COUNT or name.rrc is None:
        return None
    if form.get("unit") != "each":
        return Alternative(name, weight=round(number, 3))
    return Alternative(name, count=int(number)) if number == int(number) else None


def _url(browser: OrderBrowser, line_num: str) -> str:
    return f"{browser.path}/items/{quote(line_num, '')}"
