"""Dispatch: the work that shoppers have, a proposed plan for the work that waits, and what the plan saves."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from msgspec import structs

from handcart.assignment import areas, cycle
from handcart.assignment.cycle import Area
from handcart.assignment.errors import WorkRefused
from handcart.assignment.planning import Planned, Proposal
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.orders import order_url
from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.browser import PageRefused
from handcart.core.web.call import Reply, Route
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.shoppers import queries as shoppers
from handcart.staff import audit, roles
from handcart.staff.models import Actor

PATH = "/console/dispatch"
_DONE = ("plan", "give", "busy")


async def _show(browser: PersonBrowser) -> Reply:
    roles.require(browser.actor, "assign_orders")
    return await _page(browser, await _retailer(browser, dict(browser.query).get("retailer", "")))


async def _retailer(browser: PersonBrowser, slug: str) -> Retailer | None:
    """The named retailer, or the first one; its clock is used from now on. None: there is no retailer."""
    found = await browser.call.app.database.read(retailers.retailers)
    chosen = next((one for one in found if one.slug == slug), None)
    if slug and chosen is None:
        raise PageRefused(404, "not_found")
    chosen = chosen or (found[0] if found else None)
    if chosen is not None:
        await browser.call.app.database.read(browser.call.use_clock_of, chosen.id)
        browser.call.hook_data = None  # not a call of the retailer's client
    return chosen


async def _page(browser: PersonBrowser, chosen: Retailer | None, rule: str | None = None) -> Reply:
    read = browser.call.app.database.read
    planned = None if chosen is None else await read(areas.newest, _name(chosen))
    names = {} if planned is None else await read(_names, planned)
    done = dict(browser.query).get("done")
    return browser.page(
        "console/dispatch.html",
        409 if rule else 200,
        path=PATH,
        retailers=await read(retailers.retailers),
        chosen=chosen,
        rule=rule,
        done=done if done in _DONE and rule is None else None,
        form_token="" if chosen is None else browser.form_token("dispatch", chosen.slug),
        **({"planned": None} if planned is None or chosen is None else _described(browser, chosen, planned, names)),
    )


def _described(browser: PersonBrowser, chosen: Retailer, planned: Planned, names: Mapping[int, str]) -> dict[str, Any]:
    zone = browser.settings.time_zone

    def moment(at: int) -> str:
        return str(pages.moment(browser.locale, at, zone))

    return {
        "planned": planned,
        "made": moment(planned.at),
        "zone": zone,
        "minutes": round((planned.alone_seconds - planned.seconds) / 60),
        "kilometres": round((planned.alone_metres - planned.metres) / 1000),
        "moved_minutes": round((planned.kept_seconds - planned.seconds) / 60),
        "routes": [
            {
                "name": names.get(route.person_id, "?"),
                "minutes": round(route.seconds / 60),
                "kilometres": round(route.metres / 1000),
                "stops": [(kind, order_id, moment(at)) for kind, _, order_id, at in route.stops],
            }
            for route in planned.routes
        ],
        "proposals": [
            {
                "key": _key(one),
                "name": names.get(one.person_id, "?"),
                "orders": [(order_id, order_url(chosen.slug, order_id)) for order_id in one.order_ids],
                "starts_by": moment(one.starts_by),
                "moves": one.taken_from is not None,
            }
            for one in planned.proposals
            if one.retailer_id == chosen.id
        ],
        "unassigned": [
            (order_id, order_url(chosen.slug, order_id)) for at, order_id in planned.unassigned if at == chosen.id
        ],
    }


async def _names(tx: Tx, planned: Planned) -> Mapping[int, str]:
    ids = {one.person_id for one in planned.routes} | {one.person_id for one in planned.proposals}
    found = [await shoppers.person(tx, one) for one in sorted(ids)]
    return {one.id: one.name for one in found if one is not None}


def _name(chosen: Retailer) -> str:
    """The area of a dispatcher's plan; the engine's plans have others."""
    return f"proposed/{chosen.slug}"


def _key(one: Proposal) -> str:
    return f"{one.person_id} {one.order_ids[0]}"


async def _posted(browser: PersonBrowser) -> tuple[Mapping[str, str], Retailer]:
    slug = browser.call.path["slug"]
    form = await browser.posted("dispatch", slug)
    roles.require(browser.actor, "assign_orders")
    chosen = await _retailer(browser, slug)
    assert chosen is not None
    return form, chosen


async def _plan(browser: PersonBrowser) -> Reply:
    _, chosen = await _posted(browser)
    await browser.write(_record_plan, chosen)
    area = Area(_name(chosen), [chosen.id], VirtualClock(frozen_at=clock.now()))
    try:
        made = await cycle.run(browser.call.app.database, area, browser.settings.travel_kmh, gives=False, at_once=True)
    except areas.LeaseEnded:
        made = None
    return _lead(browser, chosen, "busy" if made is None else "plan")


async def _record_plan(tx: Tx, actor: Actor, chosen: Retailer) -> None:
    await audit.record(tx, actor, "make_plan", f"dispatch/{chosen.slug}", retailer_id=chosen.id)


async def _give(browser: PersonBrowser) -> Reply:
    """Give one proposal, or all; the first that is refused ends it, and those before it stay."""
    form, chosen = await _posted(browser)
    planned = await browser.call.app.database.read(areas.newest, _name(chosen))
    wanted = form.get("proposal", "")
    some = [] if planned is None else [one for one in planned.proposals if wanted in ("all", _key(one))]
    try:
        if planned is None or not some:
            raise WorkRefused("changed")
        for one in some:
            await browser.write(cycle.give, one)
            rest = [left for left in planned.proposals if _key(left) != _key(one)]
            planned = _without(planned, rest)
            await browser.call.app.database.write(areas.keep, _name(chosen), planned)
    except WorkRefused as refused:
        return await _page(browser, chosen, refused.rule)
    return _lead(browser, chosen, "give")


def _without(planned: Planned, rest: Sequence[Proposal]) -> Planned:
    return structs.replace(planned, proposals=rest)


def _lead(browser: PersonBrowser, chosen: Retailer, done: str) -> Reply:
    return browser.see_other(f"{PATH}?{urlencode({'retailer': chosen.slug, 'done': done})}")


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_show)),
    Route(method="POST", path=f"{PATH}/{{slug}}/plan", handler=signed_in(_plan)),
    Route(method="POST", path=f"{PATH}/{{slug}}/give", handler=signed_in(_give)),
)
