"""The states of orders, the ways between them, and their events. docs/order-states.md is generated from these tables.

The documentation has the states in their order (https://docs.instacart.com/connect/api/post_checkout/order/get_order,
.../sandbox/batches/advance_batch_state) and the events (.../fulfillment/communications/event_callbacks). It mostly does
not say which event is sent when: docs/wire-choices.md.
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

# Actions on an order.
UPDATE = "update"
CANCEL = "cancel"
CHOOSE_REPLACEMENTS = "choose replacements"
ANSWER = "answer replacements"
STAGE = "stage"
CHANGE_ITEMS = "change items"
TIP = "tip"
RATE = "rate"
ACTIONS = {
    UPDATE: "the retailer changes slot, items, instructions or initial tip",
    CANCEL: "the retailer cancels the order over the API",
    CHOOSE_REPLACEMENTS: "the customer chooses replacements for items",
    ANSWER: "the customer approves or refuses a replacement that the shopper proposes",
    STAGE: "the retailer reports that the bags are in the staging area",
    CHANGE_ITEMS: "the shopper finds, replaces, adds and refunds items",
    TIP: "the tip is changed after completion",
    RATE: "the customer rates the order",
}

# What can happen without a change of state; `Workflow.events` lists the events of each.
CREATED = "created"
UPDATED = "updated"
REPLACEMENTS_CHOSEN = "replacements chosen"
FOUND = "item found"
PUT_BACK = "item put back"
REPLACED = "item replaced"
APPROVED = "replacement approved"
REJECTED = "replacement refused"
ALTERNATIVE_NAMED = "alternative named"
REFUNDED = "item refunded"
ADDED = "item added"
TIP_UPDATED = "tip updated"  # after completion, also to the same amount; the initial tip is changed by UPDATED
RESCHEDULED = "rescheduled"
LATE = "late"
MISSING = "customer missing"
PAID = "goods paid"
BAGGED = "bags packed"
PUT_AWAY = "bags put away"
CHECKED = "bags checked"
TURNED_BACK = "turned back"
VEHICLE_NAMED = "vehicle named"
DELEGATE_NAMED = "delegate named"
COMING = "customer on the way"
EXPECTED = "customer expected"
ARRIVED = "customer arrived"
RATED = "rated"
SIGNED = "signed"
USER_DELETED = "user deleted"
CAME_BACK = "goods came back"


# From when the time of a delayed event counts, besides the beginning of the state.
WINDOW_START, WINDOW_END = "window_start", "window_end"


# How long a replacement waits for its answer until the customer is reminded, while the shopper waits before the till.
UNANSWERED_FOR = 2 * clock.MINUTE


class Later(Struct, frozen=True):
    """An event that is sent while an order stays in a state: first `after` this time, then at intervals of `every`.

    `every` None: only once. `until`: the time after which no more are sent. All in microseconds since the state began;
    with `since` WINDOW_START or WINDOW_END, since the order's window began or ended, and not if that time has passed.
    """

    event: str
    after: int
    every: int | None = None
    until: int = 3 * clock.HOUR
    since: str = "state"


class State(Struct, frozen=True):
    """A state. `may`: the allowed actions. `events`: events sent when an order comes from the state before.

    `back` and `back_events`: the state that the order returns to if its shopper drops out, and the events sent then;
    None: shoppers can no longer drop out. `later`: events sent while the order stays in the state.
    """

    name: str
    may: Sequence[str] = ()
    events: Sequence[str] = ()
    back: str | None = None
    back_events: Sequence[str] = ()
    later: Sequence[Later] = ()


class Workflow(Struct, frozen=True):
    """The states of a fulfillment option in order; an order passes through each of them.

    An order may be canceled in any state but the last. `events`: all that can happen without a change of state, and
    the events sent for it; what is listed with `()` sends none, and what is not listed cannot happen.
    """

    states: Mapping[str, State]
    events: Mapping[str, Sequence[str]]


def _workflow(*states: State, events: Mapping[str, Sequence[str]]) -> Workflow:
    return Workflow({state.name: state for state in states}, events)


_LOCATION = Later("order_location", 2 * clock.MINUTE, 2 * clock.MINUTE)
_ETA = Later("at_store_eta", 2 * clock.MINUTE, 2 * clock.MINUTE)
_REMINDER = Later("rating_reminder", clock.HOUR)
_ARRIVING = Later("shopper_arriving", 15 * clock.MINUTE)
_UNANSWERED = Later("replacement_reminder", UNANSWERED_FOR)
_UNTIL_PICKED_UP = (
    Later("pickup_reminder", 0, since=WINDOW_START),
    Later("pickup_closing", -30 * clock.MINUTE, since=WINDOW_END),
    Later("pickup_closed", 0, since=WINDOW_END),
    Later("pickup_last_chance", 2 * clock.HOUR, since=WINDOW_END),
)
_CANCELED = State(CANCELED, events=("canceled",))
# The first states of orders whose items the shopper picks. Until checkout another shopper can start again, with the
# order as it was.
_SHOPPED_STATES = (
    State(BRAND_NEW, (UPDATE, CANCEL, CHOOSE_REPLACEMENTS)),
    State(ACKNOWLEDGED, (CHOOSE_REPLACEMENTS,), ("acknowledged",), BRAND_NEW, ("rescheduled",)),
    State(PICKING, (CHOOSE_REPLACEMENTS, ANSWER, CHANGE_ITEMS), ("picking",), BRAND_NEW, ("rescheduled",)),
    State(VERIFYING_REPLACEMENTS, (ANSWER, CHANGE_ITEMS), (), BRAND_NEW, ("rescheduled",), (_UNANSWERED,)),
    State(CHECKOUT, (), ("checkout",)),
)
_SHOPPED_EVENTS = {
    CREATED: ("brand_new",),
    UPDATED: (),
    REPLACEMENTS_CHOSEN: (),
    FOUND: ("item_found",),
    PUT_BACK: ("item_not_picked",),
    REPLACED: ("item_replaced", "order_item_replacement"),
    APPROVED: (),
    REJECTED: ("item_refunded", "order_item_refund"),
    ALTERNATIVE_NAMED: ("item_not_picked",),
    REFUNDED: ("item_refunded", "order_item_refund"),
    ADDED: (),
    PAID: (),
    BAGGED: (),
    RESCHEDULED: ("rescheduled",),
    RATED: ("rating_updated",),
    USER_DELETED: (),
}

_DELIVERY = _workflow(
    *_SHOPPED_STATES,
    State(DELIVERING, (), ("delivering", "order_location"), later=(_LOCATION, _ARRIVING)),
    State(COMPLETED, (TIP, RATE), ("delivered",), later=(_REMINDER,)),
    _CANCELED,
    events={
        **_SHOPPED_EVENTS,
        CAME_BACK: (),
        TIP_UPDATED: ("tip_adjustment",),
        LATE: ("late_delivery",),
        MISSING: ("customer_missing",),
        TURNED_BACK: (),
        SIGNED: (),
    },
)
_PICKUP = _workflow(
    *_SHOPPED_STATES,
    State(BAGS_CHECK),
    State(STAGED, (), ("staged",), later=_UNTIL_PICKED_UP),
    State(RUNNER_AWAITING, (), ("pickup_geofence_reached",), STAGED, ("runner_not_found",)),
    State(USER_AT_STORE, (), ("customer_acknowledged", "pickup_runner_started"), STAGED, ("runner_not_found",)),
    State(BAGS_VERIFIED, (), (), STAGED, ("runner_not_found",)),
    State(COMPLETED, (TIP, RATE), ("delivered",), later=(_REMINDER,)),
    _CANCELED,
    events={
        **_SHOPPED_EVENTS,
        CAME_BACK: (),
        PUT_AWAY: (),
        CHECKED: (),
        TIP_UPDATED: (),
        LATE: ("late_pickup",),
        MISSING: ("unable_to_find_customer",),
        VEHICLE_NAMED: (),
        DELEGATE_NAMED: (),
        COMING: (),
        EXPECTED: (),
        ARRIVED: (),
    },
)
# Dispatch last mile orders have the states of last mile orders. A staged order has no state of its own: it must still
# be possible to update and cancel it, and both are documented only for brand_new.
_LAST_MILE = _workflow(
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
    State(DELIVERING, (STAGE,), ("delivering", "order_location"), later=(_LOCATION, _ARRIVING)),
    State(COMPLETED, (TIP, RATE), ("arrival_at_customer", "delivered"), later=(_REMINDER,)),
    _CANCELED,
    events={
        CREATED: ("brand_new",),
        UPDATED: (),
        STAGED: ("staged",),
        CAME_BACK: (),
        CHECKED: (),
        TIP_UPDATED: ("tip_adjustment",),
        RESCHEDULED: ("rescheduled",),
        LATE: ("late_delivery",),
        MISSING: ("customer_missing",),
        TURNED_BACK: (),
        RATED: ("rating_updated",),
        SIGNED: (),
        USER_DELETED: (),
    },
)
WORKFLOWS: Mapping[str, Workflow] = {
    models.DELIVERY: _DELIVERY,
    models.PICKUP: _PICKUP,
    models.LAST_MILE: _LAST_MILE,
    models.DISPATCH: _LAST_MILE,
}
TERMINAL = (COMPLETED, CANCELED)

# By `cancellation_reason`, the values of `cancellation_type`; only those that are known. The documentation has more:
# https://docs.instacart.com/connect/api/fulfillment/communications/event_callbacks
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
    return action in WORKFLOWS[kind].states[status].may


def way(kind: str, status: str, to: str) -> Sequence[tuple[State, Sequence[str]]]:
    """The states that an order passes through to reach `to`, each with the events sent; empty if it cannot reach it."""
    states = WORKFLOWS[kind].states
    if to not in states or status in TERMINAL:
        return ()
    if to == CANCELED:
        return ((states[CANCELED], states[CANCELED].events),)
    if to == states[status].back:
        return ((states[to], states[status].back_events),)
    order = list(states)
    passed = order[order.index(status) + 1 : order.index(to) + 1]
    return tuple((states[name], states[name].events) for name in passed)
