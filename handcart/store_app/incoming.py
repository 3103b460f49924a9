"""Shoppers on their way to the store, and the hand-over of bags to them."""

from collections.abc import Sequence

from handcart.batches import queries as batches
from handcart.core import clock
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed
from handcart.store_app import board, work
from handcart.store_app.browser import HOME, StoreBrowser, of_person
from handcart.store_app.orders import ORDERS, about, around, codes_in, done, found, order_url, refusal, shown
from handcart.store_app.work import StoreRefused

_PATH = f"{HOME}/incoming"


async def _list(browser: StoreBrowser) -> Reply:
    all_open, frame = await around(browser)
    coming = await browser.call.app.database.read(board.coming, browser.store, all_open)
    return browser.page(
        "store_app/incoming.html",
        **frame,
        coming=[
            {
                **shown(browser, one.seen.order),
                "person": one.person,
                "is_here": one.is_here,
                "is_staged": one.seen.order.details.staged_at is not None,
                "seen_ago": None if one.seen_at is None else (clock.of_process() - one.seen_at) // clock.MINUTE,
                "way": one.minutes,
                "url": order_url(one.seen.order.order_id, "hand-over"),
                "stage_url": order_url(one.seen.order.order_id, "stage"),
            }
            for one in coming
        ],
    )


async def _show(browser: StoreBrowser) -> Reply:
    return await _page(browser)


async def _hand_over(browser: StoreBrowser) -> Reply:
    order_id = browser.call.path["order_id"]
    form = await browser.posted("hand-over", order_id)
    await found(browser)
    codes = codes_in(form)
    foreign = await browser.read(board.foreign, order_id, codes)
    try:
        await browser.write(work.hand_over, order_id, form.get("seen", ""), codes, foreign)
    except (StoreRefused, Changed) as refused:
        return await _page(browser, refused, form)
    return done(browser, _PATH, "handed_over")


async def _page(
    browser: StoreBrowser, refused: StoreRefused | Changed | None = None, typed: dict[str, str] | None = None
) -> Reply:
    order, batch = await found(browser)
    status, error = (200, None) if refused is None else refusal(refused)
    person = await browser.call.app.database.read(batches.shopper_of_order, browser.at.retailer_id, order.order_id)
    may = batch is not None and batch.type == "delivery_only" and order.details.verified_at is None
    return browser.page(
        "store_app/hand_over.html",
        status,
        **await about(browser, order, batch),
        person=None if person is None else person.name,
        may=may and person is not None and order.details.staged_at is not None,
        typed=(typed or {}).get("codes", "")[:4000],
        error=error,
        action=order_url(order.order_id, "hand-over"),
        stage_url=order_url(order.order_id, "stage"),
        form_token=browser.form_token("hand-over", order.order_id),
    )


ROUTES: Sequence[Route] = (
    Route(method="GET", path=_PATH, handler=of_person(_list)),
    Route(method="GET", path=f"{ORDERS}/{{order_id}}/hand-over", handler=of_person(_show)),
    Route(method="POST", path=f"{ORDERS}/{{order_id}}/hand-over", handler=of_person(_hand_over)),
)
