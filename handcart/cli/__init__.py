"""The command line. Each command imports what it needs, so that `handcart serve` starts without the rest."""

from collections.abc import Mapping
from importlib import import_module

import click

from handcart import __version__
from handcart.cli.options import fail
from handcart.core.db import Unavailable
from handcart.core.db.connect import BadCopy, BadDatabaseUrl
from handcart.core.db.migrate import WrongKey
from handcart.core.settings import SettingsError
from handcart.core.web.sockets import CannotListen
from handcart.running import NotAnInfoFile

# What `handcart --help` lists, in this order, and the module that each command is in.
_SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Run it": dict.fromkeys(("demo", "migrate", "check", "serve", "worker"), "processes"),
    "Back it up": {"backup": "backups", "restore": "backups", "key": "keys"},
    "Retailers and what they sell": {
        "retailer": "retailers",
        "client": "operators",
        "store": "stores",
        "item": "stores",
        "slots": "slots",
        "reconcile": "orders",
    },
    "Integrate with it": {"callbacks": "callbacks", "sandbox": "sandbox"},
    "The platform's customers": dict.fromkeys(("account", "membership", "unlink"), "operators"),
}
_MODULES = {name: module for section in _SECTIONS.values() for name, module in section.items()}


class _Sections(click.Group):
    """Loads only the module of the command that runs; `--help` loads all modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        command: click.Command = getattr(import_module(f"handcart.cli.{_MODULES[cmd_name]}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, _MODULES))
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
    from handcart.accounts.errors import Refused as AccountRefused
    from handcart.callbacks import errors as callbacks
    from handcart.retailers.errors import Refused as RetailerRefused
    from handcart.sign_in.passwords import PasswordRefused

    refusals = (
        AccountRefused,
        BadCopy,
        BadDatabaseUrl,
        callbacks.Refused,
        callbacks.Unknown,
        CannotListen,
        NotAnInfoFile,
        PasswordRefused,
        RetailerRefused,
        SettingsError,
        Unavailable,
        WrongKey,
    )
    try:
        handcart(prog_name="handcart")
    except refusals as error:
        fail(str(error))
    except OSError as error:
        if error.filename is None:
            raise
        fail(f"{error.filename}: {error.strerror}")
