"""What the page says about an order's state: its title, and the steps on the way to the customer.

Titles: https://docs.instacart.com/connect/post-checkout_guide/concepts/order_status_page and the pickup flow.
"""

from collections.abc import Mapping, Sequence

from handcart.orders import states
from handcart.orders.models import CARRIED, PICKUP, Order, PastStep

GOT, SHOPPING, REVIEW, COMPLETE = "got", "shopping", "review", "complete"
READY, LOOKING, RUNNER, IN_STORE = "ready", "looking", "runner", "in_store"
OUT, DELIVERED, PICKED_UP, CANCELED = "out", "delivered", "picked_up", "canceled"

_OF_ALL: Mapping[str, str] = {
    states.BRAND_NEW: GOT,
    states.ACKNOWLEDGED: GOT,
    states.ACKNOWLEDGED_FOR_DELIVERY: GOT,
    states.AT_STORE: GOT,
    states.PICKING: SHOPPING,
    states.VERIFYING_REPLACEMENTS: REVIEW,
    states.CHECKOUT: COMPLETE,
    states.BAGS_CHECK: COMPLETE,
    states.STAGED: READY,
    states.RUNNER_AWAITING: LOOKING,
    states.USER_AT_STORE: RUNNER,
    states.BAGS_VERIFIED: OUT,
    states.DELIVERING: OUT,
    states.COMPLETED: DELIVERED,
    states.CANCELED: CANCELED,
}
_OF_PICKUP: Mapping[str, str] = {states.BAGS_VERIFIED: RUNNER, states.COMPLETED: PICKED_UP}

# The steps that the page shows, each with the stages that belong to it.
_STEPS_OF_DELIVERY = ((GOT,), (SHOPPING, REVIEW), (COMPLETE,), (OUT,), (DELIVERED,))
_STEPS_OF_PICKUP = ((GOT,), (SHOPPING, REVIEW), (COMPLETE,), (READY, IN_STORE, LOOKING, RUNNER), (PICKED_UP,))
_STEPS_OF_CARRIED = ((GOT,), (OUT,), (DELIVERED,))


def stage(order: Order, history: Sequence[PastStep]) -> str:
    """The stage of an order: the key of its title."""
    waits = order.kind == PICKUP and order.status == states.STAGED
    return IN_STORE if waits and _nobody_came_out(history) else stage_of(order.kind, order.status)


def stage_of(kind: str, status: str) -> str:
    """The stage of a state of orders of a kind."""
    return (_OF_PICKUP.get(status) if kind == PICKUP else None) or _OF_ALL[status]


def steps(order: Order, now: str) -> Sequence[tuple[str, str]]:
    """The steps of an order, each with `done`, `now` or `ahead`; none for a canceled order."""
    if now == CANCELED:
        return ()
    of_kind = (
        _STEPS_OF_PICKUP if order.kind == PICKUP else _STEPS_OF_CARRIED if order.kind in CARRIED else _STEPS_OF_DELIVERY
    )
    place = next(number for number, stages in enumerate(of_kind) if now in stages)
    is_over = order.status in states.TERMINAL
    return [
        (stages[0], "done" if number < place or is_over else "now" if number == place else "ahead")
        for number, stages in enumerate(of_kind)
    ]


def _nobody_came_out(history: Sequence[PastStep]) -> bool:
    """Whether the last thing that happened to a pickup order that waits is that nobody could carry it out."""
    return bool(history) and "runner_not_found" in history[-1].events
