"""Read a table from a file: the text, the separator of CSV, its rows, and the cells of a row by column. Write CSV.

Every row is checked; invalid rows are counted by reason: the column, and what to change. Text that a spreadsheet would
run as a formula is read unchanged, and escaped by `written`.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from handcart.core.errors import Refused

MOST_BYTES = 64 << 20
MOST_ROWS = 200_000
MOST_EXAMPLES = 3
_SEPARATORS = ",;\t|"
# Characters that begin a formula, in ASCII and full width, at the start of a cell or after a possible separator, also
# after blanks, quotes and invisible characters.
# The quantifiers never give back what they have taken, so the time grows only with the length of the text.
_UNSEEN = r"[\s\x00\u200b-\u200f\u2060\ufeff'\"]*+"
_FORMULA = re.compile(rf"(^|[,;|\t\r\n\"])({_UNSEEN})([=+\-@\uff1d\uff0b\uff0d\uff20]?+)")
_BREAK = re.compile(r"(^|[,;|\t\r\n\"])([\t\r\n])")
T = TypeVar("T")


@dataclass
class Reason:
    """A reason why rows are invalid: what to change, the number of rows, the first rows, and the first row's value."""

    change: str
    rows: int = 0
    examples: list[str] = field(default_factory=list)
    value: str | None = None

    def __str__(self) -> str:
        more = self.rows - len(self.examples)
        where = ", ".join(self.examples) + (f" and {more:,} more" if more else "")
        return f"{where}: {self.change}" + (f", not {self.value!r}" if self.value is not None else "")


@dataclass
class Rows(Generic[T]):
    """The content of a file: valid rows, and the reasons why the others are invalid."""

    good: list[T] = field(default_factory=list)
    reasons: dict[str, Reason] = field(default_factory=dict)

    @property
    def refused_rows(self) -> int:
        """The number of invalid rows."""
        return sum(reason.rows for reason in self.reasons.values())

    @property
    def refused(self) -> list[str]:
        """The reasons as sentences."""
        return [str(reason) for reason in self.reasons.values()]

    def refuse(self, where: str, change: str, value: str | None) -> None:
        """Count an invalid row under its reason."""
        reason = self.reasons.setdefault(change, Reason(change, value=value))
        reason.rows += 1
        if len(reason.examples) < MOST_EXAMPLES:
            reason.examples.append(where)


class BadCell(ValueError):
    """An invalid cell: its column, what to change, and its value if that helps."""

    def __init__(self, column: str, change: str, value: str | None = None) -> None:
        super().__init__(f"{column}: {change}")
        self.column = column
        self.value = None if value is None else value[:40]


class Cells:
    """The cells of one row, read by column."""

    def __init__(self, cells: Mapping[str, Any], *, has_decimal_commas: bool = False) -> None:
        self._cells = cells
        self._has_decimal_commas = has_decimal_commas

    def text(self, column: str, default: str | None = None, most: int = 200) -> str:
        value = self._cells.get(column)
        value = "" if value is None else str(value).strip()
        if not value:
            if default is None:
                raise BadCell(column, "fill it in")
            return default
        if len(value) > most:
            raise BadCell(column, f"write at most {most} characters")
        if any(character < " " or character == "\x7f" for character in value):
            raise BadCell(column, "remove the control characters")
        return value

    def json(self, column: str) -> Any:
        """The value of a cell with JSON; None for an empty cell."""
        value = self._cells.get(column)
        if not isinstance(value, str):
            return value
        try:
            return msgspec.json.decode(value) if value.strip() else None
        except (msgspec.DecodeError, RecursionError):
            raise BadCell(column, "write JSON") from None

    def number(self, column: str, least: float, most: float, default: float | None = None) -> float:
        text = self.text(column, "" if default is not None else None)
        if not text and default is not None:
            return default
        number = text.replace(",", ".") if self._has_decimal_commas else text
        if not _is_number(number) or not least <= float(number) <= most:
            raise BadCell(column, f"write a number from {least:g} to {most:g}", text)
        return float(number)

    def flag(self, column: str, default: bool) -> bool:
        text = self.text(column, "").lower()
        if text not in ("", "true", "false", "yes", "no", "1", "0"):
            raise BadCell(column, "write true or false", text)
        return text in ("true", "yes", "1") if text else default

    def choice(self, column: str, choices: Sequence[str], default: str | None) -> str:
        text = self.text(column, default)
        if text not in choices:
            raise BadCell(column, f"write {' or '.join(filter(None, choices))}", text)
        return text


