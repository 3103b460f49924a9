"""What everybody may open: the photos of items, which apps and shops show."""

from collections.abc import Sequence

from handcart.core import errors
from handcart.core.db import Tx
from handcart.core.web.call import Call, Reply, Route
from handcart.pictures import queries
from handcart.stores import photos


async def _photo(call: Call) -> Reply:
    content = await call.app.database.read(_content, call.path["picture_id"])
    headers = (
        (b"content-type", b"image/jpeg"),
        (b"cache-control", b"public, max-age=31536000, immutable"),
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"cross-origin-resource-policy", b"cross-origin"),
    )
    return Reply(200, content, headers, is_private=False)


async def _content(tx: Tx, picture_id: str) -> bytes:
    """The JPEG of a photo of an item; raises 404 for other pictures."""
    picture = await queries.find(tx, picture_id)
    if picture is None or photos.retailer_of(picture) is None:
        raise errors.not_found()
    return await queries.jpeg(tx, picture)


ROUTES: Sequence[Route] = (Route(method="GET", path=f"{photos.PATH}/{{picture_id}}", handler=_photo),)
