"""Slot ids: 53 bits that say store, kind and window, mixed so that one retailer's ids mean nothing at another."""

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

from msgspec import Struct

from handcart.core import clock
from handcart.slots.models import ETA, IMMEDIATE, PRIORITY_ETA, SCHEDULED
from handcart.stores.models import DELIVERY, LAST_MILE, PICKUP

_KINDS = (DELIVERY, PICKUP, LAST_MILE)
_TYPES = (SCHEDULED, IMMEDIATE, ETA, PRIORITY_ETA)
_EPOCH = 1_767_225_600 * clock.SECOND  # 2026-01-01; 26 bits of minutes last until 2153
_MINUTES = 1 << 26
_BITS = 53
_MASK = (1 << _BITS) - 1
_FACTOR = 0x1B87_3A5E_C0FF_B5  # odd, so that it has an inverse
_INVERSE = pow(_FACTOR, -1, 1 << _BITS)
# Windows that start on the hour are told by their hours, the others by steps of five minutes: 6 bits for either.
_STEP = {SCHEDULED: clock.HOUR, IMMEDIATE: 5 * clock.MINUTE, ETA: 5 * clock.MINUTE, PRIORITY_ETA: 5 * clock.MINUTE}


class Option(Struct, frozen=True):
    """What a slot id says; times in microseconds."""

    store_number: int
    kind: str
    type: str
    starts_at: int
    ends_at: int


def encode(retailer_id: int, option: Option) -> int:
    """The id of a slot, below 2**53."""
    minutes = (option.starts_at - _EPOCH) // clock.MINUTE
    steps = (option.ends_at - option.starts_at) // _STEP[option.type]
    plain = _KINDS.index(option.kind) << 2 | _TYPES.index(option.type)
    plain = (plain << 26 | minutes) << 6 | steps
    plain = plain << 16 | option.store_number
    return ((plain ^ _key(retailer_id)) * _FACTOR) & _MASK


def hourly(retailer_id: int, store_number: int, kind: str, hours: int, starts: Iterable[int]) -> list[int]:
    """As `encode`, for scheduled windows of so many hours at one store."""
    base = (_KINDS.index(kind) << 2 | _TYPES.index(SCHEDULED)) << 48 | hours << 16 | store_number
    key = _key(retailer_id)
    return [(((base | (at - _EPOCH) // clock.MINUTE << 22) ^ key) * _FACTOR) & _MASK for at in starts]


def decode(retailer_id: int, option_id: int) -> Option | None:
    """What an id says; None for a number that no slot of this retailer has."""
    if not 0 <= option_id <= _MASK:
        return None
    plain = ((option_id * _INVERSE) & _MASK) ^ _key(retailer_id)
    store_number, plain = plain & 0xFFFF, plain >> 16
    steps, plain = plain & 0x3F, plain >> 6
    minutes, plain = plain & (_MINUTES - 1), plain >> 26
    kind, type_ = plain >> 2, _TYPES[plain & 3]
    if kind >= len(_KINDS) or not steps:
        return None
    starts_at = _EPOCH + minutes * clock.MINUTE
    return Option(store_number, _KINDS[kind], type_, starts_at, starts_at + steps * _STEP[type_])


@lru_cache(1000)
def _key(retailer_id: int) -> int:
    digest = blake2b(str(retailer_id).encode(), digest_size=8, person=b"slot ids").digest()
    return int.from_bytes(digest) & _MASK
