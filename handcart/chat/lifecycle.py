"""The automated messages about an order's way, in the sequence of its history."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from handcart.chat.queries import is_expired, language
from handcart.core.db import Tx
from handcart.core.web.pages import texts
from handcart.orders import queries as orders
from handcart.orders import states
from handcart.orders.models import Order

# The table of texts, and the text for each step of a history that customers are told of.
_TEXTS = "chat.lifecycle"
STEPS: Mapping[str, str] = {
    states.CREATED: "created",
    states.ACKNOWLEDGED: "acknowledged",
    states.ACKNOWLEDGED_FOR_DELIVERY: "acknowledged",
    states.PICKING: "picking",
    states.REPLACED: "item_replaced",
    states.REFUNDED: "item_refunded",
    states.REJECTED: "item_refunded",
    states.CHECKOUT: "checkout",
    states.AT_STORE: "at_store",
    states.STAGED: "staged",
    states.DELIVERING: "delivering",
    states.LATE: "late",
    states.MISSING: "customer_missing",
    states.TURNED_BACK: "turned_back",
    states.RESCHEDULED: "rescheduled",
    states.COMPLETED: "completed",
    states.CANCELED: "canceled",
}


class LifecycleMessage(Struct, frozen=True):
    """An automated message: the number of the history's step, what has happened, and when."""

    number: int
    name: str
    at: int


async def messages(tx: Tx, retailer_id: int, order: Order) -> Sequence[LifecycleMessage]:
    """The automated messages about an order; none if its chat has expired."""
    if is_expired(order):
        return []
    steps = await orders.history(tx, retailer_id, order.order_id)
    # The bags of a carried order wait at the store: its customer is told nothing of that.
    told = [step for step in steps if step.what in STEPS and (step.what != states.STAGED or step.status == step.what)]
    return [LifecycleMessage(step.number, STEPS[step.what], step.at) for step in told]


def text(message: LifecycleMessage, locale: str | None) -> str:
    """The text of an automated message in the reader's language."""
    return texts(language(locale))[f"{_TEXTS}.{message.name}"]
