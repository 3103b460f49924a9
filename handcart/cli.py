"""The command line. Each command imports what it needs, so that `handcart serve` starts without the rest."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

import click

from handcart import __version__
from handcart.core import settings as settings_module
from handcart.core.db import Tx, Unavailable
from handcart.core.migrate import WrongKey, check_schema
from handcart.core.settings import Settings, SettingsError
from handcart.core.stores import connect

Options = dict[str, Any]


def _store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--database", metavar="URL", help="sqlite:///path/to/file.db or postgresql://..."),
        click.option("--data", metavar="DIR", help="Data directory, for the SQLite database and the key file."),
    ):
        command = option(command)
    return command


def _json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="handcart")
def handcart() -> None:
    """Handcart: an open, self-hosted fulfillment platform that speaks the Connect Fulfillment API.

    Try it with `handcart demo`. Settings come from HANDCART_* environment variables; options win.
    """


def main() -> None:
    """Run a command; what cannot be done is one sentence on standard error and status 1."""
    from handcart.accounts.errors import Refused as AccountRefused
    from handcart.core.passwords import PasswordRefused
    from handcart.retailers.errors import Refused as RetailerRefused

    try:
        handcart(prog_name="handcart")
    except (SettingsError, Unavailable, WrongKey, AccountRefused, RetailerRefused, PasswordRefused) as error:
        _fail(str(error))


@handcart.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="Port of the API; 0 picks a free one.")
@click.option("--storefront-port", default=8081, show_default=True, help="Port of the storefront; 0 picks a free one.")
@click.option("--data", metavar="DIR", help="Directory to keep everything in.")
@click.option("--info", "info_file", type=click.Path(path_type=Path), help="Write URLs and credentials here, as JSON.")
@_json_option
def demo(host: str, port: int, storefront_port: int, data: str | None, info_file: Path | None, as_json: bool) -> None:
    """Start server, worker and storefront with sample customers."""
    from handcart.demo import DemoFailed, run

    directory = Path(data) if data else Settings().data_directory / "demo"
    try:
        run(
            directory.expanduser().resolve(),
            host=host,
            port=port,
            storefront_port=storefront_port,
            info_file=info_file,
            as_json=as_json,
        )
    except DemoFailed as error:
        _fail(str(error))


@handcart.command()
@_store_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="Port to listen on.")
@click.option("--fd", type=int, help="Listen on this inherited socket instead.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes to run.")
@click.option("--environment", type=click.Choice(["production", "sandbox"]), help="sandbox: no safety checks.")
@click.option("--public-url", metavar="URL", help="Where browsers and clients reach this server.")
def serve(
    database: str | None,
    data: str | None,
    host: str,
    port: int,
    fd: int | None,
    workers: int,
    environment: str | None,
    public_url: str | None,
) -> None:
    """Serve the API and the pages."""
    from handcart.serve import Unsafe
    from handcart.serve import serve as run

    chosen = _settings(database=database, data=data, environment=environment, public_url=public_url)
    if chosen.is_sandbox and not chosen.public_url:
        chosen = _settings(database=database, data=data, environment=environment, public_url=f"http://{host}:{port}")
    try:
        run(chosen, settings_module.keys(chosen), host=host, port=port, fd=fd, workers=workers)
    except Unsafe as unsafe:
        _fail("not safe to serve (`handcart serve --environment sandbox` is for development):", *unsafe.problems)


@handcart.command()
@_store_options
@click.option("--once", is_flag=True, help="Do what is due, then end.")
def worker(database: str | None, data: str | None, once: bool) -> None:
    """Run the background worker."""
    from handcart.worker import run

    chosen = _settings(database=database, data=data)
    _until_stopped(run(chosen, settings_module.keys(chosen), once=once))


@handcart.command()
@_store_options
@_json_option
def migrate(database: str | None, data: str | None, as_json: bool) -> None:
    """Create the database, or bring it to this release's schema."""
    from handcart.core.migrate import migrate as run
    from handcart.migrations import SCHEMA_VERSION

    chosen = _settings(database=database, data=data)
    run(chosen.database_url, settings_module.keys(chosen))
    _show(as_json, {"schema": SCHEMA_VERSION}, f"The database has schema {SCHEMA_VERSION}.")


@handcart.command()
@_store_options
@_json_option
def check(database: str | None, data: str | None, as_json: bool) -> None:
    """Print everything that makes these settings unsafe for production."""
    from handcart.safety import problems

    chosen = _settings(database=database, data=data)

    async def run() -> list[str]:
        opened = await connect(chosen.database_url, settings_module.keys(chosen), pool_size=1)
        try:
            await opened.read(check_schema)
            return await problems(chosen, opened)
        finally:
            await opened.close()

    try:
        found = asyncio.run(run())
    except (Unavailable, WrongKey) as error:
        found = [str(error)]
    _show(as_json, {"problems": found}, "\n".join(f"- {problem}" for problem in found) or "No problem found.")
    if found:
        sys.exit(1)


@handcart.group()
def retailer() -> None:
    """Retailers."""


