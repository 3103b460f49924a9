"""The street map over the console's plan in Chromium, without a message on the browser's console."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from handcart.core import clock
from handcart.shoppers import positions
from handcart.shoppers.models import Position
from handcart.sign_in.models import STAFF
from tests.browser.test_invitation import context
from tests.support.browser import chromium
from tests.support.console import Person
from tests.support.orders import STORES, Market
from tests.support.server import live_server
from tests.support.tiles import CREDIT, pmtiles
from tests.support.working import Working

# Chromium draws WebGL without a graphics card, if it can.
SWITCHES = ("use-angle=swiftshader", "enable-unsafe-swiftshader")


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Market]:
    file = tmp_path / "streets.pmtiles"
    file.write_bytes(pmtiles())
    with live_server(f"sqlite:///{tmp_path / 'a.db'}", tmp_path, map_tiles=str(file)) as server, server.clients():
        yield Market(server)


def test_street_map_is_opened_then_tiles_and_marks_or_a_sentence(market: Market) -> None:
    server, ada = market.server, Working(market.server, "Ada Near")
    ada.batch(market, market.order()["id"])
    server.write(positions.report, ada.id, [Position(clock.of_process(), 41.9, -87.65)])
    cookie = Person(server).http.cookies[STAFF.cookie]
    with chromium(*SWITCHES) as browser, context(browser, base_url=server.url) as opened:
        opened.add_cookies([{"name": STAFF.cookie, "value": cookie, "url": f"{server.url}/console"}])
        page = opened.new_page()
        messages: list[str] = []
        ranges: list[int] = []
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("response", lambda one: ranges.append(one.status) if one.url.endswith("/map/tiles") else None)
        page.goto(f"/console/map?retailer={market.slug}")
        assert page.evaluate("typeof pmtiles") == "undefined"  # nothing is loaded before it is opened
        plan = page.locator("#main svg")
        expect(plan).to_be_visible()
        page.get_by_role("button", name="Street map").click()
        street = page.get_by_role("dialog", name="Street map")
        expect(street).to_be_visible()
        if page.evaluate("document.createElement('canvas').getContext('webgl2') === null"):
            expect(street.get_by_role("status")).to_contain_text("it has no WebGL 2")
        else:
            is_drawn(page)
            assert set(ranges) == {206}
        street.get_by_role("button", name="Close").click()
        expect(plan).to_be_visible()
        assert [one for one in messages if "GL Driver Message" not in one] == []


def is_drawn(page: Page) -> None:
    """The map shows its tiles, a mark for each store, stop and shopper, and whose data it is."""
    street = page.get_by_role("dialog")
    expect(page.locator("#street[data-state=ready] canvas")).to_be_visible()
    for kind, count in (("store", len(STORES)), ("stop", 1), ("shopper", 1)):
        expect(street.locator(f".mark.{kind}")).to_have_count(count)
    expect(street.get_by_text(CREDIT)).to_be_visible()
    expect(street.get_by_role("status")).to_have_count(0)
