"""The app's operation for positions: taken only from a shopper who has work, and only near its stores."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from handcart.acts.models import Moment
from handcart.batches import queries as batches
from handcart.core import clock, ratelimit
from handcart.core.db import Tx
from handcart.core.ratelimit import Limit
from handcart.core.web.call import Call, Route
from handcart.shopper_app import errors
from handcart.shopper_app.browser import device_in
from handcart.shoppers import positions
from handcart.shoppers.models import Position
from handcart.stores import distance
from handcart.stores import queries as stores
from handcart.stores.models import Point

#: Maximum number of positions in one call.
MOST_POINTS = 100
#: Positions of one shopper, from all devices.
MOST_OF_PERSON = Limit(3_000, 3_600)
#: A position that is farther from each store of the work, as the crow flies, is a mistake of the device.
MOST_KILOMETRES = 200.0
_MOST_BODY = 32 << 10


class ReportedPoint(Struct, frozen=True):
    """Where the device was. `at`: the time on the device; `accuracy`: meters."""

    at: Moment
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    accuracy: Annotated[float, Meta(ge=0)] | None = None


class PositionsRequest(Struct):
    """Positions of a device, the oldest first."""

    points: list[ReportedPoint]


class PositionsResponse(Struct):
    """The number of positions that are kept; those that cannot be true are left out."""

    taken: int


async def _report(tx: Tx, call: Call) -> PositionsResponse:
    body: PositionsRequest = call.body
    person = (await device_in(tx, call)).person
    if len(body.points) > MOST_POINTS:
        raise errors.too_many_positions(MOST_POINTS)
    places = await _places(tx, person.id)
    if not places:
        raise errors.no_work()
    wait = await ratelimit.count(tx, f"positions:{person.id}", MOST_OF_PERSON, max(1, len(body.points)))
    if wait:
        raise errors.many_positions(wait)
    near = [one for one in body.points if _is_near(one, places)]
    return PositionsResponse(await positions.report(tx, person.id, [_position(one) for one in near]))


async def _places(tx: Tx, person_id: int) -> Sequence[Point]:
    """The stores of a shopper's live work."""
    live = await batches.live(tx, person_id)
    numbers = {(one.retailer_id, order.store_number) for one in live if one.order_ids for order in one.orders}
    found = [await stores.store_by_number(tx, *number) for number in sorted(numbers)]
    return [store.point for store in found if store is not None]


def _is_near(one: ReportedPoint, places: Sequence[Point]) -> bool:
    there = Point(one.latitude, one.longitude)
    return any(distance.kilometres(there, place) <= MOST_KILOMETRES for place in places)


def _position(one: ReportedPoint) -> Position:
    return Position(int(one.at.timestamp() * clock.SECOND), one.latitude, one.longitude, one.accuracy)


ROUTES: Sequence[Route] = (
    Route(
        method="POST",
        path="/shopper/api/positions",
        handler=_report,
        tx="write",
        body=PositionsRequest,
        most_body=_MOST_BODY,
    ),
)
