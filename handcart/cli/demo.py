"""`handcart demo`: a server, a worker and the storefront with sample customers."""

import sys
from pathlib import Path

import click

from handcart.cli.options import PORT, echo, fail, host_option, json_option, show
from handcart.core import settings as settings_module
from handcart.demo import running


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
    help="Another JSON file that has the URLs and credentials while the demo runs.",
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
    from handcart.demo import processes
    from handcart.demo.errors import DemoFailed
    from handcart.demo.start import run

    directory = (settings_module.expanded(data) if data else running.default_directory()).resolve()
    try:
        if stop:
            url = processes.stop_demo(Path(running.read(info_file)["data"]) if info_file else directory)
            show(as_json, {"stopped": url}, f"The demo at {url} has stopped.")
        elif detach:
            status, printed = processes.detach(directory, _given(context, but="detach"))
            echo(printed, err=status != 0)
            if status:
                sys.exit(status)
        else:
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


def _given(context: click.Context, *, but: str) -> list[str]:
    """The options of a command as they were given, without one."""
    words = []
    for option in context.command.params:
        value = context.params[option.name or ""]
        if option.name != but and value is not None and value is not False:
            words += [option.opts[0]] if value is True else [option.opts[0], str(value)]
    return words
