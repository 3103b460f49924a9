"""Random runs: acts are doubled, reordered, delayed and lost, while a dispatcher and the customer change the order.

Each run is compared with a second one, in which the same acts arrive once, in the sequence in which the first one
decided them. `LONG_RUNS=1` makes 1,000 runs on SQLite, and 1,000 on PostgreSQL.
"""

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from handcart.acts import ops as acts
from handcart.acts.models import APPLIED, LATER, REFUSED, SAME, Act, Result
from handcart.batches import ops as batches
from handcart.batches import states as batch_states
from handcart.batches.ops import AskedOrder
from handcart.chat import ops as chat
from handcart.chat.models import CUSTOMER, SHOPPER, Said, Sender
from handcart.core import clock
from handcart.core.errors import ApiError
from handcart.orders import create, ops, replacements
from handcart.orders.create import NewOrder
from handcart.orders.models import OrderDetails
from handcart.orders.replacements import Selection
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from handcart.shoppers import ops as shoppers
from handcart.slots import ops as slots
from handcart.slots import plans
from handcart.slots.models import WINDOW
from handcart.slots.plans import EVERY_STORE, Plan
from handcart.staff.models import SYSTEM
from handcart.stores import items
from handcart.stores import ops as stores
from handcart.stores.carts import OrderItem
from handcart.stores.models import Item, ItemName
from handcart.users import ops as users
from handcart.users.models import User
from tests.slots.test_machine import FastSqlite
from tests.support.orders import PHONE
from tests.support.server import LiveServer
from tests.support.slots import moment, slot_id
from tests.support.stores import store

IS_LONG = bool(os.environ.get("LONG_RUNS"))
RUNS = 1000 if IS_LONG else 30
CANARY_RUNS = 60
BEGIN, PLACE = moment("2027-06-10T10:00-05:00"), moment("2027-06-12T11:00-05:00")
AT = datetime.fromtimestamp(BEGIN / clock.SECOND, UTC)
KINDS = ("delivery", "delivery", "pickup", "dispatch")
CODES = ("milk", "bread", "soap")
LINES = [OrderItem(line_num=str(place), item=ItemName(rrc=rrc), count=3) for place, rrc in enumerate(CODES[:2], 1)]

Run = Callable[..., Any]


