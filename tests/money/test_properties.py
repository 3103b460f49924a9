"""Whatever was delivered: what a retailer owes is what shoppers get and what remains for the operator."""

from collections.abc import Sequence
from random import Random

import pytest

from handcart.batches.models import Finished
from handcart.core import clock
from handcart.core.db import Tx
from handcart.money import lines, ops, queries
from handcart.money.models import DUE, PAY, TIP, Fees, Pay
from handcart.reports.models import Counts, Ended
from handcart.staff.models import SYSTEM
from tests.support.money import faults
from tests.support.orders import Market
from tests.support.server import LiveServer
from tests.support.shoppers import add_shopper

ZONE = "America/New_York"
# Days around the ends of months, the change of clocks, and a leap day.
MOMENTS = (
    *("2024-02-29T23:59:59-05:00", "2024-03-01T00:00:00-05:00", "2024-03-10T01:59:59-05:00"),
    *("2024-03-10T03:00:00-04:00", "2024-03-31T23:59:59-04:00", "2024-04-01T00:00:00-04:00"),
    *("2024-11-03T01:30:00-04:00", "2024-11-03T01:30:00-05:00", "2024-11-30T23:59:59-05:00"),
)
KINDS = {"delivery": ("delivery",), "pickup": ("pickup", "runner_customer"), "last_mile": ("delivery_only",)}


def drawn(draw: Random, number: int, people: Sequence[int]) -> tuple[Ended, list[Finished]]:
    kind = draw.choice(list(KINDS))
    at = clock.from_wire(draw.choice(MOMENTS), "time")
    is_completed = draw.random() < 0.8
    counts = Counts(
        orders=int(is_completed),
        canceled=int(not is_completed),
        units=draw.randint(0, 40),
        refunded=draw.randint(0, 2),
        refund_cents=draw.randint(0, 999),
    )
    ended = Ended(
        order_id=str(number),
        store_number=1,
        person_id=0,
        kind=kind,
        ended_at=at,
        day="",
        tip_cents=draw.choice((0, 1, 333)) if is_completed else 0,
        goods_cents=draw.choice((None, 0, 1, 12_345)),
        miles=draw.choice((None, 0, 1, 1234)),
        counts=counts,
    )
    # Some batches have several orders, and some shoppers are not the operator's.
    work = [Finished(draw.randint(1, 9) * 10 + len(kind), one, draw.choice((0, *people)), at) for one in KINDS[kind]]
    return ended, work


@pytest.mark.parametrize("seed", range(6))
def test_random_months_then_dues_are_shares_of_shoppers_and_operator(server: LiveServer, seed: int) -> None:
    draw, market = Random(seed), Market(server)
    of, people = market.retailer.id, [add_shopper(server, name).id for name in ("Ana", "Bo")]
    orders = [drawn(draw, number, people) for number in range(30)]

    async def price(tx: Tx, ended: Ended, work: Sequence[Finished]) -> None:
        await lines.price(tx, of, ended, work, ZONE, clock.now())

    async def work(tx: Tx) -> None:
        for day in ("2024-01-01", "2024-03-10", "2024-11-03"):
            fees = {name: draw.randint(0, 999) for name in ("delivery_cents", "pickup_cents", "last_mile_cents")}
            rates = Fees(valid_from=day, **fees, goods_basis_points=draw.randint(0, 999), minimum_cents=5000)
            await ops.set_fees(tx, SYSTEM, of, rates, ZONE)
            pay = {f"{name}_cents": draw.randint(0, 999) for name in ("delivery", "pickup", "delivery_only", "item")}
            for person_id in people:
                await ops.set_pay(tx, SYSTEM, person_id, Pay(valid_from=day, **pay, mile_cents=67), ZONE)
        for ended, done in orders:
            await price(tx, ended, done)
        for month in ("2024-02", "2024-03"):
            await ops.close(tx, SYSTEM, of, month, ZONE)
        frozen = [await queries.statement(tx, of, month, ZONE) for month in ("2024-02", "2024-03")]
        for ended, done in orders:
            ended.tip_cents += draw.choice((-1, 0, 50)) if ended.tip_cents else 0
            await price(tx, ended, done)
            await price(tx, ended, done)
        assert frozen == [await queries.statement(tx, of, month, ZONE) for month in ("2024-02", "2024-03")]

    server.write(work)
    tips = 0
    for month in ("2024-02", "2024-03", "2024-04", "2024-11"):
        found = server.read(queries.statement, of, month, ZONE)
        assert found.due == sum(share.cents for share in found.shares) + found.operator
        listed = server.read(queries.statement_lines, of, month, queries.NOTHING, 10_000)
        rest = found.cents("fee_minimum") if found.closed_at is None else 0
        assert found.due == sum(one.cents for one in listed if one.kind in DUE) + rest
        for share in found.shares:
            own = [one for one in listed if one.person_id == share.person_id]
            assert share.pay == sum(one.cents for one in own if one.kind in PAY)
            assert share.tips == sum(one.cents for one in own if one.kind == TIP)
        tips += found.cents(TIP)
        assert all(one.order_id for one in listed if one.kind != "fee_minimum")
    assert tips == sum(ended.tip_cents for ended, _ in orders if ended.counts.orders)
    broken = faults(market)
    assert "the sum of a month is the sum of its lines" not in broken
    server.sql("DELETE FROM money_lines WHERE retailer_id = $1 RETURNING month", of)
    server.sql("DELETE FROM month_sums WHERE retailer_id = $1 RETURNING month", of)


def test_amount_is_between_two_cents_then_half_a_cent_goes_up() -> None:
    assert [lines.rounded(cents, 100) for cents in (0, 49, 50, 149, 150, -50, -51)] == [0, 0, 1, 1, 2, 0, -1]
