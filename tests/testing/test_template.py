"""The location of the template database."""

from pathlib import Path

import pytest

from handcart.testing import template
from tests.core.test_settings import without_home


def test_no_home_directory_then_a_temporary_file_not_one_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(directory: Path) -> Path:
        (directory / "template.db").touch()
        return directory / "template.db"

    monkeypatch.setattr(template, "_make", make)
    monkeypatch.chdir(tmp_path)
    without_home(monkeypatch)
    with template._file() as file:
        assert file.exists()
        assert list(tmp_path.iterdir()) == []
    assert not file.exists()
