"""A store's hours of one weekday as people write them: `8:00-12:00, 13:00-18:00`; closed if empty."""

import re
from collections.abc import Sequence
from itertools import pairwise

_SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-\u2013]\s*([0-9]{1,2}):([0-9]{2})", re.ASCII)
_DAY = 24 * 60
_MOST_CHARACTERS = 200


def of_text(text: str) -> list[list[int]]:
    """The spans of a day as [open, close] in minutes, in order; raises ValueError.

    23:59 is the end of the day. A span after midnight belongs to the next day.
    """
    if len(text) > _MOST_CHARACTERS:
        raise ValueError("too long")
    spans = sorted(_span(one.strip()) for one in text.split(",") if one.strip())
    if any(before[1] > after[0] for before, after in pairwise(spans)):
        raise ValueError("two spans overlap")
    return spans


def to_text(spans: Sequence[Sequence[int]]) -> str:
    """The spans of a day as `of_text` reads them."""
    return ", ".join(f"{_clock(opens)}-{_clock(closes)}" for opens, closes in spans)


def _span(text: str) -> list[int]:
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError("not a span of hours")
    opens, closes = (int(found[place]) * 60 + int(found[place + 1]) for place in (1, 3))
    closes = _DAY if closes == _DAY - 1 else closes
    if int(found[2]) > 59 or int(found[4]) > 59 or not 0 <= opens < closes <= _DAY:
        raise ValueError("not a span of one day")
    return [opens, closes]


def _clock(minutes: int) -> str:
    return f"{minutes // 60}:{minutes % 60:02}"
