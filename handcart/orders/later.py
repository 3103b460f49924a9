"""What happens to an order later: events while it stays in a state, and that its customer should be at the store.

`states.State.later` defines the events. Each has a row with its due time; `jobs` looks for due rows before each round
of sending callbacks, and moving a retailer's clock does so too.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.core.db import Tx
from handcart.events import queries as events
from handcart.orders import payloads, storage
from handcart.orders.models import PENDING, Courier, HistoryStep, Order
from handcart.orders.states import EXPECTED, STAGED, UNANSWERED_FOR, WINDOW_END, WINDOW_START, WORKFLOWS, State

_PLAN = (
    "INSERT INTO later_events (retailer_id, order_id, name, due_at, ends_at) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (retailer_id, order_id, name) DO UPDATE SET due_at = excluded.due_at, ends_at = excluded.ends_at"
)
# Maximum events per call of `perform`, because a call blocks other writes.
MOST_AT_ONCE = 100
# Gives the shopper who has an order now, by the retailer and the order's id. The domain `batches` knows.
CourierOf = Callable[[Tx, int, str], Awaitable[Courier | None]]
_DROP = "DELETE FROM later_events WHERE retailer_id = $1 AND order_id = $2 AND name = $3 AND due_at = $4"
_PUT_OFF = "UPDATE later_events SET due_at = $5 WHERE retailer_id = $1 AND order_id = $2 AND name = $3 AND due_at = $4"


async def plan(tx: Tx, retailer_id: int, order: Order, left: State, state: State) -> None:
    """Delete the delayed events of the state that an order has left; plan those of its new state."""
    if left.later:
        await tx.run("DELETE FROM later_events WHERE retailer_id = $1 AND order_id = $2", retailer_id, order.order_id)
    now = clock.now()
    begins = {"state": now, WINDOW_START: order.window_starts_at, WINDOW_END: order.window_ends_at}
    for one in state.later:
        since = begins[one.since]
        if since + one.after < now:
            continue
        await tx.run(_PLAN, retailer_id, order.order_id, one.event, since + one.after, since + one.until)


async def expect(tx: Tx, retailer_id: int, order: Order, at: int) -> None:
    """Plan the step that a customer should be at the store, for a time; an earlier plan is replaced."""
    await tx.run(_PLAN, retailer_id, order.order_id, EXPECTED, at, at)


async def retailers_waiting(tx: Tx, until: int) -> Sequence[int]:
    """The retailers with an event that is due by `until`, in microseconds."""
    found = await tx.all("SELECT DISTINCT retailer_id FROM later_events WHERE due_at <= $1", until)
    return [row["retailer_id"] for row in found]


async def perform(tx: Tx, retailer_id: int, until: int, courier_of: CourierOf) -> int:
    """Emit a retailer's events that are due by `until`, each with its due time; returns the number of rows handled."""
    for handled in range(MOST_AT_ONCE):
        row = await tx.one(
            "SELECT order_id, name, due_at, ends_at FROM later_events WHERE retailer_id = $1 AND due_at <= $2"
            " ORDER BY due_at, order_id, name LIMIT 1",
            retailer_id,
            until,
        )
        if row is None:
            return handled
        with clock.using(VirtualClock(frozen_at=row["due_at"])):
            await _perform(tx, retailer_id, row, courier_of)
    return MOST_AT_ONCE


async def _perform(tx: Tx, retailer_id: int, row: Any, courier_of: CourierOf) -> None:
    key = (retailer_id, row["order_id"], row["name"], row["due_at"])
    order = await storage.lock(tx, retailer_id, row["order_id"])
    assert order is not None
    state = WORKFLOWS[order.kind].states[order.status]
    every = next((one.every for one in state.later if one.event == row["name"]), None)
    # If another process has handled the row meanwhile, nothing changes.
    if every is not None and row["due_at"] + every <= row["ends_at"]:
        is_ours = await tx.run(_PUT_OFF, *key, row["due_at"] + every)
    else:
        is_ours = await tx.run(_DROP, *key)
    if not is_ours:
        return
    if row["name"] == EXPECTED:
        if order.status == STAGED:
            await storage.save(tx, retailer_id, order, HistoryStep(order.status, EXPECTED))
    elif not await _is_obsolete(tx, retailer_id, order, row["name"]):
        order.courier = await courier_of(tx, retailer_id, order.order_id)
        await payloads.emit(tx, retailer_id, order, [row["name"]])


async def _is_obsolete(tx: Tx, retailer_id: int, order: Order, name: str) -> bool:
    """Whether an event is no longer of use: a reminder to rate a rated order, or to answer what is answered or new."""
    if name == "replacement_reminder":
        asked = [line.proposed_at or 0 for line in order.lines if line.replacement_status == PENDING]
        return not asked or min(asked) + UNANSWERED_FOR > clock.now()
    return name == "rating_reminder" and await events.exists(tx, retailer_id, order.order_id, "rating_updated")