Row = tuple[str, Cells | str]  # its place in the file, and its cells by column or the error of the row


def read(rows: Iterator[Row], make: Callable[[Cells], T], key: str) -> Rows[T]:
    """Make a value of each row; a row whose `key` an earlier row has is invalid. Raises `Refused` for too many rows."""
    found: Rows[T] = Rows()
    seen: dict[str, str] = {}
    for number, (where, cells) in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise Refused(f"the file has more than {MOST_ROWS:,} rows: split it")
        if isinstance(cells, str):
            found.refuse(where, cells, None)
            continue
        try:
            one = make(cells)
            first = seen.setdefault(getattr(one, key), where)
            if first != where:
                raise BadCell(key, "an earlier row has the same value")
        except BadCell as bad:
            found.refuse(where, str(bad), bad.value)
        else:
            found.good.append(one)
    return found


def text(path: Path) -> str:
    """The text of a file; raises `Refused` if it cannot be read, is too long, or is not in UTF-8."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)  # a device or a pipe has no true size
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from None
    if len(content) > MOST_BYTES:
        raise Refused(f"{path} has more than {MOST_BYTES >> 20} MB: split it")
    return decoded(content, str(path))


def decoded(content: bytes, name: str) -> str:
    """The text of a file's content; raises `Refused`, which names the file, if it is not in UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{name} is not in UTF-8 (byte {error.start}): save it as CSV UTF-8") from None


def separator(line: str, fits: Callable[[list[str]], bool]) -> str:
    """The separator of a CSV line: the first one with which the cells fit; a comma if none does.

    Excel uses semicolons in regions with decimal commas, and tabs for the format "text".
    """
    try:
        found = (one for one in _SEPARATORS if fits(next(csv.reader([line], delimiter=one), [])))
        return next(found, ",")
    except csv.Error:  # the caller gets the same error again, and reports where
        return ","


def csv_rows(text: str, columns: Sequence[str], required: Sequence[str]) -> Iterator[Row]:
    """The rows of CSV whose first line names `columns`, among them `required`. Raises `Refused`."""
    names, skipped = {*required}, 0
    if own := re.match("sep=[,;\t|]\\s*[\r\n]+", text):  # Excel's own line at the start
        text, skipped = text[own.end() :], 1
    between = separator(re.split("[\r\n]", text, maxsplit=1)[0], lambda cells: names <= {*map(str.strip, cells)})
    lines = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=between)
    try:
        header = [name.strip() for name in next(lines, [])]
        _check_header(header, columns, required)
        for cells in lines:
            where = f"line {lines.line_num + skipped}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                yield where, f"it has {len(cells)} cells, the header has {len(header)}"
            else:
                yield where, Cells(dict(zip(header, cells, strict=True)), has_decimal_commas=between != ",")
    except csv.Error as error:
        raise Refused(
            f"line {lines.line_num} is not CSV ({error}): quote cells that contain quotes or {between!r}"
        ) from None


def _check_header(header: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in header]
    unknown = [name for name in header if name not in columns]
    if missing:
        raise Refused(
            f"the header lacks {', '.join(missing)}: the first line must name the columns, separated by commas,"
            " semicolons or tabs (`handcart store template` and `handcart item template` print an example)"
        )
    if unknown or len(set(header)) != len(header):
        what = ", ".join(map(repr, unknown[:5])) or "a column twice"
        raise Refused(f"the header has {what}: the columns are {', '.join(columns)}")


def written(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV for spreadsheets: every cell is quoted, and no text can run as a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    writer.writerows([_safe(value) for value in row] for row in rows)
    return text.getvalue()


def _safe(value: Any) -> Any:
    """Text with an apostrophe before each formula (OWASP, "CSV Injection").

    A spreadsheet may split at other separators than commas; it ignores invisible characters, and accepts the full-width
    forms of the characters as well.
    """
    return _BREAK.sub(r"\1'\2", _FORMULA.sub(_escaped, value)) if isinstance(value, str) else value


def _escaped(found: re.Match[str]) -> str:
    separator, unseen, sign = found.groups()
    return f"{separator}'{unseen}{sign}" if sign else found[0]


def template(columns: Sequence[str], example: Mapping[str, str]) -> str:
    """CSV with a header and one row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([columns, [example.get(column, "") for column in columns]])
    return text.getvalue()


def _is_number(text: str) -> bool:
    """Whether a text is a plain decimal number; not NaN, infinity, or with underscores."""
    return re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,60})?", text, re.ASCII) is not None
