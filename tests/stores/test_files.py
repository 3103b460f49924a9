"""Reading store and item files: valid files, and every error that a row can have."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from handcart.core.errors import Refused
from handcart.stores import files, tables
from handcart.stores.models import Item, Point

STORE = {
    "location_code": "0142",
    "name": "Sample Market",
    "address_line_1": "1 State St",
    "postal_code": "60601",
    "country": "US",
    "latitude": "41.88",
    "longitude": "-87.63",
    "time_zone": "America/Chicago",
}
ITEM = {"name": "Milk", "price_cents": "249", "upc": "400000000015"}
AREA = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def csv_file(tmp_path: Path, *rows: dict[str, str], end: str = "\r\n") -> Path:
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    file = tmp_path / "rows.csv"
    file.write_bytes("".join(",".join(map(quoted, line)) + end for line in lines).encode())
    return file


def test_store_file_is_good_then_every_column_is_read(tmp_path: Path) -> None:
    hours = [[[480, 1200]]] * 6 + [[]]
    row = {
        **STORE,
        "city": "Chicago",
        "region": "IL",
        "takes_delivery": "no",
        "sells_alcohol": "TRUE",
        "opening_hours": json.dumps(hours),
        "service_area": json.dumps(AREA),
    }
    found = files.stores(csv_file(tmp_path, row, {**row, "location_code": "b", "service_area": ""}))
    assert found.refused == []
    first, second = found.good
    assert (first.location_code, first.point, first.city) == ("0142", Point(41.88, -87.63), "Chicago")
    assert (first.takes_delivery, first.takes_pickup, first.sells_alcohol) == (False, True, True)
    assert (first.opening_hours, first.service_area) == (hours, AREA)
    assert (second.location_code, second.service_area) == ("b", None)


def test_country_by_a_usual_name_then_read_as_its_code(tmp_path: Path) -> None:
    names = {
        ("US", ""): ("us", "USA", "U.S.A.", "U.S.", "United States", "the  United States of America"),
        ("CA", ""): ("ca", "CAN", "Canada"),
        ("US", "PR"): ("PR", "PRI", "Puerto Rico"),
        ("US", "VI"): ("VI", "U.S. Virgin Islands"),
    }
    for expected, spellings in names.items():
        rows = [{**STORE, "location_code": name, "country": name} for name in spellings]
        found = files.stores(csv_file(tmp_path, *rows))
        assert found.refused == []
        assert {(one.country, one.region) for one in found.good} == {expected}
    (of_row,) = files.stores(csv_file(tmp_path, {**STORE, "country": "PR", "region": "San Juan"})).good
    assert (of_row.country, of_row.region) == ("US", "San Juan")


def test_store_file_is_geojson_then_points_are_stores(tmp_path: Path) -> None:
    properties: dict[str, Any] = {name: value for name, value in STORE.items() if name not in ("latitude", "longitude")}
    properties |= {"takes_pickup": False, "opening_hours": [[]] * 7, "service_area": AREA}
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [-87.63, 41.88]}}
    file = tmp_path / "stores.geojson"
    bad = {"type": "Feature", "properties": {}, "geometry": AREA}
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [{**feature, "properties": properties}, bad]}))
    found = files.stores(file)
    assert [(one.point, one.takes_pickup, one.service_area) for one in found.good] == [
        (Point(41.88, -87.63), False, AREA)
    ]
    assert found.refused == ["feature 2: it is not a Feature with properties and a Point"]


def test_item_file_is_good_then_every_column_is_read(tmp_path: Path) -> None:
    row = {
        **ITEM,
        "rrc": "m",
        "cost_unit": "lb",
        "par_weight": "0.5",
        "alcohol_kind": "wine",
        "restricted_reasons": "DXM NRT",
        "is_ebt_eligible": "1",
        "is_bulky": "yes",
        "beverage_weight": "4.3",
        "department": "Wine & more",
        "aisle": "12B",
        "shelf": "3",
        "temperature": "cold",
        "image_url": "https://pictures.example/milk.jpg?w=200",
    }
    assert files.items(csv_file(tmp_path, row, end="\n")).good == [
        Item(
            rrc="m",
            upc="400000000015",
            name="Milk",
            cost_unit="lb",
            par_weight=0.5,
            alcohol_kind="wine",
            restricted_reasons=("DXM", "NRT"),
            is_ebt_eligible=True,
            is_bulky=True,
            beverage_weight=4.3,
            price_cents=249,
            department="Wine & more",
            aisle="12B",
            shelf="3",
            temperature="cold",
            image_url="https://pictures.example/milk.jpg?w=200",
        )
    ]


def test_item_has_no_rrc_then_its_upc_stands_for_it(tmp_path: Path) -> None:
    (item,) = files.items(csv_file(tmp_path, ITEM)).good
    assert (item.rrc, item.upc, item.cost_unit, item.par_weight) == ("400000000015", "400000000015", "each", None)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        *((name, " ", "fill it in") for name in STORE),
        ("location_code", "a" * 65, "at most 64"),
        ("name", "a\x00b", "control characters"),
        ("country", "MX", "write US or CA"),
        ("country", "Virgin Islands (British)", "write US or CA"),
        ("country", "U", "write US or CA"),
        ("postal_code", "6060", "US or Canadian"),
        ("latitude", "91", "from -90 to 90"),
        ("latitude", "NaN", "from -90 to 90"),
        ("latitude", "1e1", "from -90 to 90"),
        ("latitude", "41,88", "from -90 to 90"),
        ("longitude", "-180.5", "from -180 to 180"),
        ("time_zone", "Chicago", "America/Chicago"),
        ("time_zone", "../../etc/passwd", "America/Chicago"),
        ("takes_delivery", "maybe", "true or false"),
        ("opening_hours", "9-5", "write JSON"),
        ("opening_hours", "[[]]", "7 lists"),
        ("opening_hours", json.dumps([[[600, 480]]] * 7), "write [1320, 1440] on this day and [0, 120] on the next"),
        ("opening_hours", json.dumps([[[0, 1441]]] * 7), "write [1320, 1440] on this day and [0, 120] on the next"),
        ("opening_hours", json.dumps([[[600, 1440, 1]]] * 7), "7 lists"),
        ("opening_hours", json.dumps([[[-1, 480]]] * 7), "7 lists"),
        ("opening_hours", "[" * 5000, "write JSON"),
        ("service_area", "{}", "GeoJSON Polygon"),
        ("service_area", "5", "GeoJSON Polygon"),
        ("service_area", json.dumps({"type": "Point", "coordinates": [0, 0]}), "GeoJSON Polygon"),
        ("service_area", json.dumps({**AREA, "coordinates": []}), "GeoJSON Polygon"),
        ("service_area", json.dumps({**AREA, "type": "MultiPolygon"}), "GeoJSON Polygon"),
        ("service_area", json.dumps({"type": "MultiPolygon", "coordinates": [[]]}), "GeoJSON Polygon"),
        ("service_area", json.dumps({"type": "Feature", "geometry": None}), "GeoJSON Polygon"),
        ("service_area", json.dumps({"type": [], "coordinates": []}), "GeoJSON Polygon"),
        ("service_area", json.dumps({**AREA, "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}), "GeoJSON Polygon"),
        ("service_area", json.dumps({**AREA, "coordinates": [[[0, 0], [1, 0], [1, 91], [0, 0]]]}), "GeoJSON Polygon"),
    ],
)
def test_store_is_wrong_then_row_and_column_are_named(tmp_path: Path, column: str, value: str, says: str) -> None:
    found = files.stores(csv_file(tmp_path, {**STORE, column: STORE.get(column, "")}, {**STORE, column: value}))
    assert len(found.good) == 1
    (line,) = found.refused
    assert line.startswith(f"line 3: {column}: ")
    assert says in line


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("name", "", "fill it in"),
        ("price_cents", "", "fill it in"),
        ("price_cents", "2.49", "whole cents"),
        ("price_cents", "-1", "from 0"),
        ("upc", "400000000016", "check digit"),
        ("upc", "04252615", "check digit"),
        ("upc", "123456", "check digit"),
        ("upc", "4000000001", "check digit"),
        ("upc", "milk", "check digit"),
        ("upc", "", "rrc: fill it in, or fill in the upc"),
        ("cost_unit", "oz", "each or lb or kg"),
        ("par_weight", "1", "leave it empty"),
        ("alcohol_kind", "cider", "wine or beer or spirits"),
        ("restricted_reasons", "DXM,NRT", "separated by spaces"),
        ("beverage_weight", "inf", "a number"),
        ("department", "d" * 61, "at most 60"),
        ("aisle", "a" * 21, "at most 20"),
        ("shelf", "1\x07", "control characters"),
        ("temperature", "chilled", "ambient or cold or frozen or hot"),
        ("image_url", "http://pictures.example/milk.jpg", "begins with https://"),
        ("image_url", "javascript:alert(1)", "begins with https://"),
        ("image_url", "https://", "begins with https://"),
        ("image_url", "https://pictures.example/<b>.jpg", "begins with https://"),
        ("image_url", "https://[pictures/milk.jpg", "begins with https://"),
        ("image_url", "https://pictures.example/" + "x" * 500, "at most 500"),
    ],
)
def test_item_is_wrong_then_row_and_column_are_named(tmp_path: Path, column: str, value: str, says: str) -> None:
    found = files.items(csv_file(tmp_path, {**ITEM, column: value}))
    assert found.good == []
    (line,) = found.refused
    assert line.startswith("line 2: ")
    assert says in line


UPCS = ("4011", "94011", "400000000015", "4006381333931", "00400000000015", "04252614", "000000004011", "40000000001")


@pytest.mark.parametrize("upc", UPCS)
def test_upc_is_of_a_known_length_then_it_is_taken(tmp_path: Path, upc: str) -> None:
    assert files.items(csv_file(tmp_path, {**ITEM, "upc": upc})).refused == []


def test_row_is_there_twice_then_the_second_is_refused(tmp_path: Path) -> None:
    found = files.stores(csv_file(tmp_path, STORE, STORE))
    assert found.refused == ["line 3: location_code: an earlier row has the same value"]


def test_row_with_too_few_cells_then_refused_and_empty_lines_are_not(tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_text("name,price_cents,rrc\n\nMilk,249\n,,\nHam,1,ham\n")
    found = files.items(file)
    assert found.refused == ["line 3: it has 2 cells, the header has 3"]
    assert [item.rrc for item in found.good] == ["ham"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the header lacks name, price_cents"),
        (b"name\nMilk\n", "the header lacks price_cents"),
        (b"name,price_cents,colour\n", "the header has 'colour'"),
        (b"name,price_cents,name\n", "a column twice"),
        ("name,price_cents,rrc\nCrème,1,a\n".encode("latin-1"), "not in UTF-8"),
        ("name,price_cents\n".encode("utf-16"), "not in UTF-8"),
        (b'name,price_cents\n"Milk,1\n', "is not CSV"),
        (b"name,price_cents\n" + b"a" * 200_000 + b",1\n", "is not CSV"),
        (b"a" * 200_000 + b",price_cents\n", "is not CSV"),
    ],
)
def test_file_cannot_be_read_then_a_sentence_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "items.csv"
    file.write_bytes(content)
    with pytest.raises(Refused, match=says):
        files.items(file)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b'{"features": 5}', b"[" * 100_000])
def test_geojson_cannot_be_read_then_a_sentence_says_why(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "stores.json"
    file.write_bytes(content)
    with pytest.raises(Refused, match="JSON"):
        files.stores(file)


def test_file_is_missing_or_huge_then_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="No such file"):
        files.items(tmp_path / "none.csv")
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as opened:
        opened.truncate(100 << 20)
    monkeypatch.setattr(tables, "MOST_BYTES", 1 << 20)
    for endless in (huge, Path("/dev/zero")):
        with pytest.raises(Refused, match="has more than 1 MB"):
            files.items(endless)


def test_file_has_too_many_rows_then_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tables.MOST_ROWS == 200_000
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    rows = [{**ITEM, "rrc": str(number)} for number in range(4)]
    assert len(files.items(csv_file(tmp_path, *rows[:3])).good) == 3
    with pytest.raises(Refused, match="more than 3 rows: split it"):
        files.items(csv_file(tmp_path, *rows))


def test_file_begins_with_a_byte_order_mark_then_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "items.csv"
    file.write_bytes(b"\xef\xbb\xbfname,price_cents,rrc\nMilk,1,a\n")
    assert len(files.items(file).good) == 1


MULTI = {"type": "MultiPolygon", "coordinates": [AREA["coordinates"], [[[5, 5], [6, 5], [6, 6], [5, 5]]]]}


@pytest.mark.parametrize("area", [AREA, MULTI])
def test_area_is_a_feature_then_its_geometry_is_read(tmp_path: Path, area: dict[str, Any]) -> None:
    feature = {"type": "Feature", "properties": None, "geometry": area, "bbox": [0, 0, 1, 1]}
    found = files.stores(csv_file(tmp_path, {**STORE, "service_area": json.dumps(feature)}))
    assert [one.service_area for one in found.good] == [area]


@pytest.mark.parametrize("name", ["- Ridgewood Farms", "+ size", "@home market", "=1", "\tMilk"])
def test_text_looks_like_a_formula_then_it_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    (one,) = files.items(csv_file(tmp_path, {**ITEM, "name": name})).good
    assert one.name == name.strip()


def test_number_has_many_digits_then_it_is_a_number(tmp_path: Path) -> None:
    (one,) = files.stores(csv_file(tmp_path, {**STORE, "longitude": "-71.52125983439882999999"})).good
    assert one.point.longitude == -71.52125983439883


@pytest.mark.parametrize("separator", ";\t|")
@pytest.mark.parametrize("first", ["", "sep={}\r\n"])
def test_another_separator_then_decimal_commas_are_read(tmp_path: Path, separator: str, first: str) -> None:
    row = {**STORE, "latitude": "45,5", "longitude": "-73,5", "name": "Marché; du coin" if separator != ";" else "a,b"}
    file = tmp_path / "stores.csv"
    lines = [separator.join(row), separator.join(row.values())]
    file.write_text("\ufeff" + first.format(separator) + "\r\n".join([*lines, "x"]) + "\r\n", newline="")
    found = files.stores(file)
    (one,) = found.good
    assert (one.point, one.name) == (Point(45.5, -73.5), row["name"])
    assert found.refused == [f"line {4 if first else 3}: it has 1 cells, the header has 8"]


def test_area_has_many_points_then_the_row_is_refused(tmp_path: Path) -> None:
    for points, is_good in ((5000, True), (5001, False)):
        ring = [[-87.0 - number / 10_000, 41.0] for number in range(points - 1)]
        area = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        found = files.stores(csv_file(tmp_path, {**STORE, "service_area": json.dumps(area)}))
        assert bool(found.good) == is_good
    assert "at most 5,000 points" in found.refused[0]


def test_store_closes_at_2359_then_it_closes_at_midnight(tmp_path: Path) -> None:
    hours = [[[0, 1439]], [[0, 600], [720, 1439]], [], [], [], [], [[0, 1440]]]
    (one,) = files.stores(csv_file(tmp_path, {**STORE, "opening_hours": json.dumps(hours)})).good
    assert one.opening_hours == [[[0, 1440]], [[0, 600], [720, 1440]], [], [], [], [], [[0, 1440]]]


def test_many_rows_are_wrong_alike_then_one_reason_with_the_first_three(tmp_path: Path) -> None:
    rows = [{**STORE, "location_code": str(number), "latitude": f"{number}°"} for number in range(2000)]
    rows.append({**STORE, "location_code": "x", "country": "MX"})
    found = files.stores(csv_file(tmp_path, *rows))
    assert found.refused == [
        "line 2, line 3, line 4 and 1,997 more: latitude: write a number from -90 to 90, not '0°'",
        "line 2002: country: write US or CA, not 'MX'",
    ]


def test_template_is_read_then_its_row_is_good(tmp_path: Path) -> None:
    for template, read in ((files.store_template(), files.stores), (files.item_template(), files.items)):
        (tmp_path / "template.csv").write_text(template)
        found = read(tmp_path / "template.csv")
        assert (len(found.good), found.refused) == (1, [])


ODD = (
    Item(rrc="plain", name="Milk"),
    Item(
        rrc='a "quoted", rrc',
        upc="00400000000015",
        name="Fromage; à 5 %",
        cost_unit="kg",
        par_weight=0.125,
        alcohol_kind="beer",
        restricted_reasons=("DXM", "NRT"),
        is_ebt_eligible=True,
        is_bulky=True,
        beverage_weight=2.25,
        price_cents=7,
        department="Dairy",
        aisle="1",
        shelf="B",
        temperature="hot",
        image_url="https://pictures.example/1.jpg",
    ),
)


def test_items_are_written_then_the_file_is_read_as_the_same_items(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(files.item_rows(ODD), newline="")
    found = files.items(tmp_path / "items.csv")
    assert found.refused == []
    assert found.good == [ODD[0], structs.replace(ODD[1], upc="400000000015")]
    assert '"\'=1+1"' in files.item_rows([Item(rrc="x", name="=1+1")])


def test_lines_end_as_on_old_macs_then_they_are_read(tmp_path: Path) -> None:
    assert len(files.items(csv_file(tmp_path, ITEM, end="\r")).good) == 1
