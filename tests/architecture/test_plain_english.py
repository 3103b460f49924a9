"""`tools/plain_english.py` finds phrases in text, and only there."""

from pathlib import Path

import pytest

from tools.plain_english import findings, main, words_of_python


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("At most so many.", 1),
        ("One line.\nGoes behind\nwhat is new.", 2),
        ("# Separates, so\n# many times.", 1),
        ("Wakes who listens for an order.", 1),
    ],
)
def test_text_has_a_banned_phrase_then_its_line_is_found(text: str, line: int) -> None:
    assert [number for number, _, _ in findings(text)] == [line]


@pytest.mark.parametrize(
    "text",
    ["A customer who is linked.", "The column `anew`.", "## Plain English\n\nAt most so many.\n\n## Tests\n"],
)
def test_text_is_plain_code_or_an_example_then_nothing_is_found(text: str) -> None:
    assert findings(text) == []


def test_file_is_python_then_only_comments_and_strings_are_read() -> None:
    source = 'def rehearse():  # So many.\n    """\n    Anew.\n    """\n'
    assert [(number, phrase) for number, phrase, _ in findings(words_of_python(source))] == [
        (1, "So many"),
        (3, "Anew"),
    ]


def test_file_has_findings_then_the_status_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("Plain.\n", "utf-8")
    assert main([str(page)]) == 0
    page.write_text("Anew.\n", "utf-8")
    assert main([str(page)]) == 1
    assert capsys.readouterr().out == f"{page}:1: 'Anew': again, new\n"
