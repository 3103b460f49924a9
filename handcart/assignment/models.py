"""The data of assignment that other domains use."""

import re
from collections.abc import Sequence

from msgspec import Struct

from handcart.orders import states
from handcart.orders.models import PICKUP

# Kinds of warnings about orders; docs/operations/dispatch.md says when each begins and ends.
UNTAKEN = "untaken"
LATE = "late"
SILENT = "silent"
STUCK = "stuck"
WARNINGS = (UNTAKEN, LATE, SILENT, STUCK)
# What orders may need: `ANY` is any warning.
ANY = "any"
UNASSIGNED = "unassigned"
NEEDS = (ANY, UNASSIGNED, *WARNINGS)

_NUMBER = re.compile(r"[0-9]{1,18}")


class Filters(Struct, frozen=True, kw_only=True):
    """Which orders to list. None: no restriction, but without `status` and `order_id` only open orders are listed.

    `window_from` and `window_until`: the window ends in this span (microseconds). `warning`: one of `WARNINGS`, or
    `any`. `is_unassigned`: the order waits for a batch. `order_id`: exactly this order, in any state.
    """

    retailer_id: int | None = None
    store_number: int | None = None
    status: str | None = None
    kind: str | None = None
    shopper_id: int | None = None
    window_from: int | None = None
    window_until: int | None = None
    warning: str | None = None
    is_unassigned: bool = False
    order_id: str | None = None


class Row(Struct, frozen=True, kw_only=True):
    """An order in a list, with its live batch and the shopper who has it; times in microseconds.

    `retailer` and `store` are names. `person_id` and `person`: the operator's shopper; None if the batch belongs to a
    retailer shopper that stands for nobody. `last_shopper_id` and `last_person`: who had an ended order last.
    `warnings`: the kinds of its live warnings.
    """

    retailer_id: int
    slug: str
    retailer: str
    store_number: int
    location_code: str
    store: str
    time_zone: str
    order_id: str
    number: int
    kind: str
    status: str
    created_at: int
    window_starts_at: int
    window_ends_at: int
    has_alcohol: bool
    cancellation_reason: str | None
    batch_id: int | None
    batch_type: str | None
    accepted_at: int | None
    shopper_id: int | None
    person_id: int | None
    person: str | None
    last_shopper_id: int | None
    last_person: str | None
    warnings: Sequence[str]

    @property
    def key(self) -> tuple[int, int, int]:
        """The place in the list: the next page begins after it."""
        return (0 if self.warnings else 1, self.window_ends_at, self.number)

    @property
    def key_text(self) -> str:
        """The key in the form that `parse_key` reads."""
        return ".".join(map(str, self.key))

    @staticmethod
    def parse_key(text: str) -> tuple[int, int, int] | None:
        """The key that a text names; None, which is the beginning of a list, if it names none."""
        parts = text.split(".")
        if len(parts) != len(("rank", "window", "number")) or not all(map(_NUMBER.fullmatch, parts)):
            return None
        rank, window_ends_at, number = map(int, parts)
        return rank, window_ends_at, number

    @property
    def was_delivered(self) -> bool:
        """Whether the last shopper brought the order to its customer."""
        return self.status == states.COMPLETED and self.kind != PICKUP

    @property
    def seen(self) -> str:
        """What a person sees of the order when they decide: its state, its batch, its window."""
        return f"{self.status} {self.batch_id or 0} {self.window_starts_at}"


class Counts(Struct, frozen=True):
    """How many open orders there are: by state, by live warning, and without a batch that they wait for."""

    states: dict[str, int]
    warnings: dict[str, int]
    unassigned: int
