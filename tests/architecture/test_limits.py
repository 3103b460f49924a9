"""The page of limits names the code of each limit, and the settings that change it."""

import re
from dataclasses import fields

from handcart.core.settings import PREFIX, Settings
from tests.support.process import ROOT

_ROW = re.compile(r"\| (?P<limit>[^|]+) \|[^|]+\| (?P<setting>[^|]+) \|[^|]+\| `(?P<file>[^`]+)` `(?P<name>[^`]+)` \|")
_HEADS = ("| limit |", "|---")


def test_limit_is_documented_then_its_code_and_its_setting_exist() -> None:
    page = (ROOT / "docs" / "operations" / "limits.md").read_text()
    settings = {PREFIX + setting.name.upper() for setting in fields(Settings)}
    rows = [line for line in page.splitlines() if line.startswith("|") and not line.startswith(_HEADS)]
    assert rows
    for row in rows:
        found = _ROW.fullmatch(row)
        assert found, f"a row needs five columns, the last one with a file and a name: {row}"
        code = (ROOT / "handcart" / found["file"]).read_text()
        assert re.search(rf"^\s*{found['name']}\b.*[=:]", code, re.MULTILINE), row
        assert set(re.findall(rf"{PREFIX}[A-Z_]+", found["setting"])) <= settings, row
