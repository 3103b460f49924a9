"""The texts of messages: own ones in place of the standard ones, with a preview."""

from typing import Any

from handcart.console.browser import PersonBrowser, signed_in
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.messages import texts
from handcart.messages.models import CHANNELS, SMS
from handcart.staff import audit, roles
from handcart.staff.models import Actor

PATH = "/console/texts"
_NOTICES = ("saved", "reset")


async def _list(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "change_texts", browser.actor.retailer_id, browser.actor.store_number)
    changed: dict[str, int] = {}
    for one in await browser.call.app.database.read(texts.own, _owner(browser.actor)):
        changed[one.template] = changed.get(one.template, 0) + 1
    language = browser.locale.partition("-")[0]
    found = [(name, text.title, changed.get(name, 0)) for name, text in sorted(texts.standard(language).items())]
    return browser.page("console/texts.html", path=PATH, texts=found)


async def _show(browser: PersonBrowser) -> Reply:
    return await _page(browser, dict(browser.query))


async def _post(browser: PersonBrowser) -> Reply:
    """Preview, save or reset the text of a form."""
    template = browser.call.path["template"]
    form = await browser.posted("text", template)
    locale, channel, text = _choice(form, "locale"), _choice(form, "channel"), form.get("text", "")
    action = form.get("do", "")
    if action not in ("save", "reset"):
        return await _page(browser, form, text)
    try:
        await browser.write(_change, template, locale, channel, text if action == "save" else None)
    except Refused as refused:
        return await _page(browser, form, text, str(refused))
    notice = "saved" if action == "save" else "reset"
    return browser.see_other(f"{PATH}/{template}?locale_of={locale}&channel={channel}&notice={notice}")


async def _change(tx: Tx, actor: Actor, template: str, locale: str, channel: str, text: str | None) -> None:
    roles.require(actor, "change_texts", actor.retailer_id, actor.store_number)
    texts.require(template)
    if text is None:
        await texts.reset(tx, _owner(actor), template, locale, channel)
    else:
        await texts.change(tx, _owner(actor), template, locale, channel, text)
    await audit.record(
        tx,
        actor,
        "change_texts",
        f"text/{template}",
        retailer_id=actor.retailer_id,
        detail={"locale": locale, "channel": channel, "is_own": text is not None},
    )


async def _page(
    browser: PersonBrowser, fields: dict[str, str], text: str | None = None, error: str | None = None
) -> Reply:
    roles.require(browser.actor, "change_texts", browser.actor.retailer_id, browser.actor.store_number)
    template, locale, channel = browser.call.path["template"], _choice(fields, "locale"), _choice(fields, "channel")
    if template not in texts.standard("en"):
        raise PageRefused(404, "not_found")
    own = {
        (one.template, one.locale, one.channel): one.text
        for one in await browser.call.app.database.read(texts.own, _owner(browser.actor))
    }
    stored = own.get((template, locale, channel))
    shown = text if text is not None else stored or texts.written(template, locale, channel)
    preview = None
    try:
        preview = texts.preview(template, locale, channel, shown.replace("\r\n", "\n").strip())
    except Refused as refused:
        error = error or str(refused)
    return browser.page(
        "console/text.html",
        400 if error else 200,
        path=f"{PATH}/{template}",
        back=PATH,
        name=template,
        locales=texts.LOCALES,
        channels=CHANNELS,
        chosen=(locale, channel),
        text=shown,
        most=texts.MOST_CHARACTERS,
        is_own=stored is not None,
        placeholders=sorted(texts.placeholders(template)),
        preview=preview,
        error=error,
        notice=browser.notice(_NOTICES) if error is None else None,
        form_token=browser.form_token("text", template),
    )


def _owner(actor: Actor) -> int:
    """Whose texts a person changes: those of the retailer, or those for all retailers."""
    return texts.OPERATOR if actor.retailer_id is None else actor.retailer_id


def _choice(fields: dict[str, Any], what: str) -> str:
    """The locale or the channel that a form or an address names; the first one for anything else."""
    if what == "locale":  # not `locale`, which is the language of the page
        return fields["locale_of"] if fields.get("locale_of") in texts.LOCALES else texts.LOCALES[0]
    return fields["channel"] if fields.get("channel") in CHANNELS else SMS


ROUTES = (
    Route(method="GET", path=PATH, handler=signed_in(_list)),
    Route(method="GET", path=PATH + "/{template}", handler=signed_in(_show)),
    Route(method="POST", path=PATH + "/{template}", handler=signed_in(_post)),
)
