"""Make docs/callbacks-events.md from the table in `handcart/events/kinds.py` and the states that emit events."""

from handcart.events.kinds import DELIVERY, KINDS, LAST_MILE, PICKUP, Kind
from handcart.orders.payloads import LEFT_OUT
from handcart.orders.states import WORKFLOWS

PAGE = """\
# The events

Every event that a webhook can get: its name on the wire, when it is sent, and the keys of its `event_metadata` besides
`order_id`. Connect documents the titles and which orders have which event, but only few names and keys. `known` is the
source of a name: `documented`, expected by integrators' `clients`, `reported` by third parties, or `guessed` from the
title. Commands and API accept names with or without `fulfillment.`.

`make docs` generates this page from `handcart/events/kinds.py`. [Order states](order-states.md) shows which state
of an order sends which event, and [wire choices](wire-choices.md) says why.
[Architecture](architecture.md#to-add-an-event) says how to add an event.

| event | when | delivery | pickup | last mile, dispatch | `event_metadata` | known |
|---|---|---|---|---|---|---|
{rows}

- **yes**: sent for orders of this kind. **on trigger**: documented for them, but this server never sends it by itself;
  `handcart callbacks trigger` sends it in a sandbox.
- Keys in brackets are never sent by this server: it does not have their values. Any other key is left out if the order
  has no value for it, such as `bag_label`. A receiver must accept missing and unknown keys.
- `delivery_window` and `new_window` are objects with `starts_at` and `ends_at`. `order_items` are the lines of the
  order: `line_num`, `qty`, `qty_unit`, `replaced`, `refunded`, `item_upc`, `item_rrc`, `scan_code`; in `checkout` with
  `requested_item_upc`, `requested_item_rrc`, `delivered_item_upc` and `delivered_item_rrc` too.
"""


def page() -> str:
    """The whole page."""
    return PAGE.format(rows="\n".join(_row(kind) for kind in KINDS.values()))


def _row(kind: Kind) -> str:
    sent = " | ".join(_sent(kind, option) for option in (DELIVERY, PICKUP, LAST_MILE))
    keys = ", ".join(f"[`{key}`]" if key in LEFT_OUT else f"`{key}`" for key in kind.keys)
    return f"| `{kind.wire_name}` | {kind.when} | {sent} | {keys} | {kind.known} |"


def _sent(kind: Kind, name: str) -> str:
    workflow = WORKFLOWS[name]
    emitted = {name for names in workflow.events.values() for name in names}
    emitted |= {name for state in workflow.states.values() for name in (*state.events, *state.back_events)}
    emitted |= {one.event for state in workflow.states.values() for one in state.later}
    return "yes" if kind.name in emitted else "on trigger" if name in kind.options else ""
