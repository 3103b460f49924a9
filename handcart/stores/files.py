"""Reading stores and items from files: CSV with a header, or a GeoJSON FeatureCollection of stores.

Every row is checked; each that cannot be used is named with its column and what to change. Nothing here writes.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from zoneinfo import available_timezones

import msgspec

from handcart.retailers.errors import Refused
from handcart.stores.items import check_digit
from handcart.stores.models import Item, OpeningHours, Point, Store
from handcart.stores.postal import plain

MOST_BYTES = 64 << 20
MOST_ROWS = 200_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_TIME_ZONES = available_timezones()
_POSTAL_CODE = re.compile(r"[0-9]{5}(-?[0-9]{4})?|[A-Za-z][0-9][A-Za-z][ -]?[0-9][A-Za-z][0-9]", re.ASCII)
_DAYS = 7
_MINUTES = 24 * 60
T = TypeVar("T")


@dataclass
class Rows(Generic[T]):
    """What a file holds: rows that can be used, and a line for each that cannot."""

    good: list[T] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class _Bad(ValueError):
    """A cell that cannot be used: its column, and what to change."""

    def __init__(self, column: str, change: str) -> None:
        super().__init__(f"{column}: {change}")


class _Cells:
    """The cells of one row, read by column."""

    def __init__(self, cells: Mapping[str, Any]) -> None:
        self._cells = cells

    def text(self, column: str, default: str | None = None, most: int = 200) -> str:
        value = self._cells.get(column)
        value = "" if value is None else str(value).strip()
        if not value:
            if default is None:
                raise _Bad(column, "fill it in")
            return default
        if len(value) > most:
            raise _Bad(column, f"write at most {most} characters")
        if any(character < " " or character == "\x7f" for character in value):
            raise _Bad(column, "remove the control characters")
        if value.startswith(_FORMULA) and not _is_number(value):
            raise _Bad(
                column, f"it begins with {value[0]!r}, which spreadsheets take for a formula: write it otherwise"
            )
        return value

    def json(self, column: str) -> Any:
        """The value of a cell that holds JSON; None for an empty one."""
        value = self._cells.get(column)
        if not isinstance(value, str):
            return value
        try:
            return msgspec.json.decode(value) if value.strip() else None
        except (msgspec.DecodeError, RecursionError):
            raise _Bad(column, "write JSON") from None

    def number(self, column: str, least: float, most: float, default: float | None = None) -> float:
        text = self.text(column, "" if default is not None else None)
        if not text and default is not None:
            return default
        if not _is_number(text) or not least <= float(text) <= most:
            raise _Bad(column, f"write a number from {least:g} to {most:g}, not {text[:40]!r}")
        return float(text)

    def flag(self, column: str, default: bool) -> bool:
        text = self.text(column, "").lower()
        if text not in ("", "true", "false", "yes", "no", "1", "0"):
            raise _Bad(column, f"write true or false, not {text[:40]!r}")
        return text in ("true", "yes", "1") if text else default

    def choice(self, column: str, choices: Sequence[str], default: str | None) -> str:
        text = self.text(column, default)
        if text not in choices:
            raise _Bad(column, f"write {' or '.join(filter(None, choices))}, not {text[:40]!r}")
        return text


def stores(path: Path) -> Rows[Store]:
    """The stores of a file: GeoJSON if its name ends in .json or .geojson, else CSV. Raises `Refused`."""
    if path.suffix.lower() in (".json", ".geojson"):
        return _read(_features(_text(path)), _store, "location_code")
    return _read(_rows(_text(path), _STORE_COLUMNS, _STORE_REQUIRED), _store, "location_code")


def items(path: Path) -> Rows[Item]:
    """The items of a CSV file. Raises `Refused`."""
    return _read(_rows(_text(path), _ITEM_COLUMNS, ("name", "price_cents")), _item, "rrc")


_STORE_REQUIRED = ["location_code", "name", "address_line_1", "postal_code", "country"]
_STORE_REQUIRED += ["latitude", "longitude", "time_zone"]
_STORE_COLUMNS = [*_STORE_REQUIRED, "city", "region", "takes_delivery", "takes_pickup", "takes_last_mile"]
_STORE_COLUMNS += ["sells_alcohol", "delivers_long_distance", "opening_hours", "service_area"]
_ITEM_COLUMNS = ["rrc", "upc", "name", "cost_unit", "par_weight", "alcohol_kind", "restricted_reasons"]
_ITEM_COLUMNS += ["is_ebt_eligible", "is_bulky", "beverage_weight", "price_cents"]


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)  # what its size says is not true of a device or a pipe
        if len(content) > MOST_BYTES:
            raise Refused(f"{path} has more than {MOST_BYTES >> 20} MB: split it")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not in UTF-8 (byte {error.start}): save it as CSV UTF-8") from None
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from None


def _rows(text: str, columns: Sequence[str], required: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """Where each row stands, and its cells by column, or what is wrong with the row."""
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        _check_header(header, columns, required)
        for cells in lines:
            where = f"line {lines.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                yield where, f"it has {len(cells)} cells, the header has {len(header)}"
            else:
                yield where, dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise Refused(f"line {lines.line_num} is not CSV ({error}): quote cells that hold commas or quotes") from None


def _check_header(header: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> None:
    missing = [name for name in required if name not in header]
    unknown = [name for name in header if name not in columns]
    if missing:
        raise Refused(f"the header lacks {', '.join(missing)}: the first line names the columns")
    if unknown or len(set(header)) != len(header):
        what = ", ".join(map(repr, unknown[:5])) or "a column twice"
        raise Refused(f"the header has {what}: the columns are {', '.join(columns)}")


def _features(text: str) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """Points are stores; a Polygon beside them, as `service_area` in the properties, is where one delivers."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"this is not JSON: {error}") from None
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list):
        raise Refused("this is not GeoJSON with a FeatureCollection (RFC 7946)")
    for place, feature in enumerate(features, 1):
        yield f"feature {place}", _feature(feature)


