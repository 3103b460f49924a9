"""The command line. Each command imports what it needs, so that `handcart serve` starts without the rest."""

from importlib import import_module

import click

from handcart import __version__
from handcart.cli.options import fail
from handcart.core.db import Unavailable
from handcart.core.errors import Refused

# What `handcart --help` lists, in this order. Each command is in the module of its name.
_SECTIONS = {
    "Run it": ("demo", "migrate", "check", "serve", "worker", "alerts"),
    "Back it up": ("backup", "restore", "copy", "key"),
    "Retailers and what they sell": ("retailer", "client", "store", "item", "slots", "reconcile"),
    "Orders, and the people who fulfil them": ("orders", "assignment", "shopper", "staff", "audit"),
    "Figures and money": ("reports", "money"),
    "Integrate with it": ("callbacks", "requests", "sandbox"),
    "The platform's customers": ("account", "membership", "unlink", "message"),
}
_COMMANDS = [name for names in _SECTIONS.values() for name in names]


class _Sections(click.Group):
    """Loads only the module of the command that runs; `--help` loads all modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return _COMMANDS

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"handcart.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, _COMMANDS))
        for title, names in _SECTIONS.items():
            commands = [command for name in names if (command := self.get_command(ctx, name))]
            with formatter.section(title):
                formatter.write_dl([(str(one.name).ljust(width), one.get_short_help_str(80)) for one in commands])


@click.group(cls=_Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="handcart")
def handcart() -> None:
    """Handcart: an open, self-hosted fulfillment platform that speaks the Connect Fulfillment API.

    Try it with `handcart demo`. Settings come from HANDCART_* environment variables; options override them.
    """


def main() -> None:
    """Run a command. A failure prints one sentence on standard error and ends with status 1."""
    try:
        handcart(prog_name="handcart")
    except (Refused, Unavailable) as error:
        fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        fail(f"{error.filename}: {error.strerror}")
