"""A retailer's own clock: freeze it, set it, advance it, run it to the next due time, return to the real time.

Advancing lets tokens expire. Setting the clock moves the expiry of the clients' tokens as well, so that a test that
begins by setting it can keep its token.
The clock may also go back: existing things keep their times, nothing is undone, and ids keep rising (`core.ids`).
"""

from collections.abc import Collection, Mapping

from msgspec import Struct

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import invalid
from handcart.sandbox import state as states
from handcart.sandbox.robot import ops as robot
from handcart.sandbox.state import State

# Slot ids count from the first; after the second, expiry times could exceed the maximum time (`core.clock.MOST`).
EARLIEST = 1_767_225_600 * clock.SECOND  # 2026-01-01
LATEST = 4_070_908_800 * clock.SECOND  # 2099-01-01

# Due times: the first time after $2 at which something of the retailer $1 begins or ends.
_CLIENTS = "client_id IN (SELECT client_id FROM clients WHERE retailer_id = $1)"
_OPEN = "status NOT IN ('canceled', 'completed') AND delivered_at IS NULL"
_PERIODS = "memberships m JOIN links l ON l.account_id = m.account_id WHERE l.retailer_id = $1"
_FIRST: Mapping[str, tuple[str, str]] = {
    "hold_expiry": ("expires_at", "holds WHERE retailer_id = $1 AND is_counted"),
    "window_start": ("window_starts_at", f"orders WHERE retailer_id = $1 AND {_OPEN}"),
    "window_end": ("window_ends_at", f"orders WHERE retailer_id = $1 AND {_OPEN}"),
    "membership_start": ("m.starts_at", _PERIODS),
    "membership_end": ("m.ends_at", _PERIODS),
    "token_expiry": ("expires_at", "tokens WHERE retailer_id = $1 AND revoked_at IS NULL AND used_at IS NULL"),
    "code_expiry": ("expires_at", f"authorization_codes WHERE {_CLIENTS} AND used_at IS NULL"),
    "authorization_request_expiry": ("expires_at", f"authorization_requests WHERE {_CLIENTS} AND answered_at IS NULL"),
    "robot_step": ("due_at", "robot_runs WHERE retailer_id = $1"),
    "callback_retry": ("due_at", "deliveries WHERE retailer_id = $1 AND state = 'pending'"),
    "idempotency_key_expiry": ("expires_at", f"idempotency_keys WHERE {_CLIENTS}"),
}
DUE = tuple(_FIRST)
_NEXT = " UNION ALL ".join(
    f"SELECT '{what}' AS what, min({moment}) AS at FROM {where} AND {moment} > $2"  # noqa: S608 (the table above)
    for what, (moment, where) in _FIRST.items()
)


class Due(Struct, frozen=True):
    """Something that begins or ends at a time (microseconds)."""

    what: str
    at: int


async def set_to(tx: Tx, retailer_id: int, at: int | None, *, is_frozen: bool) -> State:
    """Set the clock to `at` (None: the time it shows), frozen or running; raises `is invalid` for `at`."""
    state = await states.lock(tx, retailer_id)
    before = state.now
    at = before if at is None else at
    await _bring_tokens(tx, retailer_id, before, at)
    return await _move(tx, retailer_id, state, at, "at", is_frozen=is_frozen)


async def advance(tx: Tx, retailer_id: int, seconds: int) -> State:
    """Move the clock forward; raises `is invalid` for `seconds` if that exceeds `LATEST`."""
    state = await states.lock(tx, retailer_id)
    at = state.now + seconds * clock.SECOND
    return await _move(tx, retailer_id, state, at, "seconds", is_frozen=state.frozen_at is not None)


async def run_to_next(tx: Tx, retailer_id: int, kinds: Collection[str]) -> tuple[State, Due | None]:
    """Move the clock forward to the next due time of these kinds; returns None, without a move, if there is none."""
    state = await states.lock(tx, retailer_id)
    due = await next_due(tx, retailer_id, state.now, kinds)
    if due is None or due.at > LATEST:
        return state, None
    return await _move(tx, retailer_id, state, due.at, "what", is_frozen=state.frozen_at is not None), due


async def release(tx: Tx, retailer_id: int) -> State:
    """Return to the real time."""
    state = await states.lock(tx, retailer_id)
    await _bring_tokens(tx, retailer_id, state.now, clock.of_process())
    state.frozen_at, state.offset = None, 0
    await states.save(tx, retailer_id, state)
    await robot.perform(tx, retailer_id, state.now)
    return state


async def next_due(tx: Tx, retailer_id: int, after: int, kinds: Collection[str]) -> Due | None:
    """The first thing of these kinds that is due after a time."""
    rows = await tx.all(_NEXT, retailer_id, after)
    return min(
        (Due(row["what"], row["at"]) for row in rows if row["at"] is not None and row["what"] in kinds),
        key=lambda due: (due.at, due.what),
        default=None,
    )


async def _bring_tokens(tx: Tx, retailer_id: int, before: int, at: int) -> None:
    """Move the expiry of the clients' valid tokens, so that they have as much time left as before."""
    await tx.run(
        "UPDATE tokens SET created_at = created_at + $3, expires_at = expires_at + $3 WHERE retailer_id = $1"
        " AND expires_at > $2 AND user_id IS NULL AND account_id IS NULL",
        retailer_id,
        before,
        at - before,
    )


async def _move(tx: Tx, retailer_id: int, state: State, at: int, key: str, *, is_frozen: bool) -> State:
    if not EARLIEST <= at <= LATEST:
        raise invalid(key)
    state.frozen_at, state.offset = (at, 0) if is_frozen else (None, at - clock.of_process())
    await states.save(tx, retailer_id, state)
    await robot.perform(tx, retailer_id, at)
    return state
