"""The background worker: sends callbacks, and deletes expired data in small steps, so that no request waits long."""

import asyncio
from collections.abc import Sequence

from handcart.acts import jobs as acts
from handcart.assignment.jobs import Watch
from handcart.callbacks import jobs as callbacks
from handcart.callbacks import sender
from handcart.callbacks.sender import Sender
from handcart.core import clock, log
from handcart.core import jobs as core
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Unavailable
from handcart.core.db.connect import connect
from handcart.core.jobs import Purge
from handcart.core.secret import Keys
from handcart.core.settings import Settings
from handcart.events import jobs as events
from handcart.oauth import jobs as oauth
from handcart.orders import jobs as orders
from handcart.pictures import jobs as pictures
from handcart.sandbox import state as sandbox
from handcart.sandbox.control.callback_faults import CallbackFaults
from handcart.sign_in import jobs as sign_in

PAUSE_SECONDS = 60
STEP_ROWS = 200

# An event goes together with the work that its readers have not done.
PURGES: Sequence[Purge] = (
    *core.PURGES,
    *pictures.PURGES,
    *sign_in.PURGES,
    *acts.PURGES,
    *oauth.PURGES,
    *events.purges([callbacks.delete_waiting]),
    *callbacks.PURGES,
)


def create_sender(settings: Settings) -> Sender:
    """The sender of callbacks, for one process. A sandbox adds its clocks and faults.

    In a sandbox no order is moved or canceled because nobody took it: there, orders change only when a call, a command
    or the robot changes them, so that a test has the same result whenever the worker looks.
    """
    for_sandbox = (sandbox.clocks, CallbackFaults()) if settings.is_sandbox else ()
    return sender.create(settings, (*orders.STEPS, Watch(only_warns=settings.is_sandbox)), *for_sandbox)


async def run(settings: Settings, keys: Keys, *, once: bool = False) -> None:
    """Send callbacks and delete expired data until cancelled. `once`: do only what is due now.

    Raises `Unavailable` if the database cannot be opened.
    """
    database = await connect(settings.database_url, keys, settings.pool_size)
    callbacks_out = create_sender(settings)
    try:
        if once:
            await callbacks_out.drain(database)
            await _tidy(database, settings.is_sandbox)
            return
        await callbacks_out.open(database)
        try:
            while True:
                await _tidy(database, settings.is_sandbox)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await callbacks_out.close()
    finally:
        await database.close()


async def _use_earliest_clock(database: Database) -> None:
    """Treat data as expired only if it is expired by the clocks of all sandboxes."""
    clocks = await database.read(sandbox.clocks)
    clock.use(VirtualClock(frozen_at=min([clock.of_process(), *(virtual.now() for virtual in clocks.values())])))


async def purge(database: Database) -> dict[str, int]:
    """Delete everything that has expired. Returns the number of rows that each purge deleted."""
    return {f"{job.__module__}.{job.__name__}": await _purge(database, job) for job in PURGES}


async def _tidy(database: Database, is_sandbox: bool) -> None:
    try:
        if is_sandbox:
            await _use_earliest_clock(database)
        dropped = await purge(database)
    except Unavailable as error:  # tried again in the next round
        log.warning("housekeeping postponed", cause=str(error))
        return
    if any(dropped.values()):
        log.info("housekeeping", **dropped)


async def _purge(database: Database, job: Purge) -> int:
    total = 0
    while True:
        dropped = await database.write(job, STEP_ROWS)
        total += dropped
        if dropped < STEP_ROWS:
            return total
