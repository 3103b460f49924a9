"""How customers pick up at a store: a text and pictures for each category, of one store or of all without their own.

https://docs.instacart.com/connect/api/post_checkout/pickup/get_order_pickup_details
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.retailers import ops as retailers
from handcart.staff import audit, roles
from handcart.staff.models import Actor
from handcart.stores import queries

CATEGORIES = ("curbside", "locker", "in_store")
# The location code of the instructions for every store without its own.
EVERY_STORE = ""
MOST_CHARACTERS = 1000
MOST_IMAGES = 5
_MOST_URL = 2000
_STORED = "SELECT location_code, category, instruction, images FROM pickup_instructions WHERE retailer_id = $1"


class Image(Struct, frozen=True, omit_defaults=True):
    """A picture of the instructions. `url`: https. `value`: what it shows."""

    url: str
    value: str = ""


class Instruction(Struct, frozen=True):
    """How customers pick up. `location_code` is `EVERY_STORE` for stores without their own."""

    location_code: str
    category: str
    instruction: str
    images: Sequence[Image] = ()


async def instructions(tx: Tx, retailer_id: int, location_code: str) -> Sequence[Instruction]:
    """The instructions of a store by category: its own, or those for every store."""
    rows = await tx.all(
        f"{_STORED} AND location_code IN ($2, $3) ORDER BY location_code", retailer_id, EVERY_STORE, location_code
    )
    chosen = {row["category"]: _instruction(row) for row in rows}  # the store's own come last
    return [chosen[category] for category in CATEGORIES if category in chosen]


async def all_instructions(tx: Tx, retailer_id: int) -> Sequence[Instruction]:
    """All instructions of a retailer, first those for every store."""
    rows = await tx.all(f"{_STORED} ORDER BY location_code, category", retailer_id)
    return [_instruction(row) for row in rows]


async def set_instruction(tx: Tx, retailer_id: int, given: Instruction) -> None:
    """Store the instruction of a store and category, in place of an earlier one. Raises `Refused`."""
    if given.category not in CATEGORIES:
        raise Refused(f"there is no category {given.category!r}: write {', '.join(CATEGORIES)}")
    await _check_store(tx, retailer_id, given.location_code)
    text = given.instruction.strip()
    if not text or len(text) > MOST_CHARACTERS or not all(one.isprintable() or one == "\n" for one in text):
        raise Refused(f"an instruction has 1 to {MOST_CHARACTERS} printable characters")
    if len(given.images) > MOST_IMAGES:
        raise Refused(f"an instruction can have at most {MOST_IMAGES} pictures")
    for image in given.images:
        is_url = image.url.startswith("https://") and len(image.url) <= _MOST_URL and image.url.isprintable()
        if not is_url or " " in image.url:
            raise Refused(f"{image.url!r} is not the address of a picture: it begins with https://")
        if len(image.value) > MOST_CHARACTERS or not image.value.isprintable():
            raise Refused(f"the description of a picture has at most {MOST_CHARACTERS} printable characters")
    await tx.run(
        "INSERT INTO pickup_instructions (retailer_id, location_code, category, instruction, images)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (retailer_id, location_code, category)"
        " DO UPDATE SET instruction = excluded.instruction, images = excluded.images",
        *(retailer_id, given.location_code, given.category, text),
        msgspec.json.encode(given.images).decode(),
    )


async def remove_instruction(tx: Tx, retailer_id: int, location_code: str, category: str) -> None:
    """Delete the instruction of a store and category. Raises `Refused` if there is none."""
    if not await tx.run(
        "DELETE FROM pickup_instructions WHERE retailer_id = $1 AND location_code = $2 AND category = $3",
        *(retailer_id, location_code, category),
    ):
        raise Refused("there is no such instruction: `handcart store pickup` lists them")


async def save(tx: Tx, actor: Actor, retailer_id: int, given: Instruction) -> None:
    """`set_instruction` by a person. Raises `Refused`."""
    await _required(tx, actor, retailer_id, given.location_code)
    await set_instruction(tx, retailer_id, given)
    await _record(tx, actor, "change_pickup", retailer_id, given.location_code, given.category)


async def remove(tx: Tx, actor: Actor, retailer_id: int, location_code: str, category: str) -> None:
    """`remove_instruction` by a person. Raises `Refused`."""
    await _required(tx, actor, retailer_id, location_code)
    await remove_instruction(tx, retailer_id, location_code, category)
    await _record(tx, actor, "remove_pickup", retailer_id, location_code, category)


async def _required(tx: Tx, actor: Actor, retailer_id: int, location_code: str) -> None:
    store = await queries.store(tx, retailer_id, location_code)
    roles.require(actor, "change_stores", retailer_id, actor.store_number if store is None else store.number)


async def _record(tx: Tx, actor: Actor, operation: str, retailer_id: int, location_code: str, category: str) -> None:
    slug = (await retailers.retailer(tx, retailer_id)).slug
    subject, detail = f"store/{slug}/{location_code}", {"category": category}
    await audit.record(tx, actor, operation, subject, retailer_id=retailer_id, detail=detail)


def _instruction(row: Any) -> Instruction:
    images = msgspec.json.decode(row["images"], type=list[Image])
    return Instruction(row["location_code"], row["category"], row["instruction"], images)


async def _check_store(tx: Tx, retailer_id: int, location_code: str) -> None:
    if location_code != EVERY_STORE and await queries.store(tx, retailer_id, location_code) is None:
        raise Refused(f"there is no store {location_code!r}")
