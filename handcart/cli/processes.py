"""Commands that run, prepare and check an installation."""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from handcart import running
from handcart.cli.options import echo, fail, installation_options, json_option, settings_of, show
from handcart.core import ending
from handcart.core import settings as settings_module
from handcart.core.db import Unavailable
from handcart.core.db.connect import connect
from handcart.core.db.migrate import WrongKey, check_schema, check_version
from handcart.core.secret import KEY_BYTES, Keys
from handcart.core.settings import Settings
from handcart.core.web.sockets import browser_url, listen

PORT = click.IntRange(0, 65535)
_PAUSE_SECONDS = 0.05
_STOP_SECONDS = 30


HOST_HELP = "Address to listen on; 0.0.0.0 for all of IPv4, :: for all addresses."


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help=HOST_HELP)
@click.option("--port", default=8080, show_default=True, type=PORT, help="Port of the API; 0 picks a free one.")
@click.option(
    "--storefront-port", default=8081, show_default=True, type=PORT, help="Port of the storefront; 0 picks a free one."
)
@click.option("--public-url", metavar="URL", help="Where browsers and clients reach the API. Default: this machine.")
@click.option(
    "--storefront-public-url",
    metavar="URL",
    help="Where browsers reach the storefront. Default: the host of --public-url, on the storefront's port.",
)
@click.option("--data", metavar="DIR", help="Directory of all data; by default in the user's data directory.")
@click.option(
    "--info",
    "info_file",
    type=click.Path(path_type=Path),
    help="Also write URLs and credentials to this JSON file, while the demo runs.",
)
@click.option("--detach", is_flag=True, help="Run in the background; return when all servers answer.")
@click.option("--stop", is_flag=True, help="Stop the demo of --data or --info.")
@json_option
@click.pass_context
def demo(
    context: click.Context,
    host: str,
    port: int,
    storefront_port: int,
    public_url: str | None,
    storefront_public_url: str | None,
    data: str | None,
    info_file: Path | None,
    detach: bool,
    stop: bool,
    as_json: bool,
) -> None:
    """Start server, worker and storefront with sample customers."""
    from handcart.demo import DemoFailed, run

    directory = (settings_module.expanded(data) if data else running.default_directory()).resolve()
    if stop:
        _stop_demo(Path(running.read(info_file)["data"]) if info_file else directory, as_json)
        return
    if detach:
        _detach(context, directory)
        return
    try:
        run(
            directory,
            host=host,
            port=port,
            storefront_port=storefront_port,
            public_url=public_url,
            storefront_public_url=storefront_public_url,
            info_file=info_file,
            as_json=as_json,
        )
    except DemoFailed as error:
        fail(str(error))


