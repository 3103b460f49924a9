"""Read stores and items from files: CSV with a header, or a GeoJSON FeatureCollection of stores.

Every row is checked; invalid rows are counted by reason: the column, and what to change. Nothing is written here.
Text that a spreadsheet would run as a formula is read unchanged: it is escaped where CSV is written.
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
from handcart.stores import codes
from handcart.stores.models import Item, OpeningHours, Point, Store
from handcart.stores.postal import plain

MOST_BYTES = 64 << 20
MOST_ROWS = 200_000
MOST_EXAMPLES = 3
_SEPARATORS = ",;\t|"
_TIME_ZONES = available_timezones()
_POSTAL_CODE = re.compile(r"[0-9]{5}(-?[0-9]{4})?|[A-Za-z][0-9][A-Za-z][ -]?[0-9][A-Za-z][0-9]", re.ASCII)
# Names of countries in lower case without periods, and the code that stores have. ISO 3166 also lists the territories
# of the US as countries; USPS and the catalog of postal codes list them as states.
_COUNTRIES = {
    **dict.fromkeys(("us", "usa", "united states", "united states of america"), "US"),
    **dict.fromkeys(("ca", "can", "canada"), "CA"),
}
_TERRITORIES = {
    **dict.fromkeys(("pr", "pri", "puerto rico"), "PR"),
    **dict.fromkeys(("vi", "vir", "us virgin islands", "virgin islands"), "VI"),
    **dict.fromkeys(("gu", "gum", "guam"), "GU"),
    **dict.fromkeys(("as", "asm", "american samoa"), "AS"),
    **dict.fromkeys(("mp", "mnp", "northern mariana islands"), "MP"),
}
_DAYS = 7
_MINUTES = 24 * 60
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


class _Bad(ValueError):
    """An invalid cell: its column, what to change, and its value if that helps."""

    def __init__(self, column: str, change: str, value: str | None = None) -> None:
        super().__init__(f"{column}: {change}")
        self.value = None if value is None else value[:40]


class _Cells:
    """The cells of one row, read by column."""

    def __init__(self, cells: Mapping[str, Any], *, has_decimal_commas: bool = False) -> None:
        self._cells = cells
        self._has_decimal_commas = has_decimal_commas

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
        return value

    def json(self, column: str) -> Any:
        """The value of a cell with JSON; None for an empty cell."""
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
        number = text.replace(",", ".") if self._has_decimal_commas else text
        if not _is_number(number) or not least <= float(number) <= most:
            raise _Bad(column, f"write a number from {least:g} to {most:g}", text)
        return float(number)

    def flag(self, column: str, default: bool) -> bool:
        text = self.text(column, "").lower()
        if text not in ("", "true", "false", "yes", "no", "1", "0"):
            raise _Bad(column, "write true or false", text)
        return text in ("true", "yes", "1") if text else default

    def choice(self, column: str, choices: Sequence[str], default: str | None) -> str:
        text = self.text(column, default)
        if text not in choices:
            raise _Bad(column, f"write {' or '.join(filter(None, choices))}", text)
        return text


def stores(path: Path) -> Rows[Store]:
    """The stores of a file: GeoJSON if its name ends in .json or .geojson, else CSV. Raises `Refused`."""
    if path.suffix.lower() in (".json", ".geojson"):
        return _read(_features(_text(path)), _store, "location_code")
    return _read(_rows(_text(path), _STORE_COLUMNS, _STORE_REQUIRED), _store, "location_code")


def items(path: Path) -> Rows[Item]:
    """The items of a CSV file. Raises `Refused`."""
    return _read(_rows(_text(path), _ITEM_COLUMNS, ("name", "price_cents")), _item, "rrc")


def store_template() -> str:
    """A CSV file with every column and one store, as an example."""
    return _template(_STORE_COLUMNS, _STORE_EXAMPLE)


def item_template() -> str:
    """A CSV file with every column and one item, as an example."""
    return _template(_ITEM_COLUMNS, _ITEM_EXAMPLE)


def _template(columns: Sequence[str], example: Mapping[str, str]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([columns, [example.get(column, "") for column in columns]])
    return text.getvalue()


_STORE_REQUIRED = ["location_code", "name", "address_line_1", "postal_code", "country"]
_STORE_REQUIRED += ["latitude", "longitude", "time_zone"]
_STORE_COLUMNS = [*_STORE_REQUIRED, "city", "region", "takes_delivery", "takes_pickup", "takes_last_mile"]
_STORE_COLUMNS += ["sells_alcohol", "delivers_long_distance", "opening_hours", "service_area"]
_ITEM_COLUMNS = ["rrc", "upc", "name", "cost_unit", "par_weight", "alcohol_kind", "restricted_reasons"]
_ITEM_COLUMNS += ["is_ebt_eligible", "is_bulky", "beverage_weight", "price_cents"]
# The example values of a template; other columns stay empty.
_STORE_EXAMPLE = {
    "location_code": "0142",
    "name": "Corner Market State St",
    "address_line_1": "1 State St",
    "city": "Chicago",
    "region": "IL",
    "postal_code": "60601",
    "country": "US",
    "latitude": "41.88",
    "longitude": "-87.63",
    "time_zone": "America/Chicago",
    "takes_delivery": "true",
    "takes_pickup": "true",
    "takes_last_mile": "true",
    "sells_alcohol": "false",
    "delivers_long_distance": "false",
    "opening_hours": "[[[480,1320]],[[480,1320]],[[480,1320]],[[480,1320]],[[480,1320]],[[480,1320]],[]]",
}
_ITEM_EXAMPLE = {
    "rrc": "CM-000001",
    "upc": "400000000015",
    "name": "Whole Milk 1 gal",
    "cost_unit": "each",
    "is_ebt_eligible": "true",
    "is_bulky": "false",
    "beverage_weight": "8.6",
    "price_cents": "349",
}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)  # a device or a pipe has no true size
        if len(content) > MOST_BYTES:
            raise Refused(f"{path} has more than {MOST_BYTES >> 20} MB: split it")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not in UTF-8 (byte {error.start}): save it as CSV UTF-8") from None
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from None


_Row = tuple[str, _Cells | str]  # its place in the file, and its cells by column or the error of the row


def separator(line: str, fits: Callable[[list[str]], bool]) -> str:
    """The separator of a CSV line: the first one with which the cells fit; a comma if none does.

    Excel uses semicolons in regions with decimal commas, and tabs for the format "text".
    """
    try:
        found = (one for one in _SEPARATORS if fits(next(csv.reader([line], delimiter=one), [])))
        return next(found, ",")
    except csv.Error:  # the caller gets the same error again, and reports where
        return ","


def _rows(text: str, columns: Sequence[str], required: Sequence[str]) -> Iterator[_Row]:
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
                yield where, _Cells(dict(zip(header, cells, strict=True)), has_decimal_commas=between != ",")
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


def _features(text: str) -> Iterator[_Row]:
    """Points are stores; the property `service_area` is the Polygon to which a store delivers."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused(f"this is not JSON: {error}") from None
    features = found.get("features") if isinstance(found, dict) else None
    if not isinstance(features, list):
        raise Refused("this is not GeoJSON with a FeatureCollection (RFC 7946)")
    for place, feature in enumerate(features, 1):
        yield f"feature {place}", _feature(feature)


