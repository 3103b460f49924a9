"""The console's pages of the catalog: search, add and change items, what each store has."""

import re

import pytest

from handcart.stores import assortment, catalog, items
from handcart.stores.models import Item
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_error, is_page
from tests.support.pictures import drawn, file, with_place
from tests.support.server import LiveServer

PATH = "/console/catalog"
FACTS = {"rrc": "CM-1/b", "upc": "400000000039", "name": "Oat <drink>", "price": "3,49", "department": "Dairy"}


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server)


@pytest.fixture
def admin(server: LiveServer) -> Person:
    return Person(server)


def test_items_searched_by_word_or_code_then_only_those(market: Market, admin: Person) -> None:
    def listed(**query: str) -> list[str]:
        page = is_page(admin.open(PATH, retailer=market.slug, **query))
        return re.findall(rf'href="{PATH}/{market.slug}/([^"?]+)"', page.text)

    assert len(listed()) == 9
    assert listed(q="mil") == ["milk"]
    assert listed(q="400000000022") == ["bread"]
    assert listed(q="soap") == ["soap"]
    assert listed(q="no such thing") == []
    lines = admin.http.get(f"{PATH}.csv", params={"retailer": market.slug, "q": "wine"}).text.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith('"wine","","Wine"')


def test_over_a_hundred_items_then_pages_by_key(market: Market, admin: Person) -> None:
    many = [Item(rrc=f"x{number:03}", name=f"Thing {number}") for number in range(150)]
    market.server.write(items.save, market.retailer.id, many)
    page = is_page(admin.open(PATH, retailer=market.slug))
    first = re.findall(rf'href="{PATH}/{market.slug}/([^"?]+)"', page.text)
    (more,) = re.findall(rf'href="({PATH}\?[^"]*after=[^"]+)"', page.text)
    rest = re.findall(rf'href="{PATH}/{market.slug}/([^"?]+)"', admin.open(more.replace("&amp;", "&")).text)
    assert (len(first), len(rest)) == (100, 59)
    assert not set(first) & set(rest)


def test_formula_in_a_name_then_the_file_runs_nothing(market: Market, admin: Person) -> None:
    name = '=HYPERLINK("https://evil.example")'
    market.server.write(items.save, market.retailer.id, [Item(rrc="bad", name=name)])
    assert "\"'=HYPERLINK" in admin.http.get(f"{PATH}.csv", params={"retailer": market.slug, "q": "hyperlink"}).text
    assert market.server.read(catalog.item, market.retailer.id, "bad").name == name


def test_item_added_and_changed_then_stored(market: Market, admin: Person) -> None:
    is_page(admin.open(f"{PATH}/add"))
    page = is_page(admin.submit(f"{PATH}/add", retailer=market.slug, **FACTS, DXM="yes", temperature="cold"))
    assert "Oat &lt;drink&gt;" in page.text
    found = market.server.read(catalog.item, market.retailer.id, "CM-1/b")
    assert (found.price_cents, found.restricted_reasons, found.temperature) == (349, ("DXM",), "cold")
    path = f"{PATH}/{market.slug}/CM-1%2Fb"
    is_page(admin.submit(f"{path}/change", price="4", aisle="7"))
    found = market.server.read(catalog.item, market.retailer.id, "CM-1/b")
    assert (found.price_cents, found.aisle, found.upc) == (400, "7", "00400000000039")


def test_wrong_fact_of_an_item_then_said_and_kept(market: Market, admin: Person) -> None:
    wrong = {
        "name": " ",
        "upc": "400000000038",
        "price": "-1",
        "par_weight": "1",
        "beverage_weight": "1e9",
        "department": "x" * 61,
        "image_url": "http://example.com/a.jpg",
        "cost_unit": "dozen",
        "temperature": "tepid",
        "alcohol_kind": "mead",
    }
    failed = []
    for name, value in wrong.items():
        admin.open(f"{PATH}/add")
        with nothing_written(market.server):
            page = is_page(admin.submit(f"{PATH}/add", retailer=market.slug, **{**FACTS, name: value}), 400)
        if 'role="alert"' not in page.text or 'value="CM-1/b"' not in page.text:
            failed.append(name)
    assert not failed
    for taken in ({"rrc": "milk"}, {"upc": "400000000015"}, {"price": "1000000.01"}):
        admin.open(f"{PATH}/add")
        with nothing_written(market.server):
            is_page(admin.submit(f"{PATH}/add", retailer=market.slug, **{**FACTS, **taken}), 400)


