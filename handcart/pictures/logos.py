"""The logo of a retailer: a picture that does not expire."""

from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.pictures import encoding, ops, queries
from handcart.pictures.errors import PictureRefused
from handcart.pictures.models import Encoded, Picture
from handcart.retailers import ops as retailers

MOST_BYTES = 4 << 20
# As long as anybody can tell: a logo does not expire.
_DAYS = 365 * 100


async def of_retailer(tx: Tx, retailer_id: int) -> Picture | None:
    """The logo of a retailer; None if it has none."""
    return await queries.of_subject(tx, _subject(retailer_id))


async def replace(tx: Tx, retailer_id: int, sent: bytes, encoded: Encoded) -> None:
    """Give a retailer a logo, in place of an earlier one. `encoded`: the picture that was sent."""
    await remove(tx, retailer_id)
    await ops.store(tx, _subject(retailer_id), ops.hash_of(sent), encoded, days=_DAYS)


async def remove(tx: Tx, retailer_id: int) -> None:
    """Delete the logo of a retailer, if it has one."""
    await ops.forget(tx, _subject(retailer_id))


async def change(tx: Tx, slug: str, sent: bytes | None) -> None:
    """Give a retailer another logo (JPEG, PNG or WebP), or none. Raises `Refused`."""
    retailer = await retailers.require(tx, slug)
    if sent is None:
        await remove(tx, retailer.id)
        return
    if len(sent) > MOST_BYTES:
        raise Refused(f"a logo has at most {MOST_BYTES >> 20} MiB")
    try:
        encoded = encoding.encode_now(sent)
    except PictureRefused as refused:
        raise Refused(str(refused)) from None
    await replace(tx, retailer.id, sent, encoded)


def _subject(retailer_id: int) -> str:
    return f"logo/{retailer_id}"
