"""`handcart unlink`: end a link between a retailer's user and an account."""

from typing import Any

import click

from handcart.cli.options import json_option, retailer_option, show, store_options, write
from handcart.core.db import Tx


@click.command()
@store_options
@json_option
@retailer_option
@click.option("--email", help="E-mail address of the linked account.")
@click.option("--user", "user_id", help="Or the id of the linked user.")
def unlink(retailer: str, email: str | None, user_id: str | None, as_json: bool, **store: Any) -> None:
    """End a link at a customer's request."""
    from handcart.accounts import ops as accounts
    from handcart.linking import ops
    from handcart.retailers import ops as retailers
    from handcart.retailers.errors import Refused

    if (email is None) == (user_id is None):
        raise click.UsageError("Name the link by --email or by --user.")

    async def end(tx: Tx) -> None:
        found = await retailers.require(tx, retailer)
        if email is not None:
            account_id: int | None = (await accounts.by_email(tx, email)).id
        else:
            account_id = await ops.account_of_user(tx, found.isolation_id, user_id or "")
        if account_id is None or not await ops.unlink(tx, found.isolation_id, account_id, "operator"):
            raise Refused(f"{email or user_id} is not linked at {retailer}")

    write(store, end)
    show(as_json, {"unlinked": True}, f"{email or user_id} is no longer linked at {retailer}.")
