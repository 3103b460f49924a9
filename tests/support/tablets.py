"""Stores in tests of the store's app: tablets as browsers without JavaScript, and the people who use them."""

import re
from typing import Any

import httpx

from handcart.core import ids
from handcart.core.db import Tx
from handcart.staff import pins, queries, tablets
from handcart.staff.models import SYSTEM, Person, Tablet
from tests.support.console import Browser
from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.shop import PASSWORD_HASH, QUICK_HASHER, new_email

PIN = "2580"
PIN_HASH = QUICK_HASHER.hash(PIN)


def add_worker(
    server: LiveServer,
    retailer_id: int,
    store_number: int | None,
    name: str = "Ada Sample",
    role: str = "store_associate",
    pin_hash: str | None = PIN_HASH,
) -> Person:
    """A person of a store (or a retailer's manager, without a store) with the PIN `PIN`."""
    person_id = ids.new_id()

    async def add(tx: Tx) -> Person:
        await tx.run(
            "INSERT INTO staff (id, email, name, role, retailer_id, store_number, password_hash, created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, 1)",
            *(person_id, new_email(), name, role, retailer_id, store_number, PASSWORD_HASH),
        )
        person = await queries.person(tx, person_id)
        assert person is not None
        if pin_hash is not None:
            await pins.choose(tx, queries.actor(person), pin_hash)
        return person

    made: Person = server.write(add)
    return made


class Counter(Browser):
    """A tablet of a store of a market, bound and used by `person`."""

    def __init__(self, market: Market, location: str = "here", person: Person | None = None) -> None:
        super().__init__(market.server)
        self.market = market
        self.store_number = market._stores[location].number
        self.path = self.invitation()
        self.open(self.path)
        self.submit(self.path)
        self.person = person or add_worker(market.server, market.retailer.id, self.store_number)
        self.unlock()

    def invitation(self) -> str:
        """The path of the link of a new tablet."""
        args = SYSTEM, self.market.retailer.id, self.store_number, "Staging area", self.server.url
        made = self.server.write(tablets.add, *args)
        self.tablet: Tablet = made.tablet
        return str(made.url).removeprefix(self.server.url)

    def unlock(self, pin: str = PIN, person: Person | None = None) -> httpx.Response:
        path = f"/store/people/{(person or self.person).id}"
        self.open(path)
        return self.submit(path, pin=pin)

    def order(self, order_id: str, action: str) -> httpx.Response:
        """Open a page of an order."""
        return self.open(f"/store/orders/{order_id}/{action}")

    def do(self, order_id: str, action: str, step: str = "", **fields: Any) -> httpx.Response:
        """Open a page of an order and submit its form."""
        self.order(order_id, action)
        path = f"/store/orders/{order_id}/{action}"
        return self.submit(f"{path}/{step}" if step else path, **fields)

    def stage(self, order_id: str, **fields: Any) -> httpx.Response:
        return self.do(order_id, "stage", **{"ambient": "2", "cold": "1", "place": "A3", **fields})

    def labels(self, order_id: str) -> list[str]:
        """The codes that the page of labels prints."""
        return re.findall(r'<p class="label-code">([^<]+)</p>', self.order(order_id, "labels").text)

    def audit(self, order_id: str) -> list[tuple[str, str]]:
        """What the people of the store did with an order, and who did it."""
        rows = self.server.sql(
            "SELECT operation, actor_name FROM audit_log WHERE subject = $1 ORDER BY id",
            f"order/{self.market.slug}/{order_id}",
        )
        return [(row["operation"], row["actor_name"]) for row in rows]
