"""`handcart check`: whether the settings are safe, and the stored data consistent."""

import asyncio
import sys

import click

from handcart.cli.options import json_option, settings_of, show
from handcart.core import settings as settings_module
from handcart.core.db import Unavailable
from handcart.core.db.connect import connect
from handcart.core.db.migrate import WrongKey, check_schema, check_version
from handcart.core.secret import KEY_BYTES, Keys
from handcart.core.settings import Settings


@click.command(short_help="Check the settings for production, or the stored data.")
@click.option("--database", metavar="URL", help="sqlite:///path/to/file.db or postgresql://...")
@click.option(
    "--data",
    metavar="[DIR]",
    is_flag=False,
    flag_value="",
    help="Without DIR: check the stored data. With DIR: the data directory.",
)
@json_option
def check(database: str | None, data: str | None, as_json: bool) -> None:
    """Check that the settings are safe for production or, with --data alone, that the stored data is consistent.

    A problem prevents `handcart serve` from starting and ends this command with status 1; a warning does neither.

    The check of the data needs no key and may run while the servers do.
    """
    if data == "":
        _check_data(settings_of(database=database), as_json)
        return
    from handcart.upkeep.safety import Findings, look

    chosen = settings_of(database=database, data=data)

    async def run() -> Findings:
        opened = await connect(chosen.database_url, settings_module.keys(chosen), pool_size=1, may_only_read=True)
        try:
            await opened.read(check_schema)
            return await look(chosen, opened)
        finally:
            await opened.close()

    try:
        found = asyncio.run(run())
    except (Unavailable, WrongKey) as error:
        found = Findings([str(error)])
    lines = [f"- {problem}" for problem in found.problems] or ["No problem found."]
    lines += [f"- warning: {warning}" for warning in found.warnings]
    show(as_json, {"problems": found.problems, "warnings": found.warnings}, "\n".join(lines))
    if found.problems:
        sys.exit(1)


def _check_data(chosen: Settings, as_json: bool) -> None:
    from handcart.upkeep import integrity

    async def run() -> tuple[dict[str, int], list[integrity.Fault]]:
        opened = await connect(chosen.database_url, Keys(bytes(KEY_BYTES)), pool_size=1, may_only_read=True)
        try:
            await opened.read(check_version)
            return await opened.read(integrity.counts), await opened.read(integrity.faults)
        finally:
            await opened.close()

    counted, found = asyncio.run(run())
    lines = ["Checked " + ", ".join(f"{count:,} {name}" for name, count in counted.items()) + "."]
    for fault in found:
        lines += [f"- fails in {fault.places} places: {fault.name}", *(f"    {one}" for one in fault.examples)]
    lines += [] if found else [f"All {len(integrity.CHECKS)} checks passed."]
    result = {
        "checked": counted,
        "faults": [{"check": fault.name, "places": fault.places, "examples": list(fault.examples)} for fault in found],
    }
    show(as_json, result, "\n".join(lines))
    if found:
        sys.exit(1)
