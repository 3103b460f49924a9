"""`handcart serve`: the API and the pages."""

import gc
import socket
from dataclasses import replace

import click

from handcart.cli.options import PORT, end_with_stdin_option, fail, host_option, installation_options, settings_of
from handcart.core import ending
from handcart.core import settings as settings_module
from handcart.core.errors import Refused
from handcart.core.web.sockets import CannotListen, address_of, browser_url, listen


@click.command()
@installation_options
@host_option
@click.option(
    "--port", default=8080, show_default=True, type=PORT, metavar="PORT", help="Port to listen on; 0 picks a free one."
)
@click.option(
    "--fd", type=int, metavar="N", help="Number of an inherited socket to listen on, in place of --host and --port."
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    metavar="N",
    help="Number of server processes.",
)
@click.option(
    "--environment",
    type=click.Choice(["production", "sandbox"]),
    help="Kind of server; a sandbox skips the safety checks. Default: HANDCART_ENVIRONMENT, else production.",
)
@click.option(
    "--public-url",
    metavar="URL",
    help="URL at which browsers and clients reach this server. Default: HANDCART_PUBLIC_URL.",
)
@end_with_stdin_option
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
    settings_module.check_map_tiles(chosen)
    bound = listen(host, port) if fd is None else socket.socket(fileno=fd)
    if chosen.is_sandbox and not chosen.public_url:
        chosen = replace(chosen, public_url=browser_url(bound, host))
    console = None
    if chosen.console_listener is not None:
        console = _listen_for_console(*chosen.console_listener)
        chosen = replace(chosen, console=address_of(console))
    try:
        run(chosen, settings_module.keys(chosen), bound, console, workers=workers)
    except Unsafe as unsafe:
        hint = "" if chosen.is_sandbox else " (`handcart serve --environment sandbox` is for development)"
        fail(f"not safe to serve{hint}:", *unsafe.problems)


def _listen_for_console(host: str, port: int) -> socket.socket:
    try:
        return listen(host, port)
    except CannotListen as error:
        raise Refused(f"the console {error}. HANDCART_CONSOLE says where it listens") from None
