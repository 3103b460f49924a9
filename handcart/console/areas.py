"""A store's area: a plan drawn by the server, drawing on it, and what a change means for the last orders."""

import asyncio
from collections.abc import Mapping, Sequence
from math import cos, radians
from typing import Any

from msgspec import Struct

from handcart.console import scope
from handcart.console.browser import PersonBrowser, signed_in
from handcart.console.scope import Place
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed
from handcart.orders import queries as orders
from handcart.staff import roles
from handcart.stores import areas, ops
from handcart.stores.areas import AreaRefused
from handcart.stores.distance import FAR_KILOMETRES, KILOMETRES_PER_DEGREE, NEAR_MINUTES
from handcart.stores.errors import StoreRefused
from handcart.stores.models import Point, Store

PATH = "/console/stores/{slug}/{location_code}/area"
DAYS = 30
_MOST_ORDERS = 1000
# The side of the plan, in its own units.
_SIDE = 600
_NEAR_KILOMETRES = FAR_KILOMETRES / 2
_SCALES = (0.5, 1, 2, 5, 10, 20, 50, 100)


class Plan(Struct, frozen=True):
    """A square plan around a store: its middle, and how many units a kilometre has. East is right, north is up."""

    middle: Point
    scale: float

    @property
    def east(self) -> float:
        """Units of a degree of longitude."""
        return KILOMETRES_PER_DEGREE * self.scale * max(0.01, cos(radians(self.middle.latitude)))

    @property
    def north(self) -> float:
        """Units of a degree of latitude."""
        return KILOMETRES_PER_DEGREE * self.scale

    def place(self, point: Point) -> tuple[float, float]:
        """Where a point lies on the plan: right, down."""
        right = _SIDE / 2 + (point.longitude - self.middle.longitude) * self.east
        return round(right, 1), round(_SIDE / 2 - (point.latitude - self.middle.latitude) * self.north, 1)


async def _show(browser: PersonBrowser) -> Reply:
    place = await scope.place_of(browser, "see_stores")
    return await _page(browser, place, areas.to_text(place.store.service_area), place.store.service_area)


async def _post(browser: PersonBrowser) -> Reply:
    slug, code = browser.call.path["slug"], browser.call.path["location_code"]
    form = await browser.posted("store", slug, code, "area")
    place = await scope.place_of(browser, "change_stores")
    text, seen = form.get("area", ""), form.get("version", "")
    try:
        area = areas.of_text(text, place.store)
    except AreaRefused as refused:
        return await _page(browser, place, text, place.store.service_area, error=refused.reason, status=400)
    if form.get("do") != "save":
        return await _page(browser, place, text, area, is_checked=True)
    try:
        await browser.write(areas.change, place.retailer.id, place.store.location_code, area, seen)
    except StoreRefused as refused:
        return await _page(browser, place, text, area, error=refused.reason)
    except Changed:
        return await _page(browser, await scope.place_of(browser, "see_stores"), text, area, error="stale")
    return browser.see_other(f"{place.path}?done=area")


async def _page(
    browser: PersonBrowser,
    place: Place,
    text: str,
    area: Mapping[str, Any] | None,
    *,
    error: str | None = None,
    status: int = 409,
    is_checked: bool = False,
) -> Reply:
    """The page of an area: `text` is in the form, `area` on the plan."""
    store = place.store
    plan = _plan(store, [area, store.service_area])
    points = await browser.call.app.database.read(_points, place)
    lost = await asyncio.to_thread(areas.outside, store, area, points)
    return browser.page(
        "console/area.html",
        200 if error is None else status,
        place=place,
        store=store,
        path=f"{place.path}/area",
        text=text[:40_000],
        is_drawable=not text.lstrip().startswith("{"),
        error=error,
        is_checked=is_checked,
        lost=lost,
        seen=len(points),
        days=DAYS,
        plan=plan,
        side=_SIDE,
        outlines=_outlines(plan, area),
        present=_outlines(plan, store.service_area) if area != store.service_area else [],
        radius=round(_NEAR_KILOMETRES * plan.scale, 1),
        minutes=NEAR_MINUTES,
        bar=_bar(plan),
        has_area=area is not None,
        version=ops.version(store),
        may_change=roles.includes(browser.actor, "change_stores"),
        form_token=browser.form_token("store", place.retailer.slug, store.location_code, "area"),
    )


async def _points(tx: Tx, place: Place) -> Sequence[Point]:
    """Where the last days' orders went."""
    since = clock.now() - DAYS * clock.DAY
    found = await orders.addresses(tx, place.retailer.id, place.store.number, since, _MOST_ORDERS)
    return await areas.points(tx, found)


def _plan(store: Store, shown: Sequence[Mapping[str, Any] | None]) -> Plan:
    """A plan with the store in the middle, on which the areas and the places within 30 minutes have room."""
    east = KILOMETRES_PER_DEGREE * max(0.01, cos(radians(store.point.latitude)))
    reach = _NEAR_KILOMETRES
    for area in shown:
        for ring in [] if area is None else areas.rings(area):
            for position in ring:
                reach = max(
                    reach,
                    abs(position[0] - store.point.longitude) * east,
                    abs(position[1] - store.point.latitude) * KILOMETRES_PER_DEGREE,
                )
    return Plan(store.point, _SIDE / 2 / (1.1 * reach))


def _outlines(plan: Plan, area: Mapping[str, Any] | None) -> list[str]:
    """The borders of an area as `points` of SVG polygons."""
    found = []
    for ring in [] if area is None else areas.rings(area):
        places = (plan.place(Point(position[1], position[0])) for position in ring[:-1])
        found.append(" ".join(f"{right},{down}" for right, down in places))
    return found


def _bar(plan: Plan) -> tuple[float, float]:
    """The length of the scale's bar, in kilometres and in units."""
    kilometres = max((one for one in _SCALES if one * plan.scale <= _SIDE / 3), default=_SCALES[0])
    return kilometres, round(kilometres * plan.scale, 1)


ROUTES: Sequence[Route] = (
    Route(method="GET", path=PATH, handler=signed_in(_show)),
    Route(method="POST", path=PATH, handler=signed_in(_post)),
)
