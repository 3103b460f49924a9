"""Search the catalog of a retailer whose orders a shopper picks: for replacements, and for items to add."""

from collections.abc import Sequence

from handcart.batches import queries as batches
from handcart.core import errors
from handcart.core.db import Tx
from handcart.core.web.browser import Browser
from handcart.core.web.call import Call, Route
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from handcart.shopper_app import wire
from handcart.shopper_app.browser import device_of
from handcart.shopper_app.lines import product
from handcart.stores import search
from handcart.stores.search import Found

MOST_FOUND = 20
MOST_CHARACTERS = 100


async def _answer(call: Call) -> wire.Catalog:
    device = await device_of(call)
    query = dict(Browser(call).query)
    for name in ("retailer", "q", "code"):
        if len(query.get(name, "")) > MOST_CHARACTERS:
            raise errors.invalid(name)
    if not (query.get("q", "").strip() or query.get("code", "").strip()):
        raise errors.blank("q")
    found = await call.app.database.read(_find, device.person.id, query)
    return wire.Catalog([product(item, item.upc, item.rrc) for item in found.items], found.weight)


async def _find(tx: Tx, person_id: int, query: dict[str, str]) -> Found:
    retailer = await _retailer(tx, person_id, query.get("retailer", ""))
    if code := query.get("code", "").strip():
        return await search.by_code(tx, retailer, code, MOST_FOUND)
    return await search.by_name(tx, retailer.id, query["q"], MOST_FOUND)


async def _retailer(tx: Tx, person_id: int, slug: str) -> Retailer:
    """A retailer of the shopper's live batches; raises 404 for any other."""
    for retailer_id in await batches.retailer_ids(tx, person_id):
        retailer = await retailers.retailer(tx, retailer_id)
        if retailer.slug == slug:
            return retailer
    raise errors.not_found()


ROUTES: Sequence[Route] = (Route(method="GET", path="/shopper/api/catalog", handler=_answer),)
