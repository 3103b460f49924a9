"""Which event leads to which message, as data.

Connect has about 50 templates of text messages, each tied to one callback
(https://docs.instacart.com/connect/fulfillment_guide/concepts/customer_communications); those that are known are here,
and those of Handcart's own events. The variants with an appeasement name the credit that the retailer gives. Not here:
advertising. The texts are in `texts/`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.orders import replacements
from handcart.orders.models import PICKUP, REPLACED, Order


class Situation(Struct, frozen=True, kw_only=True):
    """What decides between the templates of an event.

    `metadata`: the event's. `moves`: how often the order was rescheduled; `keeps_time`: it got no other time, but needs
    another shopper; `is_unbatchable`: it was moved because nobody took it. `has_appeasement`: the retailer gives a
    credit to customers whose order was canceled on its side.
    """

    order: Order
    metadata: Mapping[str, Any]
    moves: int = 0
    keeps_time: bool = False
    is_unbatchable: bool = False
    has_appeasement: bool = False


def _always(situation: Situation) -> bool:
    return True


class Template(Struct, frozen=True):
    """A message to a customer: the first template of an event that `applies`.

    `is_urgent`: it is sent at any hour, because the shopper arrives or waits for an answer. `is_lasting`: it is still
    of use in the morning; without it, nobody gets it hours later.
    """

    name: str
    event: str
    applies: Callable[[Situation], bool] = _always
    is_urgent: bool = False
    is_lasting: bool = False


def _is_pickup(one: Situation) -> bool:
    return one.order.kind == PICKUP


def _has_type(*types: str) -> Callable[[Situation], bool]:
    return lambda one: one.order.details.cancellation_type in types


def _has_reason(reason: str) -> Callable[[Situation], bool]:
    return lambda one: one.order.cancellation_reason == reason


def _has_window(one: Situation) -> bool:
    return "new_window" in one.metadata


def _has_unanswered(one: Situation) -> bool:
    return bool(replacements.pending(one.order))


def _has_several_unanswered(one: Situation) -> bool:
    return len(replacements.pending(one.order)) > 1


def _has_replaced(one: Situation) -> bool:
    return any(line.status == REPLACED and line.replacement_status is None for line in one.order.lines)


def _with_appeasement(applies: Callable[[Situation], bool]) -> Callable[[Situation], bool]:
    return lambda one: one.has_appeasement and applies(one)


_is_unbatchable = _has_reason("unbatchable")
_has_limited_hours = _has_type("store early closure", "store outage", "wrong store hours")
_lacks_inventory = _has_type(
    "too many out of stock items", "single item order out of stock", "shopper initiated out of stock"
)


def _was_left(one: Situation) -> bool:
    return one.order.details.proof is not None and one.order.details.proof.how == "left"


TEMPLATES: Sequence[Template] = (
    Template("order_confirmation", "brand_new", is_lasting=True),
    Template("acknowledged", "acknowledged"),
    Template("picking", "picking"),
    Template("replacements", "order_item_replacement", _has_several_unanswered, is_urgent=True),
    Template("replacement", "order_item_replacement", _has_unanswered, is_urgent=True),
    Template("replacements_reminder", "replacement_reminder", _has_several_unanswered, is_urgent=True),
    Template("replacement_reminder", "replacement_reminder", _has_unanswered, is_urgent=True),
    Template("replaced", "order_item_replacement", _has_replaced),
    Template("refund", "order_item_refund", is_lasting=True),
    Template("checkout", "checkout"),
    Template("delivering", "delivering", is_urgent=True),
    Template("arriving_with_alcohol", "shopper_arriving", lambda one: one.order.has_alcohol, is_urgent=True),
    Template("arriving", "shopper_arriving", is_urgent=True),
    Template("customer_missing", "customer_missing", is_urgent=True),
    Template("late_delivery", "late_delivery", _has_window, is_urgent=True),
    Template("late_delivery_no_eta", "late_delivery", is_urgent=True),
    Template("late_pickup", "late_pickup", _has_window, is_urgent=True),
    Template("late_pickup_no_eta", "late_pickup", is_urgent=True),
    Template("unassigned_again", "rescheduled", lambda one: one.keeps_time and one.moves > 1, is_lasting=True),
    Template("unassigned", "rescheduled", lambda one: one.keeps_time, is_lasting=True),
    Template("rescheduled_unbatchable", "rescheduled", lambda one: one.is_unbatchable, is_lasting=True),
    Template("rescheduled", "rescheduled", is_lasting=True),
    Template("canceled_customer_missing", "canceled", _has_type("customer mia"), is_lasting=True),
    Template("canceled_by_customer", "canceled", _has_reason("customer_driven"), is_lasting=True),
    Template("canceled_unbatchable_appeasement", "canceled", _with_appeasement(_is_unbatchable), is_lasting=True),
    Template("canceled_unbatchable", "canceled", _is_unbatchable, is_lasting=True),
    Template("canceled_limited_hours_appeasement", "canceled", _with_appeasement(_has_limited_hours), is_lasting=True),
    Template("canceled_limited_hours", "canceled", _has_limited_hours, is_lasting=True),
    Template("canceled_inventory_appeasement", "canceled", _with_appeasement(_lacks_inventory), is_lasting=True),
    Template("canceled_inventory", "canceled", _lacks_inventory, is_lasting=True),
    Template("canceled", "canceled", is_lasting=True),
    Template("pickup_ready", "staged", _is_pickup, is_lasting=True),
    Template("pickup_reminder", "pickup_reminder"),
    Template("pickup_closing", "pickup_closing"),
    Template("pickup_closed", "pickup_closed", is_lasting=True),
    Template("pickup_last_chance", "pickup_last_chance", is_lasting=True),
    Template("customer_acknowledged", "customer_acknowledged", is_urgent=True),
    Template("unable_to_find_customer", "unable_to_find_customer", is_urgent=True),
    Template("runner_not_found", "runner_not_found", is_urgent=True),
    Template("picked_up", "delivered", _is_pickup),
    Template("left_at_door", "delivered", _was_left, is_urgent=True, is_lasting=True),
    Template("delivered", "delivered", is_urgent=True, is_lasting=True),
    Template("rating_reminder", "rating_reminder", is_lasting=True),
    Template("shopper_message", "shopper_message_created"),
)


def choose(event: str, situation: Situation) -> Template | None:
    """The template of an event; None if the customer is not told of it."""
    return next((one for one in TEMPLATES if one.event == event and one.applies(situation)), None)