def _detach(context: click.Context, directory: Path) -> None:
    """Start the same command in its own session. Print its output once all servers answer."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = directory / "demo.log"
    with log.open("wb") as output:
        started = subprocess.Popen(  # noqa: S603 (our own command)
            [sys.executable, "-m", "handcart", "demo", *_given(context, but="detach")],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    while (running.find(directory) or {}).get("pid") != started.pid:
        if started.poll() is not None:
            echo(log.read_text().rstrip("\n"), err=True)
            sys.exit(started.returncode or 1)
        time.sleep(_PAUSE_SECONDS)
    echo(log.read_text().rstrip("\n"))


def _given(context: click.Context, *, but: str) -> list[str]:
    """The options of a command as they were given, without one."""
    words = []
    for option in context.command.params:
        value = context.params[option.name or ""]
        if option.name != but and value is not None and value is not False:
            words += [option.opts[0]] if value is True else [option.opts[0], str(value)]
    return words


def _stop_demo(directory: Path, as_json: bool) -> None:
    info = running.find(directory)
    if info is None:
        fail(f"no demo runs in {directory}: name another data directory by `handcart demo --stop --data DIR`")
    os.kill(info["pid"], signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while (running.find(directory) or {}).get("pid") == info["pid"]:
        if time.monotonic() > deadline:
            fail(f"the demo at {info['api_url']} (process {info['pid']}) did not stop in {_STOP_SECONDS} seconds")
        time.sleep(_PAUSE_SECONDS)
    show(as_json, {"stopped": info["api_url"]}, f"The demo at {info['api_url']} has stopped.")


@click.command()
@installation_options
@click.option("--host", default="127.0.0.1", show_default=True, help=HOST_HELP)
@click.option("--port", default=8080, show_default=True, type=PORT, help="Port to listen on; 0 picks a free one.")
@click.option("--fd", type=int, help="Listen on this inherited socket instead.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Number of server processes.")
@click.option(
    "--environment",
    type=click.Choice(["production", "sandbox"]),
    help="Kind of server; sandbox skips the safety checks.",
)
@click.option("--public-url", metavar="URL", help="Where browsers and clients reach this server.")
@click.option("--end-with-stdin", is_flag=True, help="Stop when standard input ends.")
def serve(
    database: str | None,
    data: str | None,
    host: str,
    port: int,
    fd: int | None,
    workers: int,
    environment: str | None,
    public_url: str | None,
    end_with_stdin: bool,
) -> None:
    """Serve the API and the pages."""
    gc.disable()  # until it serves: the imports leave nothing behind to collect

    if end_with_stdin:
        ending.with_standard_input()

    from handcart.serve import Unsafe
    from handcart.serve import serve as run

    chosen = settings_of(database=database, data=data, environment=environment, public_url=public_url)
    bound = listen(host, port) if fd is None else socket.socket(fileno=fd)
    if chosen.is_sandbox and not chosen.public_url:
        chosen = replace(chosen, public_url=browser_url(bound, host))
    try:
        run(chosen, settings_module.keys(chosen), bound, workers=workers)
    except Unsafe as unsafe:
        hint = "" if chosen.is_sandbox else " (`handcart serve --environment sandbox` is for development)"
        fail(f"not safe to serve{hint}:", *unsafe.problems)


@click.command()
@installation_options
@click.option(
    "--environment", type=click.Choice(["production", "sandbox"]), help="Kind of server, the same as for `serve`."
)
@click.option("--once", is_flag=True, help="Do what is due now, then stop.")
@click.option("--end-with-stdin", is_flag=True, help="Stop when standard input ends.")
def worker(database: str | None, data: str | None, environment: str | None, once: bool, end_with_stdin: bool) -> None:
    """Run the background worker: send callbacks, delete expired data."""
    from handcart.core import log
    from handcart.core.web.connections import raise_descriptor_limit
    from handcart.worker import run

    if end_with_stdin:
        ending.with_standard_input()
    log.take_libraries()
    raise_descriptor_limit()
    chosen = settings_of(database=database, data=data, environment=environment)
    _until_stopped(run(chosen, settings_module.keys(chosen), once=once))


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


@click.command(short_help="Check the settings for production, or the stored data.")
@click.option("--database", metavar="URL", help="sqlite:///path/to/file.db or postgresql://...")
@click.option(
    "--data",
    metavar="[DIR]",
    is_flag=False,
    flag_value="",
    help="Without DIR: check the stored data. With DIR: the data directory.",
)
@json_option
def check(database: str | None, data: str | None, as_json: bool) -> None:
    """Check that the settings are safe for production or, with --data alone, that the stored data is consistent.

    A problem prevents `handcart serve` from starting and ends this command with status 1; a warning does neither.

    The check of the data needs no key and may run while the servers do.
    """
    if data == "":
        _check_data(settings_of(database=database), as_json)
        return
    from handcart.upkeep.safety import Findings, look

    chosen = settings_of(database=database, data=data)

    async def run() -> Findings:
        opened = await connect(chosen.database_url, settings_module.keys(chosen), pool_size=1, may_only_read=True)
        try:
            await opened.read(check_schema)
            return await look(chosen, opened)
        finally:
            await opened.close()

    try:
        found = asyncio.run(run())
    except (Unavailable, WrongKey) as error:
        found = Findings([str(error)])
    lines = [f"- {problem}" for problem in found.problems] or ["No problem found."]
    lines += [f"- warning: {warning}" for warning in found.warnings]
    show(as_json, {"problems": found.problems, "warnings": found.warnings}, "\n".join(lines))
    if found.problems:
        sys.exit(1)


def _check_data(chosen: Settings, as_json: bool) -> None:
    from handcart.upkeep import integrity

    async def run() -> tuple[dict[str, int], list[integrity.Fault]]:
        opened = await connect(chosen.database_url, Keys(bytes(KEY_BYTES)), pool_size=1, may_only_read=True)
        try:
            await opened.read(check_version)
            return await opened.read(integrity.counts), await opened.read(integrity.faults)
        finally:
            await opened.close()

    counted, found = asyncio.run(run())
    lines = ["Checked " + ", ".join(f"{count:,} {name}" for name, count in counted.items()) + "."]
    for fault in found:
        lines += [f"- fails in {fault.places} places: {fault.name}", *(f"    {one}" for one in fault.examples)]
    lines += [] if found else [f"All {len(integrity.CHECKS)} checks passed."]
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
