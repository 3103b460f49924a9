"""Messages to customers: a list with filters, and a page for each with the attempts to send it."""

import re
from typing import Any
from urllib.parse import urlencode

from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.orders import order_url
from handcart.core import ids
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.messages import ops, queries, texts
from handcart.messages.errors import MessageRefused
from handcart.messages.models import CHANNELS, SMS, STATES, Message
from handcart.messages.ops import REPLAYABLE
from handcart.retailers import ops as retailers
from handcart.staff import audit, roles
from handcart.staff.models import Actor

PATH = "/console/messages"
_PAGE = 100
_FIELDS = ("retailer", "order", "channel", "state")
# The secret part of a link to an order's page: with it, everybody is the order's customer.
_SECRET = re.compile(r"(/o/)[A-Za-z0-9_-]{32}")


async def _list(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "see_messages", browser.actor.retailer_id, browser.actor.store_number)
    query = dict(browser.query)
    fields = {name: query.get(name, "").strip()[:300] for name in _FIELDS}
    found, slugs = await browser.call.app.database.read(
        _find, browser.actor, fields, ids.parse(query.get("before", ""))
    )
    given = {name: value for name, value in fields.items() if value}
    more = f"{PATH}?{urlencode({**given, 'before': found[-1].id})}" if len(found) == _PAGE else None
    return browser.page(
        "console/messages.html",
        path=PATH,
        messages=[_row(browser, one, slugs) for one in found],
        fields=fields,
        slugs=sorted(slugs.values()),
        channels=CHANNELS,
        states=STATES,
        more=more,
    )


async def _find(
    tx: Tx, actor: Actor, fields: dict[str, str], before: int | None
) -> tuple[list[Message], dict[int, str]]:
    """The messages that a person wants to see and may see, and the slugs of the retailers that they are of."""
    slugs = await _slugs(tx, actor)
    wanted = next((number for number, slug in slugs.items() if slug == fields["retailer"]), None)
    if fields["retailer"] and wanted is None:
        return [], slugs
    found = await queries.messages(
        tx,
        retailer_id=actor.retailer_id if wanted is None else wanted,
        order_id=fields["order"] or None,
        channel=fields["channel"] if fields["channel"] in CHANNELS else None,
        state=fields["state"] if fields["state"] in STATES else None,
        before=before,
        limit=_PAGE,
    )
    return list(found), slugs


async def _slugs(tx: Tx, actor: Actor) -> dict[int, str]:
    return {one.id: one.slug for one in await retailers.retailers(tx) if actor.retailer_id in (None, one.id)}


async def _show(browser: PersonBrowser) -> Reply:
    return await _page(browser)


async def _replay(browser: PersonBrowser) -> Reply:
    form = await browser.posted("message", browser.call.path["id"])
    message = await _message(browser)
    try:
        await browser.write(_replay_posted, message, form.get("reason", "").strip()[:200])
    except MessageRefused:
        return await _page(browser, is_refused=True)
    return browser.see_other(f"{PATH}/{message.id}?notice=replayed")


async def _replay_posted(tx: Tx, actor: Actor, message: Message, reason: str) -> None:
    roles.require(actor, "replay_messages", message.retailer_id, actor.store_number)
    await ops.replay(tx, message.id)
    await audit.record(
        tx,
        actor,
        "replay_messages",
        f"message/{message.id}",
        retailer_id=message.retailer_id,
        reason=reason or None,
        detail={"template": message.template, "channel": message.channel},
    )


async def _page(browser: PersonBrowser, *, is_refused: bool = False) -> Reply:
    database, message = browser.call.app.database, await _message(browser)
    sees_customer = message.order_id is not None and roles.includes(browser.actor, "see_customers")
    slugs = await database.read(_slugs, browser.actor)
    return browser.page(
        "console/message.html",
        409 if is_refused else 200,
        path=PATH,
        one=_row(browser, message, slugs),
        text=_SECRET.sub(r"\1...", message.content.body) if sees_customer else None,
        address=message.address if sees_customer else None,
        parts=texts.parts(message.content.body) if message.channel == SMS else 0,
        attempts=[
            {"attempt": one, "at": pages.moment(browser.locale, one.at, browser.settings.time_zone)}
            for one in await database.read(queries.attempts, message.id)
        ],
        suppression=await database.read(queries.suppression, message.channel, message.address),
        may_replay=message.state in REPLAYABLE and roles.includes(browser.actor, "replay_messages"),
        is_refused=is_refused,
        notice=browser.notice(("replayed",)),
        form_token=browser.form_token("message", str(message.id)),
    )


async def _message(browser: PersonBrowser) -> Message:
    """The message of the address. For a person of a retailer, a message of another one is as unknown as none."""
    actor = browser.actor
    roles.require(actor, "see_messages", actor.retailer_id, actor.store_number)
    message_id = ids.parse(browser.call.path["id"])
    found = None if message_id is None else await browser.call.app.database.read(queries.message, message_id)
    if found is None or actor.retailer_id not in (None, found.retailer_id):
        raise PageRefused(404, "not_found")
    return found


def _row(browser: PersonBrowser, one: Message, slugs: dict[int, str]) -> dict[str, Any]:
    slug = slugs.get(one.retailer_id or 0)
    zone = browser.settings.time_zone
    return {
        "message": one,
        "retailer": slug,
        "order_url": None if slug is None or one.order_id is None else order_url(slug, one.order_id),
        "at": pages.moment(browser.locale, one.created_at, zone),
        "due": None if one.due_at <= one.created_at else pages.moment(browser.locale, one.due_at, zone),
    }


async def of_order(tx: Tx, browser: PersonBrowser, retailer_id: int, order_id: str) -> list[dict[str, Any]] | None:
    """The messages about an order, the newest first, for its page; None for people who may not see messages."""
    if not roles.includes(browser.actor, "see_messages"):
        return None
    found = await queries.messages(tx, retailer_id=retailer_id, order_id=order_id)
    return [_row(browser, one, {}) for one in found]


ROUTES = (
    Route(method="GET", path=PATH, handler=signed_in(_list)),
    Route(method="GET", path=PATH + "/{id}", handler=signed_in(_show)),
    Route(method="POST", path=PATH + "/{id}/replay", handler=signed_in(_replay)),
)
