"""`/console/mailbox`: the messages as their recipients would see them, for people who are signed in to the console.

Messages have addresses and one-time links, so that the page shows a person only what that person may see: those of the
operator all messages, those of a retailer its own. Links of mails about accounts and people only admins see.
"""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import clock, ids
from handcart.core.clock import VirtualClock
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.call import Reply as Response
from handcart.core.web.call import Route
from handcart.messages import queries, texts
from handcart.messages.models import SMS, Message
from handcart.notifications import replies
from handcart.notifications.replies import Reply
from handcart.retailers import ops as retailers
from handcart.sandbox import state
from handcart.sandbox.mailbox.api import tell
from handcart.staff import roles

PATH = "/console/mailbox"
_PAGE = 50
_URL = re.compile(r"(https?://[^\s<>\"']+)")
_MOST_TEXT = 1000


async def _show(browser: PersonBrowser, outcome: str | None = None) -> Response:
    roles.require(browser.actor, "see_customers", browser.actor.retailer_id, browser.actor.store_number)
    database, asked = browser.call.app.database, dict(browser.query)
    order_id, before = asked.get("order_id", "").strip(), ids.parse(asked.get("before", ""))
    known = {one.id: one for one in await database.read(retailers.retailers)}
    mine = [browser.actor.retailer_id] if browser.actor.retailer_id is not None else list(known)
    for retailer_id in mine:
        await tell(database, retailer_id)
    found = list(
        await database.read(
            queries.messages,
            retailer_id=browser.actor.retailer_id,
            order_id=order_id or None,
            before=before,
            limit=_PAGE,
        )
    )
    return browser.page(
        "sandbox/mailbox.html",
        path=PATH,
        messages=[_shown(browser, one, known) for one in found],
        order_id=order_id,
        outcome=outcome,
        form_token=browser.form_token("mailbox"),
        older=f"{PATH}?{urlencode({'order_id': order_id, 'before': found[-1].id})}" if len(found) == _PAGE else None,
    )


async def _reply(browser: PersonBrowser) -> Response:
    roles.require(browser.actor, "see_customers", browser.actor.retailer_id, browser.actor.store_number)
    form = await browser.posted("mailbox")
    message = await browser.call.app.database.read(queries.message, ids.parse(form.get("message", "")) or 0)
    mine = browser.actor.retailer_id
    if message is None or message.channel != SMS or mine not in (None, message.retailer_id):
        return await _show(browser, "unknown")
    said = Reply(message.address, form.get("text", "")[:_MOST_TEXT], browser.settings.brand, message.retailer_id)
    return await _show(browser, await browser.call.app.database.write(_read, said))


async def _read(tx: Tx, said: Reply) -> str:
    """Read a reply by the clock of the retailer that it is for."""
    virtual = None if said.retailer_id is None else (await state.load(tx, said.retailer_id)).clock
    with clock.using(virtual or VirtualClock()):
        return await replies.read(tx, said)


def _shown(browser: PersonBrowser, one: Message, known: dict[int, Any]) -> dict[str, Any]:
    retailer = known.get(one.retailer_id or 0)
    may_follow = one.order_id is not None or roles.includes(browser.actor, "change_staff")
    pieces = _URL.split(one.content.body if may_follow else _URL.sub("...", one.content.body))
    return {
        "message": one,
        "pieces": [(piece, bool(_URL.fullmatch(piece))) for piece in pieces],
        "retailer": None if retailer is None else retailer.name,
        "at": pages.moment(browser.locale, one.created_at, browser.settings.time_zone),
        "due": None
        if one.due_at <= one.created_at
        else pages.moment(browser.locale, one.due_at, browser.settings.time_zone),
        "parts": texts.parts(one.content.body) if one.channel == SMS else 0,
    }


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_show)),
    Route(method="POST", path=PATH, handler=signed_in(_reply)),
)
