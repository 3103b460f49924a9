"""What the demo prints about shoppers: links for all, QR codes on a terminal."""

import os
import shutil
import sys
from typing import Any

import pytest

from handcart.demo import announcement

SHOPPERS: list[dict[str, Any]] = [
    {"name": f"Shopper {number}", "link": f"http://127.0.0.1:8080/shopper/join/{number * 43}"} for number in "12"
]


def printed(monkeypatch: pytest.MonkeyPatch, columns: int | None) -> list[str]:
    """The lines on a terminal of this width; None: the output is not a terminal."""
    size = os.terminal_size((columns or 80, 24))
    with monkeypatch.context() as patch:  # pytest itself asks for the terminal's size between tests
        patch.setattr(sys.stdout, "isatty", lambda: columns is not None)
        patch.setattr(shutil, "get_terminal_size", lambda *_, **__: size)
        return announcement._shoppers(SHOPPERS).split("\n")


def test_output_is_no_terminal_then_a_line_with_a_link_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [line.split()[-1] for line in printed(monkeypatch, None)] == [one["link"] for one in SHOPPERS]


def test_terminal_is_wide_then_codes_stand_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, 120)
    assert lines[3].split("  ")[2:3] == ["Shopper 1"]
    assert "Shopper 2" in lines[3]
    assert all(len(line) <= 120 for line in lines)


def test_terminal_is_narrow_then_codes_stand_one_below_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, 80)
    assert lines[3] == "    Shopper 1"
    assert "    Shopper 2" in lines
    assert len(lines) > 2 * len(printed(monkeypatch, 120)) - 6
    assert all(len(line) <= 80 for line in lines[3:])
