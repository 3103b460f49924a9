"""The command line. Each command imports what it needs, so that `handcart serve` starts without the rest."""

from collections.abc import Mapping, Sequence

import click

from handcart import __version__
from handcart.cli import operators, orders, processes, retailers, sandbox, slots, stores
from handcart.cli.options import fail
from handcart.core.db import Unavailable
from handcart.core.migrate import WrongKey
from handcart.core.settings import SettingsError
from handcart.core.sockets import CannotListen
from handcart.core.stores import BadDatabaseUrl

# What `handcart --help` lists, in this order.
_SECTIONS: Mapping[str, Sequence[click.Command]] = {
    "Run it": (processes.demo, processes.migrate, processes.check, processes.serve, processes.worker),
    "Retailers and what they sell": (
        retailers.retailer,
        operators.client,
        stores.store,
        stores.item,
        slots.slots,
        orders.reconcile,
    ),
    "Integrate with it": (sandbox.sandbox,),
    "The platform's customers": (operators.account, operators.membership, operators.unlink),
}


class _Sections(click.Group):
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(len(command) for command in self.commands)
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(str(one.name).ljust(width), one.get_short_help_str(80)) for one in commands])


@click.group(cls=_Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="handcart")
def handcart() -> None:
    """Handcart: an open, self-hosted fulfillment platform that speaks the Connect Fulfillment API.

    Try it with `handcart demo`. Settings come from HANDCART_* environment variables; options win.
    """


def main() -> None:
    """Run a command; what cannot be done is one sentence on standard error and status 1."""
    from handcart.accounts.errors import Refused as AccountRefused
    from handcart.core.passwords import PasswordRefused
    from handcart.retailers.errors import Refused as RetailerRefused

    refusals = (
        AccountRefused,
        BadDatabaseUrl,
        CannotListen,
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


for commands in _SECTIONS.values():
    for command in commands:
        handcart.add_command(command)
