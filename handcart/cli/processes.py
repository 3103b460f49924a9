"""Commands that run something, or make it ready to run."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from handcart.cli.options import fail, json_option, settings_of, show, store_options
from handcart.core import settings as settings_module
from handcart.core.db import Unavailable
from handcart.core.migrate import WrongKey, check_schema, check_version
from handcart.core.secret import KEY_BYTES, Keys
from handcart.core.settings import Settings
from handcart.core.sockets import listen, url
from handcart.core.stores import connect

PORT = click.IntRange(0, 65535)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=PORT, help="Port of the API; 0 picks a free one.")
@click.option("--storefront-port", default=8081, show_default=True, type=PORT, help="Port of the storefront, as above.")
@click.option("--data", metavar="DIR", help="Where everything is kept; without it, in the user's data directory.")
@click.option("--info", "info_file", type=click.Path(path_type=Path), help="Write URLs and credentials here, as JSON.")
@json_option
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
        fail(str(error))


@click.command()
@store_options
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=PORT, help="Port to listen on; 0 picks a free one.")
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
    gc.disable()  # until it serves: the imports leave nothing behind to collect

    from handcart.serve import Unsafe
    from handcart.serve import serve as run

    chosen = settings_of(database=database, data=data, environment=environment, public_url=public_url)
    bound = listen(host, port) if fd is None else socket.socket(fileno=fd)
    if chosen.is_sandbox and not chosen.public_url:
        chosen = replace(chosen, public_url=url(bound, host))
    try:
        run(chosen, settings_module.keys(chosen), bound, workers=workers)
    except Unsafe as unsafe:
        fail("not safe to serve (`handcart serve --environment sandbox` is for development):", *unsafe.problems)


@click.command()
@store_options
@click.option("--environment", type=click.Choice(["production", "sandbox"]), help="The same as the server's.")
@click.option("--once", is_flag=True, help="Do what is due, then end.")
def worker(database: str | None, data: str | None, environment: str | None, once: bool) -> None:
    """Run the background worker: send callbacks, drop what is over."""
    from handcart.worker import run

    chosen = settings_of(database=database, data=data, environment=environment)
    _until_stopped(run(chosen, settings_module.keys(chosen), once=once))


@click.command()
@store_options
@json_option
def migrate(database: str | None, data: str | None, as_json: bool) -> None:
    """Create the database, or bring it to this release's schema."""
    from handcart.core.migrate import migrate as run
    from handcart.migrations import SCHEMA_VERSION

    chosen = settings_of(database=database, data=data)
    run(chosen.database_url, settings_module.keys(chosen, may_make=True))
    show(as_json, {"schema": SCHEMA_VERSION}, f"The database has schema {SCHEMA_VERSION}.")


@click.command(short_help="Print what is unsafe for production, or wrong in the data.")
@click.option("--database", metavar="URL", help="sqlite:///path/to/file.db or postgresql://...")
@click.option(
    "--data",
    metavar="[DIR]",
    is_flag=False,
    flag_value="",
    help="Alone: check what is stored against itself. With DIR: the data directory.",
)
@json_option
def check(database: str | None, data: str | None, as_json: bool) -> None:
    """Print what makes these settings unsafe for production, or (--data) what is wrong with the stored data.

    The check of the data needs no key and may run beside the servers.
    """
    if data == "":
        _check_data(settings_of(database=database), as_json)
        return
    from handcart.safety import problems

    chosen = settings_of(database=database, data=data)

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
    show(as_json, {"problems": found}, "\n".join(f"- {problem}" for problem in found) or "No problem found.")
    if found:
        sys.exit(1)


def _check_data(chosen: Settings, as_json: bool) -> None:
    from handcart import integrity

    async def run() -> tuple[dict[str, int], list[integrity.Fault]]:
        opened = await connect(chosen.database_url, Keys(bytes(KEY_BYTES)), pool_size=1)
        try:
            await opened.read(check_version)
            return await opened.read(integrity.counts), await opened.read(integrity.faults)
        finally:
            await opened.close()

    counted, found = asyncio.run(run())
    lines = ["Checked " + ", ".join(f"{count:,} {name}" for name, count in counted.items()) + "."]
    for fault in found:
        lines += [f"- not true in {fault.places} places: {fault.name}", *(f"    {one}" for one in fault.examples)]
    lines += [] if found else [f"All {len(integrity.CHECKS)} checks hold."]
    result = {
        "checked": counted,
        "faults": [{"check": fault.name, "places": fault.places, "examples": list(fault.examples)} for fault in found],
    }
    show(as_json, result, "\n".join(lines))
    if found:
        sys.exit(1)


def _until_stopped(job: Coroutine[Any, Any, None]) -> None:
    import uvloop

    async def run() -> None:
        task = asyncio.ensure_future(job)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
