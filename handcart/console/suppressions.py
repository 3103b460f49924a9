"""Suppressions: the addresses that get no messages, known by their hashes; searched by an address, and ended."""

from handcart.console import files, scope
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.messages import ops, queries
from handcart.messages.models import CHANNELS, MAIL, SMS, Suppression
from handcart.staff import audit, roles
from handcart.staff.models import Actor

PATH = "/console/suppressions"
_PAGE = 100
_MOST_IN_FILE = 10_000
_MOST_REASON = 200
_COLUMNS = ("channel", "address_hash", "source", "said", "at")


async def _list(browser: PersonBrowser) -> Reply:
    return await _page(browser)


async def _file(browser: PersonBrowser) -> Reply:
    """The suppressions of the filters as CSV, at most 10,000."""
    found = await _found(browser, _MOST_IN_FILE)
    rows = [(one.channel, one.address_hash.hex(), one.source, one.said or "", clock.to_wire(one.at)) for one in found]
    return files.csv("suppressions.csv", _COLUMNS, rows)


async def _end(browser: PersonBrowser) -> Reply:
    form = await browser.posted("suppression")
    roles.require(browser.actor, "end_suppressions", None, None)
    reason = " ".join(form.get("reason", "").split())[:_MOST_REASON]
    if not reason:
        return await _page(browser, error="reason")
    channel, address_hash = form.get("channel", ""), _hash(form.get("address_hash", ""))
    if not await browser.write(_end_posted, channel, address_hash, reason):
        return await _page(browser, error="gone")
    return browser.see_other(f"{PATH}?notice=suppression_ended")


async def _end_posted(tx: Tx, actor: Actor, channel: str, address_hash: bytes, reason: str) -> bool:
    """End a suppression, as the audit log says; False if there is none."""
    roles.require(actor, "end_suppressions", None, None)
    if not await ops.unsuppress_hash(tx, channel, address_hash):
        return False
    subject = f"suppression/{channel}/{address_hash.hex()}"
    await audit.record(tx, actor, "end_suppressions", subject, reason=reason)
    return True


async def _page(browser: PersonBrowser, *, error: str | None = None) -> Reply:
    found = await _found(browser, _PAGE)
    fields = _fields(browser)
    last = found[-1] if len(found) == _PAGE else None
    after = {} if last is None else {"after": f"{last.channel}/{last.address_hash.hex()}"}
    return browser.page(
        "console/suppressions.html",
        200 if error is None else 409,
        path=PATH,
        rows=[{"one": one, "at": pages.moment(browser.locale, one.at, browser.settings.time_zone)} for one in found],
        fields=fields,
        channels=CHANNELS,
        more=None if last is None else scope.address(PATH, {**fields, **after}),
        file=scope.address(f"{PATH}.csv", fields),
        error=error,
        notice=browser.notice(("suppression_ended",)),
        may_end=roles.includes(browser.actor, "end_suppressions"),
        form_token=browser.form_token("suppression"),
    )


async def _found(browser: PersonBrowser, limit: int) -> list[Suppression]:
    roles.require(browser.actor, "see_suppressions", None, None)
    fields = _fields(browser)
    channel, _, text = dict(browser.query).get("after", "").partition("/")
    return await browser.call.app.database.read(
        _find, fields["channel"], fields["address"], (channel[:10], _hash(text)), limit
    )


async def _find(tx: Tx, channel: str, address: str, after: tuple[str, bytes], limit: int) -> list[Suppression]:
    if not address:
        return list(await queries.suppressions(tx, channel or None, after=after, limit=limit))
    found = [await queries.suppression(tx, one, address) for one in (MAIL, SMS) if channel in ("", one)]
    return [one for one in found if one is not None]


def _fields(browser: PersonBrowser) -> dict[str, str]:
    query = dict(browser.query)
    channel = query.get("channel", "")
    return {"channel": channel if channel in CHANNELS else "", "address": query.get("address", "").strip()[:300]}


def _hash(text: str) -> bytes:
    """A hash of an address; raises 400 for any other text."""
    try:
        return bytes.fromhex(text[:128])
    except ValueError:
        raise PageRefused(400, "invalid_request") from None


ROUTES = (
    Route(method="GET", path=PATH, handler=signed_in(_list)),
    Route(method="GET", path=f"{PATH}.csv", handler=signed_in(_file)),
    Route(method="POST", path=f"{PATH}/end", handler=signed_in(_end)),
)
