"""The state of one retailer's sandbox: its clock, faults and robot.

Stored as one row of the table `installation`, so that all processes of a server see it, and production databases have
no tables that only sandboxes use. Without a row: real time, no faults.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from handcart.core.clock import VirtualClock, of_process
from handcart.core.db import Tx

RATE_LIMITED = "rate_limited"
INTERNAL_ERROR = "internal_error"
TRY_AGAIN = "try_again"
UNAVAILABLE = "unavailable"
SLOW = "slow"
SLOT_TAKEN = "slot_taken"
# Faults of callbacks, not of calls.
CALLBACK_DUPLICATE = "callback_duplicate"
CALLBACK_REORDER = "callback_reorder"
CALLBACK_DROP = "callback_drop"
CALLBACK_DELAY = "callback_delay"
CALLBACK_ERROR = "callback_error"
TOKEN_DOWN = "token_down"  # noqa: S105 (no password)
OF_CALLBACKS = (CALLBACK_DUPLICATE, CALLBACK_REORDER, CALLBACK_DROP, CALLBACK_DELAY, CALLBACK_ERROR, TOKEN_DOWN)
Kind = Literal[
    "rate_limited",
    "internal_error",
    "try_again",
    "unavailable",
    "slow",
    "slot_taken",
    "callback_duplicate",
    "callback_reorder",
    "callback_drop",
    "callback_delay",
    "callback_error",
    "token_down",
]

_NAME = "sandbox of {}"


class Fault(Struct, kw_only=True, omit_defaults=True):
    """A fault of calls or callbacks. `times` None: until it is switched off.

    `operation` None and `path` None: every call; `event` None: every callback. It applies to a `share` of the matching
    ones, chosen by `seed`. So far `seen` calls matched, and it applied to `met`.
    """

    fault: Kind
    operation: str | None = None
    path: str | None = None
    event: str | None = None
    service_option_id: int | None = None
    times: int | None = None
    share: float = 1.0
    seed: int = 0
    slow_ms: int = 0
    retry_after: int = 1
    seen: int = 0
    met: int = 0


class Robot(Struct):
    """Scenario, seed and pace with which `sandbox.robot.ops` takes new orders automatically."""

    scenario: str
    seed: int
    pace: str


class TakenSlot(Struct):
    """A slot that a fault took: store, date and hour, and the exception that applied before."""

    location_code: str
    kind: str
    date: str
    hour: int
    before: int | None


class State(Struct, kw_only=True, omit_defaults=True):
    """The row. `frozen_at` and `offset`: microseconds, as in `core.clock.VirtualClock`."""

    frozen_at: int | None = None
    offset: int = 0
    faults: Sequence[Fault] = ()
    taken: Sequence[TakenSlot] = ()
    robot: Robot | None = None

    @property
    def clock(self) -> VirtualClock | None:
        """The virtual clock; None: the real time."""
        return VirtualClock(self.frozen_at, self.offset) if self.is_virtual else None

    @property
    def now(self) -> int:
        """The time of the retailer's clock, in microseconds."""
        return of_process() if self.clock is None else self.clock.now()

    @property
    def is_virtual(self) -> bool:
        return self.frozen_at is not None or self.offset != 0


async def load(tx: Tx, retailer_id: int) -> State:
    """The state of a retailer's sandbox."""
    row = await tx.one("SELECT value FROM installation WHERE name = $1", _NAME.format(retailer_id))
    return State() if row is None else msgspec.json.decode(row["value"], type=State)


async def lock(tx: Tx, retailer_id: int) -> State:
    """As `load`, locked until this transaction ends."""
    name = _NAME.format(retailer_id)
    await tx.run("INSERT INTO installation (name, value) VALUES ($1, '{}') ON CONFLICT (name) DO NOTHING", name)
    row = await tx.one("SELECT value FROM installation WHERE name = $1 FOR UPDATE", name)
    assert row is not None
    return msgspec.json.decode(row["value"], type=State)


async def save(tx: Tx, retailer_id: int, state: State) -> None:
    """Save a retailer's state, which the caller has locked."""
    await tx.run(
        "UPDATE installation SET value = $2 WHERE name = $1",
        _NAME.format(retailer_id),
        msgspec.json.encode(state).decode(),
    )


async def forget(tx: Tx, retailer_id: int) -> None:
    """Delete a retailer's state: real time, no faults."""
    await tx.run("DELETE FROM installation WHERE name = $1", _NAME.format(retailer_id))


async def with_robot(tx: Tx) -> Sequence[int]:
    """The retailers whose new orders the robot takes automatically."""
    return [retailer_id for retailer_id, state in (await _all(tx)).items() if state.robot is not None]


async def clocks(tx: Tx) -> Mapping[int, VirtualClock]:
    """All virtual clocks, by retailer."""
    there = await _all(tx)
    return {retailer_id: state.clock for retailer_id, state in there.items() if state.clock is not None}


async def _all(tx: Tx) -> Mapping[int, State]:
    """All stored states, by retailer."""
    rows = await tx.all("SELECT name, value FROM installation WHERE name LIKE 'sandbox of %'")
    return {int(row["name"].rpartition(" ")[2]): msgspec.json.decode(row["value"], type=State) for row in rows}
