"""The log of API calls: filters in the URL, a hundred rows a page, and the same rows as CSV."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from handcart.console import files
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.call import Reply, Route
from handcart.requests import queries
from handcart.requests.models import Entry, Filters
from handcart.retailers import ops as retailers
from handcart.staff import roles
from handcart.staff.models import Actor

PATH = "/console/requests"
MOST_IN_FILE = 10_000
_PAGE = 100
_FIELDS = ("retailer", "client", "route", "status", "rule", "request")
_COLUMNS = (
    *("at", "request_id", "method", "route", "status", "milliseconds"),
    *("retailer", "client_id", "rule", "codes", "shape"),
)


async def _list(browser: PersonBrowser) -> Reply:
    fields = _wanted(browser)
    before = ids.parse(dict(browser.query).get("before", ""))
    found, slugs = await browser.call.app.database.read(_find, browser.actor, fields, before, _PAGE + 1)
    shown = found[:_PAGE]
    given = {name: value for name, value in fields.items() if value}
    return browser.page(
        "console/requests.html",
        path=PATH,
        fields=fields,
        slugs=sorted(slugs.values()),
        rows=[
            {
                "entry": one,
                "at": pages.moment(browser.locale, one.at, browser.settings.time_zone),
                "retailer": slugs.get(one.retailer_id or 0),
                "codes": _codes(one),
            }
            for one in shown
        ],
        more=f"{PATH}?{urlencode({**given, 'before': shown[-1].id})}" if len(found) > _PAGE else None,
        file=f"{PATH}.csv?{urlencode(given)}",
        zone=browser.settings.time_zone,
        is_kept=browser.settings.is_production and browser.settings.request_log_rows > 0,
        percent=browser.settings.request_log_percent,
        days=browser.settings.request_log_days,
        may_see_clients=roles.includes(browser.actor, "see_clients"),
    )


async def _file(browser: PersonBrowser) -> Reply:
    found, slugs = await browser.call.app.database.read(_find, browser.actor, _wanted(browser), None, MOST_IN_FILE)
    return files.csv("requests.csv", _COLUMNS, (_cells(one, slugs) for one in found))


def _cells(one: Entry, slugs: Mapping[int, str]) -> Sequence[Any]:
    return (
        *(clock.to_wire(one.at), one.request_id, one.method, one.route, one.status, one.milliseconds),
        *(slugs.get(one.retailer_id or 0, ""), one.client_id or "", one.rule or "", _codes(one), one.shape or ""),
    )


def _wanted(browser: PersonBrowser) -> dict[str, str]:
    actor = browser.actor
    roles.require(actor, "see_requests", actor.retailer_id, actor.store_number)
    query = dict(browser.query)
    return {name: query.get(name, "").strip()[:200] for name in _FIELDS}


async def _find(
    tx: Tx, actor: Actor, fields: Mapping[str, str], before: int | None, limit: int
) -> tuple[Sequence[Entry], dict[int, str]]:
    """The calls that a person wants to see and may see, and the slugs of the retailers to choose from."""
    slugs = {one.id: one.slug for one in await retailers.retailers(tx) if actor.retailer_id in (None, one.id)}
    chosen = next((number for number, slug in slugs.items() if slug == fields["retailer"]), None)
    status = fields["status"]
    if (fields["retailer"] and chosen is None) or (status and not (status.isascii() and status.isdecimal())):
        return [], slugs
    filters = Filters(
        retailer_id=actor.retailer_id if chosen is None else chosen,
        client_id=fields["client"] or None,
        route=fields["route"] or None,
        status=int(status[:4]) if status else None,
        rule=fields["rule"] or None,
        request_id=fields["request"] or None,
    )
    return await queries.find(tx, filters, before, limit), slugs


def _codes(one: Entry) -> str:
    """The errors of a refusal in one line: each code with the field at fault."""
    return ", ".join(f"{code.code} {code.key}" if code.key else str(code.code) for code in one.codes)


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_list)),
    Route(method="GET", path=f"{PATH}.csv", handler=signed_in(_file)),
)
