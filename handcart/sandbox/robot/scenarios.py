"""Scenarios of the robot shopper: each makes a plan of steps for an order, randomized by a seed.

A plan is made once, from the order's state when the robot takes it, and then stored. The steps and their times are
Handcart's own idea of a day at a store; states, reasons and events are those of `orders.states`.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from msgspec import Struct

from handcart.batches import states as batch_states
from handcart.orders import states
from handcart.orders.models import CARRIED, DELIVERY, DISPATCH, LAST_MILE, PICKUP, SHOPPED, Order, OrderLine

GENERATE = "generate"
ADVANCE = "advance"
FIND = "find"
SHORT = "find fewer"
REPLACE = "replace"
REFUND = "refund"
WAIT = "wait for answers"
TAKE_BACK = "take back alcohol"
DROP_OUT = "drop out"
UNBATCH = "unbatch"
CANCEL = "cancel"
HAPPEN = "happen"
TIP = "tip"

HAPPY_PATH = "happy_path"
ALCOHOL_REFUSED = "alcohol_refused"
_MINUTE = 60
_REPLIES = ("yes", "thanks", "one_moment")


class Step(Struct, frozen=True, omit_defaults=True):
    """One action, a number of seconds after the one before. `value`: the state, reason, line or amount."""

    after: int
    action: str
    value: str = ""
    detail: str = ""


class Scenario(Struct, frozen=True):
    """A scenario. `kinds`: kinds of orders it applies to. `plan` returns no steps for an order that it does not fit."""

    about: str
    kinds: Sequence[str]
    plan: Callable[[Order, Random], Sequence[Step]]


def plan(name: str, order: Order, seed: int) -> Sequence[Step]:
    """The steps of a scenario for an order; empty if it does not fit the order."""
    scenario = SCENARIOS[name]
    return scenario.plan(order, Random(seed)) if order.kind in scenario.kinds else ()  # noqa: S311 (a game, not a key)


def reply(seed: int, number: int) -> str:
    """The phrase with which the robot answers the customer's message with this number."""
    return Random(f"{seed}/{number}").choice(_REPLIES)  # noqa: S311 (a game, not a key)


def _take(order: Order, draw: Random) -> Step:
    batch_type = next(name for name, one in batch_states.TYPES.items() if order.kind in one.kinds)
    return Step(draw.randint(2, 10) * _MINUTE, GENERATE, batch_type)


def _begin(order: Order, draw: Random) -> list[Step]:
    """The steps in which a shopper takes the order, and shops or drives to the store."""
    if order.kind in CARRIED:
        return [_take(order, draw), Step(draw.randint(8, 20) * _MINUTE, ADVANCE, batch_states.AT_STORE)]
    return [_take(order, draw), Step(draw.randint(3, 15) * _MINUTE, ADVANCE, states.PICKING)]


def _present(order: Order) -> list[OrderLine]:
    return [line for line in order.lines if not line.is_removed]


def _pick(lines: Sequence[OrderLine], draw: Random) -> list[Step]:
    return [Step(draw.randint(20, 90), FIND, line.line_num) for line in lines]


def _pay(draw: Random) -> list[Step]:
    return [
        Step(draw.randint(1, 4) * _MINUTE, ADVANCE, states.CHECKOUT),
        Step(draw.randint(1, 3) * _MINUTE, ADVANCE, batch_states.RECEIPT_SANITY_CHECK),
    ]


def _leave(order: Order, draw: Random) -> list[Step]:
    """The steps from checkout (or the counter) to the drive to the customer; for pickup, to the staging area."""
    if order.kind == PICKUP:
        bags = [Step(draw.randint(1, 4) * _MINUTE, ADVANCE, state) for state in (states.BAGS_CHECK, states.STAGED)]
        return [*_pay(draw), *bags]
    if order.kind == DELIVERY:
        return [*_pay(draw), Step(draw.randint(2, 5) * _MINUTE, ADVANCE, states.DELIVERING)]
    return [
        Step(draw.randint(1, 5) * _MINUTE, ADVANCE, states.BAGS_VERIFIED),
        Step(draw.randint(1, 4) * _MINUTE, ADVANCE, states.DELIVERING),
    ]


