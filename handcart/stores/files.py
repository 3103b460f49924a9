"""Read stores and items from files: CSV with a header, or a GeoJSON FeatureCollection of stores.

Nothing is written here. `tables` reads the rows; this module knows the columns.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import msgspec

from handcart.core.errors import Refused
from handcart.stores import codes, tables
from handcart.stores.items import shown_upc
from handcart.stores.models import TEMPERATURES, Item, OpeningHours, Point, Store
from handcart.stores.postal import plain
from handcart.stores.tables import BadCell, Cells, Row, Rows

_TIME_ZONES = available_timezones()
_POSTAL_CODE = re.compile(r"[0-9]{5}(-?[0-9]{4})?|[A-Za-z][0-9][A-Za-z][ -]?[0-9][A-Za-z][0-9]", re.ASCII)
# With the characters that the rest of a URI may have (RFC 3986 section 2).
_IMAGE_URL = re.compile(
    r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?"
    # An uploaded photo of an installation on this machine alone.
    r"|http://(127\.0\.0\.1|localhost)(:[0-9]{1,5})?/catalog/pictures/[A-Za-z0-9_-]+"
)
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
# Every search of stores compares places with all points of an area.
_MOST_POINTS = 5000


def stores(path: Path) -> Rows[Store]:
    """The stores of a file: GeoJSON if its name ends in .json or .geojson, else CSV. Raises `Refused`."""
    return stores_of(tables.text(path), is_geojson=path.suffix.lower() in (".json", ".geojson"))


def stores_of(text: str, *, is_geojson: bool) -> Rows[Store]:
    """The stores of a text. Raises `Refused`."""
    rows = _features(text) if is_geojson else tables.csv_rows(text, STORE_COLUMNS, _STORE_REQUIRED)
    return tables.read(rows, _store, "location_code")


def items(path: Path) -> Rows[Item]:
    """The items of a CSV file. Raises `Refused`."""
    return items_of(tables.text(path))


def items_of(text: str) -> Rows[Item]:
    """The items of a text with CSV. Raises `Refused`."""
    return tables.read(tables.csv_rows(text, ITEM_COLUMNS, ("name", "price_cents")), _item, "rrc")


def store_of(values: Mapping[str, Any]) -> Store:
    """The store that one row describes, by column; raises `BadCell`."""
    return _store(Cells(values))


def area_of(text: str) -> Mapping[str, Any] | None:
    """The area that a text with GeoJSON describes; raises `BadCell`."""
    return _service_area(Cells({"service_area": text}))


def store_values(store: Store) -> dict[str, Any]:
    """A store's values by column, which `store_of` reads."""
    values = {column: getattr(store, column, None) for column in STORE_COLUMNS}
    values |= {"latitude": store.point.latitude, "longitude": store.point.longitude}
    for column in ("opening_hours", "service_area"):
        values[column] = "" if values[column] is None else msgspec.json.encode(values[column]).decode()
    flags = {name: "true" if value else "false" for name, value in values.items() if isinstance(value, bool)}
    return values | flags


def item_of(values: Mapping[str, Any]) -> Item:
    """The item that one row describes, by column; raises `BadCell`."""
    return _item(Cells(values))


def item_values(item: Item) -> dict[str, str]:
    """An item's values by column, which `item_of` reads."""
    return {column: _shown(item, column) for column in ITEM_COLUMNS}


def store_template() -> str:
    """A CSV file with every column and one store, as an example."""
    return tables.template(STORE_COLUMNS, _STORE_EXAMPLE)


def item_template() -> str:
    """A CSV file with every column and one item, as an example."""
    return tables.template(ITEM_COLUMNS, _ITEM_EXAMPLE)


def item_rows(items: Iterable[Item]) -> str:
    """Items as CSV with every column, which `items` reads. A text that could run as a formula gets an apostrophe."""
    return tables.written(ITEM_COLUMNS, (list(item_values(item).values()) for item in items))


def _shown(item: Item, column: str) -> str:
    value = getattr(item, column)
    if column == "upc" and value is not None:
        return shown_upc(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    return " ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)


_STORE_REQUIRED = ["location_code", "name", "address_line_1", "postal_code", "country"]
_STORE_REQUIRED += ["latitude", "longitude", "time_zone"]
STORE_COLUMNS = [*_STORE_REQUIRED, "city", "region", "takes_delivery", "takes_pickup", "takes_last_mile"]
STORE_COLUMNS += ["sells_alcohol", "delivers_long_distance", "opening_hours", "service_area"]
ITEM_COLUMNS = ["rrc", "upc", "name", "cost_unit", "par_weight", "alcohol_kind", "restricted_reasons"]
ITEM_COLUMNS += ["is_ebt_eligible", "is_bulky", "beverage_weight", "price_cents"]
ITEM_COLUMNS += ["department", "aisle", "shelf", "temperature", "image_url"]
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
    "department": "Dairy",
    "aisle": "12",
    "shelf": "3",
    "temperature": "cold",
}


