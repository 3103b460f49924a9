"""Commands about the installation's secret key."""

from typing import Any

import click

from handcart.cli.options import json_option, settings_of, show, store_options


@click.group()
def key() -> None:
    """Show the installation's secret key by its fingerprint."""


@key.command("show")
@store_options
@json_option
def show_key(as_json: bool, **store: Any) -> None:
    """Show where the secret key is, its fingerprint, and whether it is the database's own.

    The fingerprint tells which key a backup needs. It tells nothing about the key.
    """
    from handcart.core import settings
    from handcart.core.migrate import bound_key

    chosen = settings_of(**store)
    where = "HANDCART_SECRET_KEY" if chosen.secret_key else str(chosen.key_file)
    given, bound = settings.keys(chosen).fingerprint, bound_key(chosen.database_url)
    state = "the database is not migrated yet" if bound is None else f"the database needs {bound}"
    lines = [f"key          {where}", f"fingerprint  {given}"]
    lines.append("database     belongs to this key" if bound == given else f"database     {state}")
    show(as_json, {"key": where, "fingerprint": given, "database_fingerprint": bound}, "\n".join(lines))
