"""Clear errors if the browser tests cannot start."""

from pathlib import Path

import pytest

from tests.support import browser


def test_chromium_is_missing_then_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="Chromium is missing: install it"):
        browser.find_chromium()
