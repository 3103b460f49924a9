"""What the commands share: which store, how to answer, how to fail."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any, NoReturn

import click

from handcart.core import settings as settings_module
from handcart.core.db import Database
from handcart.core.migrate import check_schema
from handcart.core.settings import Settings
from handcart.core.stores import connect

Options = dict[str, Any]


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--database", metavar="URL", help="sqlite:///path/to/file.db or postgresql://..."),
        click.option("--data", metavar="DIR", help="Data directory, for the SQLite database and the key file."),
    ):
        command = option(command)
    return command


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def settings_of(**options: Any) -> Settings:
    return settings_module.load(os.environ, **options)


def write(store: Options, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    return on(store, lambda database: database.write(op, *args, **kwargs))


def read(store: Options, op: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    return on(store, lambda database: database.read(op, *args, **kwargs))


def on(store: Options, do: Callable[[Database], Awaitable[Any]]) -> Any:
    """What `do` answers that is given the store."""
    chosen = settings_of(**store)

    async def run() -> Any:
        opened = await connect(chosen.database_url, settings_module.keys(chosen), pool_size=1)
        try:
            await opened.read(check_schema)
            return await do(opened)
        finally:
            await opened.close()

    return asyncio.run(run())


def show(as_json: bool, result: Any, sentence: str) -> None:
    click.echo(json.dumps(result) if as_json else sentence)


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Collection[str] = ()) -> str:
    """Columns as wide as their widest cell, `numbers` to the right; what a terminal would obey is shown as `?`."""
    columns = []
    for name, *cells in zip(header, *rows, strict=True):
        column = [name, *map(_printable, cells)]
        width = max(map(len, column))
        columns.append([cell.rjust(width) if name in numbers else cell.ljust(width) for cell in column])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)


def fail(*lines: str) -> NoReturn:
    click.echo("handcart: " + "\n  ".join(lines), err=True)
    sys.exit(1)
