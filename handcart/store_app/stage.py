"""Stage orders: the list, the form, and the labels of bags."""

from collections.abc import Sequence
from typing import Any

from handcart.core import code128, qr
from handcart.core.web.call import Reply, Route
from handcart.core.web.versions import Changed
from handcart.orders.models import CARRIED, PICKUP, WEIGHT_CLASSES
from handcart.store_app import board, work
from handcart.store_app.browser import HOME, StoreBrowser, of_person
from handcart.store_app.orders import ORDERS, about, around, codes_in, done, found, order_url, refusal, shown, whole
from handcart.store_app.work import KINDS, MOST_BAGS, MOST_ITEMS, MOST_PLACE, Staging, StoreRefused

_FORMATS = ("roll", "sheet")
_FIELDS = ("items", *KINDS, "weight_class", "place", "codes")


async def _list(browser: StoreBrowser) -> Reply:
    all_open, frame = await around(browser)
    return browser.page(
        "store_app/stage.html",
        **frame,
        waiting=[_row(browser, one) for one in board.to_stage(all_open)],
        staged=[_row(browser, one) for one in board.staged(all_open)],
    )


def _row(browser: StoreBrowser, one: board.Seen) -> dict[str, Any]:
    return {
        **shown(browser, one.order),
        "url": order_url(one.order.order_id, "stage"),
        "labels_url": order_url(one.order.order_id, "labels"),
        "may_stage": board.may_stage(one.order),
        "person": one.row.person,
    }


async def _show(browser: StoreBrowser) -> Reply:
    return await _page(browser)


async def _stage(browser: StoreBrowser) -> Reply:
    order_id = browser.call.path["order_id"]
    form = await browser.posted("stage", order_id)
    order, _ = await found(browser)
    counts = [whole(form.get(kind, "") or "0", MOST_BAGS) for kind in KINDS]
    items = whole(form.get("items", ""), MOST_ITEMS)
    try:
        if any(count is None for count in counts):
            raise StoreRefused("bags")
        if form.get("items", "").strip() and items is None:
            raise StoreRefused("items")
        codes = codes_in(form)
        foreign = await browser.read(board.foreign, order_id, codes)
        if foreign:
            raise StoreRefused("bag_of_order", ", ".join(f"{code} ({mark})" for code, mark in foreign.items()))
        staging = Staging(
            items,
            [count or 0 for count in counts],
            form.get("weight_class", ""),
            " ".join(form.get("place", "").split()),
            codes,
        )
        await browser.write(work.stage, order_id, form.get("seen", ""), board.mark(order), staging)
    except (StoreRefused, Changed) as refused:
        return await _page(browser, refused, form)
    return done(browser, order_url(order_id, "labels"), "staged")


async def _page(
    browser: StoreBrowser, refused: StoreRefused | Changed | None = None, typed: dict[str, str] | None = None
) -> Reply:
    """The form of an order. After a refusal it has what was typed, and the order as it is now."""
    order, batch = await found(browser)
    status, error = (200, None) if refused is None else refusal(refused)
    details = order.details
    kinds = [bag.kind for bag in details.bags]
    values = {
        "items": "" if details.items_count is None else str(details.items_count),
        **{kind: str(kinds.count(kind)) if kinds else "" for kind in KINDS},
        "weight_class": details.weight_class or "medium",
        "place": next((bag.place for bag in details.bags if bag.place), ""),
        "codes": "",
    }
    if typed is not None:
        values = {name: typed.get(name, "")[:4000] for name in _FIELDS}
    context = await about(browser, order, batch)
    return browser.page(
        "store_app/stage_order.html",
        status,
        **context,
        values=values,
        weight_classes=WEIGHT_CLASSES,
        kinds=KINDS,
        most_place=MOST_PLACE,
        is_carried=order.kind in CARRIED,
        is_labelled=order.kind == PICKUP and bool(details.bags),
        may_stage=board.may_stage(order),
        error=error,
        action=order_url(order.order_id, "stage"),
        labels_url=order_url(order.order_id, "labels"),
        form_token=browser.form_token("stage", order.order_id),
    )


async def _labels(browser: StoreBrowser) -> Reply:
    order, batch = await found(browser)
    wanted = dict(browser.query).get("format", "")
    chosen = wanted if wanted in _FORMATS else _FORMATS[0]
    context = await about(browser, order, batch)
    path = order_url(order.order_id, "labels")
    kinds = {bag.code: bag for bag in order.details.bags}
    return browser.page(
        "store_app/labels.html",
        **context,
        format=chosen,
        formats=[(name, f"{path}?format={name}", name == chosen) for name in _FORMATS],
        printed=[
            {
                "code": code,
                "bars": code128.svg(code) if code128.is_possible(code) else "",
                "qr": qr.svg(code, has_size=False),
                "kind": kinds[code].kind if code in kinds else None,
                "place": kinds[code].place if code in kinds else None,
            }
            for code in context["codes"]
        ],
        stage_url=order_url(order.order_id, "stage"),
    )


ROUTES: Sequence[Route] = (
    Route(method="GET", path=HOME, handler=of_person(_list)),
    Route(method="GET", path=f"{ORDERS}/{{order_id}}/stage", handler=of_person(_show)),
    Route(method="POST", path=f"{ORDERS}/{{order_id}}/stage", handler=of_person(_stage)),
    Route(method="GET", path=f"{ORDERS}/{{order_id}}/labels", handler=of_person(_labels)),
)
