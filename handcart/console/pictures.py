"""Show a picture, such as a proof of delivery, to people who may see it."""

from collections.abc import Sequence

from handcart.acts import queries as acts
from handcart.console.browser import PersonBrowser, signed_in
from handcart.core import errors, ids
from handcart.core.db import Tx
from handcart.core.web.body import picture_reply
from handcart.core.web.call import Reply, Route
from handcart.pictures import queries
from handcart.pictures.models import Picture
from handcart.staff import roles
from handcart.staff.models import Actor
from handcart.stores import photos


async def _show(browser: PersonBrowser) -> Reply:
    picture_id = browser.call.path["picture_id"]
    content = await browser.call.app.database.read(_content, browser.actor, picture_id)
    return picture_reply(content, picture_id)


async def _content(tx: Tx, actor: Actor, picture_id: str) -> bytes:
    """The JPEG of a picture; raises 403 for people who see no pictures, 404 for the picture of another retailer."""
    roles.require(actor, "see_pictures", actor.retailer_id, actor.store_number)
    picture = await queries.find(tx, picture_id)
    if picture is None:
        raise errors.not_found()
    if actor.retailer_id is not None and await _retailer_of(tx, picture) != actor.retailer_id:
        raise errors.not_found()
    return await queries.jpeg(tx, picture)


async def _retailer_of(tx: Tx, picture: Picture) -> int | None:
    """The retailer whose order a picture is about; None as long as nobody knows."""
    kind, number, *rest = picture.subject.split("/")
    if kind == "item":
        return photos.retailer_of(picture)
    if kind == "chat":
        return ids.parse(number)
    assert kind == "act"
    return await acts.retailer_of(tx, ids.parse(number) or 0, rest[0])


ROUTES: Sequence[Route] = (Route(method="GET", path="/console/pictures/{picture_id}", handler=signed_in(_show)),)
