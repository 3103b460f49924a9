"""Every pair of states, allowed or not: for each type of batch over the API, for each kind of order by ops."""

from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from handcart.batches.states import TYPES
from handcart.core.errors import ApiError
from handcart.orders import ops, storage
from handcart.orders.states import CANCELLATIONS, WORKFLOWS
from tests.support.orders import KINDS, Market
from tests.support.sandbox import TYPE_OF, Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import error

# As the documentation has them, and what the order is then.
_PICKED = [
    ("brand_new", "brand_new"),
    ("acknowledged", "acknowledged"),
    ("picking", "picking"),
    ("verifying_replacements", "verifying_replacements"),
    ("checkout", "checkout"),
    ("receipt_sanity_check", "checkout"),
]
BATCHES = {
    "delivery": [*_PICKED, ("delivering", "delivering"), ("completed", "completed")],
    "pickup": [*_PICKED, ("bags_check", "bags_check"), ("staged", "staged")],
    "delivery_only": [
        ("brand_new", "brand_new"),
        ("acknowledged", "acknowledged_for_delivery"),
        ("at_store", "at_store"),
        ("bags_verified", "bags_verified"),
        ("delivering", "delivering"),
        ("completed", "completed"),
    ],
    "runner_customer": [
        ("brand_new", "runner_awaiting"),
        ("at_store", "user_at_store"),
        ("bags_verified", "bags_verified"),
        ("completed", "completed"),
    ],
}
NAMES = sorted({state for states in BATCHES.values() for state, _ in states})
CHAINS = {
    "delivery": "brand_new acknowledged picking verifying_replacements checkout delivering completed",
    "pickup": "brand_new acknowledged picking verifying_replacements checkout bags_check staged runner_awaiting"
    " user_at_store bags_verified completed",
    "last_mile": "brand_new acknowledged_for_delivery at_store bags_verified delivering completed",
}
CHAINS["dispatch"] = CHAINS["last_mile"]
# Where an order goes back to when its shopper drops out.
BACK = {
    "delivery": {"brand_new": "acknowledged picking verifying_replacements"},
    "pickup": {
        "brand_new": "acknowledged picking verifying_replacements",
        "staged": "runner_awaiting user_at_store bags_verified",
    },
    "last_mile": {"brand_new": "acknowledged_for_delivery at_store bags_verified"},
}
BACK["dispatch"] = BACK["last_mile"]


class Batched:
    """An order in a batch of a type, both put where a test wants them."""

    def __init__(self, shopping: Shopping, batch_type: str) -> None:
        self.shopping, self.batch_type = shopping, batch_type
        kind = next(kind for kind in KINDS if kind in TYPES[batch_type].kinds)
        self.order_id = shopping.market.order(kind)["id"]
        if batch_type == "runner_customer":
            shopping.market.set_status(self.order_id, "staged")
        self.id = shopping.batch(self.order_id, batch_type=batch_type, workflow_state="brand_new")

    def put(self, state: str) -> None:
        where = "WHERE retailer_id = $1 AND id = $2"
        sql, retailer_id = self.shopping.market.server.sql, self.shopping.market.retailer.id
        ended = None if state != BATCHES[self.batch_type][-1][0] else 1
        sql(
            f"UPDATE batches SET workflow_state = $3, ended_at = $4 {where} RETURNING id",
            retailer_id,
            self.id,
            state,
            ended,
        )
        sql(
            "UPDATE batch_orders SET is_live = $3 WHERE retailer_id = $1 AND batch_id = $2 RETURNING batch_id",
            retailer_id,
            self.id,
            ended is None,
        )
        self.shopping.market.set_status(self.order_id, dict(BATCHES[self.batch_type])[state])

    @property
    def seen(self) -> tuple[Any, ...]:
        """Everything that could have changed."""
        sql, retailer_id = self.shopping.market.server.sql, self.shopping.market.retailer.id
        batch = sql(
            "SELECT workflow_state, ended_at FROM batches WHERE retailer_id = $1 AND id = $2", retailer_id, self.id
        )
        row = self.shopping.market.row(self.order_id)
        return (*tuple(batch[0]), row, len(self.shopping.market.history(self.order_id)))


@pytest.mark.parametrize("batch_type", BATCHES)
@on_sqlite
def test_batch_advanced_to_any_state_then_only_forward_states_are_reached(market: Market, batch_type: str) -> None:
    batched = Batched(Shopping(market), batch_type)
    states = dict(BATCHES[batch_type])
    names = list(states)
    for state, target in product(names, [*NAMES, "canceled", "picked"]):
        batched.put(state)
        before = batched.seen
        answer = batched.shopping.advance(batched.id, target)
        if target in states and names.index(target) > names.index(state):
            assert answer.json() == {"id": batched.id, "workflow_state": target}, (state, target)
            after = batched.seen
            assert (after[0], after[2]["status"]) == (target, states[target])
            assert (after[1] is None) == (target != names[-1])
            passed = list(dict.fromkeys(states[name] for name in names[names.index(state) : names.index(target) + 1]))
            assert after[3] - before[3] == len(passed) - 1, (state, target)
        else:
            refusal = "is invalid"
            if target in states:
                refusal = "Batch is finished" if state == names[-1] else "must come after the current state"
            assert error(answer) == (400, refusal, 1001, "workflow_state"), (state, target)
            assert batched.seen == before
    for state, following in zip(names, [*names[1:], None], strict=True):
        batched.put(state)
        answer = batched.shopping.advance(batched.id)
        if following is None:
            assert error(answer) == (400, "Batch is finished", 1001, "workflow_state")
        else:
            assert answer.json()["workflow_state"] == following


