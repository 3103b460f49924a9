"""Orders that end, and what they cost: steps of tests about reports and money."""

from typing import Any

from handcart.core.db import Tx
from handcart.money import invariants as money_rules
from handcart.money import ops
from handcart.money.models import Fees, Pay
from handcart.orders import counting
from handcart.reports import invariants as reports_rules
from handcart.staff.models import SYSTEM
from tests.support.orders import Market
from tests.support.sandbox import Shopping
from tests.support.working import Working

ZONE = "America/Chicago"


def count(market: Market, time_zone: str = ZONE) -> None:
    """Count the market's orders that ended, as the worker does."""

    async def counted(tx: Tx) -> None:
        rows = await tx.all(
            "SELECT order_id FROM orders WHERE retailer_id = $1 AND status IN ('completed', 'canceled')"
            " AND NOT is_counted ORDER BY number",
            market.retailer.id,
        )
        for row in rows:
            at = await tx.one(
                "SELECT coalesce(max(at), 0) AS at FROM order_history WHERE retailer_id = $1", market.retailer.id
            )
            await ops.count(tx, market.retailer.id, row["order_id"], time_zone, at["at"])
        assert not await counting.is_waiting(tx, market.retailer.id)

    market.server.write(counted)


def complete(market: Market, worker: Working, *order_ids: str, kind: str = "delivery") -> int:
    """A batch in which a shopper completes orders; answers its id."""
    shopping = Shopping(market)
    batch_id = worker.batch(market, *order_ids)
    shopping.reach(batch_id, "staged" if kind == "pickup" else "completed")
    if kind == "pickup":
        shopping.reach(worker.batch(market, *order_ids), "completed")
    return batch_id


def ended(market: Market, order_id: str, at: int, **columns: Any) -> None:
    """Write that an order ended at a moment, and other columns of the order."""
    market.server.sql(
        "UPDATE order_history SET at = $3 WHERE retailer_id = $1 AND order_id = $2 AND status IN ('completed',"
        " 'canceled') RETURNING number",
        *(market.retailer.id, order_id, at),
    )
    sets = "".join(f", {name} = ${place}" for place, name in enumerate(columns, 3))
    market.server.sql(
        f"UPDATE orders SET is_counted = FALSE{sets} WHERE retailer_id = $1 AND order_id = $2 RETURNING number",
        *(market.retailer.id, order_id, *columns.values()),
    )


def set_fees(market: Market, valid_from: str = "2020-01-01", time_zone: str = ZONE, **amounts: int) -> None:
    market.server.write(ops.set_fees, SYSTEM, market.retailer.id, Fees(valid_from=valid_from, **amounts), time_zone)


def set_pay(market: Market, person_id: int, valid_from: str = "2020-01-01", **amounts: int) -> None:
    market.server.write(ops.set_pay, SYSTEM, person_id, Pay(valid_from=valid_from, **amounts), ZONE)


def faults(market: Market) -> list[str]:
    """The rules about figures and money that rows of the market break."""

    async def broken(tx: Tx) -> list[str]:
        rules = (*reports_rules.INVARIANTS, *money_rules.INVARIANTS)
        rows = [(one.sentence, row) for one in rules for row in await tx.all(one.sql)]
        return [sentence for sentence, row in rows if row["retailer_id"] == market.retailer.id]

    found: list[str] = market.server.read(broken)
    return found
