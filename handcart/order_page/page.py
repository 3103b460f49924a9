"""The page of an order."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from handcart.batches import queries as batches
from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.core.web.call import Reply
from handcart.order_page import (
    arrival,
    brand,
    chat,
    items,
    live,
    pickup,
    rating,
    replacements,
    signature,
    stages,
    tip,
)
from handcart.order_page.arrival import Seen
from handcart.order_page.browser import OrderBrowser, not_found
from handcart.order_page.words import clock_time, distance, unit_kilometres
from handcart.orders import proof, states
from handcart.orders import queries as orders
from handcart.orders.models import PICKUP
from handcart.shoppers import positions
from handcart.stores import distance as distances
from handcart.stores import plan, postal
from handcart.stores import queries as stores
from handcart.stores.models import Point, Store

# What the page says was done after a form: each has its text.
DONE = ("items", "chat", "vehicle", "delegate", "coming", "here", "rating", "push", "signature", "tip")


# A customer sees the shopper if the order is among this many next stops.
_NEXT_STOPS = 2


class Refusal(Struct, frozen=True):
    """A form that was refused: its name, why, and its fields."""

    form: str
    why: str
    fields: Mapping[str, str]


async def show(browser: OrderBrowser, refusal: Refusal | None = None) -> Reply:
    """The whole page, as the order is now; with 409 and the reason if a form was refused."""
    context = await browser.call.app.database.read(_context, browser)
    done = dict(browser.query).get("done")
    return browser.page(
        "order_page/order.html",
        200 if refusal is None else 409,
        **context,
        refusal=refusal,
        done=done if done in DONE and refusal is None else None,
        form_token=browser.form_token,
    )


async def _context(tx: Tx, browser: OrderBrowser) -> Mapping[str, Any]:
    # Read before the order: a page may be newer than it says, never older.
    version = await live.version_of(tx, browser.retailer.id, browser.order.number)
    order = await orders.find(tx, browser.retailer.id, browser.order.order_id)
    if order is None:
        raise not_found()
    browser.order = order
    store = await stores.store_by_number(tx, browser.retailer.id, order.store_number)
    assert store is not None
    history = await orders.history(tx, browser.retailer.id, order.order_id)
    stage = stages.stage(order, history)
    return {
        "version": version,
        "has_logo": await brand.has_logo(tx, browser.retailer.id),
        "order": order,
        "stage": stage,
        "steps": stages.steps(order, stage),
        "store": store,
        "window": pages.window(browser.locale, order.window_starts_at, order.window_ends_at, store.time_zone),
        "delivered_at": None
        if order.delivered_at is None
        else pages.moment(browser.locale, order.delivered_at, store.time_zone),
        "groups": await items.groups(tx, browser.retailer.id, order, browser.locale),
        "photo": await _photo(tx, browser),
        **await _way(tx, browser, store, stage, history),
        "shopper": await _shopper(tx, browser),
        "code": await _code(tx, browser),
        "questions": await replacements.questions(tx, browser),
        **await chat.context(tx, browser, store),
        **await signature.context(tx, browser),
        **await pickup.context(tx, browser, store),
        **rating.context(browser),
        **tip.context(browser, store),
    }


async def _shopper(tx: Tx, browser: OrderBrowser) -> str | None:
    """The first name of the shopper who has the order, if the customer may know it."""
    if browser.retailer.rules.shopper_information_removal:
        return None
    person = await batches.shopper_of_order(tx, browser.retailer.id, browser.order.order_id)
    return None if person is None else person.first_name


async def _code(tx: Tx, browser: OrderBrowser) -> str | None:
    """The code that the customer tells the shopper at the door, if this order needs one."""
    order = browser.order
    return await proof.code(tx, browser.retailer.rules, order) if order.status == states.DELIVERING else None


async def _photo(tx: Tx, browser: OrderBrowser) -> bool:
    is_removed = browser.retailer.rules.shopper_information_removal
    return not is_removed and await proof.photo(tx, browser.order) is not None


async def _way(tx: Tx, browser: OrderBrowser, store: Store, stage: str, history: Any) -> Mapping[str, Any]:
    """Where the order is and when it arrives."""
    order, locale = browser.order, browser.locale
    address = order.details.address
    to = None if address is None else await postal.of_address(tx, address)
    seen = await _seen(tx, browser)
    places = {"store": store.point}
    if to is not None and order.kind != PICKUP:
        places["address"] = to
    if seen is not None:
        places["shopper"] = seen.point
    span = arrival.expected(order, history, store, to, seen)
    return {
        "plan": (drawn := plan.draw(places, unit_kilometres(store)) if stage == stages.OUT else None),
        "scale": None if drawn is None else distance(locale, store, drawn.scale_kilometres),
        "arrival": None
        if span is None
        else (clock_time(locale, span.earliest, store.time_zone), clock_time(locale, span.latest, store.time_zone)),
        "arrival_age": None if span is None else _minutes_since(span.said_at),
        "shopper_away": None
        if seen is None or to is None
        else distance(locale, store, distances.kilometres(seen.point, to)),
        "shopper_age": None if seen is None else _minutes_since(seen.at),
    }


async def _seen(tx: Tx, browser: OrderBrowser) -> Seen | None:
    """Where the shopper was last seen, by the retailer's clock, while the customer may know it."""
    order = browser.order
    is_on_its_way = order.status == states.DELIVERING and order.details.returning is None
    if not is_on_its_way or browser.retailer.rules.shopper_information_removal:
        return None
    batch = await batches.live_of_order(tx, browser.retailer.id, order.order_id)
    # With more orders in the car, the shopper may be on the way to other customers.
    if batch is None or len(batch.order_ids) > _NEXT_STOPS:
        return None
    person = await batches.shopper_of_order(tx, browser.retailer.id, order.order_id)
    last = None if person is None else await positions.latest(tx, person.id)
    if last is None:
        return None
    return Seen(Point(last.latitude, last.longitude), clock.now() - (clock.of_process() - last.at))


def _minutes_since(at: int) -> int:
    return max(0, (clock.now() - at) // clock.MINUTE)
