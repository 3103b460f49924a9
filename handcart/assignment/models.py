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
NO_PHOTO = "no_photo"
EXPECTED = "expected"
MISSING = "missing"
COMING_BACK = "coming_back"
BAGS = "bags"
REFUSED = "refused"
UNSENT = "unsent"
WARNINGS = (UNTAKEN, LATE, SILENT, STUCK, NO_PHOTO, EXPECTED, MISSING, COMING_BACK, BAGS, REFUSED, UNSENT)
# What orders may need: `ANY` is any warning.
ANY = "any"
UNASSIGNED = "unassigned"
NEEDS = (ANY, UNASSIGNED, *WARNINGS)

_NUMBER = re.compile(r"[0-9]{1,18}")


class Filters(Struct, frozen=True, kw_only=True):
    """Which orders to list. None: no restriction, but without `status` and `order_id` only open orders are listed.

    `window_from` and `window_until`: the window ends in this span (microseconds). `warning`: one of `WARNINGS`, or
    `any`. `is_unassigned`: the order waits for a batch; `is_taken`: one of the operator's shoppers has it.
    `retailer_shopper_id`: a shopper of the API, of the retailer that the filters name.
    `order_id`: exactly this order, in any state. `customer`: words of a name, or the last digits of a phone number; in
    any state unless `status` is given.
    """

    retailer_id: int | None = None
    store_number: int | None = None
    status: str | None = None
    kind: str | None = None
    shopper_id: int | None = None
    retailer_shopper_id: int | None = None
    window_from: int | None = None
    window_until: int | None = None
    warning: str | None = None
    is_unassigned: bool = False
    is_taken: bool = False
    has_alcohol: bool | None = None
    order_id: str | None = None
    customer: str | None = None


class Row(Struct, frozen=True, kw_only=True):
    """An order in a list, with the shopper who has it, and the live batch of that shopper; times in microseconds.

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
    def lane_of_shopper(self) -> tuple[int, int, int]:
        """The shopper who has the order: the operator's by their id, another one by retailer and id."""
        if self.person_id is not None:
            return self.person_id, 0, 0
        return 0, self.retailer_id, self.shopper_id or 0

    @property
    def was_delivered(self) -> bool:
        """Whether the last shopper brought the order to its customer."""
        return self.status == states.COMPLETED and self.kind != PICKUP

    @property
    def seen(self) -> str:
        """What a person sees of the order when they decide: its state, its batch, its window."""
        return f"{self.status} {self.batch_id or 0} {self.window_starts_at}"


class Counts(Struct, frozen=True):
    """How many orders there are: open ones by state, all by live warning, and those without the batch they wait for."""

    states: dict[str, int]
    warnings: dict[str, int]
    unassigned: int


class Claim(Struct, frozen=True):
    """A person who is on an order that needs one, until a time by the process's clock."""

    retailer_id: int
    order_id: str
    person_id: int
    name: str
    until: int


class Lane(Struct, frozen=True):
    """Open orders that have something in common: how many there are, and the first of them."""

    many: int
    rows: Sequence[Row]
