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
    settings_of,
    show,
    table,
    write,
    write_as_actor,
)
from handcart.core import clock
from handcart.staff.models import command_line


@click.group()
def store() -> None:
    """Import and list stores, and make their tablets."""


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


@store.command("pickup")
@click.option(
    "--store", "location_code", default="", help="Location code. Default: all stores without instructions of their own."
)
@click.option("--category", help="curbside, locker or in_store. Without it, the instructions are listed.")
@click.option("--instruction", help="The text for customers.")
@click.option(
    "--image", "images", type=(str, str), multiple=True, help="URL and description of a picture. May be repeated."
)
@click.option("--remove", is_flag=True, help="Delete the instruction of the category.")
@database_options
@json_option
@retailer_option
def pickup_instructions(
    location_code: str,
    category: str | None,
    instruction: str | None,
    images: tuple[tuple[str, str], ...],
    remove: bool,
    retailer: str,
    as_json: bool,
    **database: Any,
) -> None:
    """Set, list or delete the instructions for customers who pick up their orders.

    A store has at most one instruction for each category. A new instruction replaces the earlier one.
    """
    import msgspec

    from handcart.stores import pickup

    if category is not None and remove:
        write(database, of_retailer(retailer, pickup.remove_instruction, location_code, category))
    elif category is not None:
        given = pickup.Instruction(location_code, category, instruction or "", [pickup.Image(*one) for one in images])
        write(database, of_retailer(retailer, pickup.set_instruction, given))
    elif remove or instruction or images:
        raise click.UsageError("name the category of the instruction")
    found = read(database, of_retailer(retailer, pickup.all_instructions))
    rows = [[one.location_code or "(every store)", one.category, one.instruction] for one in found]
    lines = table(("store", "category", "instruction"), rows)
    show(
        as_json,
        {"pickup_instructions": msgspec.to_builtins(found)},
        lines if found else "There are no pickup instructions.",
    )


@store.command("close")
@database_options
@json_option
@retailer_option
@click.option("--store", "location_code", required=True, metavar="CODE", help="Location code of the store.")
@click.option("--until", metavar="HH:MM", help="Time of today by the store's clock. Default: the end of the day.")
@click.option("--reason", required=True, metavar="TEXT", help="Why, for the console and the audit log.")
def close_store(
    retailer: str, location_code: str, until: str | None, reason: str, as_json: bool, **database: Any
) -> None:
    """Close a store for today, or until a time of today.

    Its windows until then are no longer offered. Orders stay as they are: the console's page of the store lists them.
    """
    from handcart.slots import planning, windows
    from handcart.stores import ops
    from handcart.stores.errors import StoreRefused

    async def close(tx: Any, retailer_id: int) -> Any:
        zone = (await planning.store(tx, retailer_id, location_code)).time_zone
        try:
            end = windows.end_today(zone, clock.now(), until)
        except ValueError:
            raise StoreRefused("until") from None
        return await ops.close(tx, command_line(), retailer_id, location_code, end, reason)

    closed = write_as_actor(database, of_retailer(retailer, close))
    end = windows.to_wire(closed.time_zone, closed.closed_until)
    show(as_json, {"store": location_code, "closed_until": end}, f"The store {location_code} is closed until {end}.")


@store.command("reopen")
@database_options
@json_option
@retailer_option
@click.option("--store", "location_code", required=True, metavar="CODE", help="Location code of the store.")
def reopen_store(retailer: str, location_code: str, as_json: bool, **database: Any) -> None:
    """Open a closed store again: its windows are offered as before."""
    from handcart.stores import ops

    async def reopen(tx: Any, retailer_id: int) -> None:
        await ops.reopen(tx, command_line(), retailer_id, location_code)

    write_as_actor(database, of_retailer(retailer, reopen))
    show(as_json, {"store": location_code, "closed_until": None}, f"The store {location_code} is open again.")


@store.group("tablet")
def tablet() -> None:
    """Make, list and end the tablets of stores."""


@tablet.command("add")
@database_options
@json_option
@retailer_option
@click.option("--store", "location_code", required=True, metavar="CODE", help="Location code of the store.")
@click.option("--name", required=True, metavar="NAME", help="Name of the tablet, such as Staging area.")
def add_tablet(retailer: str, location_code: str, name: str, as_json: bool, **database: Any) -> None:
    """Add a tablet to a store, and print the link that signs its device in.

    It works once, within 15 minutes.
    """
    from handcart.console import ops

    made = write_as_actor(
        database, ops.add_tablet, command_line(), settings_of(**database), retailer, location_code, name
    )
    one = {"id": str(made.tablet.id), "name": made.tablet.name, "url": made.url}
    show(as_json, one, f"Open this link on the tablet {made.tablet.id}, within 15 minutes:\n{made.url}")


@tablet.command("list")
@database_options
@json_option
@retailer_option
def list_tablets(retailer: str, as_json: bool, **database: Any) -> None:
    """List the tablets of a retailer's stores."""
    from handcart.console import ops

    found = [
        {
            "id": str(one.tablet.id),
            "name": one.tablet.name,
            "store": one.where.store,
            "joined_at": None if one.tablet.joined_at is None else clock.to_wire(one.tablet.joined_at),
            "used_at": None if one.tablet.used_at is None else clock.to_wire(one.tablet.used_at),
        }
        for one in read(database, ops.tablets_of, command_line(), retailer)
    ]
    rows = [[one["id"], one["name"], one["store"], one["joined_at"] or "-", one["used_at"] or "-"] for one in found]
    text = table(("id", "name", "store", "signed in", "last used"), rows) if found else "There are no tablets."
    show(as_json, {"tablets": found}, text)


@tablet.command("end")
@database_options
@json_option
@click.argument("tablet_id", type=int)
def end_tablet(tablet_id: int, as_json: bool, **database: Any) -> None:
    """End a tablet: its device is signed out."""
    from handcart.staff import tablets

    ended = write_as_actor(database, tablets.end, command_line(), tablet_id)
    show(as_json, {"id": str(tablet_id), "ended": True}, f"Ended the tablet {ended.name}.")
