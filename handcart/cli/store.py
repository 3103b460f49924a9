"""`handcart store`: a retailer's stores."""

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


@click.group()
def store() -> None:
    """Import and list stores."""


@store.command("import")
@file_argument
@database_options
@json_option
@retailer_option
def import_stores(file: Path, retailer: str, as_json: bool, **database: Any) -> None:
    """Import stores from a CSV or GeoJSON file.

    A store whose location code exists is changed. If one row is refused, nothing is imported.

    Columns: location_code, name, address_line_1, city, region, postal_code, country (US or CA), latitude, longitude,
    time_zone, takes_delivery, takes_pickup, takes_last_mile, sells_alcohol, delivers_long_distance, opening_hours (7
    lists, from Monday, of [open, close] in minutes; empty: always), service_area (a GeoJSON Polygon or MultiPolygon).
    Separated by commas, semicolons or tabs; `handcart store template` prints an example. In GeoJSON each store is a
    Point with the columns as its properties.
    """
    from handcart.stores import files, ops

    save_rows(files.stores(file), ops.save, "stores", retailer, as_json, database)


@store.command("template")
def store_template() -> None:
    """Print an example for `store import`.

    It is a CSV file with every column and one store.
    """
    from handcart.stores import files

    echo(files.store_template().removesuffix("\n"))


@store.command("list")
@database_options
@json_option
@retailer_option
def list_stores(retailer: str, as_json: bool, **database: Any) -> None:
    """List a retailer's stores."""
    from handcart.stores import queries

    found = read(database, of_retailer(retailer, queries.stores))
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
            "kinds": one.kinds,
        }
        for one in found
    ]
    rows = [[one["location_code"], ", ".join(one["kinds"]), f"{one['name']}, {one['city']}"] for one in shown]
    lines = table(("store", "kinds", "name"), rows)
    show(as_json, {"stores": shown}, lines if shown else "There are no stores.")