def _hand_over(order: Order, draw: Random) -> list[Step]:
    if order.kind != PICKUP:
        return [Step(draw.randint(10, 35) * _MINUTE, ADVANCE, states.COMPLETED)]
    return [
        *_run_out(draw),
        Step(draw.randint(1, 3) * _MINUTE, ADVANCE, states.BAGS_VERIFIED),
        Step(draw.randint(1, 2) * _MINUTE, ADVANCE, states.COMPLETED),
    ]


def _run_out(draw: Random) -> list[Step]:
    """The steps in which a pickup customer arrives, and an employee brings the order out."""
    return [
        Step(draw.randint(20, 60) * _MINUTE, GENERATE, "runner_customer"),
        Step(draw.randint(1, 6) * _MINUTE, ADVANCE, batch_states.AT_STORE),
    ]


def _shop(order: Order, draw: Random) -> list[Step]:
    return [*_begin(order, draw), *_pick(_present(order), draw)]


def _happy_path(order: Order, draw: Random) -> Sequence[Step]:
    return [*_shop(order, draw), *_leave(order, draw), *_hand_over(order, draw)]


def _late(order: Order, draw: Random) -> Sequence[Step]:
    late = Step(draw.randint(20, 60) * _MINUTE, HAPPEN, states.LATE)
    return [*_shop(order, draw), *_leave(order, draw), late, *_hand_over(order, draw)]


def _customer_missing(order: Order, draw: Random) -> Sequence[Step]:
    waited = Step(draw.randint(10, 15) * _MINUTE, CANCEL, "customer_driven", "customer mia")
    missing = Step(draw.randint(10, 35) * _MINUTE, HAPPEN, states.MISSING)
    come = _run_out(draw) if order.kind == PICKUP else []
    return [*_shop(order, draw), *_leave(order, draw), *come, missing, waited]


def _changed(order: Order, draw: Random, action: str, lines: Sequence[OrderLine]) -> Sequence[Step]:
    """The happy path, except that `action` happens to one of these lines, and the customer is asked about it.

    The answer to a replacement is waited for.
    """
    if not lines:
        return ()
    changed = draw.choice(lines).line_num
    shopped = [
        Step(step.after, action, changed) if step == Step(step.after, FIND, changed) else step
        for step in _shop(order, draw)
    ]
    ask = Step(draw.randint(1, 2) * _MINUTE, ADVANCE, states.VERIFYING_REPLACEMENTS)
    wait = [Step(0, WAIT)] if action == REPLACE else []
    return [*shopped, ask, *wait, *_leave(order, draw), *_hand_over(order, draw)]


def _replaced(order: Order, draw: Random) -> Sequence[Step]:
    lines = [line for line in _present(order) if line.replacement_policy != "no_replacements"]
    return _changed(order, draw, REPLACE, lines)


def _refunded(order: Order, draw: Random) -> Sequence[Step]:
    return _changed(order, draw, REFUND, _present(order))


def _found_short(order: Order, draw: Random) -> Sequence[Step]:
    return _changed(order, draw, SHORT, [line for line in _present(order) if line.qty_unit == "each" and line.qty > 1])


def _out_of_stock(order: Order, draw: Random) -> Sequence[Step]:
    nothing = [Step(draw.randint(20, 90), REFUND, line.line_num) for line in _present(order)]
    ended = Step(2 * _MINUTE, CANCEL, "retailer_driven", "too many out of stock items")
    return [*_begin(order, draw), *nothing, ended]


def _shopper_drops_out(order: Order, draw: Random) -> Sequence[Step]:
    return [*_begin(order, draw), Step(draw.randint(1, 10) * _MINUTE, DROP_OUT), *_happy_path(order, draw)]


