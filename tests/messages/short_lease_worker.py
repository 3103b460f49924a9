"""A process that sends messages as `handcart worker` does, with a lease of a second, until it is killed."""

import asyncio
import os
import sys

from handcart.core import ending
from handcart.core import settings as settings_module
from handcart.core.clock import SECOND
from handcart.core.db.connect import connect
from handcart.messages.gateways import setup
from handcart.messages.sender import Sender


async def main() -> None:
    settings = settings_module.load(os.environ)
    keys = settings_module.keys(settings)
    database = await connect(settings.database_url, keys, settings.pool_size, public_url=settings.issuer)
    sender = Sender(setup.create(settings), lease=SECOND)
    await sender.open(database)
    await asyncio.Event().wait()


if __name__ == "__main__":
    ending.with_standard_input()
    sys.exit(asyncio.run(main()))
