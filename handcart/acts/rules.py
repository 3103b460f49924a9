"""The rules by which acts are refused, as data. The app translates the sentences by their rules; docs/acts.md is
generated from this table.
"""

from collections.abc import Mapping

from msgspec import Struct

from handcart.batches import states


class Rule(Struct, frozen=True):
    """A rule. `text`: a sentence for the shopper; `{}` is replaced with what the refusal is about."""

    name: str
    text: str


_RULES = (
    # The act itself.
    Rule("unknown_verb", "The server does not know this step. Update the app."),
    Rule("invalid", "The server cannot read this step: {} is wrong. Update the app."),
    Rule("other_content", "This step was sent before with other content. Do it again."),
    Rule("other_subject", "This step follows a step of other work. Update the app."),
    Rule("too_old", "This step is older than 14 days and no longer counts. Ask a dispatcher what to do."),
    # Whose work it is.
    Rule("not_yours", "This work is not yours. Go back to your own list."),
    Rule("unassigned", "A dispatcher has taken this work from you."),
    Rule("dropped_out", "You have given this work back."),
    Rule("finished", "This work is finished."),
    Rule("order_canceled", "This order was canceled."),
    Rule("order_done", "This order was already handed over."),
    Rule("order_returning", "This order is on its way back to the store. Hand it to the store's staff."),
    Rule("unknown_order", "This order is not part of this work."),
    # The steps of the work.
    Rule("already_done", "This step was already done. Go on with the next one."),
    Rule("not_now", "This step cannot be done now. Look at which step comes next."),
    Rule("too_late", "It is too late to give this work back here. Call a dispatcher."),
    # Lines.
    Rule("not_picking", "The items of this order cannot change now."),
    Rule("unknown_line", "This line is no longer in the order."),
    Rule("line_changed", "Somebody changed this line after you saw it. Look at it again."),
    Rule("customer_chose", "The customer chose another replacement. Look at the line again."),
    Rule("customer_answered", "The customer has answered about this line. Look at it again."),
    Rule("customer_refused", "The customer does not want this item. Take another one, or refund the line."),
    Rule("no_replacements", "The customer wants no replacement for this item. Refund it."),
    Rule("lines_open", "Some lines are not done: {}. Find, replace or refund each of them."),
    Rule("order_full", "This order has no room for another item."),
    # The chat.
    Rule("chat_closed", "You cannot write to this customer now. Call the customer instead."),
    Rule("many_messages", "You have sent many messages about this order. Wait ten minutes, then write again."),
    # Bags.
    Rule("no_bags", "Scan the label of at least one bag of this order."),
    Rule("same_bag", "Two bags have the same label: {}. Put another label on one of them."),
    Rule("bag_missing", "Bags of this order are missing: {}. Look for them."),
    Rule("bag_foreign", "Bags of other orders were scanned: {}. Put them back."),
    # The door.
    Rule("must_hand_over", "Do not leave this order. Hand it to the customer."),
    Rule("photo_needed", "Take a photo of the order at the door."),
    Rule("pin_needed", "Ask the customer for the last four digits of their phone number."),
    Rule("wrong_pin", "These are not the last four digits of the customer's phone number. Ask again."),
    Rule("pin_locked", "Too many wrong digits were given for this order. Call a dispatcher."),
    Rule("age_needed", "The order has alcohol. Check the age of the person who takes it."),
    Rule(
        "signature_needed",
        "The customer must first sign on the page of the order. Wait for the signature, or bring the order back.",
    ),
    Rule("alcohol_hours", "Alcohol may not be handed over at this time of day. Wait, or take the alcohol back."),
    Rule("not_returning", "This order is not on its way back. Say first why you bring it back."),
)
RULES: Mapping[str, Rule] = {rule.name: rule for rule in _RULES}

# What the shopper does with the goods, after the sentence of the rule.
GOODS: Mapping[str, str] = {
    states.NOTHING: "You have nothing to bring back.",
    states.PUT_BACK: "Put the goods back on their shelves.",
    states.KEEP_FOR_NEXT: "Leave the goods at the store's counter for the next shopper.",
    states.HAND_TO_STORE: "Hand the bags to the store's staff.",
}
