"""Read a week from a CSV file: 7 rows from Monday on, each with a number for each hour from 0:00 on."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from handcart.core.errors import Refused
from handcart.stores.tables import separator

_HOURS = 24
_MOST_CHARACTERS = 1 << 16
_WHOLE = re.compile(r"[0-9]{1,6}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)


def week(path: Path, *, are_whole: bool) -> list[list[float]]:
    """The numbers of a file; raises `Refused`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read(_MOST_CHARACTERS)
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Refused(f"{path} is not CSV in UTF-8: save it as CSV UTF-8") from None
    return week_of(text, str(path), are_whole=are_whole)


def week_of(text: str, path: str, *, are_whole: bool) -> list[list[float]]:
    """The numbers of a text; raises `Refused`, which names the text by `path`."""
    rows = _rows(text[:_MOST_CHARACTERS], path)
    if len(rows) != 7:
        raise Refused(f"{path} has {len(rows)} rows: write 7, one for each weekday from Monday")
    for number, row in enumerate(rows, 1):
        if len(row) != _HOURS:
            raise Refused(f"{path}, row {number} has {len(row)} cells: write 24, one for each hour from 0:00")
        for hour, cell in enumerate(row):
            if not (_WHOLE if are_whole else _NUMBER).fullmatch(cell):
                wanted = "a whole number" if are_whole else "a number"
                raise Refused(f"{path}, row {number}, {hour}:00: write {wanted} below a million, not {cell[:20]!r}")
    return [[float(cell) for cell in row] for row in rows]


def week_text(week: Sequence[Sequence[float]]) -> str:
    """The numbers of a week as `week_of` reads them."""
    return "\n".join(",".join(f"{number:g}" for number in day) for day in week)


def _rows(text: str, path: str) -> list[list[str]]:
    lines = text.splitlines()
    try:
        between = separator(lines[0] if lines else "", lambda cells: len(cells) == _HOURS)
        found = [[cell.strip() for cell in row] for row in csv.reader(lines, strict=True, delimiter=between)]
    except csv.Error:
        raise Refused(f"{path} is not CSV in UTF-8: save it as CSV UTF-8") from None
    if between != ",":
        found = [[cell.replace(",", ".") for cell in row] for row in found]
    return [row for row in found if any(row)]