@pytest.mark.parametrize("kind", KINDS)
def test_order_moved_to_any_state_then_the_table_decides(market: Market, kind: str) -> None:
    chain = CHAINS[kind].split()
    names = [*chain, "canceled"]
    assert list(WORKFLOWS[kind].states) == names
    order_id, retailer_id = market.order(kind)["id"], market.retailer.id

    async def outcomes(tx: Any) -> dict[tuple[str, str], list[str]]:
        """The result of each pair of states: the steps, none if it is refused."""
        found = {}
        before = await ops.lock(tx, retailer_id, order_id)
        for state, target in product(names, [*names, "staged_for_delivery", ""]):
            order = await ops.lock(tx, retailer_id, order_id)
            order.status, order.place = state, before.place if target == "canceled" else None
            (count,) = await tx.one("SELECT count(*) FROM order_history WHERE order_id = $1", order_id)
            with suppress(ApiError):
                await ops.move(tx, retailer_id, order, target)
            steps = await tx.all(
                "SELECT status FROM order_history WHERE order_id = $1 AND number > $2 ORDER BY number", order_id, count
            )
            found[state, target] = [step["status"] for step in steps]
            kept = await ops.lock(tx, retailer_id, order_id)
            if found[state, target]:
                assert (kept.status, kept.delivered_at is not None) == (target, target == "completed")
                assert kept.place is None
                kept.delivered_at = None
            if target == "canceled" and found[state, target]:
                await tx.run("UPDATE slot_ledger SET booked = booked + 1 WHERE retailer_id = $1", retailer_id)
            await storage.save(tx, retailer_id, kept)
        return found

    found = market.server.write(outcomes)
    for state, target in found:
        expected = []
        if state in chain[:-1]:
            if target == "canceled":
                expected = ["canceled"]
            elif state in BACK[kind].get(target, "").split():
                expected = [target]
            elif target in chain:
                expected = chain[chain.index(state) + 1 : chain.index(target) + 1]
        assert found[state, target] == expected, (state, target)
    assert len(found) == len(names) * (len(names) + 2)


def test_tables_are_read_then_they_fit_each_other() -> None:
    assert {name: list(one.states.items()) for name, one in TYPES.items()} == BATCHES
    for one in TYPES.values():
        for kind in one.kinds:
            chain = CHAINS[kind].split()
            places = [chain.index(one.takes), *[chain.index(status) for status in one.states.values()]]
            assert places == sorted(places)
    assert {kind: TYPES[TYPE_OF[kind]].takes for kind in KINDS} == dict.fromkeys(KINDS, "brand_new")
    assert set(CANCELLATIONS) == {
        "customer_driven",
        "instacart_driven",
        "retailer_driven",
        "shopper_driven",
        "unbatchable",
        "other",
    }


# Which callbacks the documentation has for an option, as far as what is here brings them about, and our own.
COLUMNS = {
    "delivery": "brand_new acknowledged picking item_found item_replaced item_refunded item_not_picked"
    " order_item_replacement order_item_refund checkout delivering"
    " order_location late_delivery customer_missing delivered rescheduled canceled tip_adjustment rating_reminder"
    " rating_updated shopper_arriving replacement_reminder",
    "pickup": "brand_new acknowledged picking item_found item_replaced item_refunded item_not_picked"
    " order_item_replacement order_item_refund checkout staged"
    " customer_acknowledged pickup_runner_started unable_to_find_customer runner_not_found late_pickup delivered"
    " rescheduled canceled pickup_geofence_reached rating_reminder pickup_reminder pickup_closing pickup_closed"
    " pickup_last_chance rating_updated replacement_reminder",
    "last_mile": "brand_new acknowledged delivering late_delivery customer_missing staged delivered rescheduled"
    " canceled tip_adjustment at_store acknowledged_for_delivery bags_verified at_store_eta order_location"
    " arrival_at_customer rating_reminder rating_updated shopper_arriving",
}
COLUMNS["dispatch"] = COLUMNS["last_mile"]


@pytest.mark.parametrize("kind", KINDS)
def test_events_of_an_option_then_those_of_its_documented_column(kind: str) -> None:
    workflow = WORKFLOWS[kind]
    sent = {event for events in workflow.events.values() for event in events}
    for state in workflow.states.values():
        sent |= {*state.events, *state.back_events, *(one.event for one in state.later)}
    assert sent == set(COLUMNS[kind].split())


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Market:
    return Market(server, capacity=1000)
