"""Slot ids: 53 bits with a store, an offer, a time, and a tag that only this installation can compute.

A slot id is `store (16 bits), offer (8), time (13), tag (16)`, xor a number that hides the fields from other retailers.
The tag is part of a keyed BLAKE2b hash (RFC 7693) of retailer, store, offer and time, so an invented number has a valid
tag with a chance of 2**-16. The time is stored modulo 2**13 steps; the tag covers the full time, so two times with
the same remainder have different tags. Reasons: docs/decisions/0009-slot-ids.md.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from struct import Struct as Layout

from msgspec import Struct

from handcart.core import clock
from handcart.slots.models import (
    DESIRED,
    ETA,
    ETAS,
    IMMEDIATE,
    IMMEDIATES,
    PRIORITY_ETA,
    PRIORITY_ETAS,
    SCHEDULED,
    SOON_STEP,
    WINDOW,
)
from handcart.stores.models import DELIVERY, LAST_MILE, PICKUP

_MASK = (1 << 53) - 1
_TIMES = 1 << 13
_BATCH = 32  # consecutive times whose tags come from one hash
_TAGS = Layout("<32H")
# Maximum age of an id: 85 days for scheduled windows, 7 for others. The rest of the range is in the future.
_PAST = _TIMES // 4


class Offer(Struct, frozen=True):
    """An offer that lists repeat at many times: a window of this length in microseconds.

    `has_alcohol`: for a cart with alcohol. `ignores_lead`: listed because no ETA was free; then scheduled windows begin
    with the next hour, without the lead time.
    """

    kind: str
    type: str
    length: int
    has_alcohol: bool = False
    ignores_lead: bool = False

    @property
    def step(self) -> int:
        """The time between two possible starts."""
        return clock.HOUR if self.type == SCHEDULED else SOON_STEP


def _all_offers() -> Iterable[Offer]:
    for has_alcohol in (False, True):
        for kind in (DELIVERY, PICKUP, LAST_MILE):
            for ignores_lead in (False, True):
                yield Offer(kind, SCHEDULED, WINDOW, has_alcohol, ignores_lead)
            for type_, lengths in ((IMMEDIATE, IMMEDIATES), (ETA, ETAS), (PRIORITY_ETA, PRIORITY_ETAS)):
                for length in lengths:
                    yield Offer(kind, type_, length, has_alcohol)
        for length in DESIRED:
            if length != WINDOW:
                yield Offer(DELIVERY, SCHEDULED, length, has_alcohol)


_OFFERS = tuple(_all_offers())
_NUMBERS = {offer: number for number, offer in enumerate(_OFFERS)}
_WORDS = [repr(offer).encode() for offer in _OFFERS]
assert len(_OFFERS) <= 1 << 8


class Option(Struct, frozen=True):
    """The content of a slot id. A scheduled window begins at the store's full hour in the UTC hour of `starts_at`."""

    store_number: int
    offer: Offer
    starts_at: int


def encode(key: bytes, retailer_id: int, option: Option) -> int:
    """The id of a slot, below 2**53. Raises `KeyError` for an offer that lists cannot contain."""
    number, time = _NUMBERS[option.offer], option.starts_at // option.offer.step
    tag = _tags(key, retailer_id, option.store_number, number, time // _BATCH)[time % _BATCH]
    return _fixed(key, retailer_id, option.store_number, number) ^ (time % _TIMES << 16 | tag)


@lru_cache(512)  # the ids of two weeks take 12 KB
def series(key: bytes, retailer_id: int, store_number: int, offer: Offer, starts: tuple[int, ...]) -> tuple[int, ...]:
    """As `encode`, for one offer of a store at several times in rising order."""
    if not starts:
        return ()
    number = _NUMBERS[offer]
    first, last = starts[0] // offer.step, starts[-1] // offer.step
    # Lists have one window per hour, except where clocks are changed by half an hour.
    is_whole = len(starts) == last - first + 1
    times = range(first, last + 1) if is_whole else [at // offer.step for at in starts]
    batches = range(first // _BATCH, last // _BATCH + 1)
    tags = [tag for batch in batches for tag in _tags(key, retailer_id, store_number, number, batch)]
    fixed, begin = _fixed(key, retailer_id, store_number, number), batches[0] * _BATCH
    return tuple([fixed ^ (time % _TIMES << 16 | tags[time - begin]) for time in times])


def decode(key: bytes, retailer_id: int, option_id: int, now: int) -> Option | None:
    """Decode an id; None if this installation has not made it for the retailer, or if it is too old."""
    if not 0 <= option_id <= _MASK:
        return None
    plain = option_id ^ _hidden_by(key, retailer_id)
    store_number, number, remainder, tag = plain >> 37, plain >> 29 & 0xFF, plain >> 16 & (_TIMES - 1), plain & 0xFFFF
    if number >= len(_OFFERS):
        return None
    offer = _OFFERS[number]
    earliest = now // offer.step - _PAST
    time = earliest + (remainder - earliest) % _TIMES
    if tag != _tags(key, retailer_id, store_number, number, time // _BATCH)[time % _BATCH]:
        return None
    return Option(store_number, offer, time * offer.step)


@lru_cache(1000)  # 1000 batches take 1 MB
def _tags(key: bytes, retailer_id: int, store_number: int, number: int, batch: int) -> Sequence[int]:
    """The tags of a batch of times. They depend on the whole content of the offer, not only on its number."""
    said = b"%d %d %d %b" % (retailer_id, store_number, batch, _WORDS[number])
    return _TAGS.unpack(blake2b(said, key=key, digest_size=64, person=b"slot tags").digest())


def _fixed(key: bytes, retailer_id: int, store_number: int, number: int) -> int:
    return (store_number << 8 | number) << 29 ^ _hidden_by(key, retailer_id)


@lru_cache(1000)
def _hidden_by(key: bytes, retailer_id: int) -> int:
    digest = blake2b(b"%d" % retailer_id, key=key, digest_size=8, person=b"slot fields").digest()
    return int.from_bytes(digest) & _MASK
