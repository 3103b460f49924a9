"""Make docs/callbacks-events.md from the table in `handcart/events/kinds.py` and the states that emit events."""

from handcart.events.kinds import DELIVERY, KINDS, LAST_MILE, PERSONAL_KEYS, PICKUP, Kind
from handcart.orders.states import WORKFLOWS

# What chats send.
_CHAT = {"chat_message_created", "shopper_message_created"}

PAGE = """\
# The events

Every event that a webhook can get: its name on the wire, when it is sent, and the keys of its `event_metadata` besides
`order_id`. Connect documents the titles and which orders have which event, but only few names and keys. `known` is the
source of a name: `documented`, expected by integrators' `clients`, `reported` by third parties, or `guessed` from the
title. `handcart` is an event of Handcart's own, which no Connect server has: a webhook gets it only if it names it,
not with `all`. Commands and API accept names with or without `fulfillment.` and `handcart.`.

`make docs` generates this page from `handcart/events/kinds.py`. [Order states](order-states.md) shows which state
of an order sends which event, and [wire choices](wire-choices.md) says why.
[Architecture](architecture.md#to-add-an-event) says how to add an event.

| event | when | delivery | pickup | last mile, dispatch | `event_metadata` | known |
|---|---|---|---|---|---|---|
{rows}

- **yes**: sent for orders of this kind. **on trigger**: documented for them, but this server never sends it by itself;
  `handcart callbacks trigger` sends it in a sandbox.
- A key is left out if the order has no value for it, such as `bag_label`. A receiver must accept missing and unknown
  keys.
- The retailer's settings add and remove keys: with `retailer_id_in_callbacks`, every event has the retailer's slug as
  `retailer_id`. With `shopper_information_removal`, events that tell who the shopper is, or where ({private}), are not
  sent, and no event has {keys}.
- `delivery_window` and `new_window` are objects with `starts_at` and `ends_at`. `order_items` are the lines of the
  order: `line_num`, `qty`, `qty_unit`, `replaced`, `refunded`, `item_upc`, `item_rrc`, `scan_code`; in `checkout` with
  `requested_item_upc`, `requested_item_rrc`, `delivered_item_upc` and `delivered_item_rrc` too.
"""


def page() -> str:
    """The whole page."""
    return PAGE.format(
        rows="\n".join(_row(kind) for kind in KINDS.values()),
        private=", ".join(f"`{kind.wire_name}`" for kind in KINDS.values() if kind.is_about_shopper),
        keys=" or ".join(f"`{key}`" for key in PERSONAL_KEYS),
    )


def _row(kind: Kind) -> str:
    sent = " | ".join(_sent(kind, option) for option in (DELIVERY, PICKUP, LAST_MILE))
    keys = ", ".join(f"`{key}`" for key in kind.keys)
    return f"| `{kind.wire_name}` | {kind.when} | {sent} | {keys} | {kind.known} |"


def _sent(kind: Kind, name: str) -> str:
    workflow = WORKFLOWS[name]
    emitted = {name for names in workflow.events.values() for name in names}
    emitted |= {name for state in workflow.states.values() for name in (*state.events, *state.back_events)}
    emitted |= {one.event for state in workflow.states.values() for one in state.later} | _CHAT
    return "yes" if kind.name in emitted else "on trigger" if name in kind.options else ""
