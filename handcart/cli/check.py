"""`handcart check`: whether the settings are safe, and the stored data consistent."""

import asyncio
import sys

import click

from handcart.cli.options import json_option, settings_of, show
from handcart.core.settings import Settings


@click.command(short_help="Check the settings for production, or the stored data.")
@click.option("--database", metavar="URL", help="Database: sqlite:///path/to/file.db or postgresql://...")
@click.option(
    "--data",
    metavar="[DIR]",
    is_flag=False,
    flag_value="",
    help="Without DIR: check the stored data. With DIR: data directory of the settings to check.",
)
@json_option
def check(database: str | None, data: str | None, as_json: bool) -> None:
    """Check that the settings are safe for production or, with --data alone, that the stored data is consistent.

    A problem prevents `handcart serve` from starting and ends this command with status 1; a warning does neither.
    What is not set up is listed too.

    The check of the data needs no key and may run while the servers do.
    """
    if data == "":
        _check_data(settings_of(database=database), as_json)
        return
    from handcart.upkeep import safety

    found = asyncio.run(safety.check(settings_of(database=database, data=data)))
    lines = [f"- {problem}" for problem in found.problems] or ["No problem found."]
    lines += [f"- warning: {warning}" for warning in found.warnings]
    lines += [f"- not set up: {note}" for note in found.notes]
    result = {"problems": found.problems, "warnings": found.warnings, "notes": found.notes}
    show(as_json, result, "\n".join(lines))
    if found.problems:
        sys.exit(1)


def _check_data(chosen: Settings, as_json: bool) -> None:
    from handcart.upkeep import integrity

    found = asyncio.run(integrity.check(chosen.database_url))
    lines = ["Checked " + ", ".join(f"{count:,} {name}" for name, count in found.counts.items()) + "."]
    for fault in found.faults:
        lines += [f"- fails in {fault.places} places: {fault.sentence}", *(f"    {one}" for one in fault.examples)]
    lines += [] if found.faults else [f"All {len(integrity.INVARIANTS)} checks passed."]
    faults = [
        {"check": fault.sentence, "places": fault.places, "examples": list(fault.examples)} for fault in found.faults
    ]
    result = {"checked": found.counts, "faults": faults}
    show(as_json, result, "\n".join(lines))
    if found.faults:
        sys.exit(1)