def _features(text: str) -> Iterator[Row]:
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


def _feature(feature: Any) -> Cells | str:
    try:
        properties, geometry = feature["properties"], feature["geometry"]
        longitude, latitude = geometry["coordinates"][:2]
        if geometry["type"] == "Point" and isinstance(properties, dict):
            return Cells({**properties, "latitude": latitude, "longitude": longitude})
    except (KeyError, TypeError, ValueError):
        pass
    return "it is not a Feature with properties and a Point"


def _store(cells: Cells) -> Store:
    time_zone = cells.text("time_zone")
    if time_zone not in _TIME_ZONES:
        raise BadCell("time_zone", "write a name such as America/Chicago", time_zone)
    country, territory = _country(cells)
    postal_code = cells.text("postal_code")
    if not _POSTAL_CODE.fullmatch(postal_code):
        raise BadCell("postal_code", "write a US or Canadian postal code", postal_code)
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


def _country(cells: Cells) -> tuple[str, str]:
    """The code of the store's country, and the region that its name means: PR is a region of the US."""
    text = cells.text("country")
    name = " ".join(text.lower().replace(".", "").split()).removeprefix("the ")
    if name in _TERRITORIES:
        return "US", _TERRITORIES[name]
    if name not in _COUNTRIES:
        raise BadCell("country", "write US or CA", text)
    return _COUNTRIES[name], ""


def _opening_hours(cells: Cells) -> OpeningHours:
    value = cells.json("opening_hours")
    if value is None:
        return None
    if isinstance(value, list) and len(value) == _DAYS and all(map(_is_day, value)):
        return [[[opens, _closing(closes)] for opens, closes in day] for day in value]
    if isinstance(value, list) and any(map(_passes_midnight, value)):
        raise BadCell(
            "opening_hours",
            "hours after midnight belong to the next day: for 22:00 to 2:00 write [1320, 1440] on this day and"
            " [0, 120] on the next one",
        )
    raise BadCell(
        "opening_hours", "write 7 lists, from Monday, of [open, close] in minutes from 0 to 1440; empty: always"
    )


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


def _service_area(cells: Cells) -> Mapping[str, Any] | None:
    """A Polygon or MultiPolygon, bare or as the geometry of a Feature."""
    value = cells.json("service_area")
    if value is None:
        return None
    try:
        area = value["geometry"] if value["type"] == "Feature" else value
        kind, coordinates = area["type"], area["coordinates"]
        polygons = {"Polygon": [coordinates], "MultiPolygon": coordinates}[kind]
        if isinstance(polygons, list) and polygons and all(rings and all(map(_is_ring, rings)) for rings in polygons):
            if sum(len(ring) for rings in polygons for ring in rings) > _MOST_POINTS:
                raise BadCell("service_area", f"draw it with at most {_MOST_POINTS:,} points")
            return {"type": kind, "coordinates": coordinates}
    except (KeyError, TypeError):
        pass
    raise BadCell(
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


def _item(cells: Cells) -> Item:
    upc = cells.text("upc", "", most=14)
    if upc and codes.read(upc) is None:
        raise BadCell("upc", "write a PLU, a UPC-E, or a GTIN of 8 or 11 to 14 digits with the right check digit", upc)
    rrc = cells.text("rrc", upc, most=64)
    if not rrc:
        raise BadCell("rrc", "fill it in, or fill in the upc")
    cost_unit = cells.choice("cost_unit", ("each", "lb", "kg"), "each")
    par_weight = cells.number("par_weight", 0, 1e4, 0) or None
    if par_weight and cost_unit == "each":
        raise BadCell("par_weight", "leave it empty for items sold by the unit")
    reasons = cells.text("restricted_reasons", "").split()
    if not set(reasons) <= {"DXM", "NRT", "spray_paint"}:
        raise BadCell("restricted_reasons", "write DXM, NRT or spray_paint, separated by spaces")
    price_cents = cells.number("price_cents", 0, 1e9)
    if price_cents != int(price_cents):
        raise BadCell("price_cents", "write whole cents")
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
        department=cells.text("department", "", most=60) or None,
        aisle=cells.text("aisle", "", most=20) or None,
        shelf=cells.text("shelf", "", most=20) or None,
        temperature=cells.choice("temperature", ("", *TEMPERATURES), "") or None,
        image_url=_image_url(cells),
    )


def _image_url(cells: Cells) -> str | None:
    url = cells.text("image_url", "", most=500)
    if url and not _IMAGE_URL.fullmatch(url):
        raise BadCell("image_url", "write an address that begins with https://", url)
    return url or None