def _unbatchable(order: Order, draw: Random) -> Sequence[Step]:
    return [Step(draw.randint(30, 60) * _MINUTE, UNBATCH)]


def _canceled(reason: str, cancellation_type: str) -> Callable[[Order, Random], Sequence[Step]]:
    def steps(order: Order, draw: Random) -> Sequence[Step]:
        return [*_begin(order, draw), Step(draw.randint(2, 10) * _MINUTE, CANCEL, reason, cancellation_type)]

    return steps


def _runner_not_found(order: Order, draw: Random) -> Sequence[Step]:
    waited = [*_run_out(draw), Step(draw.randint(5, 10) * _MINUTE, DROP_OUT)]
    return [*_shop(order, draw), *_leave(order, draw), *waited, *_hand_over(order, draw)]


def _rescheduled(order: Order, draw: Random) -> Sequence[Step]:
    return [Step(draw.randint(20, 60) * _MINUTE, HAPPEN, states.RESCHEDULED), *_happy_path(order, draw)]


def _tip_changed(order: Order, draw: Random) -> Sequence[Step]:
    tip = Step(draw.randint(5, 60) * _MINUTE, TIP, str(order.tip_cents + draw.randint(1, 10) * 100))
    return [*_happy_path(order, draw), tip]


def _alcohol_refused(order: Order, draw: Random) -> Sequence[Step]:
    if not any(line.is_alcohol for line in _present(order)):
        return ()
    door, *rest = _hand_over(order, draw)
    refused = Step(door.after, TAKE_BACK)
    return [*_shop(order, draw), *_leave(order, draw), refused, Step(_MINUTE, door.action, door.value), *rest]


_ALL = (DELIVERY, PICKUP, LAST_MILE, DISPATCH)
SCENARIOS: Mapping[str, Scenario] = {
    HAPPY_PATH: Scenario("all items are found and handed over", _ALL, _happy_path),
    "late": Scenario("as the happy path, but the order is late", _ALL, _late),
    "customer_missing": Scenario("nobody is there to take the order, and it is canceled", _ALL, _customer_missing),
    "found_short": Scenario("the store has fewer pieces of an item than ordered", SHOPPED, _found_short),
    "replaced": Scenario("an item is replaced, and the customer is asked about it", SHOPPED, _replaced),
    "refunded": Scenario("an item is out of stock and refunded", SHOPPED, _refunded),
    "out_of_stock": Scenario("all items are out of stock, and the retailer cancels the order", SHOPPED, _out_of_stock),
    "shopper_drops_out": Scenario(
        "a shopper gives the order back, and another one serves it", _ALL, _shopper_drops_out
    ),
    "unbatchable": Scenario("no shopper can be found, and the order is canceled", _ALL, _unbatchable),
    "canceled_by_customer": Scenario(
        "the customer cancels", _ALL, _canceled("customer_driven", "change payment method")
    ),
    "canceled_by_retailer": Scenario("the store cancels", _ALL, _canceled("retailer_driven", "store early closure")),
    "canceled_by_shopper": Scenario(
        "the shopper cancels", _ALL, _canceled("shopper_driven", "shopper unable to complete order")
    ),
    "canceled_by_platform": Scenario("the platform cancels", _ALL, _canceled("instacart_driven", "system error")),
    "runner_not_found": Scenario(
        "for a while, nobody is free to carry a pickup order out", (PICKUP,), _runner_not_found
    ),
    "rescheduled": Scenario("the order is moved to another time before a shopper takes it", _ALL, _rescheduled),
    "tip_changed": Scenario("the customer changes the tip after completion", _ALL, _tip_changed),
    ALCOHOL_REFUSED: Scenario(
        "the alcohol cannot be handed over and goes back; the rest is delivered", (DELIVERY,), _alcohol_refused
    ),
}
