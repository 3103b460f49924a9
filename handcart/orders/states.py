"""What an order can be in, go to, and owe: data, from which docs/order-states.md is made as well.

The documentation has the states, in their order (https://docs.instacart.com/connect/api/post_checkout/order/get_order,
.../sandbox/batches/advance_batch_state) and the events (.../fulfillment/communications/event_callbacks); which of them
is owed when is for the most part not said: docs/wire-choices.md.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from handcart.core import clock
from handcart.orders import models

BRAND_NEW = "brand_new"
ACKNOWLEDGED = "acknowledged"
PICKING = "picking"
VERIFYING_REPLACEMENTS = "verifying_replacements"
CHECKOUT = "checkout"
DELIVERING = "delivering"
BAGS_CHECK = "bags_check"
STAGED = "staged"
RUNNER_AWAITING = "runner_awaiting"
USER_AT_STORE = "user_at_store"
ACKNOWLEDGED_FOR_DELIVERY = "acknowledged_for_delivery"
AT_STORE = "at_store"
BAGS_VERIFIED = "bags_verified"
COMPLETED = "completed"
CANCELED = "canceled"

# What may be done to an order.
UPDATE = "update"
CANCEL = "cancel"
CHOOSE_REPLACEMENTS = "choose replacements"
STAGE = "stage"
CHANGE_ITEMS = "change items"
TIP = "tip"
ACTIONS = {
    UPDATE: "the retailer changes slot, items, instructions, the tip to begin with",
    CANCEL: "the retailer cancels over the API",
    CHOOSE_REPLACEMENTS: "the customer chooses what may replace an item",
    STAGE: "the retailer says that the bags wait in the staging area",
    CHANGE_ITEMS: "the shopper finds, replaces, adds and refunds items",
    TIP: "the tip is changed",
}

# Events that are owed without a change of state, by what happened.
CREATED = "created"
FOUND = "item found"
PUT_BACK = "item put back"
REPLACED = "item replaced"
REFUNDED = "item refunded"
TIP_UPDATED = "tip updated"
RESCHEDULED = "rescheduled"
LATE = "late"
MISSING = "customer missing"


class Later(Struct, frozen=True):
    """An event that is owed while an order stays in a state: `after` so long, then `every` so often (None: once).

    `until`: for how long after the state was reached. All in microseconds.
    """

    event: str
    after: int
    every: int | None = None
    until: int = 3 * clock.HOUR


class State(Struct, frozen=True):
    """A state: what may be done in it, which events are owed when an order comes to it from the state before.

    `back`: where the order falls back to when its shopper drops out, and what is owed then; None: nobody can any more.
    `later`: what is owed as long as the order stays in it.
    """

    name: str
    may: Sequence[str] = ()
    events: Sequence[str] = ()
    back: str | None = None
    back_events: Sequence[str] = ()
    later: Sequence[Later] = ()


class Option(Struct, frozen=True):
    """A fulfillment option: its states in the order in which they follow each other, each the only way to the next.

    From any of them but the last an order may be canceled. `events`: what is owed for what happens beside all that.
    """

    states: Mapping[str, State]
    events: Mapping[str, Sequence[str]]


def _option(*states: State, events: Mapping[str, Sequence[str]]) -> Option:
    return Option({state.name: state for state in states}, events)


_LOCATION = Later("order_location", 2 * clock.MINUTE, 2 * clock.MINUTE)
_ETA = Later("at_store_eta", 2 * clock.MINUTE, 2 * clock.MINUTE)
_REMINDER = Later("rating_reminder", clock.HOUR)
_CANCELED = State(CANCELED, events=("canceled",))
# Up to here, another shopper can begin anew: the next one finds the order as it was.
_SHOPPED = (
    State(BRAND_NEW, (UPDATE, CANCEL, CHOOSE_REPLACEMENTS)),
    State(ACKNOWLEDGED, (CHOOSE_REPLACEMENTS,), ("acknowledged",), BRAND_NEW, ("rescheduled",)),
    State(PICKING, (CHOOSE_REPLACEMENTS, CHANGE_ITEMS), ("picking",), BRAND_NEW, ("rescheduled",)),
    State(VERIFYING_REPLACEMENTS, (CHANGE_ITEMS,), (), BRAND_NEW, ("rescheduled",)),
    State(CHECKOUT, (), ("checkout",)),
)
_SHOPPED_EVENTS = {
    CREATED: ("brand_new",),
    FOUND: ("item_found",),
    PUT_BACK: ("item_not_picked",),
    REPLACED: ("item_replaced", "order_item_replacement"),
    REFUNDED: ("item_refunded", "order_item_refund"),
    RESCHEDULED: ("rescheduled",),
}

_DELIVERY = _option(
    *_SHOPPED,
    State(DELIVERING, (), ("delivering", "order_location"), later=(_LOCATION,)),
    State(COMPLETED, (TIP,), ("delivered",), later=(_REMINDER,)),
    _CANCELED,
    events={
        **_SHOPPED_EVENTS,
        TIP_UPDATED: ("tip_adjustment",),
        LATE: ("late_delivery",),
        MISSING: ("customer_missing",),
    },
)
_PICKUP = _option(
    *_SHOPPED,
    State(BAGS_CHECK),
    State(STAGED, (), ("staged",)),
    State(RUNNER_AWAITING, (), ("pickup_geofence_reached",), STAGED, ("runner_not_found",)),
    State(USER_AT_STORE, (), ("customer_acknowledged", "pickup_runner_started"), STAGED, ("runner_not_found",)),
    State(BAGS_VERIFIED),
    State(COMPLETED, (TIP,), ("delivered",), later=(_REMINDER,)),
    _CANCELED,
    events={**_SHOPPED_EVENTS, TIP_UPDATED: (), LATE: ("late_pickup",), MISSING: ("unable_to_find_customer",)},
)
# Dispatch last mile orders go the way of last mile orders. That the retailer has staged one is no state of its own:
# updating and canceling, which must stay possible, are documented for brand_new alone.
_LAST_MILE = _option(
    State(BRAND_NEW, (UPDATE, CANCEL, STAGE)),
    State(
        ACKNOWLEDGED_FOR_DELIVERY,
        (STAGE,),
        ("acknowledged", "acknowledged_for_delivery", "at_store_eta"),
        BRAND_NEW,
        ("rescheduled",),
        (_ETA,),
    ),
    State(AT_STORE, (STAGE,), ("at_store",), BRAND_NEW, ("rescheduled",)),
    State(BAGS_VERIFIED, (STAGE,), ("bags_verified",), BRAND_NEW, ("rescheduled",)),
    State(DELIVERING, (STAGE,), ("delivering", "order_location"), later=(_LOCATION,)),
    State(COMPLETED, (TIP,), ("arrival_at_customer", "delivered"), later=(_REMINDER,)),
    _CANCELED,
    events={
        CREATED: ("brand_new",),
        STAGED: ("staged",),
        TIP_UPDATED: ("tip_adjustment",),
        RESCHEDULED: ("rescheduled",),
        LATE: ("late_delivery",),
        MISSING: ("customer_missing",),
    },
)
OPTIONS: Mapping[str, Option] = {
    models.DELIVERY: _DELIVERY,
    models.PICKUP: _PICKUP,
    models.LAST_MILE: _LAST_MILE,
    models.DISPATCH: _LAST_MILE,
}
TERMINAL = (COMPLETED, CANCELED)

# https://docs.instacart.com/connect/api/fulfillment/delivery/update_tip; the types are those that could be read.
CANCELLATIONS: Mapping[str, Sequence[str]] = {
    "customer_driven": (
        "customer mia",
        "customer requested since order is early",
        "change payment method",
        "incorrect customer information (phone/address)",
    ),
    "instacart_driven": (
        "fraudulent customer",
        "manual_fraud",
        "related accounts abuse",
        "system error",
        "unauthorized account usage",
    ),
    "retailer_driven": (
        "store early closure",
        "too many out of stock items",
        "single item order out of stock",
        "card decline on reauth",
        "shopper initiated out of stock",
    ),
    "shopper_driven": (
        "shopper unable to complete order",
        "shopper could not find address",
        "unable to access location",
    ),
    "unbatchable": ("unbatchable", "unable to reschedule as no option found"),
    "other": (
        "too many replacements",
        "item and replacement issues",
        "pre-picking",
        "store outage",
        "wrong store hours",
        "mass cancellation",
        "unknown",
        "none",
    ),
}


def may(kind: str, status: str, action: str) -> bool:
    """Whether an action is allowed for an order of a kind in a state."""
    return action in OPTIONS[kind].states[status].may


def way(kind: str, status: str, to: str) -> Sequence[tuple[State, Sequence[str]]]:
    """The states that an order passes through to another one, each with the events owed; empty: there is no way."""
    states = OPTIONS[kind].states
    if to not in states or status in TERMINAL:
        return ()
    if to == CANCELED:
        return ((states[CANCELED], states[CANCELED].events),)
    if to == states[status].back:
        return ((states[to], states[status].back_events),)
    order = list(states)
    passed = order[order.index(status) + 1 : order.index(to) + 1]
    return tuple((states[name], states[name].events) for name in passed)
