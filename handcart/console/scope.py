"""Which retailer and store a page is about: of its address or of its filters, within what the person may see."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import Struct

from handcart.console.browser import PersonBrowser
from handcart.core.web.browser import PageRefused
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.staff import roles
from handcart.stores import queries as stores
from handcart.stores.models import Store


class Place(Struct, frozen=True):
    """A store and its retailer."""

    retailer: Retailer
    store: Store

    @property
    def path(self) -> str:
        """The address of the store's page."""
        return store_path(self.retailer.slug, self.store.location_code)


def store_path(slug: str, location_code: str) -> str:
    """The address of a store's page."""
    return f"/console/stores/{slug}/{quote(location_code, '')}"


async def known_retailers(browser: PersonBrowser) -> Sequence[Retailer]:
    """The retailers of which the person sees something."""
    found = await browser.call.app.database.read(retailers.retailers)
    return [one for one in found if browser.actor.retailer_id in (None, one.id)]


async def retailer_of(browser: PersonBrowser, operation: str, slug: str | None = None) -> Retailer:
    """The retailer of the address (`slug`), or of this slug; its clock is used from now on.

    404 if there is none, 403 if the person may not do the operation there.
    """
    wanted = browser.call.path["slug"] if slug is None else slug
    found = await browser.call.app.database.read(retailers.retailer_by_slug, wanted)
    actor = browser.actor
    roles.require(actor, operation, actor.retailer_id if found is None else found.id, actor.store_number)
    if found is None:
        raise PageRefused(404, "not_found")
    await browser.call.app.database.read(browser.call.use_clock_of, found.id)
    browser.call.hook_data = None  # not a call of the retailer's client
    return found


async def place_of(
    browser: PersonBrowser, operation: str, slug: str | None = None, location_code: str | None = None
) -> Place:
    """The store of the address (`slug`, `location_code`), or of these; as `retailer_of`."""
    retailer = await retailer_of(browser, operation, slug)
    code = browser.call.path["location_code"] if location_code is None else location_code
    store = await browser.call.app.database.read(stores.store, retailer.id, code)
    if store is None:
        raise PageRefused(404, "not_found")
    roles.require(browser.actor, operation, retailer.id, store.number)
    return Place(retailer, store)


def address(path: str, fields: Mapping[str, Any]) -> str:
    """The address of a page with its filters; empty ones are left out."""
    given = {name: value for name, value in fields.items() if value}
    return f"{path}?{urlencode(given)}" if given else path
