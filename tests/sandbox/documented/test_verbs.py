"""The same work by the documented operations and by acts, on a virtual clock: orders, history and events are equal."""

from typing import Any

import msgspec
import pytest

from handcart.acts import verbs
from handcart.core import clock
from handcart.sandbox.documented.verbs import EQUAL
from handcart.shoppers import positions
from handcart.shoppers.models import Position
from tests.support.acting import Acting
from tests.support.clocks import freeze
from tests.support.orders import Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.working import Working

BEGIN = clock.from_wire("2030-06-12T17:00:00Z", "")
CART = [
    line("1", "milk", count=2),
    {**line("2", "bread", count=2), "replacement_items": [{"rrc": "soap"}]},
    line("3", "ham", weight=1.5),
]
# What only an app knows: no documented operation says it, and no event does.
APPS_ONLY = ("bags packed", "bags put away", "bags checked", "goods paid")
APPS_FACTS = ("bags", "staged_at", "verified_at", "proof")

Step = tuple[str, str, dict[str, Any]]
ITEM = "update_shopper_order_item"
PICKED: list[Step] = [
    ("generate_batch", "", {}),
    ("advance_batch", "picking", {}),
    (ITEM, "found", {"line": "1", "count": 1}),
    (ITEM, "not_found", {"line": "1"}),
    (ITEM, "found", {"line": "1", "count": 2, "scans": [{"scanned_string": "4", "scanned_string_type": "upca"}]}),
    (ITEM, "replaced", {"line": "2", "item": {"rrc": "soap"}, "count": 2}),
    (ITEM, "to_refund", {"line": "3"}),
    ("create_shopper_order_item", "", {"item": {"rrc": "bread"}, "count": 3}),
    ("advance_batch", "verifying_replacements", {}),
    ("advance_batch", "checkout", {}),
    ("advance_batch", "receipt_sanity_check", {"bags": [{"code": "B1"}]}),
]
BROUGHT: list[Step] = [
    ("advance_batch", "delivering", {}),
    ("advance_batch", "completed", {"how": "handed_over"}),
]
CHECKED: list[Step] = [
    ("generate_batch", "", {}),
    ("advance_batch", "at_store", {}),
    ("advance_batch", "bags_verified", {"scans": ["B1"]}),
]
STAGED: list[Step] = [
    ("advance_batch", "bags_check", {}),
    ("advance_batch", "staged", {"place": "A1", "scans": ["B1"]}),
]
WORK: dict[str, list[Step]] = {
    "delivery": [*PICKED, *BROUGHT],
    "pickup": [*PICKED, *STAGED, *CHECKED, BROUGHT[1]],
    "last_mile": [*CHECKED[:2], ("advance_batch", "bags_verified", {}), *BROUGHT],
    "dispatch": [*CHECKED[:2], ("advance_batch", "bags_verified", {}), *BROUGHT],
}
VERBS = {(one.operation, one.said): one.verb for one in EQUAL}


class Documented:
    """A client that calls the documented operations."""

    def __init__(self, market: Market) -> None:
        self.shopping = Shopping(market)
        self.shopper, self.batch = self.shopping.shopper(), 0

    def does(self, operation: str, said: str, facts: dict[str, Any]) -> None:
        if operation == "generate_batch":
            self.batch = self.shopping.generate(self.shopper, "one").raise_for_status().json()["id"]
        elif operation == "advance_batch":
            self.shopping.reach(self.batch, said)
        else:
            named = {"count": "delivered_count", "item": "replacement_item" if said else "item", "scans": "scans"}
            body = {named[name]: value for name, value in facts.items() if name != "line"}
            status = {"status": said} if said else {}
            body |= {"delivered_count": 0} if said == "to_refund" else {}
            self.shopping.item(self.shopper, "one", facts.get("line"), **status, **body).raise_for_status()


class Acts:
    """A shopper whose phone sends acts."""

    def __init__(self, market: Market) -> None:
        self.market, self.working = market, Working(market.server)
        self.acting: Acting | None = None

    def does(self, operation: str, said: str, facts: dict[str, Any]) -> None:
        if operation == "generate_batch":
            self.acting = Acting(self.working, self.market, "one", workflow_state="brand_new")
        if said == "delivering":  # a shopper of the documented operations is always at the store
            here = self.market._stores["here"].point
            at = [Position(clock.of_process(), here.latitude, here.longitude)]
            self.market.server.write(positions.report, self.working.id, at)
        assert self.acting is not None
        verb = VERBS[operation, said]
        about = {"order": "one"} if "order" in verbs.VERBS[verb].body.__struct_fields__ else {}
        self.acting.did(verb, **about, **facts)


def worked(server: LiveServer, way: type[Documented] | type[Acts], kind: str) -> dict[str, Any]:
    """What an order of a kind has left after its work, at a new market; a minute passes before each step."""
    market = Market(server)
    freeze(market, clock.to_wire(BEGIN))
    market.order(kind, order_id="one", **({"items": CART} if kind in ("delivery", "pickup") else {}))
    worker = way(market)
    for number, step in enumerate(WORK[kind], 1):
        freeze(market, clock.to_wire(BEGIN + number * clock.MINUTE))
        worker.does(*step)
    row = market.row("one")
    sql = "SELECT at, status, what, events FROM order_history WHERE retailer_id = $1 ORDER BY number"
    events = "SELECT name, body FROM events WHERE retailer_id = $1 ORDER BY event_id"
    return {
        "order": {name: row[name] for name in ("status", "delivered_at", "window_starts_at", "cancellation_reason")},
        "details": {name: value for name, value in row["details"].items() if name not in APPS_FACTS},
        "lines": [{**one, "picked_by": None} for one in row["items"]],
        "history": [tuple(one) for one in server.sql(sql, market.retailer.id) if one["what"] not in APPS_ONLY],
        "events": [(one["name"], told(one["body"])) for one in server.sql(events, market.retailer.id)],
    }


def told(body: str) -> dict[str, Any]:
    """The metadata of an event, without the secret links to the order's page, and without the name of the shopper."""
    metadata: dict[str, Any] = msgspec.json.decode(body)["event_metadata"]
    return {name: value for name, value in metadata.items() if not name.endswith(("_url", "_link", "shopper_name"))}


@pytest.mark.parametrize("kind", WORK)
def test_work_by_documented_operations_or_acts_then_the_end_is_equal(server: LiveServer, kind: str) -> None:
    documented, by_acts = (worked(server, way, kind) for way in (Documented, Acts))
    for what, expected in documented.items():
        assert by_acts[what] == expected, what
    assert documented["order"]["status"] == "completed"


def test_operations_are_compared_then_all_of_the_table() -> None:
    done = {(operation, said) for steps in WORK.values() for operation, said, _ in steps}
    assert done == set(VERBS)
