"""Integer ids made by Handcart: time-ordered, below 2**53 (safe in JavaScript), without a database sequence."""

import os
import secrets
from threading import Lock

from handcart.core import clock

# 41 bits of milliseconds since this day last until 2095; the 12 low bits start at random in each millisecond.
_EPOCH = 1_767_225_600_000  # 2026-01-01
_LOW = 1 << 12
_EVENT_BITS = 10
_MOST_DIGITS = 16

_last = 0
_lock = Lock()


def new_id() -> int:
    """A new id. Rises within a process. Two processes can make the same id, so inserts must handle a taken one."""
    global _last
    drawn = (clock.of_process() // 1000 - _EPOCH) * _LOW + secrets.randbelow(_LOW)
    with _lock:
        _last = max(_last + 1, drawn)
        return _last


def parse(text: str) -> int | None:
    """The id that a path or a query names; None if the text cannot be an id."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def new_event_id() -> int:
    """A new event id: as `new_id`, but with 63 bits, so that receivers learn to handle large integers."""
    return new_id() << _EVENT_BITS | secrets.randbelow(1 << _EVENT_BITS)


def ids_from(at: int) -> int:
    """The lowest id made at this time by the process's clock (microseconds)."""
    return max(0, (at // 1000 - _EPOCH) * _LOW)


def event_ids_from(at: int) -> int:
    """The lowest id of an event made at this time by the process's clock (microseconds)."""
    return ids_from(at) << _EVENT_BITS


def new_request_id() -> str:
    """16 hexadecimal characters that name one request in answers and logs."""
    return os.urandom(8).hex()