@retailer.command("create")
@_store_options
@_json_option
@click.option("--slug", required=True, help="Its name in addresses and headers: a-z, 0-9 and hyphens.")
@click.option("--name", help="Its name for people; the slug if absent.")
@click.option("--organization", metavar="SLUG", help="Organization of several banners; made if there is none.")
@click.option("--shared-users", is_flag=True, help="Share users and links with the organization's other such banners.")
@click.option("--no-user-deletion", is_flag=True, help="Refuse data deletion requests.")
def create_retailer(
    slug: str,
    name: str | None,
    organization: str | None,
    shared_users: bool,
    no_user_deletion: bool,
    as_json: bool,
    **store: Any,
) -> None:
    """Make a retailer."""
    from handcart.retailers import ops

    made = _write(
        store,
        ops.create_retailer,
        slug=slug,
        name=name or slug,
        organization=organization,
        shares_users=shared_users,
        allows_user_deletion=not no_user_deletion,
    )
    _show(as_json, {"retailer": made.slug, "name": made.name}, f"Made the retailer {made.slug}.")


@handcart.group()
def client() -> None:
    """API clients."""


@client.command("create")
@_store_options
@_json_option
@click.option("--retailer", metavar="SLUG", help="The retailer it acts for.")
@click.option("--organization", metavar="SLUG", help="Or an organization: it names a banner in each request.")
@click.option("--redirect-uri", "redirect_uris", multiple=True, metavar="URI", help="May be given several times.")
@click.option("--scope", default="connect:fulfillment account_linking", show_default=True, help="Apart by spaces.")
@click.option("--name", help="Its name for people, where it acts for an organization.")
@click.option("--require-pkce", is_flag=True, help="Refuse authorization requests without PKCE.")
@click.option("--state-optional", is_flag=True, help="Accept authorization requests without state.")
def create_client(
    retailer: str | None,
    organization: str | None,
    redirect_uris: tuple[str, ...],
    scope: str,
    name: str | None,
    require_pkce: bool,
    state_optional: bool,
    as_json: bool,
    **store: Any,
) -> None:
    """Make an API client; its secret is shown once."""
    from handcart.oauth.scopes import ALL, parse
    from handcart.retailers import ops
    from handcart.retailers.errors import Refused

    scopes = parse(scope)
    if scopes is None or not set(scopes) <= set(ALL):
        raise Refused(f"the scope {scope!r} is not among {' '.join(ALL)}")
    made = _write(
        store,
        ops.create_client,
        retailer=retailer,
        organization=organization,
        scopes=scopes,
        redirect_uris=redirect_uris,
        name=name,
        require_pkce=require_pkce,
        require_state=not state_optional,
    )
    from handcart.core.migrate import public_url

    issuer = _settings(**store).issuer or _read(store, public_url)
    _show_client(as_json, {**_credentials(made), "authorize_url": f"{issuer}/oauth/authorize"})


@client.command("rotate")
@_store_options
@_json_option
@click.argument("client_id")
@click.option("--keep-old", type=click.IntRange(0, 8760), default=0, metavar="HOURS", help="Let old secrets live on.")
def rotate_client(client_id: str, keep_old: int, as_json: bool, **store: Any) -> None:
    """Give a client a new secret, shown once."""
    from handcart.core import clock
    from handcart.retailers import ops

    made = _write(store, ops.rotate_secret, client_id, keep_old=keep_old * clock.HOUR)
    _show_client(as_json, _credentials(made))


@client.command("list")
@_store_options
@_json_option
@click.option("--retailer", metavar="SLUG", help="This retailer's alone.")
def list_clients(retailer: str | None, as_json: bool, **store: Any) -> None:
    """List the clients."""
    from handcart.retailers import ops

    found = _read(store, ops.clients, retailer)
    lines = [
        f"{one['client_id']}  {one['retailer'] or one['organization']:<24} "
        f"{'enabled ' if one['enabled'] else 'disabled'}  {one['scope']}"
        + "".join(f"\n    {uri}" for uri in one["redirect_uris"])
        for one in found
    ]
    _show(as_json, {"clients": found}, "\n".join(lines) or "There are no clients.")


@client.command("disable")
@_store_options
@_json_option
@click.argument("client_id")
@click.option("--undo", is_flag=True, help="Let it get tokens again.")
def disable_client(client_id: str, undo: bool, as_json: bool, **store: Any) -> None:
    """Stop a client from getting tokens."""
    from handcart.retailers import ops

    _write(store, ops.disable_client, client_id, disabled=not undo)
    state = "enabled" if undo else "disabled"
    _show(as_json, {"client_id": client_id, "enabled": undo}, f"The client {client_id} is {state}.")


@handcart.group()
def account() -> None:
    """Customers of the platform."""


