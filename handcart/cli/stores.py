"""Commands for operators: stores and items."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from handcart.cli.options import echo, json_option, read, show, store_options, table, write
from handcart.cli.progress import Progress
from handcart.core.db import Tx

T = TypeVar("T")
_MOST_LINES = 100
_retailer_option = click.option("--retailer", required=True, metavar="SLUG", help="Slug of the retailer.")
_file = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def store() -> None:
    """Import and list stores."""


@store.command("import")
@_file
@store_options
@json_option
@_retailer_option
def import_stores(file: Path, retailer: str, as_json: bool, **database: Any) -> None:
    """Add stores from a CSV or GeoJSON file; change stores whose location code exists. All rows or none.

    Columns: location_code, name, address_line_1, city, region, postal_code, country (US or CA), latitude, longitude,
    time_zone, takes_delivery, takes_pickup, takes_last_mile, sells_alcohol, delivers_long_distance, opening_hours (7
    lists, from Monday, of [open, close] in minutes; empty: always), service_area (a GeoJSON Polygon or MultiPolygon).
    Separated by commas, semicolons or tabs; `handcart store template` prints an example. In GeoJSON each store is a
    Point with the columns as its properties.
    """
    from handcart.stores import files, ops

    _import(files.stores(file), ops.save, "stores", retailer, as_json, database)


@store.command("template")
def store_template() -> None:
    """Print a CSV file for `store import`, with every column and one store as an example."""
    from handcart.stores import files

    echo(files.store_template().removesuffix("\n"))


@store.command("list")
@store_options
@json_option
@_retailer_option
def list_stores(retailer: str, as_json: bool, **database: Any) -> None:
    """List a retailer's stores."""
    from handcart.retailers import ops as retailers
    from handcart.stores import ops

    async def find(tx: Tx) -> Any:
        return await ops.stores(tx, (await retailers.require(tx, retailer)).id)

    found = read(database, find)
    shown = [
        {
            "location_code": one.location_code,
            "name": one.name,
            "city": one.city,
            "region": one.region,
            "country": one.country,
            "latitude": one.point.latitude,
            "longitude": one.point.longitude,
            "time_zone": one.time_zone,
            "kinds": [kind for kind in ("delivery", "pickup", "last_mile") if getattr(one, f"takes_{kind}")],
        }
        for one in found
    ]
    rows = [[one["location_code"], ", ".join(one["kinds"]), f"{one['name']}, {one['city']}"] for one in shown]
    lines = table(("store", "kinds", "name"), rows)
    show(as_json, {"stores": shown}, lines if shown else "There are no stores.")


@click.group()
def item() -> None:
    """Import catalog items."""


@item.command("import")
@_file
@store_options
@json_option
@_retailer_option
def import_items(file: Path, retailer: str, as_json: bool, **database: Any) -> None:
    """Add items from a CSV file; change items whose rrc exists. All rows or none.

    Columns: name, price_cents, rrc, upc, cost_unit (each, lb or kg), par_weight, alcohol_kind (wine, beer or spirits),
    restricted_reasons (DXM, NRT, spray_paint), is_ebt_eligible, is_bulky, beverage_weight (lb). If rrc is empty,
    the upc is used. Separated by commas, semicolons or tabs; `handcart item template` prints an example.
    """
    from handcart.stores import files, items

    _import(files.items(file), items.save, "items", retailer, as_json, database)


@item.command("template")
def item_template() -> None:
    """Print a CSV file for `item import`, with every column and one item as an example."""
    from handcart.stores import files

    echo(files.item_template().removesuffix("\n"))


def _import(rows: Any, save: Any, what: str, retailer: str, as_json: bool, database: dict[str, Any]) -> None:
    if rows.refused:
        for line in rows.refused[:_MOST_LINES]:
            echo(line, err=True)
        count = sum(reason.rows for reason in rows.reasons.values())
        many = f"{count:,} {'row' if count == 1 else 'rows'} cannot be used: nothing was imported."
        show(as_json, {"imported": 0, "new": 0, "changed": 0, "refused": rows.refused[:_MOST_LINES]}, many)
        sys.exit(1)

    from handcart.retailers import ops as retailers

    async def save_all(tx: Tx) -> int:
        new: int = await save(tx, (await retailers.require(tx, retailer)).id, _with_progress(rows.good, what))
        return new

    new = write(database, save_all)
    changed = len(rows.good) - new
    counts = {"imported": len(rows.good), "new": new, "changed": changed, "refused": []}
    show(as_json, counts, f"{what.capitalize()} imported: {len(rows.good):,} ({new:,} new, {changed:,} changed).")


def _with_progress(rows: Sequence[T], what: str) -> Iterator[T]:
    with Progress() as progress:
        for done, one in enumerate(rows, 1):
            yield one
            progress(f"Importing {what}", done, len(rows))
