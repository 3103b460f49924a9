"""The tests that `make test-fast` leaves out exist."""

from pathlib import Path

from tests.support.extent import LEFT_OUT_OF_FAST


def test_path_left_out_then_it_exists():
    """Else a renamed file would come back to the working loop unseen."""
    tests = Path(__file__).parents[1]
    assert [path for path in LEFT_OUT_OF_FAST if not (tests / path).exists()] == []
