"""`handcart unlink`: end a link between a retailer's user and an account."""

from typing import Any

import click

from handcart.cli.options import database_options, json_option, of_retailer, retailer_option, show, write


@click.command()
@database_options
@json_option
@retailer_option
@click.option("--email", metavar="EMAIL", help="E-mail address of the linked account.")
@click.option("--user", "user_id", metavar="ID", help="Id of the linked user, in place of --email.")
def unlink(retailer: str, email: str | None, user_id: str | None, as_json: bool, **database: Any) -> None:
    """End a link at a customer's request."""
    from handcart.linking import ops

    if (email is None) == (user_id is None):
        raise click.UsageError("Name the link by --email or by --user.")
    write(database, of_retailer(retailer, ops.unlink_by_operator, email=email, user_id=user_id))
    show(as_json, {"unlinked": True}, f"{email or user_id} is no longer linked at {retailer}.")
