"""Make docs/acts.md from the tables in `handcart/acts/verbs.py` and `handcart/acts/rules.py`."""

from collections.abc import Sequence

from msgspec import inspect

from handcart.acts.ops import MOST_BODY, MOST_DEPTH, OLDEST
from handcart.acts.rules import GOODS, RULES
from handcart.acts.verbs import CANCELLATIONS, VERBS, Verb
from handcart.core import clock
from handcart.sandbox.documented.verbs import EQUAL
from handcart.shopper_app.acts import MOST_ACTS, MOST_BYTES_OF_PERSON, MOST_OF_PERSON

PAGE = """\
# The acts of shoppers

A shopper works with a phone that often has no network. Whatever the shopper does is an **act**: the phone makes its id,
keeps it, and sends it when it can. The server applies each act once, in the shopper's sequence, or refuses it by name.

`make docs` generates this page from `handcart/acts/verbs.py` and `handcart/acts/rules.py`.
[Order states](order-states.md) shows the states that the verbs lead to.

## A call

`POST /shopper/api/acts` has at most {most} acts, the oldest first; with more, the call is refused with 413. A shopper
may send {often} acts and {bytes} MiB in {minutes} minutes; with more, the call is refused with 429 and the rule `wait`.
Each act is applied in a transaction of its own, by its retailer's clock.

```json
{{
  "acts": [
    {{
      "id": "0b9b1f8e-6f0b-4f1e-9d1c-2f6a5c1d7e10",
      "subject": "corner-market/118070055072637",
      "after": "5d7a6a52-6f35-4b53-8f5e-0c4a3b6f9c21",
      "verb": "find",
      "at": "2026-11-30T14:05:09.120Z",
      "seen_version": 0,
      "body": {{"order": "ORD-77120", "line": "1", "count": 2}}
    }}
  ]
}}
```

- `subject` is the batch: the retailer's slug and the batch's id.
- `after` is the id of the shopper's act before this one on the same batch, from any device; null for the first one.
- `at` is the device's time. It is kept, and never trusted. An act that is older than {days} days is refused.
- `seen_version` is the `version` of the line that the shopper saw. Without it, or with one that the line never had, the
  shopper has not seen which replacements the customer chose.

The response has a result for each act, in the same sequence: `id`, `outcome`, and for a refused act `rule`, `message`
(a sentence for the shopper), `goods` (what to do with the goods, if the work is taken away) and `now` (the batch as it
is now, if the shopper still has it).

| `outcome` | meaning | the device |
|---|---|---|
| `applied` | the act counts | forgets it |
| `same` | the act came before, and counted then | forgets it |
| `refused` | a rule forbids it, now or when it came before; it changed nothing | shows the sentence |
| `later` | the act before it has not arrived | sends both again, the other one first |

A refused act counts as arrived: it holds up no other. Acts on other batches do not wait either.

A `body` has at most {body} bytes as JSON, and at most {depth} levels. Of an act with a longer or deeper one, or with an
unknown verb, the server keeps the id and not the content.

## The verbs

| verb | means | body |
|---|---|---|
{verbs}

Fields with `?` may be left out. An `item` has a `upc` or an `rrc`.

An order that was brought back is canceled: the act `returned` gives it the reason and the type that belong to the
`reason` of `bring_back`.

| `reason` | `cancellation_reason` | `cancellation_type` |
|---|---|---|
{reasons}

## Documented operations of the sandbox

In a sandbox, a program can act for a shopper with the operations that Connect documents. These operations and
the verbs lead to the same order, the same history and the same events, with the times of the retailer's clock.

| operation | `workflow_state` or `status` | verb |
|---|---|---|
{equal}

Only the app knows the shopper, the shopper's position, the receipt, the labels and places of bags, and the proof. So
with the verbs, the history also has steps such as "bags packed", which send no event. `bag`, `stage`, `verify_bags` and
`deliver` are done for each order, and `advance_batch` for a batch; with several orders, the batch moves with the last
one. `advance_batch` may pass several states at once. No documented operation stands for
{others}.

## When an act meets a change

| what has changed | rule |
|---|---|
| the line was found by another device | the report with more scans stays; with as many, the larger amount |
| the line has another report | refused, `line_changed`; an act with the present `seen_version` is applied |
| the customer approved or refused a replacement | refused, `customer_answered` |
| the customer chose replacements, or an alternative | refused, `customer_chose`, unless the act takes one of them |
| the order was canceled | refused, `order_canceled`; the batch goes on with its other orders |
| a dispatcher took the work away | what arrived before counts; the rest is refused, `unassigned` |
| the shopper gave the work back | refused, `dropped_out` |

`goods` says what the shopper does with the goods of an order that is taken away:

| `goods` | sentence |
|---|---|
{goods}

A dispatcher may take work away until the shopper leaves for the customer. Before the goods are paid, the dispatcher
chooses: the next shopper goes on with what is picked, or begins again. Paid orders are never reset: they stay in their
state until the next shopper takes them over.

## Proofs

The picture of an act has the act's id: `PUT /shopper/api/pictures/{{act_id}}`, before or after the act. The order keeps
the id of the act that delivered it, how it was given, how the age was checked, and no document.

## The rules

An act that breaks one of these rules is refused. `{{}}` stands for what the refusal is about.

| rule | sentence |
|---|---|
{rules}
"""


def page() -> str:
    """The whole page."""
    return PAGE.format(
        most=MOST_ACTS,
        often=MOST_OF_PERSON.hits,
        minutes=MOST_OF_PERSON.seconds // 60,
        bytes=MOST_BYTES_OF_PERSON.hits >> 20,
        body=MOST_BODY,
        depth=MOST_DEPTH,
        days=OLDEST // clock.DAY,
        verbs=_rows([(f"`{verb.name}`", verb.about, _body(verb)) for verb in VERBS.values()]),
        reasons=_rows([tuple(f"`{text}`" for text in (name, *given)) for name, given in CANCELLATIONS.items()]),
        equal=_rows([(f"`{one.operation}`", one.said and f"`{one.said}`", f"`{one.verb}`") for one in EQUAL]),
        others=_listed([f"`{name}`" for name in VERBS if name not in {one.verb for one in EQUAL}]),
        goods=_rows([(f"`{name}`", text) for name, text in GOODS.items()]),
        rules=_rows([(f"`{rule.name}`", rule.text) for rule in RULES.values()]),
    )


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _rows(cells: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _body(verb: Verb) -> str:
    kind = inspect.type_info(verb.body)
    assert isinstance(kind, inspect.StructType)
    return ", ".join(f"`{field.name}`{'' if field.required else '?'}{_shape(field.type)}" for field in kind.fields)


def _shape(kind: inspect.Type) -> str:
    """The values of a field that has few, and the fields of the objects in a list."""
    match kind:
        case inspect.UnionType(types=types):
            return "".join(_shape(one) for one in types)
        case inspect.LiteralType(values=values):
            return f" ({', '.join(map(str, values))})"
        case inspect.ListType(item_type=inspect.StructType(fields=fields)):
            names = [f"`{field.name}`{'' if field.required else '?'}{_shape(field.type)}" for field in fields]
            return f" [{', '.join(names)}]"
    return ""
