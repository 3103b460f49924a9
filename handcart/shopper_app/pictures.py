"""Take the pictures of a shopper's phone, such as proofs of delivery: each belongs to the act whose id it comes with.

A picture may come before its act or after it, and more than once.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from handcart.acts import queries as acts
from handcart.core import errors, ratelimit
from handcart.core.db import Tx
from handcart.core.ratelimit import Limit
from handcart.core.web.body import json_reply, read_body
from handcart.core.web.call import Call, Reply, Route
from handcart.pictures import encoding, ops, queries
from handcart.pictures.errors import PictureRefused, has_other
from handcart.pictures.models import Encoded, subject_of_act
from handcart.shopper_app.browser import Device, device_in, device_of
from handcart.shopper_app.errors import AppError

MOST_BYTES = 4 << 20
# Longer than for other bodies: phones often have a slow network.
_BODY_SECONDS = 60
MOST_A_DAY = Limit(300, 86_400)
_ACT_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
_STATUS = {"has_picture": 409}


class PictureAnswer(Struct):
    """The act whose picture is stored now."""

    act_id: str


async def _put(call: Call) -> Reply:
    device = await device_of(call)
    act_id = call.path["act_id"]
    if not _ACT_ID.fullmatch(act_id):
        raise errors.not_found()
    sent = await read_body(call, MOST_BYTES, _BODY_SECONDS)
    try:
        is_new = await _take(call, device, act_id, sent)
    except PictureRefused as refused:
        raise AppError(_STATUS.get(refused.reason, 422), refused.reason, str(refused)) from None
    return json_reply(PictureAnswer(act_id), 201 if is_new else 200)


async def _take(call: Call, device: Device, act_id: str, sent: bytes) -> bool:
    """Store a picture; False if it is stored already."""
    database, content_hash = call.app.database, ops.hash_of(sent)
    there = await database.read(queries.of_subject, subject_of_act(device.person.id, act_id))
    if there is not None:
        if there.content_hash != content_hash:
            raise has_other()
        return False
    await database.write(_count, device)
    encoded = await encoding.encode(sent, device.person.id)
    return await database.write(_store, call, act_id, content_hash, encoded)


async def _count(tx: Tx, device: Device) -> None:
    wait = await ratelimit.count(tx, f"pictures:{device.session_id}", MOST_A_DAY)
    if wait:
        raise errors.too_many_requests(wait)


async def _store(tx: Tx, call: Call, act_id: str, content_hash: bytes, encoded: Encoded) -> bool:
    device = await device_in(tx, call)  # it may have been signed out meanwhile
    if await acts.is_forgotten(tx, device.person.id, act_id):
        raise AppError(410, "forgotten", "The customer's data was deleted. No picture is kept.")
    subject = subject_of_act(device.person.id, act_id)
    _, is_new = await ops.store(tx, subject, content_hash, encoded, days=call.app.settings.picture_days)
    return is_new


ROUTES: Sequence[Route] = (Route(method="PUT", path="/shopper/api/pictures/{act_id}", handler=_put),)
