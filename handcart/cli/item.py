"""`handcart item`: a retailer's catalog."""

from pathlib import Path
from typing import Any

import click

from handcart.cli.imports import save_rows
from handcart.cli.options import (
    database_options,
    echo,
    file_argument,
    json_option,
    of_retailer,
    read,
    retailer_option,
    show,
    table,
)

_MOST_FOUND = 50


@click.group()
def item() -> None:
    """Import, find and export the items of a catalog."""


@item.command("import")
@file_argument
@database_options
@json_option
@retailer_option
def import_items(file: Path, retailer: str, as_json: bool, **database: Any) -> None:
    """Import items from a CSV file.

    An item whose rrc exists is changed. If one row is refused, nothing is imported.

    Columns: name, price_cents, rrc, upc, cost_unit (each, lb or kg), par_weight, alcohol_kind (wine, beer or spirits),
    restricted_reasons (DXM, NRT, spray_paint), is_ebt_eligible, is_bulky, beverage_weight (lb). If rrc is empty,
    the upc is used. price_cents: the price of one cost_unit in cents; 0 if it is unknown. Where shoppers find the item:
    department, aisle, shelf, temperature (ambient, cold, frozen or hot); image_url: an https address. Separated by
    commas, semicolons or tabs; `handcart item template` prints an example.
    """
    from handcart.stores import files, items

    save_rows(files.items(file), items.save, "items", retailer, as_json, database)


@item.command("template")
def item_template() -> None:
    """Print an example for `item import`.

    It is a CSV file with every column and one item. `handcart item import --help` explains the columns.
    """
    from handcart.stores import files

    echo(files.item_template().removesuffix("\n"))


@item.command("find")
@click.argument("text")
@database_options
@json_option
@retailer_option
def find_items(text: str, retailer: str, as_json: bool, **database: Any) -> None:
    """Find items by words of their names, by a code, or by the last digits of a code.

    Shoppers find the same items in their app.
    """
    from handcart.stores import search

    found = read(database, of_retailer(retailer, search.by_name, text, _MOST_FOUND)).items
    shown = [
        {"rrc": one.rrc, "upc": one.upc, "name": one.name, "department": one.department, "aisle": one.aisle}
        for one in found
    ]
    rows = [[one["rrc"], one["upc"] or "", one["department"] or "", one["aisle"] or "", one["name"]] for one in shown]
    lines = table(("rrc", "upc", "department", "aisle", "name"), rows)
    show(as_json, {"items": shown}, lines if shown else "There is no such item.")


@item.command("export")
@database_options
@retailer_option
def export_items(retailer: str, **database: Any) -> None:
    """Print all items as a CSV file that `item import` reads.

    To change many items, export them, change the file, and import it.
    """
    from handcart.stores import files, items

    found = read(database, of_retailer(retailer, items.every))
    echo(files.item_rows(found).replace("\r\n", "\n").removesuffix("\n"))
