"""Photos of items that people upload: checked and encoded again, then served to everybody at the item's `image_url`."""

from msgspec import structs

from handcart.core.db import Tx
from handcart.core.db.installation import issuer
from handcart.core.settings import Settings
from handcart.core.web.versions import check
from handcart.pictures import ops, queries
from handcart.pictures.models import Encoded, Picture
from handcart.retailers import ops as retailers
from handcart.staff import audit, roles
from handcart.staff.models import Actor
from handcart.stores import catalog, items
from handcart.stores.errors import StoreRefused
from handcart.stores.models import Item

#: The path of photos for everybody.
PATH = "/catalog/pictures"
MOST_BYTES = 4 << 20
# Photos stay until another one replaces them.
_DAYS = 36_500
_KIND = "item"


def subject(retailer_id: int, rrc: str) -> str:
    """The subject under which the photo of an item is stored."""
    return f"{_KIND}/{retailer_id}/{rrc}"


def retailer_of(picture: Picture) -> int | None:
    """The retailer whose item a picture shows; None for pictures of other things."""
    kind, number, *_ = picture.subject.split("/")
    return int(number) if kind == _KIND else None


async def of_item(tx: Tx, retailer_id: int, rrc: str) -> Picture | None:
    """The photo of an item that was uploaded."""
    return await queries.of_subject(tx, subject(retailer_id, rrc))


async def upload(
    tx: Tx, actor: Actor, retailer_id: int, rrc: str, sent: bytes, encoded: Encoded, seen: str, settings: Settings
) -> None:
    """Give an item a photo, in place of an earlier one. `seen`: as in `catalog.change`. Raises `StoreRefused`."""
    item = await _locked(tx, actor, retailer_id, rrc, seen)
    url = await issuer(tx, settings)
    if not url:
        raise StoreRefused("no_url")
    await ops.forget(tx, subject(retailer_id, rrc))
    picture, _ = await ops.store(tx, subject(retailer_id, rrc), ops.hash_of(sent), encoded, days=_DAYS)
    await _show(tx, actor, "upload_photo", retailer_id, item, f"{url}{PATH}/{picture.id}")


async def remove(tx: Tx, actor: Actor, retailer_id: int, rrc: str, seen: str) -> None:
    """Delete the photo of an item, and its address. `seen`: as in `catalog.change`. Raises `StoreRefused`."""
    item = await _locked(tx, actor, retailer_id, rrc, seen)
    await ops.forget(tx, subject(retailer_id, rrc))
    await _show(tx, actor, "remove_photo", retailer_id, item, None)


async def _locked(tx: Tx, actor: Actor, retailer_id: int, rrc: str, seen: str) -> Item:
    roles.require(actor, "change_catalog", retailer_id, actor.store_number)
    found = await catalog.lock(tx, retailer_id, rrc)
    if found is None:
        raise StoreRefused("unknown_item")
    check(seen, found)
    return found


async def _show(tx: Tx, actor: Actor, operation: str, retailer_id: int, item: Item, url: str | None) -> None:
    await items.save_all(tx, retailer_id, [structs.replace(item, image_url=url)])
    slug = (await retailers.retailer(tx, retailer_id)).slug
    await audit.record(tx, actor, operation, f"item/{slug}/{item.rrc}", retailer_id=retailer_id)
