"""Commands about the installation's secret key."""

from typing import Any

import click

from handcart.cli.options import json_option, settings_of, show, store_options
from handcart.cli.progress import Progress


@click.group()
def key() -> None:
    """Show and rotate the installation's secret key."""


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


@key.command("rotate")
@store_options
@json_option
def rotate_key(as_json: bool, **store: Any) -> None:
    """Give the installation a new secret key; stop all servers first.

    Client secrets, tokens, links and webhooks go on. Everybody is signed out, browsers are no longer known, open forms
    and listed time slots expire. The old key is kept beside the new one: backups of before need it.
    """
    from handcart.rotation import rotate

    with Progress() as progress:
        done = rotate(settings_of(**store), progress)
    shown = {
        "fingerprint": done.fingerprint,
        "old_fingerprint": done.old_fingerprint,
        "old_key": str(done.old_key),
        "hashed_again": done.hashed,
        "sealed_again": done.sealed,
        "sessions_ended": done.sessions,
    }
    sentence = (
        f"The secret key has the fingerprint {done.fingerprint} now. {done.hashed:,} hashes and {done.sealed:,} sealed"
        f" secrets were changed; {done.sessions:,} sessions have ended, browsers are no longer known, and open forms"
        " and listed time slots expire.\n"
        f"Keep a copy of the new key in another place. The old one is {done.old_key}: backups of before need it."
    )
    show(as_json, shown, sentence)
