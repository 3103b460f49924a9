"""Customers who are at the store for their pickup orders, and the people who bring the orders out."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from handcart.acts import verbs
from handcart.batches.models import Batch
from handcart.core import clock, errors
from handcart.core.db import Tx
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed
from handcart.orders import proof, states
from handcart.orders.models import PICKUP, Order
from handcart.store_app import board, work
from handcart.store_app.browser import HOME, StoreBrowser, not_here, of_person
from handcart.store_app.orders import ORDERS, about, around, codes_in, done, found, order_url, refusal, shown
from handcart.store_app.work import StoreRefused

_PATH = f"{HOME}/runs"


async def _list(browser: StoreBrowser) -> Reply:
    all_open, frame = await around(browser)
    runs = [_row(browser, one) for one in await browser.read(board.running, all_open)]
    return browser.page("store_app/runs.html", **frame, runs=runs)


def _row(browser: StoreBrowser, one: board.Running) -> dict[str, Any]:
    order, waits = one.order, clock.now() - one.since
    return {
        **shown(browser, order),
        "url": order_url(order.order_id, "run"),
        "waits": waits // clock.MINUTE,
        "alarm": one.batch is not None and one.runner is None and waits >= board.ALARM,
        "runner": one.runner,
        "is_mine": one.runner_id is not None and one.runner_id == browser.actor.id,
        "is_inside": one.batch is None,
        "vehicle": order.details.vehicle,
    }


async def _show(browser: StoreBrowser) -> Reply:
    return await _page(browser)


async def _page(
    browser: StoreBrowser, refused: StoreRefused | Changed | None = None, typed: dict[str, str] | None = None
) -> Reply:
    order, batch = await found(browser)
    if order.kind != PICKUP:
        raise not_here()
    status, error = (200, None) if refused is None else refusal(refused)
    runner, runner_id = await browser.read(board.runner, batch)
    code = await browser.call.app.database.read(_code, browser, order)
    return browser.page(
        "store_app/run.html",
        status,
        **await about(browser, order, batch),
        next=_next(order, batch, is_mine=runner_id == browser.actor.id),
        runner=runner,
        waits=(clock.now() - (order.details.arrived_at or clock.now())) // clock.MINUTE,
        vehicle=order.details.vehicle,
        delegate=order.details.delegate,
        needs_code=code is not None,
        needs_age=verbs.has_alcohol(order),
        is_missing=order.details.missing_at is not None,
        typed=(typed or {}).get("codes", "")[:4000],
        error=error,
        path=order_url(order.order_id, "run"),
        list_path=_PATH,
        tokens={name: browser.form_token(name, order.order_id) for name in _STEPS},
    )


def _next(order: Order, batch: Batch | None, *, is_mine: bool) -> str:
    """What is to be done next, and whether this person does it: a key of the page's forms; empty for nothing."""
    if order.status == states.STAGED:
        return "inside"
    if order.status not in board.OUT or batch is None or batch.type != "runner_customer":
        return ""
    if batch.accepted_at is None:
        return "take"
    if not is_mine:
        return "other"
    return {states.RUNNER_AWAITING: "walk", states.USER_AT_STORE: "verify"}.get(order.status, "give")


async def _code(tx: Tx, browser: StoreBrowser, order: Order) -> str | None:
    return await proof.code(tx, browser.retailer.rules, order)


async def _nothing(browser: StoreBrowser, form: dict[str, str]) -> dict[str, Any]:
    return {}


async def _scans(browser: StoreBrowser, form: dict[str, str]) -> dict[str, Any]:
    """The scanned codes of a form, and the marks of other orders whose bags are among them."""
    codes = codes_in(form)
    return {"codes": codes, "foreign": await browser.read(board.foreign, browser.call.path["order_id"], codes)}


async def _proof(browser: StoreBrowser, form: dict[str, str]) -> dict[str, Any]:
    """What shows that the right person gets an order."""
    return {"pin": form.get("pin", "").strip(), "age": form.get("age")}


async def _scans_and_proof(browser: StoreBrowser, form: dict[str, str]) -> dict[str, Any]:
    return {**await _scans(browser, form), **await _proof(browser, form)}


class _Step(Struct, frozen=True):
    """A form of an order's page: the operation, how its fields are read, and the page that it leads to."""

    op: Callable[..., Awaitable[StoreRefused | None]]
    fields: Callable[[StoreBrowser, dict[str, str]], Awaitable[dict[str, Any]]] = _nothing
    stays: bool = False


_STEPS: Mapping[str, _Step] = {
    "take": _Step(work.take, stays=True),
    "walk": _Step(work.walk_out, stays=True),
    "verify": _Step(work.verify, _scans, stays=True),
    "give": _Step(work.give, _proof),
    "missing": _Step(work.cannot_find, stays=True),
    "back": _Step(work.bring_back),
    "inside": _Step(work.give_inside, _scans_and_proof),
}


async def _do(browser: StoreBrowser) -> Reply:
    order_id, name = browser.call.path["order_id"], browser.call.path["step"]
    step = _STEPS.get(name)
    if step is None:
        raise errors.not_found()
    form = await browser.posted(name, order_id)
    await found(browser)
    refused: StoreRefused | Changed | None
    try:
        refused = await browser.write(step.op, order_id, form.get("seen", ""), **await step.fields(browser, form))
    except (StoreRefused, Changed) as error:
        refused = error
    if refused is not None:
        return await _page(browser, refused, form)
    return done(browser, order_url(order_id, "run") if step.stays else _PATH, name)


ROUTES: Sequence[Route] = (
    Route(method="GET", path=_PATH, handler=of_person(_list)),
    Route(method="GET", path=f"{ORDERS}/{{order_id}}/run", handler=of_person(_show)),
    Route(method="POST", path=f"{ORDERS}/{{order_id}}/run/{{step}}", handler=of_person(_do)),
)
