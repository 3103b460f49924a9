"""Alerts to the operator: what in the network needs the operator's attention, since when, and who was told.

`wanted` reads what is wrong now; `look` stores it. An alert ends when its cause has been gone for five minutes, so one
that comes and goes is one alert. Mails go to the addresses of `HANDCART_ALERTS_TO`: one when an alert begins, and one
when it ends; none when the same alert began within the hour before.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from handcart.assignment.models import UNTAKEN
from handcart.callbacks.models import ENABLED
from handcart.core import clock
from handcart.core.db import Tx, installation
from handcart.core.settings import Settings, parts
from handcart.messages import ops as messages
from handcart.messages import queries as message_queries
from handcart.messages.models import MAIL, Letter
from handcart.upkeep import figures

WEBHOOK_FAILING = "webhook_failing"
CALLBACKS_LATE = "callbacks_late"
MESSAGES_LATE = "messages_late"
ORDERS_UNTAKEN = "orders_untaken"
DISK_FULL = "disk_full"
KINDS = (ORDERS_UNTAKEN, WEBHOOK_FAILING, CALLBACKS_LATE, MESSAGES_LATE, DISK_FULL)

FAILING = 15 * clock.MINUTE
LATE = 5 * clock.MINUTE
NOBODY_TOOK = 10 * clock.MINUTE
# Share of the disk that must be free.
LEAST_FREE = 0.1
# An alert ends after its cause has been gone for so long.
QUIET = 5 * clock.MINUTE
# The same alert is mailed once in so long.
MAILED_EVERY = clock.HOUR
KEPT = 90 * clock.DAY
MOST_LISTED = 100

Key = tuple[str, str]


class Alert(Struct, frozen=True, kw_only=True):
    """Something that needs the operator's attention. Times in microseconds by the process's clock.

    `subject`: such as `retailer/corner-market` or `webhook/corner-market/12`. `detail` says it in a sentence.
    """

    kind: str
    subject: str
    detail: str
    began_at: int
    seen_at: int
    mailed_at: int | None
    ended_at: int | None


_ALERT = f"SELECT {', '.join(Alert.__struct_fields__)} FROM alerts"  # noqa: S608 (names of columns)


async def wanted(tx: Tx, free: float | None) -> Mapping[Key, str]:
    """What needs attention now, with a sentence for each. `free`: share of the disk that is free, if it matters."""
    now = clock.of_process()
    found: dict[Key, str] = {}
    for row in await figures.warnings(tx):
        if row["kind"] == UNTAKEN and row["since"] <= now - NOBODY_TOOK:
            minutes = (now - row["since"]) // clock.MINUTE
            found[ORDERS_UNTAKEN, f"retailer/{row['slug']}"] = (
                f"Orders of {row['slug']} that no shopper takes: {row['many']}. The oldest warning is {minutes} minutes"
                " old. Open the exceptions in the console."
            )
    late: dict[str, int] = {}
    for hook in await figures.webhooks(tx):
        if hook.failing_since is not None and hook.status == ENABLED and hook.failing_since <= now - FAILING:
            found[WEBHOOK_FAILING, f"webhook/{hook.retailer}/{hook.id}"] = (
                f"The receiver of the webhook {hook.name} of {hook.retailer} has failed since"
                f" {clock.to_wire(hook.failing_since)}; {hook.waiting} callbacks wait."
                " Tell the retailer, or disable the webhook."
            )
        elif hook.status == ENABLED and hook.due_at is not None and hook.due_at <= now - LATE:
            late[hook.retailer] = late.get(hook.retailer, 0) + hook.waiting
    for retailer, waiting in late.items():
        found[CALLBACKS_LATE, f"retailer/{retailer}"] = (
            f"{waiting} callbacks of {retailer} wait, some for over five minutes, though their receivers answer."
            " Check that a worker runs."
        )
    due_at = (await message_queries.counts(tx)).due_at
    if due_at is not None and due_at <= now - LATE:
        found[MESSAGES_LATE, "messages"] = (
            f"Messages wait, the oldest since {clock.to_wire(due_at)}. Check the gateways and that a worker runs."
        )
    if free is not None and free < LEAST_FREE:
        found[DISK_FULL, "disk"] = (
            f"{free:.0%} of the disk of the database is free. A full disk stops every order: make room."
        )
    return found


async def look(tx: Tx, settings: Settings, free: float | None) -> Sequence[Alert]:
    """Begin, keep and end alerts as things are now, and write the mails; returns those that began or ended.

    Several processes may look at once: each change is made once, and mailed once.
    """
    now = clock.of_process()
    found = await wanted(tx, free)
    known = {(one.kind, one.subject): one for one in await live(tx)}
    changed = [await _end(tx, settings, one, now) for key, one in known.items() if key not in found]
    for key, detail in found.items():
        if key in known:
            await tx.run(
                "UPDATE alerts SET seen_at = $3, detail = $4 WHERE kind = $1 AND subject = $2 AND ended_at IS NULL",
                *(*key, now, detail),
            )
        else:
            changed.append(await _begin(tx, settings, key, detail, now))
    return [one for one in changed if one is not None]


async def live(tx: Tx) -> Sequence[Alert]:
    """The alerts that have not ended, the oldest first."""
    rows = await tx.all(f"{_ALERT} WHERE ended_at IS NULL ORDER BY began_at, kind, subject")
    return [_alert(row) for row in rows]


async def ended(tx: Tx, before: int | None = None, most: int = MOST_LISTED) -> Sequence[Alert]:
    """The alerts that have ended, the newest first; `before`: `ended_at` of the last one of the page before."""
    rows = await tx.all(
        f"{_ALERT} WHERE ended_at < $1 ORDER BY ended_at DESC, kind, subject LIMIT $2",
        clock.of_process() + 1 if before is None else before,
        most,
    )
    return [_alert(row) for row in rows]


async def purge(tx: Tx, most: int) -> int:
    """Delete alerts that ended before `KEPT`; returns their number."""
    return await tx.run(
        "DELETE FROM alerts WHERE (kind, subject, began_at) IN"
        " (SELECT kind, subject, began_at FROM alerts WHERE ended_at < $1 LIMIT $2)",
        clock.of_process() - KEPT,
        most,
    )


async def _begin(tx: Tx, settings: Settings, key: Key, detail: str, now: int) -> Alert | None:
    """Begin an alert; None if another process has just done it."""
    last = await tx.one("SELECT max(began_at) AS at FROM alerts WHERE kind = $1 AND subject = $2", *key)
    is_new = last is None or last["at"] is None or last["at"] <= now - MAILED_EVERY
    to = parts(settings.alerts_to) if is_new else []
    one = Alert(
        kind=key[0],
        subject=key[1],
        detail=detail,
        began_at=now,
        seen_at=now,
        mailed_at=now if to else None,
        ended_at=None,
    )
    made = await tx.run(
        "INSERT INTO alerts (kind, subject, detail, began_at, seen_at, mailed_at) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT DO NOTHING",
        *(one.kind, one.subject, one.detail, one.began_at, one.seen_at, one.mailed_at),
    )
    if not made:
        return None
    await _mail(tx, settings, to, _title(one), one.detail)
    return one


async def _end(tx: Tx, settings: Settings, one: Alert, now: int) -> Alert | None:
    """End an alert whose cause has been gone for long enough; None if not, or if another process has just done it."""
    if one.seen_at > now - QUIET:
        return None
    done = await tx.run(
        "UPDATE alerts SET ended_at = $4 WHERE kind = $1 AND subject = $2 AND began_at = $3 AND ended_at IS NULL",
        *(one.kind, one.subject, one.began_at, now),
    )
    if not done:
        return None
    if one.mailed_at is not None:
        about = f"Over since {clock.to_wire(one.seen_at)}. It began at {clock.to_wire(one.began_at)}: {one.detail}"
        await _mail(tx, settings, parts(settings.alerts_to), f"over: {_title(one)}", about)
    return Alert(**{name: getattr(one, name) for name in Alert.__struct_fields__} | {"ended_at": now})


async def _mail(tx: Tx, settings: Settings, addresses: Sequence[str], title: str, body: str) -> None:
    page = f"{await installation.console_url(tx, settings)}/console/alerts"
    for address in addresses:
        letter = Letter(
            recipient="operator",
            channel=MAIL,
            address=address,
            template="alert",
            locale="en-US",
            subject=f"{settings.brand}: {title}",
            body=f"{body}\n\nAll alerts: {page}",
        )
        await messages.write(tx, letter)


def _title(one: Alert) -> str:
    return f"{one.kind.replace('_', ' ')} ({one.subject})"


def _alert(row: object) -> Alert:
    return Alert(**{name: row[name] for name in Alert.__struct_fields__})  # type: ignore[index]
