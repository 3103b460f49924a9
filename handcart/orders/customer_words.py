"""Find orders by the name or the phone number of their customers.

`order_words` has the words of a name in small letters without accents, and phone numbers in reverse, so that a search
for the beginning of a word or for the last digits of a number reads a range of an index.
"""

import re
from collections.abc import Sequence
from heapq import nlargest
from typing import Any

from handcart.core.db import Tx
from handcart.orders.models import Order
from handcart.retailers import ops as retailers
from handcart.stores import words
from handcart.users import ops as users

# Fewer digits would find phone numbers by chance.
LEAST_DIGITS = 4
# Orders of a retailer that a search looks at: those with the longest word, the exact word and the newest order first.
MOST_COMPARED = 10_000
_PHONE = re.compile(r"[0-9\s()+./-]+")


async def add(tx: Tx, retailer_id: int, order: Order) -> None:
    """Store the words of a new order."""
    user = None if order.user_id is None else await users.find(tx, order.isolation_id, order.user_id)
    names = [order.details.first_name, order.details.last_name]
    phones = [order.details.phone_number]
    if user is not None:
        names += [user.first_name, user.last_name]
        phones.append(user.phone_number)
    ends = [words.ending(digits) for phone in phones if (digits := _digits(phone or ""))]
    found = {*words.of_text(" ".join(name for name in names if name)), *ends}
    await tx.many(
        "INSERT INTO order_words (retailer_id, word, number) VALUES ($1, $2, $3)",
        [(retailer_id, word, order.number) for word in sorted(found)],
    )


async def replace(tx: Tx, retailer_id: int, order: Order) -> None:
    """Store the words of an order whose customer has changed, or was deleted; the old words are deleted."""
    await tx.run("DELETE FROM order_words WHERE number = $1", order.number)
    await add(tx, retailer_id, order)


async def orders(
    tx: Tx, retailer_id: int | None, text: str, where: str, args: Sequence[Any], most: int
) -> Sequence[int]:
    """The numbers of the newest orders whose customer fits the text: of one retailer, or (None) of each retailer.

    `where`: further conditions on `o`, the table of orders, each beginning with AND, with `args` as its arguments.
    """
    beginnings = _asked(text)
    if not beginnings:
        return []
    sql = _statement(len(beginnings), where, len(args))
    limits = [limit for one in beginnings for limit in (one, one + words.LAST)]
    chosen = [one.id for one in await retailers.retailers(tx)] if retailer_id is None else [retailer_id]
    found: list[int] = []
    for one in chosen:
        found += [row["number"] for row in await tx.all(sql, *args, one, most, *limits)]
    return nlargest(most, found)


def _asked(text: str) -> Sequence[str]:
    """The beginnings of words that an order must have, the longest first."""
    if _PHONE.fullmatch(text):
        return [words.ending(digits)] if len(digits := _digits(text)) >= LEAST_DIGITS else []
    named = [
        words.ending(one) if one.isascii() and one.isdecimal() and len(one) >= LEAST_DIGITS else one
        for one in words.of_text(text)
    ]
    return sorted(named, key=len, reverse=True)[: words.MOST_WORDS]  # the longest is the rarest


def _digits(phone: str) -> str:
    return re.sub("[^0-9]", "", phone)


def _statement(many: int, where: str, given: int) -> str:
    """A search for orders of one retailer with this number of words; `given` arguments belong to `where`."""
    ranges = [f"w.word >= ${given + 3 + 2 * one} AND w.word < ${given + 4 + 2 * one}" for one in range(many)]
    first = (
        f"SELECT w.number FROM order_words w WHERE w.retailer_id = ${given + 1} AND {ranges[0]}"  # noqa: S608 (places)
        f" ORDER BY w.word, w.number DESC LIMIT {MOST_COMPARED}"
    )
    others = "".join(
        f" AND EXISTS (SELECT 1 FROM order_words w WHERE w.number = o.number AND {one})"  # noqa: S608 (places)
        for one in ranges[1:]
    )
    return (
        f"SELECT DISTINCT o.number FROM ({first}) m CROSS JOIN orders o"  # noqa: S608 (places)
        f" WHERE o.number = m.number{where}{others} ORDER BY o.number DESC LIMIT ${given + 2}"
    )
