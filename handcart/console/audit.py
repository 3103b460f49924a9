"""The audit log: filters in the URL, a hundred rows a page, and the same rows as CSV."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec

from handcart.console import files, ops
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import clock, ids
from handcart.core.errors import Refused
from handcart.core.web import pages
from handcart.core.web.call import Reply, Route
from handcart.staff import queries
from handcart.staff.queries import Entry

MOST_IN_FILE = 10_000
_FILTERS = ("retailer", "subject", "operation", "who", "from", "to")
_COLUMNS = ("id", "at", "actor_kind", "actor", "operation", "subject", "reason", "detail")


async def _show(browser: PersonBrowser) -> Reply:
    query = _filters(browser)
    error, found = None, list[Entry]()
    try:
        found = list(await _entries(browser, query, queries.MOST_LISTED))
    except Refused:
        error = "retailer"
    more = None
    if len(found) == queries.MOST_LISTED:
        more = f"/console/audit?{urlencode(query | {'before': str(found[-1].id)})}"
    zone = browser.settings.time_zone
    return browser.page(
        "console/audit.html",
        entries=[
            (
                entry,
                ops.meaning(browser.locale, entry.operation),
                pages.moment(browser.locale, entry.at, zone),
                _detail(entry),
            )
            for entry in found
        ],
        filters={name: query.get(name, "") for name in _FILTERS},
        retailers=await browser.call.app.database.read(ops.retailers_of, browser.actor),
        error=error,
        more=more,
        file=f"/console/audit.csv?{urlencode(query)}",
        zone=zone,
    )


async def _file(browser: PersonBrowser) -> Reply:
    try:
        found = await _entries(browser, _filters(browser), MOST_IN_FILE)
    except Refused:
        found = []
    return files.csv("audit.csv", _COLUMNS, map(_cells, found))


async def _entries(browser: PersonBrowser, query: Mapping[str, str], most: int) -> Sequence[Entry]:
    zone = browser.settings.time_zone
    return await browser.call.app.database.read(
        ops.entries,
        browser.actor,
        query.get("retailer") or None,
        subject=query.get("subject"),
        operation=query.get("operation"),
        actor_name=query.get("who"),
        since=_day(query.get("from"), zone, days=0),
        until=_day(query.get("to"), zone, days=1),
        before=ids.parse(dict(browser.query).get("before", "")),
        limit=most,
    )


def _filters(browser: PersonBrowser) -> dict[str, str]:
    query = dict(browser.query)
    return {name: value for name in _FILTERS if (value := query.get(name, "").strip())}


def _day(text: str | None, zone: str, *, days: int) -> int | None:
    """When a day begins in a time zone, `days` later; None if the text is not a day."""
    try:
        begins = datetime.fromisoformat(f"{text}T00:00") + timedelta(days=days)
        return int(begins.replace(tzinfo=ZoneInfo(zone)).timestamp()) * clock.SECOND
    except (ValueError, OverflowError):
        return None


def _detail(entry: Entry) -> str:
    return "" if entry.detail is None else msgspec.json.encode(entry.detail).decode()


def _cells(entry: Entry) -> Sequence[Any]:
    texts = (entry.actor_name, entry.operation, entry.subject, entry.reason or "", _detail(entry))
    return (entry.id, clock.to_wire(entry.at), entry.actor_kind, *texts)


ROUTES: Sequence[Route] = (
    Route(method="GET", path="/console/audit", handler=signed_in(_show)),
    Route(method="GET", path="/console/audit.csv", handler=signed_in(_file)),
)
