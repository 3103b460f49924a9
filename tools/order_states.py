"""Make docs/order-states.md from the tables in `handcart/orders/states.py` and `handcart/batches/states.py`."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from handcart.batches.states import ALIASES, TYPES, BatchType
from handcart.core import clock
from handcart.orders.models import DELIVERY, LAST_MILE, PICKUP
from handcart.orders.states import (
    ACTIONS,
    CANCELED,
    CANCELLATIONS,
    WINDOW_END,
    WINDOW_START,
    WORKFLOWS,
    Later,
    State,
    Workflow,
)

_POINTS = {WINDOW_START: "the start of the window", WINDOW_END: "the end of the window"}

HEAD = """\
# The states of orders and batches

An order moves forward from state to state. If it skips states, it passes through them, and the events of each are sent.
It moves back if its shopper drops out. It may be canceled in every state but the last. Events are named without their
prefix `fulfillment.`.

`make docs` generates this page from `handcart/orders/states.py` and `handcart/batches/states.py`. Which state sends
which event is mostly Handcart's choice: see [wire choices](wire-choices.md).

Allowed actions:

{actions}
"""
OPTION = """
## {title}

```mermaid
stateDiagram-v2
{diagram}
```

{states}

What can happen without a change of state, and the events that are sent for it:

{events}
"""
BATCHES = """
## Batches

A batch moves forward through the states of its type, one or several at a time, and its orders move with it. An order
is in at most one batch that has not ended.

{types}
"""
BATCH = """
### `{name}`

Serves {kinds} orders in the state `{takes}`. The default first state is `{initial}`.{aliases}

{states}
"""
CANCELING = """
## Why orders are canceled

{reasons}
"""
TITLES = {DELIVERY: "Delivery", PICKUP: "Pickup", LAST_MILE: "Last mile and dispatch last mile"}


def page() -> str:
    """The whole page."""
    actions = _table(("action", "meaning"), ACTIONS.items())
    options = [_workflow(title, WORKFLOWS[kind]) for kind, title in TITLES.items()]
    batches = BATCHES.format(types="".join(_batch(name, one) for name, one in TYPES.items()).strip())
    reasons = _table(
        ("`cancellation_reason`", "`cancellation_type`"),
        [(f"`{reason}`", _codes(types)) for reason, types in CANCELLATIONS.items()],
    )
    return "".join([HEAD.format(actions=actions), *options, batches, CANCELING.format(reasons=reasons)])


def _workflow(title: str, workflow: Workflow) -> str:
    rows = [
        (f"`{state.name}`", ", ".join(state.may), _codes(state.events), _later(state), _back(state))
        for state in workflow.states.values()
    ]
    columns = (
        "state",
        "allowed actions",
        "events when it is reached",
        "events while it lasts",
        "if the shopper drops out",
    )
    return OPTION.format(
        title=title,
        diagram="\n".join(f"    {edge}" for edge in _edges(workflow)),
        states=_table(columns, rows),
        events=_table(
            ("what happened", "events"), [(what, _codes(events)) for what, events in workflow.events.items()]
        ),
    )


def _edges(workflow: Workflow) -> Iterable[str]:
    forward = [name for name in workflow.states if name != CANCELED]
    yield f"[*] --> {forward[0]}"
    for name, following in pairwise(forward):
        yield f"{name} --> {following}"
    for state in workflow.states.values():
        if state.back is not None:
            yield f"{state.name} --> {state.back}: shopper drops out"
    for name in forward[:-1]:
        yield f"{name} --> {CANCELED}"
    yield f"{forward[-1]} --> [*]"
    yield f"{CANCELED} --> [*]"


def _later(state: State) -> str:
    return ", ".join(f"`{one.event}` {_when(one)}" for one in state.later)


def _when(one: Later) -> str:
    if one.every:
        return f"every {one.every // clock.MINUTE} minutes"
    minutes = abs(one.after) // clock.MINUTE
    if one.since not in _POINTS:
        return f"after {minutes} minutes"
    point = _POINTS[one.since]
    return f"{minutes} minutes {'before' if one.after < 0 else 'after'} {point}" if minutes else f"at {point}"


def _back(state: State) -> str:
    return "" if state.back is None else f"`{state.back}`, {_codes(state.back_events)}"


def _batch(name: str, one: BatchType) -> str:
    others = [f" `{alias}` means `{state}`." for (owner, alias), state in ALIASES.items() if owner == name]
    rows = [(f"`{state}`", f"`{status}`") for state, status in one.states.items()]
    return BATCH.format(
        name=name,
        kinds=" and ".join(one.kinds),
        takes=one.takes,
        initial=one.initial,
        aliases="".join(others),
        states=_table(("state of the batch", "state of its orders"), rows),
    )


def _codes(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
