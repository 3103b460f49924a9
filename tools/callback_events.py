"""docs/callbacks-events.md, from the table in `handcart/callbacks/events.py` and the states that owe its events."""

from handcart.callbacks.events import DELIVERY, EVENTS, LAST_MILE, PICKUP, Event
from handcart.orders.payloads import LEFT_OUT
from handcart.orders.states import OPTIONS

PAGE = """\
# The events

Every event that a webhook can get: its name on the wire, when it is sent, and what its `event_metadata` says beside
`order_id`. Titles, and which orders have which event, are documented; few of the names and keys are. `known` says where
a name was seen: in the documentation, in what integrators' `clients` expect, `reported` by third parties, or `guessed`
from the title. Commands and API take names with or without `fulfillment.`.

This page is made by `make docs` from `handcart/callbacks/events.py`; which state of an order owes which event is in
[order states](order-states.md), and why it was chosen so in [wire choices](wire-choices.md).

| event | when | delivery | pickup | last mile, dispatch | `event_metadata` | known |
|---|---|---|---|---|---|---|
{rows}

- **yes**: sent as orders of this kind go on. **rehearsed**: they have it by the documentation, but nothing brings it
  about on this server; `handcart callbacks trigger` sends it in a sandbox.
- Keys in brackets are left out until there is something to say. A receiver must bear any missing key, and unknown ones.
- `delivery_window` and `new_window` are objects with `starts_at` and `ends_at`. `order_items` are the lines of the
  order: `line_num`, `qty`, `qty_unit`, `replaced`, `refunded`, `item_upc`, `item_rrc`, `scan_code`; in `checkout` with
  `requested_item_upc`, `requested_item_rrc`, `delivered_item_upc` and `delivered_item_rrc` too.
"""


def page() -> str:
    """The whole page."""
    return PAGE.format(rows="\n".join(_row(event) for event in EVENTS.values()))


def _row(event: Event) -> str:
    sent = " | ".join(_sent(event, kind) for kind in (DELIVERY, PICKUP, LAST_MILE))
    keys = ", ".join(f"[`{key}`]" if key in LEFT_OUT else f"`{key}`" for key in event.keys)
    return f"| `{event.wire_name}` | {event.when} | {sent} | {keys} | {event.known} |"


def _sent(event: Event, kind: str) -> str:
    option = OPTIONS[kind]
    owed = {name for names in option.events.values() for name in names}
    owed |= {name for state in option.states.values() for name in (*state.events, *state.back_events)}
    owed |= {one.event for state in option.states.values() for one in state.later}
    return "yes" if event.name in owed else "rehearsed" if kind in event.options else ""
