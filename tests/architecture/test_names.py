"""Each test is named `test_<situation>_then_<outcome>`, with at most 70 characters and without codes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
MOST = 70
FORM = re.compile(r"test_[a-z0-9_]+_then_[a-z0-9_]+")
# A number in some list, such as `test_a12_...`: nobody outside knows the list.
CODE = re.compile(r"test_[a-z]{1,2}\d+_")


def faults(name: str) -> list[str]:
    """What is wrong with the name of a test."""
    return [
        *(["it is not test_<situation>_then_<outcome>"] if not FORM.fullmatch(name) else []),
        *([f"it has {len(name)} characters: write at most {MOST}"] if len(name) > MOST else []),
        *(["leave out when_"] if "_when_" in name else []),
        *(["say the fact instead of a code"] if CODE.match(name) else []),
    ]


def our_files(directory: Path) -> Iterator[Path]:
    """The Python files below a directory, without those of installed packages: there are thousands."""
    for path in directory.iterdir():
        if path.is_dir() and path.name != "node_modules":
            yield from our_files(path)
        elif path.suffix == ".py":
            yield path


def names_in(path: Path) -> list[str]:
    """The names of the tests in a file."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [function.name for function in functions if function.name.startswith("test_")]


def test_tests_named_then_each_name_has_the_form() -> None:
    found = {
        f"{path.relative_to(TESTS)}: {name}: {fault}"
        for path in our_files(TESTS)
        for name in names_in(path)
        for fault in faults(name)
    }
    assert sorted(found) == []


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("test_code_expired_then_invalid_grant", 0),
        ("test_expired_code_is_refused", 1),
        ("test_Code_expired_then_refused", 1),
        ("test_when_a_code_has_expired_then_invalid_grant", 1),
        ("test_t3_code_expired_then_invalid_grant", 1),
        ("test_code_expired_then_" + "x" * 48, 1),
        ("test_code_expired_then_" + "x" * 47, 0),
    ],
)
def test_name_planted_then_its_faults_are_found(name: str, count: int) -> None:
    assert len(faults(name)) == count
