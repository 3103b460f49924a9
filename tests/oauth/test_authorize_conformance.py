"""docs/conformance.md names only existing tests, and at least one in each row."""

import re
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = (HERE.parents[1] / "docs" / "conformance.md").read_text("utf-8")


def defined(name: str) -> set[str]:
    return set(re.findall(r"^(?:async )?def (test_\w+)", (HERE / name).read_text("utf-8"), re.MULTILINE))


def test_test_is_named_then_it_is_there() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", DOCUMENT)
    assert len(named) > 20
    assert [(file, test) for file, test in named if test not in defined(file)] == []


def test_row_listed_then_it_names_a_test() -> None:
    rows = [line for line in DOCUMENT.partition("## Bad input")[2].splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    assert [row for row in rows if not re.search(r"\| `test_\w+\.py::test_\w+` \|$", row)] == []
