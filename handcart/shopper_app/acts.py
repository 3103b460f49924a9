"""The app's operation for acts: each is applied in a transaction of its own, by the clock of its retailer."""

from collections.abc import Sequence

from msgspec import Struct

from handcart.acts import ops
from handcart.acts.models import REFUSED, Act, Result
from handcart.core import clock, ids, ratelimit
from handcart.core.db import Tx
from handcart.core.ratelimit import Limit
from handcart.core.web.call import Call, Route
from handcart.shopper_app import errors, run, wire
from handcart.shopper_app.browser import Device, device_in, device_of

#: Maximum number of acts in one call.
MOST_ACTS = 200
#: Acts of one shopper, also those that come again. The acts of some days without a network may come at once.
MOST_OF_PERSON = Limit(3_000, 600)
#: Bytes of such calls. A usual act has 300 bytes.
MOST_BYTES_OF_PERSON = Limit(4 << 20, 600)


class ActsRequest(Struct):
    """Acts of a device, the oldest first."""

    acts: list[Act]


class ShownResult(Struct):
    """A result of `acts.ops.apply`; a refused act also shows its batch as it is `now`, if it is the shopper's."""

    id: str
    outcome: str
    rule: str | None = None
    message: str | None = None
    goods: str | None = None
    now: wire.Batch | None = None


class ActsResponse(Struct):
    """The results of the acts, in the same sequence."""

    results: Sequence[ShownResult]


async def _send(call: Call) -> ActsResponse:
    body: ActsRequest = call.body
    device = await device_of(call)
    if len(body.acts) > MOST_ACTS:
        raise errors.too_many_acts(MOST_ACTS)
    await call.app.database.write(_count, device, len(body.acts), len(call.raw))
    results = [await _one(call, device, act) for act in body.acts]
    call.hook_data = None  # acts of several retailers may come together, so the call is no retailer's
    return ActsResponse(results)


async def _count(tx: Tx, device: Device, acts: int, size: int) -> None:
    person_id = device.person.id
    wait = await ratelimit.count(tx, f"acts:{person_id}", MOST_OF_PERSON, max(1, acts))
    if wait := wait or await ratelimit.count(tx, f"acts-bytes:{person_id}", MOST_BYTES_OF_PERSON, size):
        raise errors.many_acts(wait)


async def _one(call: Call, device: Device, act: Act) -> ShownResult:
    result = await call.app.database.write(_apply, call, act)
    now = None
    if result.outcome == REFUSED:
        now = await call.app.database.read(_batch, call, device.person.id, act)
    return ShownResult(result.id, result.outcome, result.rule, result.message, result.goods, now)


async def _apply(tx: Tx, call: Call, act: Act) -> Result:
    device = await device_in(tx, call)
    clock.use(None)
    retailer_id = await ops.retailer_of(tx, act)
    if retailer_id is not None:
        await call.use_clock_of(tx, retailer_id)
    return await ops.apply(tx, device.person.id, device.session_id, act)


async def _batch(tx: Tx, call: Call, person_id: int, act: Act) -> wire.Batch | None:
    retailer_id, batch_id = await ops.retailer_of(tx, act), ids.parse(act.subject.partition("/")[2])
    if retailer_id is None or batch_id is None:
        return None
    await call.use_clock_of(tx, retailer_id)
    return await run.batch(tx, person_id, retailer_id, batch_id)


ROUTES: Sequence[Route] = (Route(method="POST", path="/shopper/api/acts", handler=_send, body=ActsRequest),)
