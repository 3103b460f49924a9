"""`handcart migrate`: create or upgrade the database."""

import click

from handcart.cli.options import installation_options, json_option, settings_of, show


@click.command()
@installation_options
@json_option
def migrate(database: str | None, data: str | None, as_json: bool) -> None:
    """Create the database, or upgrade it to this release's schema."""
    from handcart.core.db.migrate import keys_for
    from handcart.core.db.migrate import migrate as run
    from handcart.migrations import SCHEMA_VERSION

    chosen = settings_of(database=database, data=data)
    run(chosen.database_url, keys_for(chosen))
    show(as_json, {"schema": SCHEMA_VERSION}, f"The database has schema {SCHEMA_VERSION}.")