class World:
    """A retailer with two orders of a kind, and two shoppers, of whom the first one has the orders."""

    def __init__(self, run: Run, kind: str) -> None:
        self.run, self.kind = run, kind
        retailer = run(retailers.create_retailer, slug=f"shop-{uuid.uuid4().hex}", name="Sample Market")
        self.retailer_id, self.slug = retailer.id, retailer.slug
        self.caller = Caller("client", retailer.organization_id, retailer.id, retailer.isolation_id, (), None)
        run(stores.save, retailer.id, [store("here")])
        run(items.save, retailer.id, [Item(rrc=rrc, name=rrc) for rrc in CODES])
        for one in ("delivery", "pickup", "last_mile"):
            run(plans.set_plan, retailer.id, EVERY_STORE, one, Plan(capacity=100, lead_minutes=0))
        run(users.create, retailer.isolation_id, User("a", "Sample", None, PHONE, None))
        self.people = [run(shoppers.add, SYSTEM, name).id for name in ("Sam", "Kim")]
        self.orders = [self._order(f"order-{number}") for number in (1, 2)]
        self.batches: list[int] = []
        self.assign(0)

    def _order(self, order_id: str) -> str:
        details = OrderDetails(last_name="Member", phone_number=PHONE)
        asked = NewOrder(order_id, self.kind, details, b"", location_code="here", window=(PLACE, PLACE + WINDOW))
        if self.kind == "dispatch":
            self.run(create.create_dispatch, self.caller, "a", asked, or_soonest=False)
            return order_id
        hold = self.run(slots.hold, self.caller, "a", slot_id(self.retailer_id, self.kind, PLACE))
        asked = NewOrder(order_id, self.kind, details, b"", hold_id=hold.id, location_code="here", items=LINES)
        self.run(create.create_shopped, self.caller, "a", asked)
        return order_id

    def assign(self, person: int) -> bool:
        """Give the orders that wait to a shopper, as a new batch."""
        waiting = [one for one in self.orders if self.run(_is_waiting, self.retailer_id, one)]
        if not waiting:
            return False
        shopper_id = self.run(shoppers.shadow, self.retailer_id, self.people[person])
        asked = [AskedOrder(order_id) for order_id in waiting]
        # Paid orders begin where they are; a batch of others is not accepted yet.
        is_paid = self.run(_status, self.retailer_id, waiting[0]) in batch_states.HANDED_ON
        begins = None if is_paid else "brand_new"
        made = self._tried(batches.generate, self.retailer_id, shopper_id, asked, None, begins)
        if made is not None:
            self.batches.append(made.id)
        return made is not None

    def unassign(self, batch: int, *, keeps_picked: bool) -> None:
        arguments = (self.retailer_id, self.batches[batch], batch_states.UNASSIGNED, "ill", "Dana")
        self._tried(batches.end_early, *arguments, keeps_picked=keeps_picked)

    def cancel(self, order_id: str) -> None:
        self._tried(batches.cancel, self.retailer_id, order_id, "retailer_driven", "store early closure", "Dana")

    def choose(self, order_id: str, rrc: str) -> None:
        chosen = [Selection("1", [ItemName(rrc=rrc)], 1)]
        self._tried(replacements.choose, self.caller, "a", order_id, chosen)

    def write(self, order_id: str, text: str) -> None:
        """The customer writes."""
        self._tried(_write, self.retailer_id, order_id, text)

    def apply(self, person: int, batch: int, act: Act) -> Result:
        sent = msgspec.structs.replace(act, subject=f"{self.slug}/{self.batches[batch]}")
        result: Result = self.run(acts.apply, self.people[person], person, sent)
        return result

    def _tried(self, op: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return self.run(op, *args, **kwargs)
        except ApiError:
            return None

    def state(self) -> Any:
        """All that the run has left, without the ids that are different in each world."""
        return self.run(_state, self)


async def _write(tx: Any, retailer_id: int, order_id: str, text: str) -> None:
    order = await ops.lock(tx, retailer_id, order_id)
    await chat.say(tx, retailer_id, order, Sender(CUSTOMER), Said(text))


async def _status(tx: Any, retailer_id: int, order_id: str) -> str:
    return (await ops.lock(tx, retailer_id, order_id)).status


async def _is_waiting(tx: Any, retailer_id: int, order_id: str) -> bool:
    status = await _status(tx, retailer_id, order_id)
    return status in ("brand_new", *batch_states.HANDED_ON) and (
        await batches.lock_of_order(tx, retailer_id, order_id) is None
    )


async def _state(tx: Any, world: World) -> Any:
    people = {person_id: place for place, person_id in enumerate(world.people)}
    numbers = {batch_id: place for place, batch_id in enumerate(world.batches)}
    orders = await tx.all(
        "SELECT order_id, status, cancellation_reason, bag_count, delivered_at, ledger_starts_at, items, details"
        " FROM orders WHERE retailer_id = $1 ORDER BY order_id",
        world.retailer_id,
    )
    rows = []
    for row in orders:
        lines = msgspec.json.decode(row["items"])
        for one in lines:
            one["picked_by"] = people.get(one.get("picked_by"))
        details = msgspec.json.decode(row["details"])
        if "proof" in details:
            details["proof"]["person_id"] = people[details["proof"]["person_id"]]
        plain = [row[name] for name in ("order_id", "status", "cancellation_reason", "bag_count", "delivered_at")]
        rows.append([*plain, row["ledger_starts_at"] is None, lines, details])
    history = await tx.all(
        "SELECT order_id, number, status, what, events FROM order_history WHERE retailer_id = $1"
        " ORDER BY order_id, number",
        world.retailer_id,
    )
    stored = await tx.all("SELECT * FROM batches WHERE retailer_id = $1", world.retailer_id)
    left = await tx.all("SELECT * FROM batch_orders WHERE retailer_id = $1", world.retailer_id)
    done = await tx.all(
        "SELECT person_id, id, verb, outcome, rule, message, goods, body FROM acts WHERE person_id IN ($1, $2)",
        *world.people,
    )
    said = await tx.all(
        "SELECT order_id, sender, act_id, phrase, body, read_at FROM chat_messages WHERE retailer_id = $1"
        " ORDER BY order_id, id",
        world.retailer_id,
    )
    return {
        "orders": rows,
        "messages": [tuple(row) for row in said],
        "history": [tuple(row) for row in history],
        "batches": sorted(
            (numbers[row["id"]], row["type"], row["workflow_state"], row["ended_at"], row["accepted_at"])
            for row in stored
        ),
        "batch_orders": sorted(
            (numbers[row["batch_id"]], row["order_id"], bool(row["is_live"]), row["left_kind"], row["goods"])
            for row in left
        ),
        "acts": sorted((people[row["person_id"]], *tuple(row)[1:]) for row in done),
    }


@dataclass
class Device:
    """A phone of a shopper, with acts about one batch that it has not seen the end of."""

    person: int
    batch: int
    pending: list[Act]
    sent: list[Act] = field(default_factory=list)


def script(draw: Random, kind: str, orders: Sequence[str], is_first: bool) -> list[Act]:
    """The acts of a device: mostly a whole way through the work, with some that make no sense."""
    verbs: list[tuple[str, dict[str, Any]]] = [("accept", {}), ("arrive" if kind == "dispatch" else "start", {})]
    if kind == "dispatch":
        verbs += [("verify_bags", {"order": one}) for one in orders]
    else:
        verbs += [picked for one in orders for picked in lines(draw, one)]
        verbs += [("review", {})] if draw.random() < 0.5 else []
        verbs += [("checkout", {"rest_found": True, "receipt_number": f"R{draw.randrange(9)}"})]
        verbs += [("bag", {"order": one, "bags": [{"code": f"{one}-1"}]}) for one in orders]
    if kind == "pickup":
        verbs += [("stage", {"order": one, "place": f"A{draw.randrange(9)}", "scans": [f"{one}-1"]}) for one in orders]
    else:
        verbs += [("leave", {}), *[door(draw, one) for one in draw.sample(list(orders), len(orders))]]
    for one in orders:
        verbs.insert(draw.randrange(1, len(verbs)), ("say", {"order": one, "phrase": draw.choice(("hello", "thanks"))}))
        verbs.insert(draw.randrange(1, len(verbs)), ("say", {"order": one, "text": f"about {one}"}))
        verbs.insert(draw.randrange(1, len(verbs)), ("read", {"order": one, "until": str(2**53 - 1)}))
    for _ in range(draw.randrange(4)):  # acts out of their place
        verbs.insert(draw.randrange(len(verbs) + 1), draw.choice(verbs))
    if draw.random() < 0.1:
        verbs.insert(draw.randrange(len(verbs)), ("drop_out", {"reason": "ill"}))
    if not is_first:
        verbs = [one for one in verbs if draw.random() < 0.4]
    made: list[Act] = []
    for verb, body in verbs:
        after = made[-1].id if made else None
        seen = draw.choice((None, None, 0, 1)) if "line" in body else None
        made.append(
            Act(
                id=str(uuid.UUID(int=draw.getrandbits(128))),
                subject="-",
                after=after,
                verb=verb,
                at=AT,
                seen_version=seen,
                body=body,
            )
        )
    return made


def lines(draw: Random, order_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """What happens to the lines of an order."""
    for line_num in ("1", "2"):
        for _ in range(draw.randint(1, 2)):
            where = {"order": order_id, "line": line_num}
            scan = {"scanned_string": "4", "scanned_string_type": "upca"}
            yield draw.choice(
                (
                    ("find", {**where, "count": draw.randrange(4), "scans": [scan] * draw.randrange(3)}),
                    ("find", where),
                    ("replace", {**where, "item": {"rrc": draw.choice(CODES)}}),
                    ("refund", where),
                    ("put_back", where),
                )
            )
    if draw.random() < 0.5:
        yield "add", {"order": order_id, "item": {"rrc": draw.choice(CODES)}}


def door(draw: Random, order_id: str) -> tuple[str, dict[str, Any]]:
    if draw.random() < 0.15:
        return "bring_back", {"order": order_id, "reason": "customer_refused"}
    return "deliver", {"order": order_id, "how": draw.choice(("handed_over", "left")), "photo": True}


class Chaos:
    """One run: devices whose calls get lost, doubled and mixed up, a dispatcher, and a customer."""

    def __init__(self, run: Run, seed: int) -> None:
        self.draw = Random(seed)
        self.kind = self.draw.choice(KINDS)
        self.world = World(run, self.kind)
        self.devices = [Device(0, 0, script(self.draw, self.kind, self.world.orders, is_first=True))]
        if self.draw.random() < 0.4:  # the shopper's tablet
            self.devices.append(Device(0, 0, script(self.draw, self.kind, self.world.orders, is_first=False)))
        self.log: list[tuple[str, Any]] = []  # what the server decided, in sequence
        self.decided: dict[str, str] = {}

    def go(self) -> None:
        while any(device.pending for device in self.devices):
            if self.draw.random() < 0.12:
                self._disturb()
            self._send(self.draw.choice([device for device in self.devices if device.pending]))
        for device in self.devices:  # copies that were under way for long
            for act in self.draw.sample(device.sent, min(len(device.sent), 5)):
                self._arrive(device, act)

    def _send(self, device: Device) -> None:
        """A call with some of the acts, perhaps mixed up and doubled; the response may be lost."""
        together = device.pending[: self.draw.randint(1, 6)]
        if device.sent and self.draw.random() < 0.3:
            together.append(self.draw.choice(device.sent))
        together += [self.draw.choice(together)] if self.draw.random() < 0.3 else []
        if self.draw.random() < 0.3:
            self.draw.shuffle(together)
        arrived = together[: self.draw.randint(0, len(together))] if self.draw.random() < 0.2 else together
        results = {act.id: self._arrive(device, act).outcome for act in arrived}
        device.sent += [act for act in arrived if act not in device.sent]
        if self.draw.random() < 0.8:
            device.pending = [act for act in device.pending if results.get(act.id, LATER) == LATER]

    def _arrive(self, device: Device, act: Act) -> Result:
        result = self.world.apply(device.person, device.batch, act)
        if result.outcome in (APPLIED, REFUSED) and act.id not in self.decided:
            self.log.append(("act", (device.person, device.batch, act)))
            self.decided[act.id] = result.outcome
        elif result.outcome != LATER:
            assert result.outcome == (SAME if self.decided[act.id] == APPLIED else REFUSED), result
        return result

    def _disturb(self) -> None:
        """The dispatcher takes the work away, gives it to somebody or cancels an order; or the customer chooses."""
        batch = len(self.world.batches) - 1
        what, arguments = self.draw.choice(
            (
                ("unassign", (batch, self.draw.random() < 0.5)),
                ("cancel", (self.draw.choice(self.world.orders),)),
                ("write", (self.draw.choice(self.world.orders), f"message {self.draw.randrange(100)}")),
                ("choose", (self.draw.choice(self.world.orders), self.draw.choice(CODES))),
            )
        )
        self._do(what, arguments)
        if what == "unassign":
            person = self.draw.randrange(2)
            self._do("assign", (person,))
            if len(self.world.batches) > batch + 1:
                acts_of = script(self.draw, self.kind, self.world.orders, is_first=True)
                self.devices.append(Device(person, batch + 1, acts_of))

    def _do(self, what: str, arguments: tuple[Any, ...]) -> None:
        perform(self.world, what, arguments)
        self.log.append((what, arguments))


def perform(world: World, what: str, arguments: Any) -> None:
    """One entry of a log."""
    if what == "act":
        person, batch, act = arguments
        world.apply(person, batch, act)
    elif what == "unassign":
        batch, keeps_picked = arguments
        world.unassign(batch, keeps_picked=keeps_picked)
    else:
        getattr(world, what)(*arguments)


def faults(run: Run, seed: int) -> list[str]:
    """The differences between a run and the same without any disorder."""
    chaos = Chaos(run, seed)
    chaos.go()
    plain = World(run, chaos.kind)
    for what, arguments in chaos.log:
        perform(plain, what, arguments)
    seen, wanted = chaos.world.state(), plain.state()
    found = [f"{name}: {seen[name]} instead of {wanted[name]}" for name in seen if seen[name] != wanted[name]]
    rows = [row[1] for row in seen["acts"]]
    sent = {act.id for device in chaos.devices for act in device.sent}
    said = [row[2] for row in seen["messages"] if row[1] == SHOPPER]
    spoken = [row[1] for row in seen["acts"] if row[2:4] == ("say", APPLIED)]
    found += [] if sorted(said) == sorted(spoken) else [f"said {said}, and the acts are {spoken}"]
    found += [f"lost: {one}" for one in sent - set(rows)] + (
        ["an act has two rows"] if len(rows) > len(set(rows)) else []
    )
    delivered = {
        row[1]: msgspec.json.decode(row[-1])["order"] for row in seen["acts"] if row[2:4] == ("deliver", APPLIED)
    }
    for order_id, *_, details in seen["orders"]:
        proof = details.get("proof")
        if proof is not None and delivered.get(proof["act_id"]) != order_id:
            found.append(f"the proof {proof} is not one of {order_id}")
    return found


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """One moment for everybody, before the slot begins."""
    monkeypatch.setattr(clock, "now", lambda: BEGIN)
    monkeypatch.setattr(acts, "OLDEST", 100 * 365 * clock.DAY)


@pytest.fixture
def fast(tmp_path: Path) -> Iterator[FastSqlite]:
    made = FastSqlite(tmp_path / "handcart.db")
    made.connection.execute("BEGIN")
    yield made
    made.connection.execute("ROLLBACK")
    made.connection.close()


def test_acts_are_mixed_up_then_the_end_is_that_of_a_quiet_day(fast: FastSqlite) -> None:
    wrong = {seed: found for seed in range(RUNS) if (found := faults(fast.run, seed))}
    assert wrong == {}


def test_database_of_the_server_then_the_end_is_the_same_as_well(server: LiveServer) -> None:
    is_postgres = server.app.settings.database_url.startswith("postgresql")
    runs = RUNS if IS_LONG and is_postgres else 2
    wrong = {seed: found for seed in range(runs) if (found := faults(server.write, seed))}
    assert wrong == {}


def test_canary_ids_are_ignored_then_acts_count_twice(fast: FastSqlite, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: Any) -> None:
        return None

    claim = acts._claim

    async def claim_again(*args: Any) -> bool:
        await claim(*args)
        return True

    monkeypatch.setattr(acts, "_known", unknown)
    monkeypatch.setattr(acts, "_claim", claim_again)
    for seed in range(CANARY_RUNS):
        try:
            if faults(fast.run, seed):
                return
        except AssertionError:  # the result of a copy is not that of the first one
            return
    pytest.fail("no run has noticed: the act's id is not what keeps acts from counting twice")
