"""`handcart backup`: copy an SQLite database."""

from pathlib import Path
from typing import Any

import click

from handcart.cli.options import database_options, file_argument, json_option, settings_of, show
from handcart.cli.progress import Progress
from handcart.core.settings import Settings


@click.command()
@file_argument
@database_options
@json_option
def backup(file: Path, as_json: bool, **database: Any) -> None:
    """Copy the SQLite database to the new file FILE and check the copy. Servers may keep running.

    The secret key is not in the backup. Keep a copy of the key in another place: a restore needs both.
    """
    from handcart.core.db import copies

    chosen = settings_of(**database)
    path = copies.database_file(chosen.database_url)
    with Progress() as progress:
        made = copies.back_up(path, file, progress)
    shown = {"file": str(file), "bytes": made.size, "schema": made.schema, "key_fingerprint": made.key}
    sentence = (
        f"Backed up {path} to {file}: {made.size:,} bytes, schema {made.schema}, checked.\n"
        f"{_where(chosen)} (fingerprint {made.key}) is not in the backup: keep a copy of the key in another place."
    )
    show(as_json, shown, sentence)


def _where(chosen: Settings) -> str:
    return "The secret key in HANDCART_SECRET_KEY" if chosen.secret_key else f"The secret key {chosen.key_file}"