@account.command("create")
@_store_options
@_json_option
@click.option("--email", required=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--password", help="The password; other processes can see it, so prefer standard input.")
def create_account(email: str, password: str | None, password_stdin: bool, as_json: bool, **store: Any) -> None:
    """Make an account; without a password, one is made up and shown once."""
    import secrets

    from handcart.accounts import ops
    from handcart.core import passwords

    made_up = not password and not password_stdin
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    chosen = secrets.token_urlsafe(12) if made_up else password or ""
    made = _write(store, ops.create, email, passwords.hash_new(chosen))
    shown = {"email": made.email, **({"password": chosen} if made_up else {})}
    _show(as_json, shown, f"Made the account {made.email}." + (f"\nPassword, shown once: {chosen}" if made_up else ""))


@account.command("close")
@_store_options
@_json_option
@click.option("--email", required=True)
def close_account(email: str, as_json: bool, **store: Any) -> None:
    """Close an account and end its links everywhere."""
    from handcart.accounts import ops as accounts
    from handcart.linking import ops as linking

    async def close(tx: Tx) -> None:
        await linking.close_account(tx, (await accounts.by_email(tx, email)).id)

    _write(store, close)
    _show(as_json, {"email": email, "closed": True}, f"Closed the account {email}.")


@handcart.group()
def membership() -> None:
    """Membership periods."""


@membership.command("grant")
@_store_options
@_json_option
@click.option("--email", required=True)
@click.option("--until", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]), help="End, in UTC.")
@click.option("--days", type=click.IntRange(1, 36500), help="Or so many days from now; 365 if nothing is said.")
def grant_membership(email: str, until: Any, days: int | None, as_json: bool, **store: Any) -> None:
    """Give an account a membership from now on."""
    from datetime import UTC

    from handcart.accounts import ops
    from handcart.core import clock

    if until:
        ends_at = int(until.replace(tzinfo=UTC).timestamp()) * clock.SECOND
    else:
        ends_at = clock.now() + (days or 365) * clock.DAY

    async def grant(tx: Tx) -> None:
        await ops.grant_membership(tx, (await ops.by_email(tx, email)).id, ends_at)

    _write(store, grant)
    expired_at = clock.to_wire(ends_at)
    _show(as_json, {"email": email, "expired_at": expired_at}, f"{email} is a member until {expired_at}.")


@membership.command("end")
@_store_options
@_json_option
@click.option("--email", required=True)
def end_membership(email: str, as_json: bool, **store: Any) -> None:
    """End an account's membership now."""
    from handcart.accounts import ops

    async def end(tx: Tx) -> None:
        await ops.end_membership(tx, (await ops.by_email(tx, email)).id)

    _write(store, end)
    _show(as_json, {"email": email, "ended": True}, f"The membership of {email} has ended.")


@handcart.command()
@_store_options
@_json_option
@click.option("--retailer", required=True, metavar="SLUG")
@click.option("--email", help="The linked account.")
@click.option("--user", "user_id", help="Or the linked user.")
def unlink(retailer: str, email: str | None, user_id: str | None, as_json: bool, **store: Any) -> None:
    """End a link, for a customer who asks customer care."""
    from handcart.accounts import ops as accounts
    from handcart.linking import ops
    from handcart.retailers import ops as retailers
    from handcart.retailers.errors import Refused

    if (email is None) == (user_id is None):
        raise click.UsageError("Name the link by --email or by --user.")

    async def end(tx: Tx) -> None:
        found = await retailers.retailer_by_slug(tx, retailer)
        if found is None:
            raise Refused(f"there is no retailer {retailer!r}")
        if email is not None:
            account_id: int | None = (await accounts.by_email(tx, email)).id
        else:
            account_id = await ops.account_of_user(tx, found.isolation_id, user_id or "")
        if account_id is None or not await ops.unlink(tx, found.isolation_id, account_id, "operator"):
            raise Refused(f"{email or user_id} is not linked at {retailer}")

    _write(store, end)
    _show(as_json, {"unlinked": True}, f"{email or user_id} is no longer linked at {retailer}.")


def _settings(**options: Any) -> Settings:
    return settings_module.load(os.environ, **options)


def _write(store: Options, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    return _run(store, "write", op, *args, **kwargs)


def _read(store: Options, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    return _run(store, "read", op, *args, **kwargs)


def _run(store: Options, how: str, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    chosen = _settings(**store)

    async def run() -> Any:
        opened = await connect(chosen.database_url, settings_module.keys(chosen), pool_size=1)
        try:
            await opened.read(check_schema)
            return await getattr(opened, how)(op, *args, **kwargs)
        finally:
            await opened.close()

    return asyncio.run(run())


def _until_stopped(job: Any) -> None:
    import signal

    async def run() -> None:
        task = asyncio.ensure_future(job)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    asyncio.run(run())


def _credentials(made: Any) -> dict[str, str]:
    return {"client_id": made.client_id, "client_secret": made.client_secret}


def _show_client(as_json: bool, shown: dict[str, str]) -> None:
    lines = "\n".join(f"{name:<14} {value}" for name, value in shown.items())
    _show(as_json, shown, f"{lines}\nKeep the secret now: it is not shown again.")


def _show(as_json: bool, result: Any, sentence: str) -> None:
    click.echo(json.dumps(result) if as_json else sentence)


def _fail(*lines: str) -> NoReturn:
    click.echo("handcart: " + "\n  ".join(lines), err=True)
    sys.exit(1)