def _feature(feature: Any) -> Mapping[str, Any] | str:
    try:
        properties, geometry = feature["properties"], feature["geometry"]
        longitude, latitude = geometry["coordinates"][:2]
        if geometry["type"] == "Point" and isinstance(properties, dict):
            return {**properties, "latitude": latitude, "longitude": longitude}
    except (KeyError, TypeError, ValueError):
        pass
    return "it is no Feature with properties and a Point"


def _read(rows: Iterator[tuple[str, Mapping[str, Any] | str]], make: Callable[[_Cells], T], key: str) -> Rows[T]:
    found: Rows[T] = Rows()
    seen: dict[str, str] = {}
    for number, (where, cells) in enumerate(rows, 1):
        if number > MOST_ROWS:
            raise Refused(f"the file has more than {MOST_ROWS:,} rows: split it")
        try:
            if isinstance(cells, str):
                raise ValueError(cells)
            one = make(_Cells(cells))
            first = seen.setdefault(getattr(one, key), where)
            if first != where:
                raise _Bad(key, f"{getattr(one, key)!r} is on {first} already")
            found.good.append(one)
        except ValueError as error:
            found.refused.append(f"{where}: {error}")
    return found


def _store(cells: _Cells) -> Store:
    time_zone = cells.text("time_zone")
    if time_zone not in _TIME_ZONES:
        raise _Bad("time_zone", f"write a name such as America/Chicago, not {time_zone[:40]!r}")
    postal_code = cells.text("postal_code")
    if not _POSTAL_CODE.fullmatch(postal_code):
        raise _Bad("postal_code", f"write a US or Canadian one, not {postal_code[:40]!r}")
    return Store(
        location_code=cells.text("location_code", most=64),
        name=cells.text("name"),
        address_line_1=cells.text("address_line_1"),
        city=cells.text("city", ""),
        region=cells.text("region", ""),
        postal_code=plain(postal_code),
        country=cells.choice("country", ("US", "CA"), None),
        point=Point(cells.number("latitude", -90, 90), cells.number("longitude", -180, 180)),
        time_zone=time_zone,
        takes_delivery=cells.flag("takes_delivery", True),
        takes_pickup=cells.flag("takes_pickup", True),
        takes_last_mile=cells.flag("takes_last_mile", True),
        sells_alcohol=cells.flag("sells_alcohol", False),
        delivers_long_distance=cells.flag("delivers_long_distance", False),
        opening_hours=_opening_hours(cells),
        service_area=_service_area(cells),
    )


