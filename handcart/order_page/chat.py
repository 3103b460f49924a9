"""The chat of the page: what was said, and the form to answer."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from handcart.batches import queries as batches
from handcart.chat import ops, queries
from handcart.chat.models import CUSTOMER, MOST_CHARACTERS, PHRASES, SHOPPER, Message, Said, Sender, is_visible, normal
from handcart.core import errors, ids
from handcart.core.db import Tx
from handcart.core.errors import ApiError
from handcart.core.secret import new_token
from handcart.core.web.call import Reply
from handcart.order_page import pictures
from handcart.order_page.browser import OrderBrowser
from handcart.order_page.words import clock_time
from handcart.orders.models import Order
from handcart.pictures import encoding
from handcart.pictures import ops as stored
from handcart.pictures import queries as pictures_stored
from handcart.pictures.errors import PictureRefused
from handcart.stores.models import Store

MOST_PICTURE_BYTES = 4 << 20
_ACT_CHARACTERS = 64
_CUSTOMER = Sender(CUSTOMER)


class Shown(Struct, frozen=True):
    """A message as the page shows it. `picture`: the address of its picture."""

    id: int
    is_mine: bool
    text: str
    picture: str | None
    at: str
    is_read: bool


async def context(tx: Tx, browser: OrderBrowser, store: Store) -> Mapping[str, Any]:
    """The chat, as the customer sees it; None where nobody may learn about the shopper."""
    if browser.retailer.rules.shopper_information_removal:
        return {"chat": None}
    order, retailer_id = browser.order, browser.retailer.id
    found = await queries.messages(tx, retailer_id, order)
    can_write = queries.is_open(order) and await batches.live_of_order(tx, retailer_id, order.order_id) is not None
    if not found and not can_write:
        return {"chat": None}
    return {
        "chat": [_shown(browser, store, one) for one in found],
        "can_write": can_write,
        "unread": queries.unread(found, CUSTOMER),
        "phrases": [id for id, who in PHRASES.items() if CUSTOMER in who],
        "act_id": new_token(),
        "most_characters": MOST_CHARACTERS,
    }


async def post(browser: OrderBrowser, form: Mapping[str, str], picture: bytes) -> str | None:
    """Say what a posted form has; returns why not, or None."""
    phrase = form.get("phrase") or None
    body = None if phrase else normal(form.get("body", ""))
    if body is not None and len(body) > MOST_CHARACTERS:
        return "chat_long"
    if body is not None and not is_visible(body) and not picture:
        return "chat_empty"
    act_id = form.get("act", "")[:_ACT_CHARACTERS] or new_token()
    try:
        picture_id = await _keep(browser, act_id, picture) if picture and not phrase else None
        await browser.write(_say, Said(body=body, phrase=phrase, picture_id=picture_id, act_id=act_id), form)
    except PictureRefused:
        return "chat_picture"
    except ApiError as refused:
        why = {400: "chat_text", 403: "chat_closed", 429: "chat_often"}.get(refused.status)
        if why is None:
            raise
        return why
    return None


async def read(browser: OrderBrowser, form: Mapping[str, str]) -> Reply:
    """Mark the messages up to the posted one as read: the customer has seen them."""
    await browser.write(_read, form)
    return Reply(204)


async def picture_of(browser: OrderBrowser) -> Reply:
    """The picture of a message; 404 for a message of another order."""
    return await browser.call.app.database.read(_picture_of, browser)


async def _keep(browser: OrderBrowser, act_id: str, sent: bytes) -> str:
    """Store a picture of the customer; returns its id."""
    # Counted and refused first: to decode a picture takes more than all the rest, and one thread does it for everybody.
    await browser.write(ops.require_open, _CUSTOMER)
    encoded = await encoding.encode(sent, browser.order.number)
    days = browser.call.app.settings.picture_days
    arguments = (_CUSTOMER, act_id, stored.hash_of(sent), encoded, days)
    return (await browser.write(ops.keep_picture, *arguments)).id


async def _say(tx: Tx, retailer_id: int, order: Order, said: Said, form: Mapping[str, str]) -> None:
    await ops.say(tx, retailer_id, order, _CUSTOMER, said)
    await _read(tx, retailer_id, order, form)  # who answers has read


async def _read(tx: Tx, retailer_id: int, order: Order, form: Mapping[str, str]) -> None:
    until = ids.parse(form.get("until", ""))
    if until is not None:
        await ops.mark_read(tx, retailer_id, order, CUSTOMER, until)


async def _picture_of(tx: Tx, browser: OrderBrowser) -> Reply:
    message_id = ids.parse(browser.call.path["message_id"])
    is_removed = browser.retailer.rules.shopper_information_removal
    if message_id is None or is_removed:
        raise errors.not_found()
    message = await queries.find(tx, browser.retailer.id, browser.order, message_id)
    if message is None or message.picture is None:
        raise errors.not_found()
    picture = await pictures_stored.of_subject(tx, message.picture)
    if picture is None:
        raise errors.not_found()
    return await pictures.reply(tx, picture)


def _shown(browser: OrderBrowser, store: Store, message: Message) -> Shown:
    return Shown(
        message.id,
        message.sender != SHOPPER,
        queries.text(message, browser.locale),
        None if message.picture is None else f"{browser.path}/pictures/{message.id}",
        clock_time(browser.locale, message.sent_at, store.time_zone),
        message.is_read,
    )
