"""`handcart retailer`: retailers and their settings."""

from collections.abc import Sequence
from typing import Any

import click

from handcart.cli.options import database_options, json_option, read, show, table, write


@click.group()
def retailer() -> None:
    """Create, list, show and change retailers."""


@retailer.command("create")
@database_options
@json_option
@click.option("--slug", required=True, metavar="SLUG", help="Name in URLs and headers: a-z, 0-9 and hyphens.")
@click.option("--name", metavar="TEXT", help="Display name. Default: the slug.")
@click.option(
    "--organization",
    metavar="SLUG",
    help="Slug of the organization; created if it does not exist. Default: the same slug.",
)
@click.option(
    "--shared-users",
    is_flag=True,
    help="Share users and links with the organization's other banners that have this option.",
)
@click.option("--no-user-deletion", is_flag=True, help="Refuse requests to delete a user's data.")
@click.option(
    "--lenient", is_flag=True, help="Accept unknown items, and phone numbers and birth dates in any form; for tests."
)
@click.option("--serves-everywhere", is_flag=True, help="If no store is in range, use the nearest one; for tests.")
def create_retailer(
    slug: str,
    name: str | None,
    organization: str | None,
    shared_users: bool,
    no_user_deletion: bool,
    lenient: bool,
    serves_everywhere: bool,
    as_json: bool,
    **database: Any,
) -> None:
    """Create a retailer."""
    from handcart.retailers import ops

    made = write(
        database,
        ops.create_retailer,
        slug=slug,
        name=name or None,
        organization=organization,
        shares_users=shared_users,
        allows_user_deletion=not no_user_deletion,
        is_lenient=lenient,
        serves_everywhere=serves_everywhere,
    )
    show(as_json, {"retailer": made.slug, "name": made.name}, f"Made the retailer {made.slug}.")


@retailer.command("list")
@database_options
@json_option
def list_retailers(as_json: bool, **database: Any) -> None:
    """List the retailers."""
    from handcart.retailers import ops

    found = [_listed(one) for one in read(database, ops.listed_retailers)]
    rows = [[one["retailer"], one["organization"], one["name"]] for one in found]
    lines = table(("retailer", "organization", "name"), rows)
    show(as_json, {"retailers": found}, lines if found else "There are no retailers.")


@retailer.command("show")
@database_options
@json_option
@click.argument("slug")
def show_retailer(slug: str, as_json: bool, **database: Any) -> None:
    """Show a retailer, with its settings and their meanings."""
    from handcart.retailers import ops
    from handcart.retailers.settings import meanings, written

    shown = _listed(read(database, ops.listed_retailer, slug))
    rows = [[name, written(value), meanings()[name]] for name, value in shown["settings"].items()]
    sharing = ", shares users with its other banners that share" if shown["shares_users"] else ""
    lines = [
        f"retailer      {shown['retailer']}",
        f"name          {shown['name']}",
        f"organization  {shown['organization']}{sharing}",
        "",
        table(("setting", "value", "meaning"), rows),
    ]
    show(as_json, shown, "\n".join(lines))


@retailer.command("set")
@database_options
@json_option
@click.argument("slug")
@click.argument("pairs", nargs=-1, required=True, metavar="NAME=VALUE...")
def set_retailer(slug: str, pairs: Sequence[str], as_json: bool, **database: Any) -> None:
    """Change settings of a retailer.

    If one change is refused, none is made. `handcart retailer show` prints the settings and their meanings.
    """
    from handcart.retailers import ops, settings

    changes = settings.read(pairs)
    now = settings.values(write(database, ops.change, slug, changes))
    changed = ", ".join(f"{name}={settings.written(now[name])}" for name in changes)
    show(as_json, {"retailer": slug, "settings": now}, f"{slug} now has {changed}.")


@retailer.command("logo")
@database_options
@json_option
@click.argument("slug")
@click.argument("file", required=False, type=click.File("rb"))
@click.option("--remove", is_flag=True, help="Remove the logo.")
def set_logo(slug: str, file: Any, remove: bool, as_json: bool, **database: Any) -> None:
    """Show a logo (JPEG, PNG or WebP) on the pages of a retailer's orders."""
    from handcart.pictures import logos

    if remove == (file is not None):
        raise click.UsageError("name a file, or --remove")
    write(database, logos.change, slug, None if remove else file.read(logos.MOST_BYTES + 1))
    text = f"The orders of {slug} now have {'no logo' if remove else 'this logo'} on their pages."
    show(as_json, {"retailer": slug, "has_logo": not remove}, text)


def _listed(one: Any) -> dict[str, Any]:
    from handcart.retailers import settings

    return {
        "retailer": one.retailer.slug,
        "name": one.retailer.name,
        "organization": one.organization,
        "shares_users": one.shares_users,
        "settings": settings.values(one.retailer),
    }
