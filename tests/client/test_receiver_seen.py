"""Events are handled once: in one process, in several, and after restarts."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from handcart_client.receiver import Claim, MemorySeen, Seen, SqliteSeen

from tests.support.moments import FRIDAY_MORNING, HOUR

LARGEST = (1 << 64) - 1


@pytest.fixture(params=["memory", "sqlite"])
def seen(request: pytest.FixtureRequest, tmp_path: Path) -> Seen:
    return MemorySeen() if request.param == "memory" else SqliteSeen(tmp_path / "seen.db")


def test_event_handled_then_seen_and_after_a_failure_it_is_new(seen: Seen) -> None:
    assert seen.claim(LARGEST) is Claim.NEW
    assert seen.claim(LARGEST) is Claim.BUSY
    seen.release(LARGEST)
    assert seen.claim(LARGEST) is Claim.NEW
    seen.keep(LARGEST)
    assert seen.claim(LARGEST) is Claim.SEEN
    seen.release(LARGEST)
    assert seen.claim(LARGEST) is Claim.SEEN
    assert seen.claim(1) is Claim.NEW


def test_threads_claim_together_then_one_gets_it(seen: Seen) -> None:
    with ThreadPoolExecutor(8) as threads:
        for event_id in range(20):
            claims = list(threads.map(seen.claim, [event_id] * 8))
            assert sorted(claim.value for claim in claims) == ["busy"] * 7 + ["new"]


def test_memory_is_full_then_the_oldest_is_forgotten() -> None:
    seen = MemorySeen(limit=3)
    for event_id in range(5):
        assert seen.claim(event_id) is Claim.NEW
        seen.keep(event_id)
    assert [seen.claim(event_id) for event_id in (2, 3, 4)] == [Claim.SEEN] * 3
    assert seen.claim(1) is Claim.NEW


def test_process_starts_again_then_the_file_remembers(tmp_path: Path) -> None:
    first = SqliteSeen(tmp_path / "seen.db")
    assert first.claim(7) is Claim.NEW
    first.keep(7)
    first.close()
    assert SqliteSeen(tmp_path / "seen.db").claim(7) is Claim.SEEN
    assert (tmp_path / "seen.db").stat().st_mode & 0o077 == 0
    assert first.claim(7) is Claim.SEEN  # opened again


def test_claim_not_finished_then_another_may_claim_after_the_lease(tmp_path: Path) -> None:
    now = [FRIDAY_MORNING]
    dead, other = (SqliteSeen(tmp_path / "seen.db", lease_seconds=60, now=lambda: now[0]) for _ in range(2))
    assert dead.claim(7) is Claim.NEW
    now[0] += 59
    assert other.claim(7) is Claim.BUSY
    now[0] += 1
    assert other.claim(7) is Claim.NEW
    dead.release(7)  # not dead after all, but the claim is not its own any more
    assert dead.claim(7) is Claim.BUSY
    other.keep(7)
    assert dead.claim(7) is Claim.SEEN


def test_events_are_old_then_they_are_forgotten(tmp_path: Path) -> None:
    now = [FRIDAY_MORNING]
    seen = SqliteSeen(tmp_path / "seen.db", keep_days=1, now=lambda: now[0])
    for event_id in (1, 2):
        seen.claim(event_id)
        seen.keep(event_id)
        now[0] += 20 * HOUR
    assert seen.claim(1) is Claim.SEEN
    seen.claim(3)
    seen.keep(3)
    assert [seen.claim(event_id) for event_id in (1, 2, 3)] == [Claim.NEW, Claim.SEEN, Claim.SEEN]


def claims(path: Path, ids: range) -> list[int]:
    """The ids that this process got, each handled at once."""
    seen = SqliteSeen(path)
    got = [event_id for event_id in ids if seen.claim(event_id) is Claim.NEW]
    for event_id in got:
        seen.keep(event_id)
    return got


def test_processes_claim_together_then_each_event_is_one_s(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(2) as processes:
        each = processes.starmap(claims, [(tmp_path / "seen.db", range(200))] * 4, chunksize=1)
    assert sorted(event_id for got in each for event_id in got) == list(range(200))
