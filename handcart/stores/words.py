"""The words of each item, in a table that both databases search by an index: words of names, and codes from the end.

A search compares the beginnings of words, so `mil` finds milk, and `0015` finds the code that ends with these digits.
"""

import re
import unicodedata
from collections.abc import Sequence

from handcart.core.db import Tx
from handcart.stores import codes
from handcart.stores.models import Item

# Maximum number of words that a search compares; the others are ignored.
MOST_WORDS = 4
# Items that a search looks at: those with a word that begins with the longest one asked for, the exact word first.
MOST_COMPARED = 10_000
_MOST_MATCHES = 300
_MOST_CHARACTERS = 32
# Begins each code that is stored in reverse. No word has this character.
_CODE = "<"
# Sorts after all words with the same beginning.
LAST = "\U0010ffff"


async def index(tx: Tx, retailer_id: int, items: Sequence[Item]) -> None:
    """Store the words of new and changed items."""
    last = {item.rrc: item for item in items}
    await tx.many("DELETE FROM item_words WHERE retailer_id = $1 AND rrc = $2", [(retailer_id, rrc) for rrc in last])
    await tx.many(
        "INSERT INTO item_words (retailer_id, word, rrc) VALUES ($1, $2, $3)",
        [(retailer_id, word, rrc) for rrc, item in last.items() for word in of_item(item)],
    )


def of_item(item: Item) -> Sequence[str]:
    """The words under which an item is stored."""
    ends = [ending(code) for code in (item.rrc, item.upc and (codes.read(item.upc) or item.upc)) if code]
    return sorted({*of_text(item.name), *ends})


def of_text(text: str) -> Sequence[str]:
    """The different words of a text, in small letters without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    return list(dict.fromkeys(word[:_MOST_CHARACTERS] for word in re.findall(r"\w+", letters)))


async def rrcs(tx: Tx, retailer_id: int, text: str, most: int) -> Sequence[str]:
    """The codes of items whose names have a word for each word of the text that begins with it, sorted.

    Of more than `MOST_COMPARED` items with the longest word, the others are not looked at.
    """
    asked = sorted(of_text(text), key=len, reverse=True)[:MOST_WORDS]  # the longest is the rarest
    return await _search(tx, retailer_id, asked, most) if asked else []


async def rrcs_by_end(tx: Tx, retailer_id: int, digits: str, most: int) -> Sequence[str]:
    """The rrcs of items of which a code ends with these digits, sorted."""
    return await _search(tx, retailer_id, [ending(digits)], most)


def ending(code: str) -> str:
    """The word under which a code is stored: a search for its last digits compares the beginnings of such words."""
    return (_CODE + code[::-1])[:_MOST_CHARACTERS]


async def _search(tx: Tx, retailer_id: int, beginnings: Sequence[str], most: int) -> Sequence[str]:
    limits = [limit for one in beginnings for limit in (one, one + LAST)]
    rows = await tx.all(_SEARCHES[len(beginnings) - 1], retailer_id, most, *limits)
    return [row["found"] for row in rows]


def _statement(words: int) -> str:
    """A search for items with this number of words."""
    ranges = [f"w{one}.word >= ${3 + 2 * one} AND w{one}.word < ${4 + 2 * one}" for one in range(words)]
    first = f"SELECT retailer_id, rrc FROM item_words w0 WHERE retailer_id = $1 AND {ranges[0]} LIMIT {MOST_COMPARED}"  # noqa: S608
    others = "".join(f" JOIN item_words w{one} USING (retailer_id, rrc)" for one in range(1, words))
    where = " AND ".join(["retailer_id = $1", *ranges[1:]])
    found = f"SELECT rrc FROM ({first}) AS w{others} WHERE {where} LIMIT {_MOST_MATCHES}"  # noqa: S608
    return f"SELECT DISTINCT rrc AS found FROM ({found}) AS m ORDER BY found LIMIT $2"  # noqa: S608


_SEARCHES = [_statement(words) for words in range(1, MOST_WORDS + 1)]
