"""The background worker: sends callbacks and messages, and deletes expired data in small steps.

The steps are small so that no request waits long.
"""

import asyncio
from collections.abc import Sequence

from handcart.accounts import jobs as accounts
from handcart.acts import jobs as acts
from handcart.assignment import decisions, pins
from handcart.assignment.engine import Engine
from handcart.assignment.jobs import Watch
from handcart.batches import queries as batches
from handcart.callbacks import jobs as callbacks
from handcart.callbacks import sender
from handcart.callbacks.sender import Sender
from handcart.chat import jobs as chat
from handcart.core import clock, log
from handcart.core import jobs as core
from handcart.core.clock import VirtualClock
from handcart.core.db import Database, Unavailable
from handcart.core.db.connect import connect
from handcart.core.jobs import Purge
from handcart.core.metrics import Metrics
from handcart.core.secret import Keys
from handcart.core.settings import Settings
from handcart.core.web.call import Background
from handcart.events import jobs as events
from handcart.messages import jobs as messages
from handcart.messages import sender as messages_sender
from handcart.messages.gateways import setup as gateways
from handcart.money.jobs import Count
from handcart.notifications.jobs import Teller
from handcart.oauth import jobs as oauth
from handcart.orders import jobs as orders
from handcart.orders.jobs import Delayed
from handcart.pictures import jobs as pictures
from handcart.reports.jobs import CountCallbacks
from handcart.requests import jobs as requests
from handcart.sandbox import state as sandbox
from handcart.sandbox.control.callback_faults import CallbackFaults
from handcart.shoppers import jobs as shoppers
from handcart.sign_in import jobs as sign_in
from handcart.stores import jobs as stores
from handcart.upkeep import jobs as upkeep
from handcart.upkeep.jobs import Alarm
from handcart.upkeep.sampler import Sampler

PAUSE_SECONDS = 60
STEP_ROWS = 200

# An event goes together with the work that its readers have not done.
PURGES: Sequence[Purge] = (
    *core.PURGES,
    *pictures.PURGES,
    *sign_in.PURGES,
    *accounts.PURGES,
    *shoppers.PURGES,
    *orders.PURGES,
    pins.purge,
    *acts.PURGES,
    *oauth.PURGES,
    *stores.PURGES,
    *events.purges([callbacks.delete_waiting]),
    *callbacks.PURGES,
    *upkeep.PURGES,
)


def create_messenger(settings: Settings) -> messages_sender.Sender:
    """The sender of messages, for one process. A sandbox keeps them unsent, and has its clocks."""
    if settings.is_sandbox:
        return messages_sender.Sender(None, clocks=sandbox.clocks)
    return messages_sender.Sender(gateways.create(settings))


def create_engine(settings: Settings) -> Engine:
    """The engine that gives work to shoppers, for one process. A sandbox has its clocks."""
    return Engine(settings.travel_kmh, sandbox.clocks if settings.is_sandbox else None)


def create_sender(settings: Settings) -> Sender:
    """The sender of callbacks, for one process. A sandbox adds its clocks and faults.

    In a sandbox no order is moved or canceled because nobody took it: there, orders change only when a call, a command
    or the robot changes them, so that a test has the same result whenever the worker looks. There are no alerts either:
    clocks that tests set would raise them.
    """
    for_sandbox = (sandbox.clocks, CallbackFaults()) if settings.is_sandbox else ()
    zone, watch = settings.time_zone, Watch(only_warns=settings.is_sandbox)
    steps: list[sender.Step] = [Delayed(batches.courier), Teller(), Count(zone), CountCallbacks(zone), watch]
    if settings.is_production:
        steps.append(Alarm(settings))
    return sender.create(settings, steps, *for_sandbox)


async def run(settings: Settings, keys: Keys, *, once: bool = False) -> None:
    """Send callbacks and messages, and delete expired data, until cancelled. `once`: do only what is due now.

    Raises `Unavailable` if the database cannot be opened.
    """
    database = await connect(settings.database_url, keys, settings.pool_size, public_url=settings.issuer)
    callbacks_out, messages_out = create_sender(settings), create_messenger(settings)
    engine = create_engine(settings)
    try:
        if once:
            await engine.drain(database)  # it causes events
            await callbacks_out.drain(database)  # its steps write messages
            await messages_out.drain(database)
            await _tidy(database, settings)
            return
        sampler = Sampler()
        working: list[Background] = [callbacks_out, messages_out, engine, *([sampler] if settings.metrics_port else [])]
        for one in working:
            await one.open(database)
        if settings.metrics_port:
            metrics = Metrics()
            metrics.add(sampler.collect)
            log.info("metrics", port=metrics.listen(settings.metrics_port))
        try:
            while True:
                await _tidy(database, settings)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await asyncio.gather(*(one.close() for one in working))
    finally:
        await database.close()


async def _use_earliest_clock(database: Database) -> None:
    """Treat data as expired only if it is expired by the clocks of all sandboxes."""
    clocks = await database.read(sandbox.clocks)
    clock.use(VirtualClock(frozen_at=min([clock.of_process(), *(virtual.now() for virtual in clocks.values())])))


async def purge(
    database: Database,
    *,
    message_days: int = Settings.message_days,
    chat_days: int = Settings.chat_days,
    decision_days: int = Settings.decision_days,
    request_log_days: int = Settings.request_log_days,
    request_log_rows: int = Settings.request_log_rows,
) -> dict[str, int]:
    """Delete everything that has expired. Returns the number of rows that each purge deleted."""
    jobs = (
        *PURGES,
        *messages.purges(message_days),
        *chat.purges(chat_days),
        *decisions.purges(decision_days),
        *requests.purges(request_log_days, request_log_rows),
    )
    return {f"{job.__module__}.{job.__name__}": await _purge(database, job) for job in jobs}


async def _tidy(database: Database, settings: Settings) -> None:
    try:
        if settings.is_sandbox:
            await _use_earliest_clock(database)
        dropped = await purge(
            database,
            message_days=settings.message_days,
            chat_days=settings.chat_days,
            decision_days=settings.decision_days,
            request_log_days=settings.request_log_days,
            request_log_rows=settings.request_log_rows,
        )
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
