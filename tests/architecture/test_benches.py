"""The limit program of the benchmarks replays statements of our operations: they can still be recorded."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

from bench.candidates import Scale, Workshop, orders
from bench.candidates.handcart import url_of
from bench.limit import replay
from handcart.core.db.connect import connect
from handcart.core.secret import Keys

SCALE = Scale(links=400, tokens=10, flows=10, holds=288, few_orders=200)


async def _recorded(url: str, prepared: orders.Prepared) -> dict[str, replay.Script]:
    database = await connect(url, Keys(prepared.stock.plan.secret_key.encode()))
    try:
        return {one.operation_id: await replay.record(database, one) for one in orders._samples(prepared.stock)}
    finally:
        await database.close()


def test_operations_are_recorded_then_each_has_statements_and_an_answer(tmp_path: Path) -> None:
    with ExitStack() as stack:
        prepared = orders._prepared(Workshop(tmp_path, SCALE, stack), "sqlite", orders.FEW)
        with prepared.database.copy() as copy:
            found = asyncio.run(_recorded(url_of(copy), prepared))
    assert set(found) == set(orders._PATHS)
    assert all(script.steps and script.answer for script in found.values())
