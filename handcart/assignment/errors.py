"""Refusals of dispatch. A page shows them in its language by `rule`; a command prints the sentence."""

from handcart.core.errors import Refused

SENTENCES = {
    "unknown_order": "there is no such order",
    "unknown_shopper": "there is no such shopper",
    "blocked": "the shopper is blocked",
    "closed": "the shopper no longer works for you",
    "other_store": "the shopper works only at another store",
    "no_vehicle": "the shopper has no vehicle, and picks only for pickup",
    "lacks_alcohol": "the shopper may not handle alcohol",
    "lacks_heavy": "the shopper does not carry heavy orders",
    "over_capacity": "the shopper would have more orders than at most at once",
    "has_shopper": "a shopper has the order already",
    "has_none": "no shopper has the order",
    "not_waiting": "the order waits for no shopper in its state",
    "not_together": "the orders cannot be given together: they need the same kind of work, in the same state",
    "too_late": "it is too late for that: look at the order's state",
    "changed": "the order has changed since you looked at it: look again",
    "slot_taken": "that window cannot be booked any more: choose another one",
    "unknown_reason": "there is no such reason to cancel an order",
    "reason": "give a reason of 1 to 500 characters",
}


class WorkRefused(Refused):
    """An operation on an order that is not possible now; nothing was changed. `rule`: a key of `SENTENCES`."""

    def __init__(self, rule: str) -> None:
        super().__init__(SENTENCES[rule])
        self.rule = rule
