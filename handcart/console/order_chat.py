"""The chat on an order's page, for people who may see its customer."""

from collections.abc import Sequence

from msgspec import Struct

from handcart.assignment.models import Row
from handcart.chat import queries
from handcart.chat.models import CUSTOMER
from handcart.console.browser import PersonBrowser
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.pictures import queries as pictures
from handcart.pictures.models import Picture
from handcart.shoppers import queries as shoppers
from handcart.staff import roles


class Line(Struct, frozen=True):
    """A message. `who`: the shopper's name; empty for a shopper of the API. `picture`: None without one.

    `no_picture`: it had a picture that this person may not see, or that is not there.
    """

    is_of_customer: bool
    who: str
    text: str
    picture: Picture | None
    no_picture: bool
    time: str
    is_read: bool


async def chat(tx: Tx, browser: PersonBrowser, row: Row, most: int) -> Sequence[Line] | None:
    """The messages about an order, also after its chat has expired; None for people who may not see customers.

    At most `most`, the newest.
    """
    if not roles.includes(browser.actor, "see_customers"):
        return None
    may_see = roles.includes(browser.actor, "see_pictures")
    lines = []
    for one in await queries.all_messages(tx, row.retailer_id, row.order_id, most):
        person = None if one.person_id is None else await shoppers.person(tx, one.person_id)
        picture = None
        if one.picture is not None and may_see:
            picture = await pictures.of_subject(tx, one.picture)
        lines.append(
            Line(
                one.sender == CUSTOMER,
                "" if person is None else person.name,
                queries.text(one, browser.locale),
                picture,
                one.picture is not None and picture is None,
                pages.moment(browser.locale, one.sent_at, row.time_zone),
                one.is_read,
            )
        )
    return lines
