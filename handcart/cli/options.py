"""What the commands share: options, output and failure."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import click

from handcart.cli.recorded import recorded
from handcart.core import settings as settings_module
from handcart.core.db import Database, Tx
from handcart.core.db.connect import connect, is_postgres, sqlite_path
from handcart.core.db.migrate import check_schema
from handcart.core.settings import Settings
from handcart.demo import running
from handcart.demo import settings as demo_settings

Options = dict[str, Any]
PORT = click.IntRange(0, 65535)
SANDBOX_INFO = "SANDBOX_INFO"
_INFO = "handcart.info"  # where a command's context keeps the value of --info


def installation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--database` and `--data`, for commands that set an installation up or run it."""
    for option in (
        click.option(
            "--database",
            is_eager=True,
            metavar="URL",
            help="Database: sqlite:///path/to/file.db or postgresql://...",
        ),
        click.option(
            "--data", is_eager=True, metavar="DIR", help="Data directory, with the SQLite database and the key file."
        ),
    ):
        command = option(command)
    return command


def database_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that choose the installation or demo, for commands that use its database.

    `settings_of` decides in this order: the options; HANDCART_DATABASE and HANDCART_DATA; SANDBOX_INFO; the demo that
    runs on this machine; the installation in the user's data directory.
    """
    return installation_options(info_option(expose_value=False, callback=_remember)(command))


def retailer_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--retailer", required=True, metavar="SLUG", help="Slug of the retailer.")(command)


def file_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("file", type=click.Path(path_type=Path))(command)


def host_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--host",
        metavar="ADDRESS",
        default="127.0.0.1",
        show_default=True,
        help="Address to listen on; 0.0.0.0 for all of IPv4, :: for all addresses.",
    )(command)


def end_with_stdin_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--end-with-stdin", is_flag=True, help="Stop when standard input ends.")(command)


def info_option(**how: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`--info`: the one way to name a demo, for all commands."""
    return click.option(
        "--info",
        "info_file",
        is_eager=True,
        type=click.Path(path_type=Path),
        help="Info file or data directory of a demo. Default: SANDBOX_INFO, else the demo on this machine.",
        **how,
    )


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def settings_of(**options: Any) -> Settings:
    """The settings of the installation or demo that a command uses. Options override the environment."""
    demo = demo_of(options)
    if demo is None:
        return settings_module.load(os.environ, **options)
    chosen = demo_settings.load(Path(demo["data"]), demo["api_url"])
    if not Path(sqlite_path(chosen.database_url)).exists():
        fail(
            f"the demo at {demo['api_url']} keeps its data in {demo['data']}, which is not on this machine:",
            "run this command where the demo runs, for example by `docker exec`",
        )
    return chosen


def demo_of(options: Options) -> Mapping[str, Any] | None:
    """The info of the demo that a command with `database_options` uses; None for any other installation."""
    context = click.get_current_context(silent=True)
    if context is None or _INFO not in context.meta:
        return None
    file: Path | None = context.meta[_INFO]
    named = _named(options)
    if file is not None:
        if named:
            raise click.UsageError("--info names a demo: leave out --database and --data")
        return _with_data(running.read(file), file)
    if names_installation(options):
        return _demo_on(settings_module.load(os.environ, **named))
    if text := os.environ.get(SANDBOX_INFO):
        return _with_data(running.read(Path(text)), Path(text))
    found = running.find(running.default_directory())
    if found is not None and Path(sqlite_path(settings_module.load(os.environ).database_url)).exists():
        directory = settings_module.load(os.environ).data_directory
        fail(
            f"choose one: a demo runs at {found['api_url']}, and an installation is in {directory}",
            f"--info {found['data']} is the demo, --data {directory} the installation",
        )
    return found


def names_installation(options: Options) -> bool:
    """Whether `--database`, `--data` or the settings name an installation."""
    return bool(_named(options) or os.environ.keys() & {"HANDCART_DATABASE", "HANDCART_DATA"})


def _named(options: Options) -> Options:
    return {name: value for name, value in options.items() if name in ("database", "data") and value}


