"""Webhooks: the list, a webhook with its deliveries, an event with its attempts. `webhook_forms` has what is posted."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from handcart.callbacks import queries, webhooks
from handcart.callbacks.errors import UnknownWebhook
from handcart.callbacks.models import ENABLED, STATES, DeliveryRow, EventStory, Webhook, WebhookState
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.orders import order_url
from handcart.core import ids
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import version_of
from handcart.events import queries as events
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.staff import roles
from handcart.staff.models import Actor

PATH = "/console/webhooks"
ONE = PATH + "/{slug}/{webhook_id}"
# The fields of a webhook's form, without the secret, which no page shows.
FIELDS = ("name", "callback_url", "auth_uri", "client_id", "scope", "resource", "events")
NOTICES = ("changed", "paused", "resumed", "replayed", "tested", "not_tested", "deleted")
_PAGE = 100
_FEW_EVENTS = 3
_MOST_DIGITS = 20


async def _list(browser: PersonBrowser) -> Reply:
    actor = browser.actor
    roles.require(actor, "see_webhooks", actor.retailer_id, actor.store_number)
    wanted = dict(browser.query).get("retailer", "").strip()
    found, slugs = await browser.call.app.database.read(_find, actor, wanted)
    return browser.page(
        "console/webhooks.html",
        path=PATH,
        webhooks=[(slugs[one.retailer_id], described(browser, one)) for one in found],
        slugs=sorted(slugs.values()),
        retailer=wanted,
        add_path=f"{PATH}/add?{urlencode({'retailer': wanted})}" if wanted else f"{PATH}/add",
        may_change=roles.includes(actor, "change_webhooks"),
        notice=browser.notice(NOTICES),
    )


async def _find(tx: Tx, actor: Actor, wanted: str) -> tuple[Sequence[Webhook], dict[int, str]]:
    """The webhooks that a person wants to see and may see, and the slugs of the retailers to choose from."""
    slugs = {one.id: one.slug for one in await retailers.retailers(tx) if actor.retailer_id in (None, one.id)}
    chosen = next((number for number, slug in slugs.items() if slug == wanted), None)
    if wanted and chosen is None:
        return [], slugs
    only = actor.retailer_id if chosen is None else chosen
    return await (webhooks.of_all(tx) if only is None else webhooks.list_all(tx, only)), slugs


def described(browser: PersonBrowser, one: Webhook) -> dict[str, Any]:
    """A webhook with the texts that a page shows."""
    zone = browser.settings.time_zone
    names = one.events
    return {
        "webhook": one,
        "since": pages.moment(browser.locale, one.failing_since, zone) if one.failing_since else None,
        "agreed": pages.moment(browser.locale, one.verified_at, zone) if one.verified_at else None,
        "created": pages.moment(browser.locale, one.created_at, zone),
        "is_well": one.status == ENABLED and one.failing_since is None,
        "some_events": list(names[:_FEW_EVENTS]),
        "more_events": max(0, len(names) - _FEW_EVENTS),
    }


async def _show(browser: PersonBrowser) -> Reply:
    retailer, found = await webhook_of(browser, "see_webhooks")
    return await page(browser, retailer, found)


async def webhook_of(browser: PersonBrowser, operation: str) -> tuple[Retailer, Webhook]:
    """The webhook of the address, if the person may do an operation at its retailer, whose clock is used from now on.

    Raises 403 for the webhook of another retailer, and 404 if there is none.
    """
    slug, number = browser.call.path["slug"], ids.parse(browser.call.path["webhook_id"])
    actor, database = browser.actor, browser.call.app.database
    retailer = await database.read(retailers.retailer_by_slug, slug)
    roles.require(actor, operation, None if retailer is None else retailer.id, actor.store_number)
    if retailer is None or number is None:
        raise PageRefused(404, "not_found")
    await database.read(browser.call.use_clock_of, retailer.id)
    browser.call.hook_data = None  # not a call of the retailer's client, so its faults and its log do not concern it
    try:
        return retailer, await database.read(webhooks.get, retailer.id, number)
    except UnknownWebhook:
        raise PageRefused(404, "not_found") from None


async def page(
    browser: PersonBrowser,
    retailer: Retailer,
    webhook: Webhook,
    *,
    error: str | None = None,
    refused: str | None = None,
    form: Mapping[str, str] | None = None,
    to_replay: Mapping[str, Any] | None = None,
) -> Reply:
    """The page of a webhook. After a refusal it says why, with what the person wrote; `to_replay`: a counted span."""
    query = dict(browser.query)
    state = query.get("state") if query.get("state") in STATES else None
    before = _number(query.get("before", "")) or events.LAST_ID

    async def read(tx: Tx) -> tuple[WebhookState, Sequence[DeliveryRow]]:
        there = await queries.webhook_or_event(tx, retailer.id, webhook.id)
        assert isinstance(there, WebhookState)
        found = await queries.deliveries_to(tx, retailer.id, webhook.id, before=before, state=state, limit=_PAGE + 1)
        return there, found[::-1]

    there, found = await browser.call.app.database.read(read)
    shown, path = found[:_PAGE], url(retailer.slug, webhook.id)
    given = {} if state is None else {"state": state}
    more = f"{path}?{urlencode({**given, 'before': shown[-1].event_id})}" if len(found) > _PAGE else None
    stored = {name: getattr(there.webhook, name) or "" for name in FIELDS} | {"events": " ".join(webhook.events)}
    typed = stored if form is None else {name: form.get(name, stored[name])[:1000] for name in FIELDS}
    status = 200 if error is None and refused is None else 409 if error == "stale" else 400
    return browser.page(
        "console/webhook.html",
        status,
        path=path,
        list_path=PATH,
        slug=retailer.slug,
        one=described(browser, there.webhook),
        waiting=there.waiting,
        failed=there.failed,
        deliveries=[_delivery(browser, retailer.slug, row) for row in shown],
        states=STATES,
        state=state or "",
        more=more,
        zone=browser.settings.time_zone,
        stored=stored,
        typed=typed,
        version=version_of(there.webhook),
        error=error,
        refused=refused,
        to_replay=to_replay,
        may={name: roles.includes(browser.actor, f"{name}_webhooks") for name in ("change", "replay")},
        may_see_audit=roles.includes(browser.actor, "see_audit"),
        notice=browser.notice(NOTICES) if status == 200 else None,
        form_token=browser.form_token("webhook", retailer.slug, str(webhook.id)),
    )


def _delivery(browser: PersonBrowser, slug: str, row: DeliveryRow) -> dict[str, Any]:
    zone, locale = browser.settings.time_zone, browser.locale
    return {
        "row": row,
        "order_url": order_url(slug, row.subject),
        "at": pages.moment(locale, row.created_at, zone),
        "attempted": pages.moment(locale, row.attempted_at, zone) if row.attempted_at else None,
        "next": pages.moment(locale, row.next_at, zone) if row.next_at else None,
    }


async def _show_event(browser: PersonBrowser) -> Reply:
    retailer, webhook = await webhook_of(browser, "see_webhooks")
    story = await _story(browser, retailer)
    zone, locale = browser.settings.time_zone, browser.locale
    sees_customers = roles.includes(browser.actor, "see_customers")
    delivery = next((row for row in story.deliveries if row.webhook_id == webhook.id), None)
    return browser.page(
        "console/webhook_event.html",
        webhook_path=url(retailer.slug, webhook.id),
        webhook=webhook,
        event=story.event,
        at=pages.moment(locale, story.event.created_at, zone),
        order_url=order_url(retailer.slug, story.event.subject),
        body=_readable(story.event.body) if sees_customers else None,
        delivery=None if delivery is None else _delivery(browser, retailer.slug, delivery),
        attempts=[
            {
                **one,
                "at": pages.moment(locale, one["at"], zone),
                "response_body": one["response_body"] if sees_customers else None,
            }
            for one in reversed(story.attempts)
            if one["webhook_id"] == webhook.id
        ],
        may_replay=roles.includes(browser.actor, "replay_webhooks"),
        notice=browser.notice(NOTICES),
        form_token=browser.form_token("webhook", retailer.slug, str(webhook.id)),
    )


async def _story(browser: PersonBrowser, retailer: Retailer) -> EventStory:
    try:
        return await browser.call.app.database.read(queries.event, retailer.id, event_id_of(browser))
    except ApiError:
        raise PageRefused(404, "not_found") from None


def event_id_of(browser: PersonBrowser) -> int:
    """The event of the address; 0, which no event has, if it is no number."""
    return _number(browser.call.path["event_id"])


def _number(text: str) -> int:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < _MOST_DIGITS else 0
    return number if number < events.LAST_ID else 0


def _readable(body: str) -> str:
    """The JSON of an event in lines that people can read."""
    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)


def url(slug: str, webhook_id: int) -> str:
    """The address of a webhook's page."""
    return f"{PATH}/{slug}/{webhook_id}"


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_list)),
    Route(method="GET", path=ONE, handler=signed_in(_show)),
    Route(method="GET", path=ONE + "/events/{event_id}", handler=signed_in(_show_event)),
)
