"""`handcart copy`: copy everything to another database, of either engine."""

import asyncio
import sys
from typing import Any
from urllib.parse import urlsplit

import click

from handcart.cli.options import echo, json_option, settings_of, show
from handcart.cli.progress import Progress
from handcart.cli.recorded import nothing, recorded

SOURCE_IN_USE = 3  # status of a copy whose source may change after it


@click.command()
@click.option(
    "--from", "source", required=True, metavar="URL", help="Database to copy: sqlite:///... or postgresql://..."
)
@click.option(
    "--to", "target", required=True, metavar="URL", help="Empty database, of either kind. It gets its tables."
)
@click.option("--data", metavar="DIR", help="Data directory with the key file. Default: that of the settings.")
@json_option
def copy(source: str, target: str, data: str | None, as_json: bool) -> None:
    """Copy everything to an empty database, and compare both table by table. Stop `serve` and `worker` first.

    From SQLite to PostgreSQL, or back. While it copies, running servers of the source answer reads and refuse writes.
    If they still run at its end, it says so and ends with status 3: what they write later is not in the copy.
    An interrupted copy leaves the target empty: run it again. Both databases use the same secret key.
    """
    from handcart.core import settings
    from handcart.core.db.copying import copy as run

    keys = settings.keys(settings_of(database=source, data=data))
    with Progress() as progress:
        made = asyncio.run(run(source, target, keys, recorded(nothing), progress))
    shown = {
        "source": _without_password(source),
        "target": _without_password(target),
        "rows": made.rows,
        "tables": {name: {"rows": one.rows, "digest": one.digest} for name, one in made.tables.items()},
        "source_in_use": made.source_in_use,
    }
    sentence = (
        f"Copied {made.rows:,} rows in {len(made.tables)} tables from {shown['source']} to {shown['target']}; the"
        " counts and digests of all tables are equal.\nSet HANDCART_DATABASE to the new database on every machine, keep"
        f" the secret key (fingerprint {keys.fingerprint}), then start the servers."
    )
    show(as_json, shown, sentence)
    if made.source_in_use:
        echo(
            "handcart: WARNING: other processes still use the source, and what they write from now on IS NOT IN THE"
            " COPY. Stop `handcart serve` and `handcart worker`, empty the target, and copy again.",
            err=True,
        )
        sys.exit(SOURCE_IN_USE)


def _without_password(url: str) -> str:
    """A database URL for people to read."""
    parts: Any = urlsplit(url)
    if parts.scheme == "sqlite":
        return url
    hosts = parts.netloc.rpartition("@")[2]
    return f"postgresql://{hosts}{parts.path}"