def _opening_hours(cells: _Cells) -> OpeningHours:
    value = cells.json("opening_hours")
    if value is None or (isinstance(value, list) and len(value) == _DAYS and all(map(_is_day, value))):
        return value
    raise _Bad("opening_hours", "write 7 lists, from Monday, of [open, close] in minutes from 0 to 1440; empty: always")


def _is_day(day: Any) -> bool:
    return isinstance(day, list) and all(
        isinstance(hours, list)
        and len(hours) == 2
        and all(type(minute) is int for minute in hours)
        and 0 <= hours[0] < hours[1] <= _MINUTES
        for hours in day
    )


def _service_area(cells: _Cells) -> Mapping[str, Any] | None:
    value = cells.json("service_area")
    if value is None:
        return None
    try:
        rings = value["coordinates"]
        if value["type"] == "Polygon" and rings and all(map(_is_ring, rings)):
            return {"type": "Polygon", "coordinates": rings}
    except (KeyError, TypeError):
        pass
    raise _Bad(
        "service_area", "write a GeoJSON Polygon: rings of at least 4 [longitude, latitude], the last as the first"
    )


def _is_ring(ring: Any) -> bool:
    return (
        isinstance(ring, list)
        and len(ring) >= 4
        and ring[0] == ring[-1]
        and all(
            isinstance(position, list)
            and len(position) >= 2
            and all(type(degrees) in (int, float) for degrees in position)
            and abs(position[0]) <= 180
            and abs(position[1]) <= 90
            for position in ring
        )
    )


def _item(cells: _Cells) -> Item:
    upc = cells.text("upc", "", most=14)
    if upc and not _is_upc(upc):
        raise _Bad(
            "upc", f"{upc!r} is no UPC: its check digit is wrong, or it does not have 4, 5, 8 or 12 to 14 digits"
        )
    rrc = cells.text("rrc", upc, most=64)
    if not rrc:
        raise _Bad("rrc", "fill it in, or the upc")
    cost_unit = cells.choice("cost_unit", ("each", "lb", "kg"), "each")
    par_weight = cells.number("par_weight", 0, 1e4, 0) or None
    if par_weight and cost_unit == "each":
        raise _Bad("par_weight", "leave it empty for items sold by the unit")
    reasons = cells.text("restricted_reasons", "").split()
    if not set(reasons) <= {"DXM", "NRT", "spray_paint"}:
        raise _Bad("restricted_reasons", "write DXM, NRT or spray_paint, apart by spaces")
    price_cents = cells.number("price_cents", 0, 1e9)
    if price_cents != int(price_cents):
        raise _Bad("price_cents", "write whole cents")
    return Item(
        rrc=rrc,
        upc=upc or None,
        name=cells.text("name"),
        cost_unit=cost_unit,
        par_weight=par_weight,
        alcohol_kind=cells.choice("alcohol_kind", ("", "wine", "beer", "spirits"), "") or None,
        restricted_reasons=tuple(reasons),
        is_ebt_eligible=cells.flag("is_ebt_eligible", False),
        is_bulky=cells.flag("is_bulky", False),
        beverage_weight=cells.number("beverage_weight", 0, 1e4, 0),
        price_cents=int(price_cents),
    )


def _is_upc(text: str) -> bool:
    """A price look-up code (4 or 5 digits) has no check digit, a GTIN has one."""
    if not (text.isascii() and text.isdecimal()):
        return False
    return len(text) in (4, 5) or (len(text) in (8, 12, 13, 14) and text[-1] == check_digit(text[:-1]))


def _is_number(text: str) -> bool:
    """A decimal number as people write it; no NaN, no infinity, no underscores."""
    return re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", text, re.ASCII) is not None
