"""Alerts: what in the network needs the operator's attention now, and what did lately."""

from collections.abc import Sequence
from typing import Any

from handcart.console import files
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import clock
from handcart.core.web import pages
from handcart.core.web.call import Reply, Route
from handcart.staff import roles
from handcart.upkeep import alerts
from handcart.upkeep.alerts import Alert

PATH = "/console/alerts"
_MOST_IN_FILE = 10_000
_COLUMNS = ("kind", "subject", "detail", "began_at", "mailed_at", "ended_at")


async def _show(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "see_alerts")
    database = browser.call.app.database
    before = dict(browser.query).get("before", "")
    since = int(before) if before.isdecimal() and len(before) < 19 else None
    ended = await database.read(alerts.ended, since, alerts.MOST_LISTED)
    return browser.page(
        "console/alerts.html",
        live=[_described(browser, one) for one in await database.read(alerts.live)],
        ended=[_described(browser, one) for one in ended],
        next_url=f"{PATH}?before={ended[-1].ended_at}" if len(ended) == alerts.MOST_LISTED else None,
        zone=browser.settings.time_zone,
        mailed_to=browser.settings.alerts_to,
    )


async def _file(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "see_alerts")
    database = browser.call.app.database
    found = [*await database.read(alerts.live), *await database.read(alerts.ended, None, _MOST_IN_FILE)]
    return files.csv("alerts.csv", _COLUMNS, [_cells(one) for one in found])


def _described(browser: PersonBrowser, one: Alert) -> dict[str, Any]:
    zone = browser.settings.time_zone
    return {
        "alert": one,
        "began": pages.moment(browser.locale, one.began_at, zone),
        "ended": None if one.ended_at is None else pages.moment(browser.locale, one.ended_at, zone),
    }


def _cells(one: Alert) -> Sequence[str]:
    times = ("" if at is None else clock.to_wire(at) for at in (one.began_at, one.mailed_at, one.ended_at))
    return [one.kind, one.subject, one.detail, *times]


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_show)),
    Route(method="GET", path=f"{PATH}.csv", handler=signed_in(_file)),
)