def _demo_on(chosen: Settings) -> Mapping[str, Any] | None:
    """The demo that runs on a database."""
    if is_postgres(chosen.database_url):
        return None
    found = running.find(Path(sqlite_path(chosen.database_url)).resolve().parent)
    return found if found is not None and found["database"] == chosen.database_url else None


def _with_data(info: Mapping[str, Any], file: Path) -> Mapping[str, Any]:
    if "data" not in info:
        raise running.NotAnInfoFile(f"{file} does not say where the demo keeps its data: start the demo again")
    return info


def _remember(context: click.Context, option: click.Parameter, value: Path | None) -> None:
    context.meta[_INFO] = value


def write(database: Options, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    """Call an operation that writes, and record the command in the audit log, in one transaction."""
    return write_as_actor(database, recorded(op), *args, **kwargs)


def write_as_actor(database: Options, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    """Call an operation that takes the user of this machine as its actor, and records that itself."""
    return on(database, lambda opened: opened.write(op, *args, **kwargs))


def read(database: Options, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    return on(database, lambda opened: opened.read(op, *args, **kwargs), may_only_read=True)


def on(database: Options, do: Callable[[Database], Awaitable[Any]], *, may_only_read: bool = False) -> Any:
    """Call `do` with the opened database and return its answer. `may_only_read`: permission to read is enough."""
    chosen = settings_of(**database)

    async def run() -> Any:
        keys = settings_module.keys(chosen)
        opened = await connect(
            chosen.database_url, keys, pool_size=1, may_only_read=may_only_read, public_url=chosen.issuer
        )
        try:
            await opened.read(check_schema)
            return await do(opened)
        finally:
            await opened.close()

    return asyncio.run(run())


def of_retailer(slug: str, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Callable[[Tx], Any]:
    """An operation on the retailer with this slug; it raises `Refused` if there is none."""

    async def run(tx: Tx) -> Any:
        from handcart.retailers import ops as retailers

        return await op(tx, (await retailers.require(tx, slug)).id, *args, **kwargs)

    return run


def of_account(email: str, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Callable[[Tx], Any]:
    """An operation on the account with this e-mail address; it raises `Refused` if there is none."""

    async def run(tx: Tx) -> Any:
        from handcart.accounts import ops as accounts

        return await op(tx, (await accounts.by_email(tx, email)).id, *args, **kwargs)

    return run


def of_person(email: str, op: Callable[..., Awaitable[Any]], *args: Any) -> Callable[[Tx], Any]:
    """An operation by the user of this machine on the open person with this e-mail address.

    It raises `PersonRefused` if there is none.
    """

    async def run(tx: Tx) -> Any:
        from handcart.staff import queries
        from handcart.staff.errors import PersonRefused
        from handcart.staff.models import command_line

        found = await queries.by_email(tx, email)
        if found is None:
            raise PersonRefused("closed")
        return await op(tx, command_line(), found.id, *args)

    return run


@contextmanager
def until_interrupted() -> Iterator[None]:
    """Let Ctrl-C end an endless command quietly, with status 0."""
    with suppress(KeyboardInterrupt):
        yield


def show(as_json: bool, result: Any, sentence: str) -> None:
    """Print a command's result: JSON for programs, a sentence or a table for people."""
    echo(json.dumps(result) if as_json else sentence)


def echo(text: str, *, err: bool = False) -> None:
    """Print text. Control characters, for example in an id from a client, are shown as `?`."""
    click.echo("\n".join(map(printable, text.split("\n"))), err=err)


def printable(text: str) -> str:
    """One line of text with `?` in place of control characters, line separators and changes of direction (CWE-150)."""
    return "".join(character if character.isprintable() else "?" for character in text)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Collection[str] = ()) -> str:
    """Columns as wide as their widest cell, `numbers` to the right. Cells are made `printable`."""
    columns = []
    for name, *cells in zip(header, *rows, strict=True):
        column = [name, *map(printable, cells)]
        width = max(map(len, column))
        columns.append([cell.rjust(width) if name in numbers else cell.ljust(width) for cell in column])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def fail(*lines: str) -> NoReturn:
    echo("handcart: " + "\n  ".join(lines), err=True)
    sys.exit(1)