def test_two_people_change_an_item_then_the_second_sees_both(market: Market, admin: Person) -> None:
    path, other = f"{PATH}/{market.slug}/milk", Person(market.server)
    admin.open(path)
    other.open(path)
    is_page(other.submit(f"{path}/change", aisle="9"))
    with nothing_written(market.server):
        page = is_page(admin.submit(f"{path}/change", name="Fresh milk"), 409)
    assert 'value="Fresh milk"' in page.text
    assert "Stored now: <bdi>9</bdi>" in page.text


def test_store_lacks_an_item_then_it_is_not_offered_there(market: Market) -> None:
    server = market.server
    associate = Person(server, "store_associate", market.retailer.id, 1)
    path = f"{PATH}/{market.slug}/bread"
    is_page(associate.open(path))
    is_page(associate.submit(f"{path}/shelf", is_available="no"))
    is_page(associate.open(f"{PATH}/{market.slug}/milk"))
    is_page(associate.submit(f"{PATH}/{market.slug}/milk/shelf", own_price="9.99"))
    both = server.read(items.page, market.retailer.id, "", 20)
    here = server.read(assortment.in_store, market.retailer.id, 1, both)
    assert {one.rrc for one in both} - {one.rrc for one in here} == {"bread"}
    assert next(one.price_cents for one in here if one.rrc == "milk") == 999
    assert server.read(assortment.in_store, market.retailer.id, 2, both) == list(both)
    with nothing_written(server):
        is_page(associate.open(path))
        is_error(associate.submit(f"{path}/shelf", store="dry"), 403, "forbidden")
        is_page(associate.open(path))
        is_page(associate.submit(f"{path}/shelf", own_price="a lot"), 400)
    associate.open(path)
    is_page(associate.submit(f"{path}/shelf", is_available="yes", own_price=""))
    assert not server.read(assortment.shelves, market.retailer.id, "bread", limit=9)


def test_another_banner_in_the_address_then_no_item(market: Market) -> None:
    manager = Person(market.server, "retailer_manager", Market(market.server).retailer.id)
    with nothing_written(market.server):
        is_error(manager.open(f"{PATH}/{market.slug}/milk"), 403, "forbidden")
        is_error(manager.open(PATH, retailer=market.slug), 403, "forbidden")


def test_photo_uploaded_then_clean_and_open_to_everybody(market: Market, admin: Person) -> None:
    path = f"{PATH}/{market.slug}/milk"
    is_page(admin.open(path))
    form = {name: value for name, value in admin.form(f"{path}/photo").items() if name != "photo"}
    sent = {"photo": ("milk.jpg", with_place())}
    with nothing_written(market.server):
        for content in (b"GIF89a", b"", file(picture=drawn(10, 10))):
            is_page(admin.http.post(f"{path}/photo", data=form, files={"photo": ("x.jpg", content)}), 400)
        assert admin.http.post(f"{path}/photo", data=form, files={"photo": ("x", b"x" * (5 << 20))}).status_code == 413
    assert admin.http.post(f"{path}/photo", data=form, files=sent).status_code == 303
    url = market.server.read(catalog.item, market.retailer.id, "milk").image_url
    assert url.startswith(f"{market.server.url}/catalog/pictures/")
    shown = market.server.http().get(url.removeprefix(market.server.url))
    assert shown.headers["content-type"] == "image/jpeg"
    assert b"SECRET" not in shown.content
    page = is_page(admin.open(path))
    (own,) = re.findall(rf'src="({PATH}/pictures/[^"]+)"', page.text)
    assert admin.http.get(own).content == shown.content
    assert admin.http.post(f"{path}/photo", data=form, files=sent).status_code == 409  # the page is stale
    form = {name: value for name, value in admin.form(f"{path}/photo").items() if name != "photo"}
    assert admin.http.post(f"{path}/photo", data={**form, "do": "remove"}).status_code == 303
    assert market.server.read(catalog.item, market.retailer.id, "milk").image_url is None
    assert market.server.http().get(url.removeprefix(market.server.url)).status_code == 404
