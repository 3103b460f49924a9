"""The orders that need a person, by what is wrong with them, each with what one can do about it."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from handcart.assignment import claims, queries
from handcart.assignment.models import (
    ANY,
    BAGS,
    COMING_BACK,
    EXPECTED,
    LATE,
    MISSING,
    NO_PHOTO,
    REFUSED,
    SILENT,
    STUCK,
    UNASSIGNED,
    UNSENT,
    UNTAKEN,
    Claim,
    Row,
)
from handcart.console import news, order, remedies
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.orders import PATH as ORDERS
from handcart.console.orders import described, needs, wish_of
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.call import Reply, Route
from handcart.orders import queries as orders
from handcart.staff import roles

PATH = "/console/exceptions"
# What is wrong with orders, the most urgent first: somebody waits at a door, then promises at risk, then the rest.
URGENCY = (MISSING, COMING_BACK, BAGS, UNTAKEN, LATE, SILENT, REFUSED, STUCK, EXPECTED, UNSENT, NO_PHOTO)


async def _show(browser: PersonBrowser) -> Reply:
    actor, database = browser.actor, browser.call.app.database
    roles.require(actor, "see_exceptions", actor.retailer_id, actor.store_number)
    wish, query = await wish_of(browser), dict(browser.query)
    after = Row.parse_key(query.get("after", ""))
    wanted = wish.filters.warning or ANY
    filters = structs.replace(wish.filters, warning=wanted, status=None, is_unassigned=False, order_id=None)
    rows = await database.read(queries.orders, filters, after, queries.ROWS + 1)
    shown, more = rows[: queries.ROWS], len(rows) > queries.ROWS
    since = await database.read(queries.warned_at, shown)
    counts = await database.read(queries.counts, filters)
    claimed = {(one.retailer_id, one.order_id): one for one in await database.read(claims.live)}
    opened = await _opened(browser, shown, query.get("open", ""))
    done = query.get("done")
    return browser.page(
        "console/exceptions.html",
        news=news.PATH,
        version=await database.read(news.version, actor.retailer_id or 0),
        wish=wish,
        path=PATH,
        needs=sorted(
            (one for one in needs(wish, counts, PATH) if one["name"] != UNASSIGNED),
            key=lambda one: URGENCY.index(one["name"]),
        ),
        groups=_groups(browser, shown, since, claimed),
        to=wish.url(PATH),
        done=done if done in order.DONE else None,
        next_url=wish.url(PATH, after=shown[-1].key_text) if more else None,
        first_url=wish.url(PATH) if after is not None else None,
        file_url=wish.url(f"{ORDERS}.csv", need=wanted),
        refusal=None,
        fields={},
        **opened,
    )


def _groups(
    browser: PersonBrowser,
    rows: Sequence[Row],
    since: Mapping[tuple[int, str], Mapping[str, int]],
    claimed: Mapping[tuple[int, str], Claim],
) -> list[dict[str, Any]]:
    """The orders by the most urgent thing that is wrong with them; those that somebody is on come last."""
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in URGENCY}
    for row in rows:
        key = row.retailer_id, row.order_id
        kind = next(one for one in URGENCY if one in row.warnings)
        at = since[key].get(kind)
        found[kind].append(
            {
                **described(browser, row),
                "name": f"{row.slug}/{row.order_id}",
                "others": [one for one in row.warnings if one != kind],
                "since": None if at is None else pages.moment(browser.locale, at, row.time_zone),
                "claim": remedies.claim_of(browser, row, claimed.get(key)),
                "form_token": browser.form_token("order", row.slug, row.order_id),
            }
        )
    return [
        {"kind": kind, "rows": sorted(some, key=lambda one: one["claim"] is not None)}
        for kind, some in found.items()
        if some
    ]


async def _opened(browser: PersonBrowser, rows: Sequence[Row], name: str) -> dict[str, Any]:
    """The order of the page whose remedies are shown, given as `<retailer's slug>/<order id>`."""
    row = next((one for one in rows if f"{one.slug}/{one.order_id}" == name), None)
    if row is None:
        return {"opened": None}
    await browser.call.app.database.read(browser.call.use_clock_of, row.retailer_id)
    browser.call.hook_data = None  # not a call of the retailer's client
    return await browser.call.app.database.read(_remedies, browser, row)


async def _remedies(tx: Tx, browser: PersonBrowser, row: Row) -> dict[str, Any]:
    found = await orders.find(tx, row.retailer_id, row.order_id)
    assert found is not None
    return {
        **described(browser, row),
        **await remedies.choices(tx, browser, row, found, "", {}),
        "opened": f"{row.slug}/{row.order_id}",
        "together": await order.together(tx, row),
        "customer": await order.customer(tx, found) if roles.includes(browser.actor, "see_customers") else None,
        "form_token": browser.form_token("order", row.slug, row.order_id),
        "find": "",
    }


ROUTES: Sequence[Route] = (Route(method="GET", path=PATH, handler=signed_in(_show)),)
