"""What the app's pages show of orders."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from handcart.batches.models import Batch
from handcart.core import clock
from handcart.core.web import pages
from handcart.core.web.call import Reply
from handcart.core.web.versions import Changed
from handcart.orders.models import Order
from handcart.store_app import board, work
from handcart.store_app.board import Seen
from handcart.store_app.browser import HOME, StoreBrowser, not_here
from handcart.store_app.news import version_of
from handcart.store_app.work import StoreRefused

ORDERS = f"{HOME}/orders"
#: The most characters of a field of scanned codes: as many codes as an order may have bags.
MOST_CODES = work.MOST_BAGS * (work.MOST_CODE + 2)


def order_url(order_id: str, action: str) -> str:
    """The address of a page about an order."""
    return f"{ORDERS}/{quote(order_id, '')}/{action}"


def shown(browser: StoreBrowser, order: Order) -> dict[str, Any]:
    """An order as the lists show it."""
    details = order.details
    return {
        "id": order.order_id,
        "mark": board.mark(order),
        "label": details.bag_label or board.mark(order),
        "kind": order.kind,
        "status": order.status,
        "window": pages.window(browser.locale, order.window_starts_at, order.window_ends_at, browser.store.time_zone),
        "urgency": board.urgency(order),
        "minutes": abs(board.slack(order)) // clock.MINUTE,
        "units": details.items_count,
        "bags": len(board.codes_of(order)) or details.bags_count or order.bag_count or 0,
        "places": sorted({bag.place for bag in details.bags if bag.place}),
        "has_alcohol": order.has_alcohol,
        "is_heavy": details.weight_class == "heavy",
    }


async def found(browser: StoreBrowser) -> tuple[Order, Batch | None]:
    """The order of the path and its live batch; raises 404 for an order of another store."""
    there = await browser.read(board.find, browser.call.path["order_id"])
    if there is None:
        raise not_here()
    return there


async def around(browser: StoreBrowser) -> tuple[Sequence[Seen], dict[str, Any]]:
    """The open orders of the store, and what every page shows of them: their version, numbers, alarms."""
    version = await browser.read(version_of)
    all_open = await browser.read(board.open_orders)
    frame = {"version": version, "counts": board.counts(all_open), "alarms": board.alarms(all_open)}
    return all_open, frame


async def about(browser: StoreBrowser, order: Order, batch: Batch | None) -> dict[str, Any]:
    """What a page about one order shows: the order, its customer, its version for forms, and the frame."""
    _, frame = await around(browser)
    name, phone = await browser.call.app.database.read(board.customer, order)
    codes = list(board.codes_of(order))
    return {
        **frame,
        "order": shown(browser, order),
        "customer": name,
        "phone": phone,
        "codes": codes,
        "labels": [
            {"code": bag.code, "kind": bag.kind, "place": bag.place} for bag in order.details.bags if bag.code in codes
        ],
        "seen": work.version(order, batch),
    }


def codes_in(form: dict[str, str]) -> list[str]:
    """The scanned codes of a form, one on each line; the same code twice is one scan."""
    lines = form.get("codes", "")[:MOST_CODES].splitlines()
    return list(dict.fromkeys(line.strip() for line in lines if line.strip()))


def whole(text: str, most: int) -> int | None:
    """A whole number from 0 to `most`; None for anything else."""
    text = text.strip()
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return int(text) if is_number and int(text) <= most else None


def refusal(refused: StoreRefused | Changed) -> tuple[int, dict[str, str]]:
    """Status and sentence of a refusal, for a page that shows it."""
    if isinstance(refused, Changed):
        return 409, {"rule": "changed", "about": ""}
    return 400, {"rule": refused.reason, "about": refused.about}


def done(browser: StoreBrowser, path: str, what: str) -> Reply:
    """Lead to a page that says what was done."""
    return browser.see_other(f"{path}?done={what}")
