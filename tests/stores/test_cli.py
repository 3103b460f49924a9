"""`handcart store` and `handcart item`, as an operator runs them, on both databases."""

import json
import os
import subprocess
import sys
from pathlib import Path

from handcart.stores import items, queries
from tests.support.server import SECRET_KEY
from tests.support.shop import Shop
from tests.support.stores import AT_CHICAGO

HEADER = "location_code,name,address_line_1,city,postal_code,country,latitude,longitude,time_zone,takes_pickup\n"
ROW = "{},Store {},1 State St,Chicago,60601,US,41.88,-87.63,America/Chicago,{}\n"


def handcart(shop: Shop, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HANDCART_SECRET_KEY": SECRET_KEY}
    options = ["--retailer", shop.slug, "--database", shop.server.app.settings.database_url]
    command = [sys.executable, "-m", "handcart", *arguments, *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def written(tmp_path: Path, *rows: str, header: str = HEADER) -> str:
    file = tmp_path / "rows.csv"
    file.write_text(header + "".join(rows))
    return str(file)


def test_stores_are_imported_then_they_are_found_and_keep_their_numbers(shop: Shop, tmp_path: Path) -> None:
    first = handcart(shop, "store", "import", written(tmp_path, ROW.format("a", "A", "yes"), ROW.format("b", "B", "")))
    assert (first.returncode, first.stdout) == (0, "Stores imported: 2 (2 new, 0 changed).\n")
    found = shop.post("/v2/fulfillment/stores/pickup", {"find_by": AT_CHICAGO}).json()["stores"]
    assert [store["name"] for store in found] == ["Store A", "Store B"]
    numbers = {store.location_code: store.number for store in shop.server.read(queries.stores, shop.retailer.id)}

    rows = [ROW.format("c", "C", ""), ROW.format("a", "A again", "no")]
    second = handcart(shop, "store", "import", written(tmp_path, *rows), "--json")
    assert json.loads(second.stdout) == {"imported": 2, "new": 1, "changed": 1, "refused": []}
    after = {store.location_code: store for store in shop.server.read(queries.stores, shop.retailer.id)}
    assert {code: store.number for code, store in after.items() if code in numbers} == numbers
    assert len({store.number for store in after.values()}) == 3
    assert (after["a"].name, after["a"].takes_pickup) == ("Store A again", False)

    listed = json.loads(handcart(shop, "store", "list", "--json").stdout)["stores"]
    assert [store["location_code"] for store in listed] == ["a", "b", "c"]
    assert listed[0]["kinds"] == ["delivery", "last_mile"]


def test_row_is_wrong_then_nothing_is_imported_and_the_row_is_named(shop: Shop, tmp_path: Path) -> None:
    rows = [ROW.format("a", "A", ""), ROW.format("b", "B", "perhaps"), ROW.format("", "C", "")]
    run = handcart(shop, "store", "import", written(tmp_path, *rows), "--json")
    lines = [
        "line 3: takes_pickup: write true or false, not 'perhaps'",
        "line 4: location_code: fill it in",
    ]
    assert run.returncode == 1
    assert run.stderr.splitlines() == lines
    assert json.loads(run.stdout) == {"imported": 0, "new": 0, "changed": 0, "refused": lines}
    assert shop.server.read(queries.stores, shop.retailer.id) == []


def test_items_are_imported_then_they_are_valid(shop: Shop, tmp_path: Path) -> None:
    header, row = "name,price_cents,upc\n", "Milk,249,400000000015\n"
    run = handcart(shop, "item", "import", written(tmp_path, row, header=header))
    assert (run.returncode, run.stdout) == (0, "Items imported: 1 (1 new, 0 changed).\n")
    wanted = {"items": [{"item": {"upc": "400000000015"}, "count": 1}]}
    assert shop.post("/v2/fulfillment/validate_items", wanted).json() == {"validation_failures": []}


def test_items_are_exported_then_the_same_file_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    header, row = "name,price_cents,upc,rrc,department,aisle,temperature\n", "Milk,249,400000000015,m,Dairy,12,cold\n"
    handcart(shop, "item", "import", written(tmp_path, row, "Soap,99,,s,,,\n", header=header))
    before = shop.server.read(items.every, shop.retailer.id)
    exported = handcart(shop, "item", "export")
    assert exported.returncode == 0
    (tmp_path / "exported.csv").write_text(exported.stdout)
    again = handcart(shop, "item", "import", str(tmp_path / "exported.csv"))
    assert again.stdout == "Items imported: 2 (0 new, 2 changed).\n"
    assert shop.server.read(items.every, shop.retailer.id) == before
    found = json.loads(handcart(shop, "item", "find", "mil", "--json").stdout)["items"]
    assert [(one["rrc"], one["aisle"]) for one in found] == [("m", "12")]
    assert handcart(shop, "item", "find", "bread").stdout == "There is no such item.\n"


def test_retailer_or_file_missing_then_a_sentence_says_so(shop: Shop, tmp_path: Path) -> None:
    missing = handcart(shop, "item", "import", str(tmp_path / "none.csv"))
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.startswith("handcart: cannot read ")
    shop.slug = "nobody"
    unknown = handcart(shop, "store", "import", written(tmp_path, ROW.format("a", "A", "")))
    assert unknown.returncode == 1
    assert "there is no retailer 'nobody'" in unknown.stderr
