"""`handcart demo`: a server, a worker and the storefront with sample customers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from handcart.cli.options import PORT, echo, fail, host_option, json_option, show
from handcart.core import settings as settings_module
from handcart.demo import running

_PAUSE_SECONDS = 0.05
_STOP_SECONDS = 30


@click.command()
@host_option
@click.option(
    "--port", default=8080, show_default=True, type=PORT, metavar="PORT", help="Port of the API; 0 picks a free one."
)
@click.option(
    "--storefront-port",
    default=8081,
    show_default=True,
    type=PORT,
    metavar="PORT",
    help="Port of the storefront; 0 picks a free one.",
)
@click.option(
    "--public-url", metavar="URL", help="URL at which browsers and clients reach the API. Default: this machine."
)
@click.option(
    "--storefront-public-url",
    metavar="URL",
    help="URL at which browsers reach the storefront. Default: the host of --public-url, on the storefront's port.",
)
@click.option(
    "--data", metavar="DIR", help="Directory of all data. Default: the folder demo in the user's data directory."
)
@click.option(
    "--info",
    "info_file",
    type=click.Path(path_type=Path),
    help="JSON file that also has the URLs and credentials while the demo runs.",
)
@click.option("--detach", is_flag=True, help="Run in the background. The command returns when all servers answer.")
@click.option("--stop", is_flag=True, help="Stop the running demo that --data or --info names, and start none.")
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
    """Start a server, a worker and the storefront, with sample customers."""
    from handcart.demo.errors import DemoFailed
    from handcart.demo.start import run

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
