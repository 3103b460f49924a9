"""Goods that come back to the store."""

from collections.abc import Sequence

from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed
from handcart.store_app import board, work
from handcart.store_app.browser import HOME, StoreBrowser, of_person
from handcart.store_app.orders import ORDERS, about, around, done, found, order_url, refusal, shown, whole
from handcart.store_app.work import MOST_BAGS, MOST_BOTTLES, StoreRefused

_PATH = f"{HOME}/returns"


async def _list(browser: StoreBrowser) -> Reply:
    all_open, frame = await around(browser)
    return browser.page(
        "store_app/returns.html",
        **frame,
        returning=[
            {
                **shown(browser, one),
                "reason": one.details.returning or "alcohol_only",
                "url": order_url(one.order_id, "return"),
            }
            for one in await browser.read(board.returning, all_open)
        ],
    )


async def _show(browser: StoreBrowser) -> Reply:
    return await _page(browser)


async def _take_back(browser: StoreBrowser) -> Reply:
    order_id = browser.call.path["order_id"]
    form = await browser.posted("return", order_id)
    order, _ = await found(browser)
    counts = {"alcohol_count": ("alcohol", MOST_BOTTLES), "bag_count": ("bags", MOST_BAGS)}
    given = {name: whole(form.get(field, ""), most) for name, (field, most) in counts.items()}
    try:
        if not board.alcohol(order) and not order.has_alcohol:
            given["alcohol_count"] = 0
        if any(value is None for value in given.values()):
            raise StoreRefused("count")
        await browser.write(
            work.take_back,
            order_id,
            form.get("seen", ""),
            alcohol_count=given["alcohol_count"] or 0,
            bag_count=given["bag_count"] or 0,
        )
    except (StoreRefused, Changed) as refused:
        return await _page(browser, refused, form)
    return done(browser, _PATH, "taken_back")


async def _page(
    browser: StoreBrowser, refused: StoreRefused | Changed | None = None, typed: dict[str, str] | None = None
) -> Reply:
    order, batch = await found(browser)
    status, error = (200, None) if refused is None else refusal(refused)
    return browser.page(
        "store_app/return.html",
        status,
        **await about(browser, order, batch),
        reason=order.details.returning or "alcohol_only",
        may=board.comes_back(order),
        alcohol=board.alcohol(order),
        typed={name: (typed or {}).get(name, "")[:10] for name in ("alcohol", "bags")},
        error=error,
        action=order_url(order.order_id, "return"),
        form_token=browser.form_token("return", order.order_id),
    )


ROUTES: Sequence[Route] = (
    Route(method="GET", path=_PATH, handler=of_person(_list)),
    Route(method="GET", path=f"{ORDERS}/{{order_id}}/return", handler=of_person(_show)),
    Route(method="POST", path=f"{ORDERS}/{{order_id}}/return", handler=of_person(_take_back)),
)
