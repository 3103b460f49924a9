"""The console's page of a store's area."""

from handcart.stores import queries
from tests.stores.test_areas import REFUSED, SQUARE
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer

SOUTH = "41.7, -87.7\n41.75, -87.7\n41.75, -87.6"


def test_area_checked_then_orders_outside_are_told_and_it_is_saved(server: LiveServer) -> None:
    market, admin = Market(server), Person(server)
    market.order()
    path = f"/console/stores/{market.slug}/here/area"
    assert "0 of the 1 orders" in is_page(admin.open(path)).text
    with nothing_written(server):
        page = is_page(admin.submit(path, area=SOUTH, do="check"))
    assert "1 of the 1 orders of the last 30 days would lie outside" in page.text
    assert 'value="save"' in page.text
    page = is_page(admin.submit(path, area=SOUTH, do="save"))
    assert "The area is saved" in page.text
    found = server.read(queries.store, market.retailer.id, "here")
    assert found.service_area["coordinates"][0][0] == [-87.7, 41.7]
    assert "41.7, -87.7" in is_page(admin.open(path)).text
    is_page(admin.submit(path, area="", do="save"))
    assert server.read(queries.store, market.retailer.id, "here").service_area is None


def test_area_that_cannot_be_then_said_and_the_drawing_is_kept(server: LiveServer) -> None:
    market, admin = Market(server), Person(server)
    path = f"/console/stores/{market.slug}/here/area"
    failed = []
    is_page(admin.open(path))
    with nothing_written(server):
        for name, (text, _) in REFUSED.items():
            page = is_page(admin.submit(path, area=text, do="save"), 400)
            if (
                'role="alert"' not in page.text
                or text.strip().partition("\n")[0][:20].replace('"', "&#34;") not in page.text
            ):
                failed.append(name)
    assert not failed


def test_somebody_changes_the_store_meanwhile_then_not_saved(server: LiveServer) -> None:
    market, admin = Market(server), Person(server)
    path = f"/console/stores/{market.slug}/here/area"
    other = Person(server)
    admin.open(path)
    other.open(path)
    is_page(other.submit(path, area=SOUTH, do="save"))
    with nothing_written(server):
        page = is_page(admin.submit(path, area=SQUARE, do="save"), 409)
    assert "41.8, -87.7" in page.text
    manager = Person(server, "retailer_manager", Market(server).retailer.id)
    is_error(manager.open(path), 403, "forbidden")
