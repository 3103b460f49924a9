"""A market whose work the engine gives, and its cycles at a time of the market's clock."""

from typing import Any

from handcart.assignment import cycle, decisions
from handcart.assignment.cycle import Area, Done
from handcart.batches import ops as batches
from handcart.core import clock
from handcart.core.clock import VirtualClock
from handcart.core.db import Tx
from handcart.shoppers import positions, shifts
from handcart.shoppers.models import Person, Position
from handcart.shoppers.shifts import Shift
from handcart.staff.models import SYSTEM
from handcart.stores import queries as stores
from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.shoppers import add_shopper


class Planned:
    """A market with the rule `assigned`. Its orders have a window from noon to two o'clock, `at` of the market."""

    def __init__(self, server: LiveServer, **rules: Any) -> None:
        self.market = Market(server, **{"assignment": "assigned", **rules})
        self.server = server
        server.sql("DELETE FROM shifts RETURNING id")  # shoppers of other tests would get the work
        store = server.read(stores.store, self.market.retailer.id, "here")
        assert store is not None
        self._store = store

    def shopper(self, name: str = "Sam Sample", *, hours: tuple[int, int] = (8, 18), **facts: Any) -> Person:
        """A shopper with a shift at the market's first store."""
        person = add_shopper(self.server, name, **facts)
        self.shift(person, *hours)
        return person

    def shift(self, person: Person, begins: int, ends: int, **more: Any) -> Shift:
        """A shift at the market's first store."""
        shift = Shift(
            person_id=person.id,
            starts_at=self.market.at(begins),
            ends_at=self.market.at(ends),
            retailer_id=self.market.retailer.id,
            store_number=self._store.number,
            **more,
        )
        made: Shift = self.server.write(shifts.add, SYSTEM, shift)
        return made

    def seen_at(self, person: Person, north: float) -> None:
        """Let a shopper be some degrees north of the market's first store."""
        at = Position(clock.of_process(), self._store.point.latitude + north, self._store.point.longitude)
        assert self.server.write(positions.report, person.id, [at]) == 1

    def accept(self, order_id: str) -> None:
        """Let the shopper of an order accept it."""

        async def accept(tx: Tx) -> None:
            batch = await batches.lock_of_order(tx, self.market.retailer.id, order_id)
            assert batch is not None
            await batches.accept(tx, self.market.retailer.id, batch)

        self.server.write(accept)

    def area(self, hour: int = 13, minutes: int = 30) -> Area:
        at = self.market.at(hour) + minutes * clock.MINUTE
        return Area(f"retailer/{self.market.slug}", [self.market.retailer.id], VirtualClock(frozen_at=at))

    def cycle(self, hour: int = 13, minutes: int = 30, **more: Any) -> Done | None:
        """A cycle at a time of the market's clock, whatever the time of the plan before."""
        area = self.area(hour, minutes)
        done: Done | None = self.server.wait_for(
            cycle.run(self.server.app.database, area, 40, **{"at_once": True, **more})
        )
        return done

    def why(self, order_id: str, person: Person) -> str | None:
        """The rule of the newest decision about an order that spoke against a shopper; None: the shopper has it."""
        newest = self.server.read(decisions.of_order, self.market.retailer.id, order_id)[0]
        if newest.person_id == person.id:
            return None
        return next(rule for rule, people in newest.ruled_out.items() if person.id in people)

    def has(self, order_id: str) -> int | None:
        """The id of the shopper who has an order."""
        rows = self.server.sql(
            "SELECT s.person_id FROM batch_orders l JOIN batches b ON b.retailer_id = l.retailer_id"
            " AND b.id = l.batch_id JOIN retailer_shoppers s ON s.retailer_id = b.retailer_id AND s.id = b.shopper_id"
            " WHERE l.retailer_id = $1 AND l.order_id = $2 AND l.is_live",
            *(self.market.retailer.id, order_id),
        )
        assert len(rows) <= 1
        return rows[0]["person_id"] if rows else None


def due_now(server: LiveServer) -> Planned:
    """A market by hand, with an order whose window ends in two hours, and a shopper who works."""
    made, now = Planned(server, assignment="by_hand"), clock.of_process()
    made.market.order(order_id="first")
    server.sql(
        "UPDATE orders SET window_starts_at = $2, window_ends_at = $3 WHERE retailer_id = $1 RETURNING order_id",
        *(made.market.retailer.id, now - clock.HOUR, now + 2 * clock.HOUR),
    )
    person = add_shopper(server, "Ada Sample")
    shift = Shift(person_id=person.id, starts_at=now - clock.HOUR, ends_at=now + 5 * clock.HOUR)
    server.write(shifts.add, SYSTEM, shift)
    return made
