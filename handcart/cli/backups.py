"""Commands that back up and restore an SQLite database."""

from pathlib import Path
from typing import Any

import click

from handcart.cli.options import json_option, settings_of, show, store_options
from handcart.cli.progress import Progress
from handcart.core.settings import Settings

PAGE = "docs/operations/backup.md"
_file = click.argument("file", type=click.Path(path_type=Path))


@click.command()
@_file
@store_options
@json_option
def backup(file: Path, as_json: bool, **store: Any) -> None:
    """Copy the SQLite database to the new file FILE and check the copy. Servers may keep running.

    The secret key is not in the backup. Keep a copy of the key in another place: a restore needs both.
    """
    from handcart.core.db import copies

    chosen = settings_of(**store)
    path = _sqlite_path(chosen)
    with Progress() as progress:
        made = copies.back_up(path, file, progress)
    shown = {"file": str(file), "bytes": made.size, "schema": made.schema, "key_fingerprint": made.key}
    sentence = (
        f"Backed up {path} to {file}: {made.size:,} bytes, schema {made.schema}, checked.\n"
        f"{_where(chosen)} (fingerprint {made.key}) is not in the backup: keep a copy of the key in another place."
    )
    show(as_json, shown, sentence)


@click.command()
@_file
@store_options
@json_option
def restore(file: Path, as_json: bool, **store: Any) -> None:
    """Check the backup FILE and replace the SQLite database with it. Stop all servers first.

    The replaced database is kept in the same directory under another name.
    """
    from handcart.core import settings
    from handcart.core.db import copies
    from handcart.migrations import SCHEMA_VERSION

    chosen = settings_of(**store)
    path = _sqlite_path(chosen)
    has_key = bool(chosen.secret_key) or chosen.key_file.exists()
    key = settings.keys(chosen).fingerprint if has_key else None
    with Progress() as progress:
        restored, kept = copies.restore(path, file, key, progress)
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


def _where(chosen: Settings) -> str:
    return "The secret key in HANDCART_SECRET_KEY" if chosen.secret_key else f"The secret key {chosen.key_file}"


def _sqlite_path(chosen: Settings) -> str:
    from handcart.core.db.connect import BadCopy, is_postgres, sqlite_path

    if is_postgres(chosen.database_url):
        raise BadCopy(f"the database is PostgreSQL: back it up and restore it with PostgreSQL's own tools, see {PAGE}")
    return sqlite_path(chosen.database_url)
