"""The types of batches and their states. docs/order-states.md is generated from this table.

https://docs.instacart.com/connect/api/sandbox/batches/advance_batch_state does not show the states of `delivery_only`
after the first one, nor the order's state for each: docs/wire-choices.md.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from handcart.orders import states as orders
from handcart.orders.models import DELIVERY, DISPATCH, LAST_MILE, PICKUP

BRAND_NEW = "brand_new"
ACKNOWLEDGED = "acknowledged"
RECEIPT_SANITY_CHECK = "receipt_sanity_check"
AT_STORE = "at_store"


class BatchType(Struct, frozen=True):
    """A type of batch.

    `kinds` and `takes`: the kinds of orders it serves, and the state that they wait in. `initial`: the default first
    state of a batch. `states`: its states in order, each with the state of its orders.
    """

    kinds: Sequence[str]
    takes: str
    initial: str
    states: Mapping[str, str]


_SHOPPED_STATES = {
    BRAND_NEW: orders.BRAND_NEW,
    ACKNOWLEDGED: orders.ACKNOWLEDGED,
    orders.PICKING: orders.PICKING,
    orders.VERIFYING_REPLACEMENTS: orders.VERIFYING_REPLACEMENTS,
    orders.CHECKOUT: orders.CHECKOUT,
    RECEIPT_SANITY_CHECK: orders.CHECKOUT,
}

TYPES: Mapping[str, BatchType] = {
    "delivery": BatchType(
        (DELIVERY,),
        orders.BRAND_NEW,
        ACKNOWLEDGED,
        {**_SHOPPED_STATES, orders.DELIVERING: orders.DELIVERING, orders.COMPLETED: orders.COMPLETED},
    ),
    "pickup": BatchType(
        (PICKUP,),
        orders.BRAND_NEW,
        ACKNOWLEDGED,
        {**_SHOPPED_STATES, orders.BAGS_CHECK: orders.BAGS_CHECK, orders.STAGED: orders.STAGED},
    ),
    "delivery_only": BatchType(
        (LAST_MILE, DISPATCH),
        orders.BRAND_NEW,
        ACKNOWLEDGED,
        {
            BRAND_NEW: orders.BRAND_NEW,
            ACKNOWLEDGED: orders.ACKNOWLEDGED_FOR_DELIVERY,
            AT_STORE: orders.AT_STORE,
            orders.BAGS_VERIFIED: orders.BAGS_VERIFIED,
            orders.DELIVERING: orders.DELIVERING,
            orders.COMPLETED: orders.COMPLETED,
        },
    ),
    # A store employee brings a staged pickup order to the customer; `at_store` means the customer.
    "runner_customer": BatchType(
        (PICKUP,),
        orders.STAGED,
        BRAND_NEW,
        {
            BRAND_NEW: orders.RUNNER_AWAITING,
            AT_STORE: orders.USER_AT_STORE,
            orders.BAGS_VERIFIED: orders.BAGS_VERIFIED,
            orders.COMPLETED: orders.COMPLETED,
        },
    ),
}
# How an order leaves its batch, and how a batch ends: its last order's way.
COMPLETED, CANCELED = orders.COMPLETED, orders.CANCELED
STAGED = orders.STAGED
UNASSIGNED = "unassigned"
DROPPED_OUT = "dropped_out"
# The states of orders whose bags the next shopper can take over: paid, and not on their way.
HANDED_ON = (orders.CHECKOUT, orders.BAGS_CHECK)
# Other names of states that callers may use.
ALIASES = {("delivery_only", "acknowledged_for_delivery"): ACKNOWLEDGED}

# What a shopper does with the goods of an order that is taken away, by the order's status at that time. With other
# statuses the shopper has no goods yet.
NOTHING = "nothing"
PUT_BACK = "put_back"
KEEP_FOR_NEXT = "keep_for_next"
HAND_TO_STORE = "hand_to_store"
_GOODS = {
    **dict.fromkeys((orders.PICKING, orders.VERIFYING_REPLACEMENTS), PUT_BACK),
    **dict.fromkeys((orders.CHECKOUT, orders.BAGS_CHECK, orders.STAGED, orders.USER_AT_STORE), HAND_TO_STORE),
    **dict.fromkeys((orders.BAGS_VERIFIED, orders.DELIVERING), HAND_TO_STORE),
}


def goods(order_status: str, *, keeps_picked: bool = False) -> str:
    """What a shopper does with the goods of an order that was taken away in this status."""
    what = _GOODS.get(order_status, NOTHING)
    return KEEP_FOR_NEXT if keeps_picked and what == PUT_BACK else what


def state_of(batch_type: str, name: str) -> str | None:
    """A batch's state by its name or alias; None if batches of the type have no such state."""
    name = ALIASES.get((batch_type, name), name)
    return name if name in TYPES[batch_type].states else None


def next_state(batch_type: str, state: str) -> str | None:
    """The state after this one; None after the last."""
    order = list(TYPES[batch_type].states)
    place = order.index(state) + 1
    return order[place] if place < len(order) else None


def is_ahead(batch_type: str, state: str, target: str) -> bool:
    """Whether `target` comes after `state`, directly or later."""
    order = list(TYPES[batch_type].states)
    return order.index(target) > order.index(state)


def is_last(batch_type: str, state: str) -> bool:
    """Whether this is a batch's last state."""
    return next_state(batch_type, state) is None
