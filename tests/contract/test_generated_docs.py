"""The generated documents are up to date with the code."""

from pathlib import Path

import pytest

from tools import generate_docs


def test_code_read_then_no_generated_document_is_out_of_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate_docs.main("--check") == 0, f"run `make docs`: {capsys.readouterr().out}"


def test_document_out_of_date_then_it_is_named_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "docs" / "settings.md"
    file.parent.mkdir()
    file.write_text("old")
    monkeypatch.setattr(generate_docs, "DOCS", file.parent)
    monkeypatch.setattr(generate_docs, "GENERATED", {file: generate_docs.settings})
    assert generate_docs.main("--check") == 1
    assert (capsys.readouterr().out, file.read_text()) == ("docs/settings.md\n", "old")
    assert generate_docs.main() == 0
    assert "| `HANDCART_POOL_SIZE` | `10` |" in file.read_text()
    assert generate_docs.main("--check") == 0
