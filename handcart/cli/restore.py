"""`handcart restore`: replace an SQLite database with a backup."""

from pathlib import Path
from typing import Any

import click

from handcart.cli.options import database_options, file_argument, json_option, settings_of, show, write
from handcart.cli.progress import Progress
from handcart.cli.recorded import nothing


@click.command()
@file_argument
@database_options
@json_option
def restore(file: Path, as_json: bool, **database: Any) -> None:
    """Check the backup FILE and replace the SQLite database with it. Stop all servers first.

    The replaced database is kept in the same directory under another name.
    """
    from handcart.core import settings
    from handcart.core.db import copies
    from handcart.migrations import SCHEMA_VERSION

    chosen = settings_of(**database)
    path = copies.database_file(chosen.database_url)
    with Progress() as progress:
        restored, kept = copies.restore(path, file, settings.key_fingerprint(chosen), progress)
    if restored.schema == SCHEMA_VERSION:
        write(database, nothing)
    shown = {
        "database": path,
        "bytes": restored.size,
        "schema": restored.schema,
        "replaced": None if kept is None else str(kept),
    }
    lines = [f"Restored {path} from {file}: {restored.size:,} bytes, schema {restored.schema}, checked."]
    lines += [f"The replaced database is kept as {kept}."] if kept else []
    lines += [] if restored.schema == SCHEMA_VERSION else ["Run `handcart migrate` before you start the servers."]
    show(as_json, shown, "\n".join(lines))
