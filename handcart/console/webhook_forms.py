"""The posted forms of webhooks: make, change, pause, resume, delete, a new secret, a test, send events again."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from handcart.callbacks import webhooks
from handcart.callbacks.errors import InvalidWebhook
from handcart.callbacks.models import NewWebhook, Webhook
from handcart.callbacks.replay import MOST_REPLAYED, send_again, send_newest
from handcart.console import step_up
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.webhooks import FIELDS, ONE, PATH, event_id_of, page, url, webhook_of
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import ApiError, Refused
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed, check
from handcart.events import queries as events
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.staff import audit, roles
from handcart.staff.models import Actor

# Events that one form sends again, at most.
MOST_IN_SPAN = 10_000
_MOST_REASON = 200


async def _show_add(browser: PersonBrowser) -> Reply:
    actor = browser.actor
    roles.require(actor, "change_webhooks", actor.retailer_id, actor.store_number)
    return await _add_page(browser, {"retailer": dict(browser.query).get("retailer", ""), "events": "all"})


async def _add(browser: PersonBrowser) -> Reply:
    form = await browser.posted("add-webhook")
    roles.require(browser.actor, "change_webhooks", browser.actor.retailer_id, browser.actor.store_number)
    asked = await step_up.asked(browser, form)
    if asked is not None:
        return asked
    try:
        made = await browser.write(_add_posted, browser, form)
    except (InvalidWebhook, Refused) as refused:
        return await _add_page(browser, form, str(refused))
    return _secret_page(browser, form["retailer"].strip(), made)


async def _add_posted(tx: Tx, actor: Actor, browser: PersonBrowser, form: Mapping[str, str]) -> NewWebhook:
    slug = form.get("retailer", "").strip()
    retailer = await retailers.retailer_by_slug(tx, slug)
    roles.require(actor, "change_webhooks", None if retailer is None else retailer.id, actor.store_number)
    if retailer is None:
        raise Refused("choose a retailer")
    await browser.call.use_clock_of(tx, retailer.id)
    browser.call.hook_data = None
    text = {name: form.get(name, "").strip() for name in FIELDS}
    wanted = webhooks.Configuration(
        callback_url=text["callback_url"],
        auth_uri=text["auth_uri"],
        client_id=text["client_id"],
        client_secret=form.get("client_secret", ""),
        events=_names(text["events"]),
        name=text["name"] or None,
        scope=text["scope"] or None,
        resource=text["resource"] or None,
    )
    made = await webhooks.create(tx, retailer.id, wanted, webhooks.read_policy(browser.settings))
    detail = {"callback_url": text["callback_url"], "events": list(made.webhook.events)}
    await _record(tx, actor, "add_webhook", retailer, made.webhook.id, form, detail)
    return made


async def _add_page(browser: PersonBrowser, form: Mapping[str, str], error: str | None = None) -> Reply:
    found = await browser.call.app.database.read(retailers.retailers)
    return browser.page(
        "console/webhook_add.html",
        200 if error is None else 400,
        path=PATH,
        error=error,
        slugs=[one.slug for one in found if browser.actor.retailer_id in (None, one.id)],
        retailer=form.get("retailer", ""),
        typed={name: form.get(name, "")[:1000] for name in FIELDS},
        form_token=browser.form_token("add-webhook"),
    )


async def _change(browser: PersonBrowser) -> Reply:
    form, retailer, webhook = await _posted(browser, "change_webhooks")
    secret = form.get("client_secret", "")
    # The stored secret, and tokens that it gets, are sent to these addresses.
    is_elsewhere = any(form.get(name, url).strip() != url for name, url in _targets(webhook).items())
    asked = await step_up.asked(browser, form) if secret or is_elsewhere else None
    if asked is not None:
        return asked

    async def change(tx: Tx, there: Webhook) -> Mapping[str, Any]:
        check(form.get("version", ""), there)
        wanted: dict[str, Any] = {name: form[name].strip() for name in FIELDS if name in form}
        if "events" in wanted:
            wanted["events"] = _names(wanted["events"])
        if secret:
            wanted["client_secret"] = secret
        now = {name: getattr(there, name) or "" for name in FIELDS}
        changes = {name: value for name, value in wanted.items() if value != now.get(name)}
        await webhooks.update(tx, retailer.id, there.id, changes, webhooks.read_policy(browser.settings))
        return {"changed": sorted(changes)}

    return await _do(browser, retailer, webhook, form, "changed", "change_webhook", change)


async def _pause(browser: PersonBrowser) -> Reply:
    form, retailer, webhook = await _posted(browser, "change_webhooks")
    reason = form.get("reason", "").strip()[:_MOST_REASON]

    async def pause(tx: Tx, there: Webhook) -> None:
        reason_shown = reason or "paused in the console"
        await webhooks.disable(tx, retailer.id, there.id, reason_shown, by_operator=browser.actor.is_operator)

    return await _do(browser, retailer, webhook, form, "paused", "pause_webhook", pause)


async def _resume(browser: PersonBrowser) -> Reply:
    form, retailer, webhook = await _posted(browser, "change_webhooks")

    async def resume(tx: Tx, there: Webhook) -> None:
        verify = browser.settings.verify_receivers
        await webhooks.enable(tx, retailer.id, there.id, verify, by_operator=browser.actor.is_operator)

    return await _do(browser, retailer, webhook, form, "resumed", "resume_webhook", resume)


async def _delete(browser: PersonBrowser) -> Reply:
    form, retailer, webhook = await _posted(browser, "change_webhooks")
    if not form.get("sure"):
        return await page(browser, retailer, webhook, error="sure", form=form)

    async def delete(tx: Tx, actor: Actor) -> None:
        roles.require(actor, "change_webhooks", retailer.id, actor.store_number)
        await webhooks.delete(tx, retailer.id, webhook.id)
        await _record(tx, actor, "delete_webhook", retailer, webhook.id, form, {"callback_url": webhook.callback_url})

    await browser.write(delete)
    return browser.see_other(f"{PATH}?notice=deleted")


async def _rotate(browser: PersonBrowser) -> Reply:
    form, retailer, webhook = await _posted(browser, "change_webhooks")
    asked = await step_up.asked(browser, form)
    if asked is not None:
        return asked

    async def rotate(tx: Tx, actor: Actor) -> NewWebhook:
        roles.require(actor, "change_webhooks", retailer.id, actor.store_number)
        made = await webhooks.rotate_secret(tx, retailer.id, webhook.id)
        await _record(tx, actor, "rotate_webhook_secret", retailer, webhook.id, form, None)
        return made

    return _secret_page(browser, retailer.slug, await browser.write(rotate))


async def _test(browser: PersonBrowser) -> Reply:
    form, retailer, webhook = await _posted(browser, "replay_webhooks")

    async def test(tx: Tx, actor: Actor) -> int | None:
        roles.require(actor, "replay_webhooks", retailer.id, actor.store_number)
        sent = await send_newest(tx, retailer.id, webhook.id)
        if sent is not None:
            await _record(tx, actor, "test_webhook", retailer, webhook.id, form, {"event": str(sent)})
        return sent

    event_id = await browser.write(test)
    path = url(retailer.slug, webhook.id)
    if event_id is None:
        return browser.see_other(f"{path}?notice=not_tested")
    return browser.see_other(f"{path}/events/{event_id}?notice=tested")


async def _replay_one(browser: PersonBrowser) -> Reply:
    form, retailer, webhook = await _posted(browser, "replay_webhooks")
    event_id = event_id_of(browser)

    async def replay(tx: Tx, actor: Actor) -> None:
        roles.require(actor, "replay_webhooks", retailer.id, actor.store_number)
        await send_again(tx, retailer.id, webhook.id, event_id=event_id)
        await _record(tx, actor, "replay_webhook", retailer, webhook.id, form, {"event": str(event_id)})

    try:
        await browser.write(replay)
    except ApiError:
        raise PageRefused(404, "not_found") from None
    return browser.see_other(f"{url(retailer.slug, webhook.id)}/events/{event_id}?notice=replayed")


async def _replay(browser: PersonBrowser) -> Reply:
    """Send the events of a span again: the first post counts them, the second, with that number, sends them."""
    form, retailer, webhook = await _posted(browser, "replay_webhooks")
    since, until = (_moment(form.get(name, ""), browser.settings.time_zone) for name in ("since", "until"))
    if since is None or (until is None and form.get("until")) or (until is not None and until <= since):
        return await page(browser, retailer, webhook, error="span", form=form)
    after = events.id_before(since)
    last = events.id_before(until if until is not None else clock.of_process() + clock.SECOND)
    many = await browser.call.app.database.read(events.count, retailer.id, after, last, MOST_IN_SPAN + 1)
    if not 0 < many <= MOST_IN_SPAN:
        return await page(browser, retailer, webhook, error="empty_span" if not many else "long_span", form=form)
    if form.get("counted") != str(many):
        span = {"since": form.get("since", ""), "until": form.get("until", ""), "count": many}
        return await page(browser, retailer, webhook, to_replay=span)
    await _send_all(browser, retailer, webhook, form, after, last)
    return browser.see_other(f"{url(retailer.slug, webhook.id)}?notice=replayed")


async def _send_all(
    browser: PersonBrowser, retailer: Retailer, webhook: Webhook, form: Mapping[str, str], after: int, last: int
) -> None:
    """Send the events of a span again in small transactions, so that no other writer waits long."""

    async def step(tx: Tx, actor: Actor, after: int, *, is_first: bool) -> int | None:
        roles.require(actor, "replay_webhooks", retailer.id, actor.store_number)
        if is_first:
            detail = {"since": form.get("since", ""), "until": form.get("until", ""), "events": form.get("counted")}
            await _record(tx, actor, "replay_webhook", retailer, webhook.id, form, detail)
        _, there = await send_again(tx, retailer.id, webhook.id, after=after, until=last, limit=MOST_REPLAYED)
        return there

    next_ = await browser.write(step, after, is_first=True)
    while next_ is not None:
        next_ = await browser.write(step, next_, is_first=False)


async def _do(
    browser: PersonBrowser,
    retailer: Retailer,
    webhook: Webhook,
    form: Mapping[str, str],
    notice: str,
    operation: str,
    change: Callable[[Tx, Webhook], Awaitable[Mapping[str, Any] | None]],
) -> Reply:
    """Change a webhook, and lead to its page, which says what was done; a refusal shows what was typed."""

    async def run(tx: Tx, actor: Actor) -> None:
        roles.require(actor, "change_webhooks", retailer.id, actor.store_number)
        detail = await change(tx, await webhooks.lock(tx, retailer.id, webhook.id))
        await _record(tx, actor, operation, retailer, webhook.id, form, detail)

    try:
        await browser.write(run)
    except InvalidWebhook as refused:
        return await page(browser, retailer, webhook, refused=str(refused), form=form)
    except Changed:
        return await page(browser, retailer, webhook, error="stale", form=form)
    return browser.see_other(f"{url(retailer.slug, webhook.id)}?notice={notice}")


async def _posted(browser: PersonBrowser, operation: str) -> tuple[dict[str, str], Retailer, Webhook]:
    form = await browser.posted("webhook", browser.call.path["slug"], browser.call.path["webhook_id"])
    return (form, *await webhook_of(browser, operation))


async def _record(
    tx: Tx,
    actor: Actor,
    operation: str,
    retailer: Retailer,
    webhook_id: int,
    form: Mapping[str, str],
    detail: Mapping[str, Any] | None,
) -> None:
    subject, reason = f"webhook/{webhook_id}", form.get("reason", "").strip()[:_MOST_REASON] or None
    await audit.record(tx, actor, operation, subject, retailer_id=retailer.id, reason=reason, detail=detail)


def _secret_page(browser: PersonBrowser, slug: str, made: NewWebhook) -> Reply:
    return browser.page(
        "console/webhook_secret.html",
        webhook=made.webhook,
        secret=made.signing_secret,
        to_webhook=url(slug, made.webhook.id),
    )


def _targets(webhook: Webhook) -> Mapping[str, str]:
    """The addresses that a webhook calls."""
    return {"callback_url": webhook.callback_url, "auth_uri": webhook.auth_uri}


def _names(text: str) -> list[str]:
    """The names of events in a field, separated by commas or spaces."""
    return text.replace(",", " ").split()


def _moment(text: str, zone: str) -> int | None:
    """A time as `datetime-local` fields have it, on the clock of a time zone, in microseconds; None for other texts."""
    try:
        at = datetime.fromisoformat(text)
        return int(at.replace(tzinfo=ZoneInfo(zone)).timestamp()) * clock.SECOND
    except (ValueError, OverflowError):
        return None


ROUTES: Sequence[Route] = (
    Route(method="GET", path=f"{PATH}/add", handler=signed_in(_show_add)),
    Route(method="POST", path=f"{PATH}/add", handler=signed_in(_add)),
    Route(method="POST", path=f"{ONE}/change", handler=signed_in(_change)),
    Route(method="POST", path=f"{ONE}/pause", handler=signed_in(_pause)),
    Route(method="POST", path=f"{ONE}/resume", handler=signed_in(_resume)),
    Route(method="POST", path=f"{ONE}/delete", handler=signed_in(_delete)),
    Route(method="POST", path=f"{ONE}/rotate", handler=signed_in(_rotate)),
    Route(method="POST", path=f"{ONE}/test", handler=signed_in(_test)),
    Route(method="POST", path=f"{ONE}/replay", handler=signed_in(_replay)),
    Route(method="POST", path=ONE + "/events/{event_id}/replay", handler=signed_in(_replay_one)),
)