def _feature(feature: Any) -> _Cells | str:
    try:
        properties, geometry = feature["properties"], feature["geometry"]
        longitude, latitude = geometry["coordinates"][:2]
        if geometry["type"] == "Point" and isinstance(properties, dict):
            return _Cells({**properties, "latitude": latitude, "longitude": longitude})
    except (KeyError, TypeError, ValueError):
        pass
    return "it is not a Feature with properties and a Point"


def _read(rows: Iterator[_Row], make: Callable[[_Cells], T], key: str) -> Rows[T]:
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
                raise _Bad(key, "an earlier row has the same value")
        except _Bad as bad:
            found.refuse(where, str(bad), bad.value)
        else:
            found.good.append(one)
    return found


def _store(cells: _Cells) -> Store:
    time_zone = cells.text("time_zone")
    if time_zone not in _TIME_ZONES:
        raise _Bad("time_zone", "write a name such as America/Chicago", time_zone)
    country, territory = _country(cells)
    postal_code = cells.text("postal_code")
    if not _POSTAL_CODE.fullmatch(postal_code):
        raise _Bad("postal_code", "write a US or Canadian postal code", postal_code)
    return Store(
        location_code=cells.text("location_code", most=64),
        name=cells.text("name"),
        address_line_1=cells.text("address_line_1"),
        city=cells.text("city", ""),
        region=cells.text("region", territory),
        postal_code=plain(postal_code),
        country=country,
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


def _country(cells: _Cells) -> tuple[str, str]:
    """The code of the store's country, and the region that its name means: PR is a region of the US."""
    text = cells.text("country")
    name = " ".join(text.lower().replace(".", "").split()).removeprefix("the ")
    if name in _TERRITORIES:
        return "US", _TERRITORIES[name]
    if name not in _COUNTRIES:
        raise _Bad("country", "write US or CA", text)
    return _COUNTRIES[name], ""


def _opening_hours(cells: _Cells) -> OpeningHours:
    value = cells.json("opening_hours")
    if value is None:
        return None
    if isinstance(value, list) and len(value) == _DAYS and all(map(_is_day, value)):
        return [[[opens, _closing(closes)] for opens, closes in day] for day in value]
    if isinstance(value, list) and any(map(_passes_midnight, value)):
        raise _Bad(
            "opening_hours",
            "hours after midnight belong to the next day: for 22:00 to 2:00 write [1320, 1440] on this day and"
            " [0, 120] on the next one",
        )
    raise _Bad("opening_hours", "write 7 lists, from Monday, of [open, close] in minutes from 0 to 1440; empty: always")


def _closing(minute: int) -> int:
    """A closing time; 23:59, as people write it, means the end of the day."""
    return _MINUTES if minute == _MINUTES - 1 else minute


def _is_day(day: Any) -> bool:
    return (
        isinstance(day, list)
        and all(map(_are_hours, day))
        and all(0 <= opens < closes <= _MINUTES for opens, closes in day)
    )


def _passes_midnight(day: Any) -> bool:
    """Whether a day closes before it opens, or after 24:00."""
    return isinstance(day, list) and any(
        _are_hours(hours) and (hours[0] >= hours[1] >= 0 or hours[1] > _MINUTES) for hours in day
    )


def _are_hours(hours: Any) -> bool:
    return isinstance(hours, list) and len(hours) == 2 and all(type(minute) is int for minute in hours)


def _service_area(cells: _Cells) -> Mapping[str, Any] | None:
    """A Polygon or MultiPolygon, bare or as the geometry of a Feature."""
    value = cells.json("service_area")
    if value is None:
        return None
    try:
        area = value["geometry"] if value["type"] == "Feature" else value
        kind, coordinates = area["type"], area["coordinates"]
        polygons = {"Polygon": [coordinates], "MultiPolygon": coordinates}[kind]
        if isinstance(polygons, list) and polygons and all(rings and all(map(_is_ring, rings)) for rings in polygons):
            return {"type": kind, "coordinates": coordinates}
    except (KeyError, TypeError):
        pass
    raise _Bad(
        "service_area",
        "write a GeoJSON Polygon or MultiPolygon: rings of at least 4 [longitude, latitude], the last as the first",
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
    if upc and codes.read(upc) is None:
        raise _Bad("upc", "write a PLU, a UPC-E, or a GTIN of 8 or 11 to 14 digits with the right check digit", upc)
    rrc = cells.text("rrc", upc, most=64)
    if not rrc:
        raise _Bad("rrc", "fill it in, or fill in the upc")
    cost_unit = cells.choice("cost_unit", ("each", "lb", "kg"), "each")
    par_weight = cells.number("par_weight", 0, 1e4, 0) or None
    if par_weight and cost_unit == "each":
        raise _Bad("par_weight", "leave it empty for items sold by the unit")
    reasons = cells.text("restricted_reasons", "").split()
    if not set(reasons) <= {"DXM", "NRT", "spray_paint"}:
        raise _Bad("restricted_reasons", "write DXM, NRT or spray_paint, separated by spaces")
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


def _is_number(text: str) -> bool:
    """Whether a text is a plain decimal number; not NaN, infinity, or with underscores."""
    return re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,60})?", text, re.ASCII) is not None
