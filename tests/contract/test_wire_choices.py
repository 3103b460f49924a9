"""docs/wire-choices.md: each choice has one row, and names files that exist."""

import re
from collections import Counter

from tests.support.process import ROOT

ROWS = [
    line.strip("|").split(" | ")
    for line in (ROOT / "docs" / "wire-choices.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| subject")
]


def test_a_choice_then_one_row() -> None:
    assert [subject for subject, many in Counter(row[0].strip() for row in ROWS).items() if many > 1] == []


def test_a_row_then_its_code_and_tests_exist() -> None:
    named = [
        (folder, name)
        for row in ROWS
        for folder, cell in zip(("handcart", ""), row[-2:], strict=True)
        for name in re.findall(r"`([\w/]+(?:\.py|/))`", cell)
    ]
    assert len(named) > 2 * len(ROWS) - 10
    assert [name for folder, name in named if not (ROOT / folder / name).exists()] == []
