"""`handcart key`: the installation's secret key."""

from typing import Any

import click

from handcart.cli.options import database_options, json_option, settings_of, show
from handcart.cli.progress import Progress


@click.group()
def key() -> None:
    """Show and rotate the installation's secret key."""


@key.command("show", short_help="Show the place and the fingerprint of the key.")
@database_options
@json_option
def show_key(as_json: bool, **database: Any) -> None:
    """Show where the secret key is, its fingerprint, and whether the database belongs to it.

    The fingerprint shows which key a backup needs. It does not reveal the key.
    """
    from handcart.core import settings
    from handcart.core.db.migrate import bound_key

    chosen = settings_of(**database)
    where = "HANDCART_SECRET_KEY" if chosen.secret_key else str(chosen.key_file)
    given, bound = settings.keys(chosen).fingerprint, bound_key(chosen.database_url)
    state = "the database is not migrated yet" if bound is None else f"the database needs {bound}"
    lines = [f"key          {where}", f"fingerprint  {given}"]
    lines.append("database     belongs to this key" if bound == given else f"database     {state}")
    show(as_json, {"key": where, "fingerprint": given, "database_fingerprint": bound}, "\n".join(lines))


@key.command("rotate")
@database_options
@json_option
def rotate_key(as_json: bool, **database: Any) -> None:
    """Give the installation a new secret key. Stop all servers first.

    Client secrets, tokens, links and webhooks keep working. All customers are signed out, known browsers are forgotten,
    open forms and listed time slots expire. The old key is kept next to the new one: earlier backups need it.
    """
    from handcart.upkeep.rotation import rotate

    with Progress() as progress:
        done = rotate(settings_of(**database), progress)
    shown = {
        "fingerprint": done.fingerprint,
        "old_fingerprint": done.old_fingerprint,
        "old_key": str(done.old_key),
        "hashed_again": done.hashed,
        "sealed_again": done.sealed,
        "sessions_ended": done.sessions,
    }
    sentence = (
        f"The new secret key has the fingerprint {done.fingerprint}. {done.hashed:,} hashes and {done.sealed:,} sealed"
        f" secrets were changed; {done.sessions:,} sessions have ended, known browsers are forgotten, and open forms"
        " and listed time slots expire.\n"
        f"Keep a copy of the new key in another place. The old key is {done.old_key}: earlier backups need it."
    )
    show(as_json, shown, sentence)
