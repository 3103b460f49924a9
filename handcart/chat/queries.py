"""Read the chat of an order: its messages, and whether it is open. Writes nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from handcart.chat.models import CUSTOMER, SHOPPER, Message
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web.pages import LOCALES_WITH_SPANISH, choose_locale, texts
from handcart.orders import queries as orders
from handcart.orders import states
from handcart.orders.models import CARRIED, Order

#: How long the messages of an order can be read after its end.
READABLE = 24 * clock.HOUR
COLUMNS = "id, sender, shopper_id, person_id, act_id, phrase, body, picture, sent_at, read_at"
# The first state in which each side can write, for orders that shoppers pick and for those that they only carry.
_FROM: Mapping[str, tuple[str, str]] = {
    CUSTOMER: (states.PICKING, states.AT_STORE),
    SHOPPER: (states.ACKNOWLEDGED, states.ACKNOWLEDGED_FOR_DELIVERY),
}
# The table of texts that has those of the phrases.
_PHRASES = "chat.phrase"
_ALL = 1_000_000
_OTHER = {CUSTOMER: SHOPPER, SHOPPER: CUSTOMER}
_WATCHED_AT_ONCE = 50
_NEWEST = (
    "SELECT o.retailer_id, o.number, max(c.id) AS newest FROM orders o"  # noqa: S608 (places)
    " JOIN chat_messages c ON c.retailer_id = o.retailer_id AND c.order_id = o.order_id"
    f" WHERE o.number IN ({', '.join(f'${place}' for place in range(1, _WATCHED_AT_ONCE + 1))})"
    " GROUP BY o.retailer_id, o.number"
)


def is_open(order: Order, sender: str = CUSTOMER) -> bool:
    """Whether the chat of an order takes messages of a customer, or of a shopper, as long as somebody has the order."""
    first = _FROM[sender][order.kind in CARRIED]
    passed = list(states.WORKFLOWS[order.kind].states)
    return order.status not in states.TERMINAL and passed.index(order.status) >= passed.index(first)


def is_expired(order: Order) -> bool:
    """Whether the chat of an order can no longer be read: it was delivered or canceled `READABLE` ago."""
    if order.status not in states.TERMINAL:
        return False
    ended_at = order.delivered_at if order.status == states.COMPLETED else order.details.canceled_at
    return ended_at is None or ended_at + READABLE <= clock.now()


async def messages(tx: Tx, retailer_id: int, order: Order) -> Sequence[Message]:
    """The messages of an order in their sequence; none if the chat has expired."""
    return [] if is_expired(order) else await all_messages(tx, retailer_id, order.order_id)


async def all_messages(tx: Tx, retailer_id: int, order_id: str, most: int = _ALL) -> Sequence[Message]:
    """The messages of an order in their sequence, also after the chat has expired: for the operator.

    At most `most`, the newest.
    """
    rows = await tx.all(
        f"SELECT {COLUMNS} FROM chat_messages"  # noqa: S608 (the names above)
        " WHERE retailer_id = $1 AND order_id = $2 ORDER BY id DESC LIMIT $3",
        *(retailer_id, order_id, most),
    )
    return [message(row) for row in reversed(rows)]


async def find(tx: Tx, retailer_id: int, order: Order, message_id: int) -> Message | None:
    """A message of an order; None if there is none with this id, or the chat has expired."""
    found = (one for one in await messages(tx, retailer_id, order) if one.id == message_id)
    return next(found, None)


async def newest(tx: Tx, numbers: Sequence[int]) -> Mapping[tuple[int, int], int]:
    """By retailer and number, the id of the newest message of each order with one of these numbers that has any."""
    found: dict[tuple[int, int], int] = {}
    for start in range(0, len(numbers), _WATCHED_AT_ONCE):
        some = list(numbers[start : start + _WATCHED_AT_ONCE])
        # A fixed number of places, so that the statement stays the same.
        rows = await tx.all(_NEWEST, *some, *[-1] * (_WATCHED_AT_ONCE - len(some)))
        found |= {(row["retailer_id"], row["number"]): row["newest"] for row in rows}
    return found


async def versions(tx: Tx, keys: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], str]:
    """A text for each of these orders, named by retailer and number, that changes whenever it or its chat does."""
    wanted = set(keys)
    numbers = sorted({number for _, number in wanted})
    found, said = await orders.versions(tx, numbers), await newest(tx, numbers)
    return {key: f"{version}.{said.get(key, 0)}" for key, version in found.items() if key in wanted}


def unread(found: Sequence[Message], reader: str) -> int:
    """How many messages a reader (customer or shopper) has not read."""
    return sum(one.sender == _OTHER[reader] and not one.is_read for one in found)


def text(message: Message, locale: str | None) -> str:
    """The text of a message for a reader: a phrase in the reader's language. Empty for a picture without a text."""
    if message.phrase is None:
        return message.body or ""
    return texts(language(locale))[f"{_PHRASES}.{message.phrase}"]


def language(locale: str | None) -> str:
    """The language of the texts for a locale: en, es or fr."""
    return choose_locale(None, locale, LOCALES_WITH_SPANISH).partition("-")[0]


def message(row: Any) -> Message:
    """The message of a row with the columns `COLUMNS`."""
    return Message(**dict(row))
