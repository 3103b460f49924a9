"""Even if workers are killed, every event arrives, with one id and one body, and in order.

A killed worker leaves a lease. The tests do not wait until it expires, but set its end to a time in the past.
"""

import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from handcart.callbacks.sender import CHAINS
from tests.races.killing import SETTINGS, Installation, emit, make_receiver, open_installation
from tests.races.rounds import IS_LONG, Report
from tests.support import postgres, process
from tests.support.tally import tally

pytestmark = pytest.mark.serial

KILLS, EVENTS = (200, 20_000) if IS_LONG else (6, 600)
FAULT_FREE = 100_000 if IS_LONG else 1000
BATCHES = 10
ORDERS = 40
SEED = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    url = f"sqlite:///{tmp_path}/handcart.db"
    if request.param == "postgresql":
        url = postgres.create_database(request.getfixturevalue("postgres_cluster"))
    with open_installation(url, tmp_path) as opened:
        yield opened


@contextmanager
def workers(installation: Installation, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """`count` workers, killed when the block ends."""
    running = [process.start_worker(installation.url, installation.data, **SETTINGS) for _ in range(count)]
    try:
        yield running
    finally:
        for worker in running:
            worker.kill()
            worker.wait()


def test_worker_killed_again_and_again_then_no_event_is_lost(installation: Installation, report: Report) -> None:
    rng, landed = random.Random(SEED), 0
    each = EVENTS // KILLS
    with tally() as shop:
        retailer_id = installation.write(make_receiver, shop)
        for _ in range(KILLS):
            installation.write(emit, retailer_id, each, rng, ORDERS)
            with workers(installation, 1):
                shop.wait(len(shop.log) + rng.randrange(1, each))
            landed += installation.under_way() > 0
            installation.end_leases()
        installation.deliver_the_rest()
        found = installation.compare(shop)
    report(
        f"killed workers, {installation.kind}: {KILLS} kills, {landed} with deliveries under way, seed {SEED}; {found}"
    )
    assert (found.owed, found.lost, found.strange, found.inversions) == (EVENTS, 0, 0, 0)
    assert found.duplicates <= KILLS * CHAINS
    assert landed >= 0.3 * KILLS, "too few kills met an open delivery"
    report(installation.check())


def test_two_workers_without_faults_then_each_event_once_and_in_order(
    installation: Installation, report: Report
) -> None:
    rng = random.Random(SEED)
    with tally() as shop:
        retailer_id = installation.write(make_receiver, shop)
        with workers(installation, 2) as both:
            for _ in range(BATCHES):
                installation.write(emit, retailer_id, FAULT_FREE // BATCHES, rng, FAULT_FREE // BATCHES // 3)
            shop.wait(FAULT_FREE)
            ended = [process.end(worker) for worker in both]
        found = installation.compare(shop)
    report(f"two workers, {installation.kind}: two workers, no faults, seed {SEED}; {found}")
    assert ended == [0, 0]
    assert (found.owed, found.lost, found.strange, found.inversions) == (FAULT_FREE, 0, 0, 0)
    assert found.duplicates * 10_000 <= FAULT_FREE
    assert installation.under_way() == 0
