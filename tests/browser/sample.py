"""What the console's pages show in tests: a retailer with orders, shoppers, events, calls and money."""

from handcart.assignment import ops
from handcart.callbacks.replay import send_newest
from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.requests import ops as requests
from handcart.requests.models import Code, Entry
from handcart.shoppers import positions
from handcart.shoppers.models import Position
from handcart.staff.models import SYSTEM
from tests.support.console_routes import SUBJECTS
from tests.support.money import complete, count, set_fees, set_pay
from tests.support.orders import KINDS, Market, line
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer
from tests.support.shoppers import add_shift, add_shopper
from tests.support.working import Working


class Sample:
    """What the pages show: a retailer with orders of each kind, one of them picked, and shoppers."""

    def __init__(self, server: LiveServer) -> None:
        with server.clients():
            self.server = server
            self.market = Market(server, capacity=50)
            self.slug = self.market.slug
            self.order_id = "sample picked"
            for kind in KINDS:
                self.market.order(kind, order_id=f"sample {kind}")
            self.market.order("delivery", order_id="late")
            cart = [line("1", "milk", count=2), line("2", "bread", special_instructions="a dark one, please")]
            self.market.order("delivery", order_id=self.order_id, items=cart)
            shopping = Shopping(self.market)
            shopper_id = shopping.shopper()
            shopping.generate(shopper_id, self.order_id, workflow_state="picking").raise_for_status()
            shopping.item(shopper_id, self.order_id, "1", status="found")
            self.shopper = add_shopper(server, "Ada Sample")
            server.write(need_a_person, self.market, self.shopper.id)
            self.shopper_id = self.shopper.id
            self.shift_id = add_shift(server, self.shopper_id, starts_at=clock.now()).id
            self.month = clock.to_wire(clock.now())[:7]
            self.deliver()
            self.client_id = self.market.client.client_id
            server.write(requests.store, [refused(self.market)], {self.client_id: clock.of_process()})
            self.account_id = SUBJECTS["account"](self.market)["account_id"]
            there = SUBJECTS["webhook"](self.market)
            self.webhook_id, self.event_id = there["webhook_id"], there["event_id"]
            server.write(send_newest, self.market.retailer.id, int(self.webhook_id))

    def deliver(self) -> None:
        """Some orders that ended, with fees, pay and tips."""
        ada = Working(self.server, "Bo Sample")
        self.shopper_id = ada.id
        set_fees(self.market, delivery_cents=700, minimum_cents=10_000)
        set_pay(self.market, ada.id, delivery_cents=500, item_cents=12)
        for number in range(3):
            complete(self.market, ada, self.market.order("delivery", initial_tip_cents=100 + number)["id"])
        count(self.market)


def refused(market: Market) -> Entry:
    """A call in the log that was refused."""
    return Entry(
        id=ids.new_id(),
        at=clock.of_process(),
        request_id="3dc808d66bd4557b",
        method="POST",
        route="/v2/fulfillment/users/{user_id}/orders/delivery",
        status=400,
        milliseconds=4,
        retailer_id=market.retailer.id,
        client_id=market.client.client_id,
        rule="orders.checks.items",
        codes=[Code(1001, "items.0.item.rrc")],
        shape='{"order_id":"string","items":[{"item":{"rrc":"string"},"count":"number"},"2 in all"]}',
    )


async def need_a_person(tx: Tx, market: Market, person_id: int) -> None:
    """An order of a shopper whose customer is missing; the phone has told where the shopper is."""
    warning = "INSERT INTO order_warnings (retailer_id, order_id, kind, warned_at) VALUES ($1, $2, $3, 1)"
    for kind in ("missing", "late"):
        await tx.run(warning, market.retailer.id, "late", kind)
    await ops.assign(tx, SYSTEM, market.retailer.id, ["late"], person_id)
    await positions.report(tx, person_id, [Position(clock.of_process(), 41.9, -87.64)])
