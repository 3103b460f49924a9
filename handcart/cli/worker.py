"""`handcart worker`: the background worker."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

import click

from handcart.cli.options import end_with_stdin_option, installation_options, settings_of
from handcart.core import ending
from handcart.core import settings as settings_module


@click.command()
@installation_options
@click.option(
    "--environment",
    type=click.Choice(["production", "sandbox"]),
    help="Kind of server, the same as for `serve`. Default: HANDCART_ENVIRONMENT, else production.",
)
@click.option("--once", is_flag=True, help="Do the work that is due now, then stop.")
@end_with_stdin_option
def worker(database: str | None, data: str | None, environment: str | None, once: bool, end_with_stdin: bool) -> None:
    """Run the background worker, which sends callbacks and messages, and deletes expired data."""
    from handcart.core import log
    from handcart.core.web.connections import raise_descriptor_limit
    from handcart.worker import run

    if end_with_stdin:
        ending.with_standard_input()
    log.take_libraries()
    raise_descriptor_limit()
    chosen = settings_of(database=database, data=data, environment=environment)
    _until_stopped(run(chosen, settings_module.keys(chosen), once=once))


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
