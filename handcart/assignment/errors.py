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
    "pin_not_locked": "the PIN of the order is not locked",
    "told_before": "the customer was told less than ten minutes ago that the order is late",
    "written_before": "somebody has written to the shopper since you looked at the order: look again",
    "not_late": "the customer is not told that the order is late in its state",
    "unreachable": "the shopper has neither a phone number nor an e-mail address",
    "same_shopper": "the shopper has the order already",
    "not_at_store": "an order is pushed forward only while it is at the store, and a shopper has it",
    "not_ahead": "the state does not come after the order's state, or is not reached at the store",
    "must_hand_over": "the order may not be left at the door",
    "left_before": "the order may be left at the door already",
    "not_on_the_way": "the order is not on its way to its customer",
    "returning": "the order is on its way back to the store already",
    "not_returning": "the order is not on its way back to the store",
    "no_alcohol": "the order has no alcohol that can be taken back",
    "unknown_line": "choose lines of the order that are not refunded yet",
    "not_refundable": "lines of the order cannot be refunded in its state",
    "claimed": "somebody else is on it",
    "not_claimed": "you are not on it",
    "nothing_failed": "no message and no event of the order has failed",
    "unknown_webhook": "the webhook is not enabled, or got all events of the order",
    "reason": "give a reason of 1 to 500 characters",
}


class WorkRefused(Refused):
    """An operation on an order that is not possible now; nothing was changed. `rule`: a key of `SENTENCES`."""

    def __init__(self, rule: str) -> None:
        super().__init__(SENTENCES[rule])
        self.rule = rule
