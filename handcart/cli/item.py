"""`handcart item`: a retailer's catalog."""

from pathlib import Path
from typing import Any

import click

from handcart.cli.imports import save_rows
from handcart.cli.options import database_options, echo, file_argument, json_option, retailer_option


@click.group()
def item() -> None:
    """Import the items of a catalog."""


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
    the upc is used. price_cents: the price of one cost_unit in cents; 0 if it is unknown. Separated by commas,
    semicolons or tabs; `handcart item template` prints an example.
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
