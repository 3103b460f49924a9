"""The posted forms about an order: on its page, and on the page of orders that need a person."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from handcart.assignment import checks, claims, ops, pins, remedies
from handcart.assignment.errors import WorkRefused
from handcart.assignment.models import Row
from handcart.callbacks import queries as callbacks
from handcart.callbacks import replay, webhooks
from handcart.callbacks.models import ENABLED
from handcart.console import order
from handcart.console.browser import PersonBrowser, leads_on, signed_in
from handcart.console.orders import order_url
from handcart.core.db import Tx
from handcart.core.web.call import Handler, Reply, Route
from handcart.messages import ops as message_ops
from handcart.messages import queries as messages
from handcart.messages.errors import MessageRefused
from handcart.messages.models import of_order
from handcart.staff.models import Actor

# The page of orders that need a person: its forms lead back to it.
_EXCEPTIONS = "/console/exceptions"
# The names of the boxes for lines.
_LINE = "line:"


async def _assign(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    person_id = _number(form.get("shopper", ""))
    await ops.assign(tx, actor, row.retailer_id, [row.order_id], person_id, form.get("seen", ""))


async def _pin(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await pins.pin(tx, actor, *_about(row), _number(form.get("shopper", "")), form.get("seen", ""))


async def _unpin(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await pins.unpin(tx, actor, *_about(row))


async def _unassign(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await ops.unassign(
        tx,
        actor,
        row.retailer_id,
        row.order_id,
        form.get("reason", ""),
        keeps_picked=form.get("picked") == "keep",
        seen=form.get("seen", ""),
    )


async def _cancel(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    reason, _, kind = form.get("cancellation", "").partition(": ")
    await ops.cancel(
        tx,
        actor,
        row.retailer_id,
        row.order_id,
        form.get("reason", ""),
        (reason, kind),
        seen=form.get("seen", ""),
    )


async def _reschedule(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await ops.reschedule(
        tx,
        actor,
        row.retailer_id,
        row.order_id,
        _number(form.get("slot", "")),
        form.get("reason", ""),
        seen=form.get("seen", ""),
    )


async def _unlock_pin(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await ops.unlock_pin(tx, actor, row.retailer_id, row.order_id, form.get("reason", ""), seen=form.get("seen", ""))


async def _hand_over(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await remedies.hand_over(
        tx,
        actor,
        row.retailer_id,
        row.order_id,
        _number(form.get("shopper", "")),
        form.get("reason", ""),
        keeps_picked=form.get("picked") == "keep",
        seen=form.get("seen", ""),
    )


async def _write_shopper(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await remedies.write_shopper(
        tx,
        actor,
        *_about(row),
        form.get("reason", ""),
        after=_number(form.get("written", "")),
        seen=form.get("seen", ""),
    )


async def _tell_late(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await remedies.tell_late(tx, actor, *_about(row), form.get("reason", ""), seen=form.get("seen", ""))


async def _push(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    state, seen = form.get("state", ""), form.get("seen", "")
    await remedies.push(tx, actor, *_about(row), state, form.get("reason", ""), seen=seen)


async def _allow_leaving(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await remedies.allow_leaving(tx, actor, *_about(row), form.get("reason", ""), seen=form.get("seen", ""))


async def _turn_back(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    why, seen = form.get("why", ""), form.get("seen", "")
    await remedies.turn_back(tx, actor, *_about(row), why, form.get("reason", ""), seen=seen)


async def _take_back(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await remedies.take_back(tx, actor, *_about(row), form.get("reason", ""), seen=form.get("seen", ""))


async def _refund(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    lines = [name.removeprefix(_LINE) for name in form if name.startswith(_LINE)]
    await remedies.refund(tx, actor, *_about(row), lines, form.get("reason", ""), seen=form.get("seen", ""))


async def _claim(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    takes_from = _number(form.get("takes_from", ""))
    await claims.claim(tx, actor, *_about(row), _number(form.get("minutes", "")), takes_from=takes_from)


async def _release(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    await claims.release(tx, actor, *_about(row))


async def _replay(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    """Send the order's failed messages and events again."""
    locked = await checks.lock(tx, actor, "replay_messages", *_about(row))
    await checks.row(tx, row.retailer_id, locked, form.get("seen", ""))
    reason = checks.reason_of(form.get("reason", ""))
    count = await replay.failed_of(tx, row.retailer_id, row.order_id)
    for message_id in await messages.failed_of(tx, of_order(row.retailer_id, row.order_id)):
        with contextlib.suppress(MessageRefused):  # the address is suppressed
            await message_ops.replay(tx, message_id)
            count += 1
    if not count:
        raise WorkRefused("nothing_failed")
    await checks.record(tx, actor, "replay_failed", row, reason, {"count": count})


async def _pause(tx: Tx, actor: Actor, row: Row, form: Mapping[str, str]) -> None:
    """Disable a webhook that did not get an event about the order."""
    locked = await checks.lock(tx, actor, "pause_webhooks", *_about(row))
    await checks.row(tx, row.retailer_id, locked, form.get("seen", ""))
    reason = checks.reason_of(form.get("reason", ""))
    webhook_id = _number(form.get("webhook", ""))
    failing = [one for one in await callbacks.failed_to(tx, *_about(row)) if one.status == ENABLED]
    paused = next((one for one in failing if one.id == webhook_id), None)
    if paused is None:
        raise WorkRefused("unknown_webhook")
    await webhooks.disable(tx, row.retailer_id, webhook_id, reason, by_operator=actor.is_operator)
    await checks.record(tx, actor, "pause_webhooks", row, reason, {"webhook": webhook_id, "name": paused.name})


def _about(row: Row) -> tuple[int, str]:
    return row.retailer_id, row.order_id


def _handler(action: str, operation: Any) -> Handler:
    """Do what a posted form asks for, and show the order; a refusal shows the order as it is now, and says why."""

    async def handle(browser: PersonBrowser) -> Reply:
        slug, order_id = browser.call.path["slug"], browser.call.path["order_id"]
        form = await browser.posted("order", slug, order_id)
        row = await order.row_of(browser)
        try:
            await browser.write(operation, row, form)
        except WorkRefused as refused:
            return await order.page(browser, await order.row_of(browser), order.Refusal(action, refused.rule, form))
        to = form.get("to", "")
        if to.startswith(_EXCEPTIONS) and leads_on(to) == to:
            return browser.see_other(f"{to}{'&' if '?' in to else '?'}done={action}")
        return browser.see_other(f"{order_url(slug, order_id)}?done={action}")

    return signed_in(handle)


def _number(text: str) -> int:
    """The number in a field of a form; 0, which nothing has, if there is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


_FORMS: Mapping[str, Any] = {
    "assign": _assign,
    "pin": _pin,
    "unpin": _unpin,
    "unassign": _unassign,
    "cancel": _cancel,
    "reschedule": _reschedule,
    "unlock-pin": _unlock_pin,
    "hand-over": _hand_over,
    "write-shopper": _write_shopper,
    "tell-late": _tell_late,
    "push": _push,
    "allow-leaving": _allow_leaving,
    "turn-back": _turn_back,
    "take-back": _take_back,
    "refund": _refund,
    "replay": _replay,
    "pause": _pause,
    "claim": _claim,
    "release": _release,
}
ROUTES: Sequence[Route] = tuple(
    Route(method="POST", path=f"{order.PATH}/{action}", handler=_handler(action, operation))
    for action, operation in _FORMS.items()
)
