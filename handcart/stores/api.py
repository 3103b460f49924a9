"""The four ways to find stores, and the check of a list of items."""

from collections.abc import Sequence
from functools import partial

from handcart.core import errors
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.core.web.call import Call, Handler, Route, route
from handcart.oauth.scopes import FULFILLMENT
from handcart.retailers.models import RetailerId
from handcart.stores import distance, items, postal, queries
from handcart.stores.carts import INVALID_ITEMS
from handcart.stores.items import Problem, Wanted
from handcart.stores.models import DELIVERY, LAST_MILE, PICKUP, ItemCode, ItemName, Point, Store
from handcart.stores.wire import (
    FindBy,
    FindStoresRequest,
    ItemFailure,
    ItemProblem,
    PartialStoresResponse,
    StoreAnswer,
    StoreFlags,
    StoresResponse,
    ValidateItemsRequest,
    ValidateItemsResponse,
)


def _finder(kind: str, *, with_partial: bool) -> Handler:
    async def find(tx: Tx, call: Call) -> StoresResponse:
        found = await queries.find(tx, call.caller.retailer_id, kind, await _places(tx, call.body.find_by))
        stores = [_answer(store, kind) for store in found.stores]
        return PartialStoresResponse(stores, found.is_partial) if with_partial else StoresResponse(stores)

    return find


async def _places(tx: Tx, find_by: FindBy) -> Sequence[Point]:
    """The requested place; for only a postal code, several points in its area."""
    if find_by.latitude is not None and find_by.longitude is not None:
        return [Point(find_by.latitude, find_by.longitude)]
    if find_by.postal_code is None:
        raise _missing(find_by)
    place = await postal.locate(tx, find_by.postal_code)
    if place is None:
        raise errors.invalid("find_by.postal_code")
    return [place.point] if find_by.address_line_1 is not None else distance.around(place.point)


def _missing(find_by: FindBy) -> ApiError:
    """The error for an incomplete place; names the missing field, or `find_by` if no field is given."""
    if find_by.address_line_1 is not None:
        return errors.blank("find_by.postal_code")
    if find_by.latitude is not None:
        return errors.blank("find_by.longitude")
    return errors.invalid("find_by") if find_by.longitude is None else errors.blank("find_by.latitude")


def _answer(store: Store, kind: str) -> StoreAnswer:
    delivers = store.takes_last_mile if kind == LAST_MILE else store.takes_delivery
    flags = StoreFlags(store.sells_alcohol, store.takes_pickup, not delivers, store.delivers_long_distance)
    return StoreAnswer(store.name, store.location_code, flags)


async def _validate_items(tx: Tx, call: Call) -> ValidateItemsResponse:
    body: ValidateItemsRequest = call.body
    await _require_store(tx, call.caller.retailer_id, body)
    wanted = [Wanted(ItemCode(one.item.upc, one.item.rrc), one.count, one.weight, one.line_num) for one in body.items]
    nameless = [place for place, one in enumerate(wanted) if one.code == ItemCode(None, None)]
    if nameless:
        raise errors.combine([errors.blank(f"items[{place}].item") for place in nameless])
    found = await items.problems(tx, call.caller.retailer_id, wanted)
    return ValidateItemsResponse(
        [_failure(problem) for problem in found if not problem.is_warning],
        [_failure(problem) for problem in found if problem.is_warning],
    )


async def _require_store(tx: Tx, retailer_id: int, body: ValidateItemsRequest) -> None:
    """All stores share one catalog, so that what names the store only has to exist; a location code wins."""
    if body.location_code is not None:
        if await queries.store(tx, retailer_id, body.location_code) is None:
            raise errors.invalid("location_code")
    elif body.address is not None and await postal.locate(tx, body.address.postal_code) is None:
        raise errors.invalid("address.postal_code")


def _failure(problem: Problem) -> ItemFailure:
    wanted = problem.wanted
    name = ItemName(wanted.code.upc, wanted.code.rrc)
    return ItemFailure(name, ItemProblem(problem.message, INVALID_ITEMS), wanted.line_num)


_route = partial(
    route,
    docs="https://docs.instacart.com/connect/api/fulfillment",
    types={"X-Retailer-Id": RetailerId},
    tx="read",
    scope=FULFILLMENT,
    tag="Stores",
)


def _find_route(operation_id: str, path: str, kind: str, summary: str, source: str, *, with_partial: bool) -> Route:
    return _route(
        operation_id,
        path,
        _finder(kind, with_partial=with_partial),
        summary,
        source,
        body=FindStoresRequest,
        response=PartialStoresResponse if with_partial else StoresResponse,
        refusals=(
            errors.invalid("find_by.postal_code"),
            errors.blank("find_by.postal_code"),
            errors.blank("find_by.latitude"),
            errors.blank("find_by.longitude"),
            errors.invalid("find_by.address_line_1"),
            errors.combine([errors.invalid("find_by.latitude"), errors.invalid("find_by.longitude")]),
        ),
        description="The nearest first. An address counts as the center of its postal code; coordinates are exact.",
    )


ROUTES: Sequence[Route] = (
    _find_route(
        "find_stores_delivery",
        "/v2/fulfillment/stores/delivery",
        DELIVERY,
        "Find stores offering delivery",
        "delivery/find_stores",
        with_partial=True,
    ),
    _find_route(
        "find_stores_pickup",
        "/v2/fulfillment/stores/pickup",
        PICKUP,
        "Find stores offering pickup",
        "pickup/find_stores",
        with_partial=False,
    ),
    _find_route(
        "find_stores_last_mile",
        "/v2/fulfillment/stores/last_mile",
        LAST_MILE,
        "Find stores offering last mile delivery",
        "last_mile/find_stores",
        with_partial=False,
    ),
    _find_route(
        "find_stores_dispatch",
        "/v2/fulfillment/lastmile/stores",
        LAST_MILE,
        "Find stores offering dispatch last mile delivery",
        "lastmile/find_stores_dispatch",
        with_partial=True,
    ),
    _route(
        "validate_items",
        "/v2/fulfillment/validate_items",
        _validate_items,
        "Validate items",
        "delivery/validate_items",
        body=ValidateItemsRequest,
        response=ValidateItemsResponse,
        refusals=(
            errors.invalid("location_code"),
            errors.invalid("address.postal_code"),
            errors.blank("items[0].item"),
        ),
        description="Checks that items are in the catalog and have a quantity in the unit that they are sold by.",
    ),
)
