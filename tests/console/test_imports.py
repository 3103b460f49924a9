"""Import stores and items from files in the console: preview, then all or nothing."""

import re

import httpx
import pytest

from handcart.core import clock
from handcart.stores import catalog, files, items, queries, uploads
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer

STORES, CATALOG = "/console/stores/import", "/console/catalog/import"
HEADER = "rrc,name,price_cents\n"


class Sender:
    """A person who sends files for a market."""

    def __init__(self, server: LiveServer) -> None:
        self.market, self.person = Market(server), Person(server)

    def send(self, path: str, content: bytes | str, **fields: str) -> httpx.Response:
        is_page(self.person.open(path))
        form = {**self.person.form(path), "retailer": self.market.slug, **fields}
        form.pop("file", None)
        sent = {"file": ("list.csv", content if isinstance(content, bytes) else content.encode())}
        page = self.person.http.post(path, data=form, files=sent)
        if page.is_redirect:
            page = self.person.http.get(page.headers["location"])
        self.person.page = page
        return page

    def save(self, path: str) -> httpx.Response:
        return self.person.submit(f"{path}/save")


@pytest.fixture
def sender(server: LiveServer) -> Sender:
    return Sender(server)


def test_items_sent_then_shown_and_imported_once(sender: Sender) -> None:
    market = sender.market
    text = HEADER + "milk,Fresh milk,399\nnew-1,=SUM(A1),100\n"
    page = is_page(sender.send(CATALOG, text))
    assert "1 row is new" in page.text
    assert "<bdi>Milk</bdi> → <bdi>Fresh milk</bdi>" in page.text
    assert market.server.read(catalog.item, market.retailer.id, "new-1") is None
    (upload,) = re.findall(r'name="upload" value="([^"]+)"', page.text)
    is_page(sender.save(CATALOG))
    assert market.server.read(catalog.item, market.retailer.id, "new-1").name == "=SUM(A1)"  # text, as it was sent
    assert market.server.read(catalog.item, market.retailer.id, "milk").price_cents == 399
    with nothing_written(market.server):
        page = is_page(sender.person.open(CATALOG, upload=upload), 404)
    assert "imported already" in page.text


def test_stores_exported_and_sent_back_then_nothing_changes(sender: Sender) -> None:
    market = sender.market
    text = sender.person.http.get("/console/stores.csv", params={"retailer": market.slug}).text
    page = is_page(sender.send(STORES, text))
    assert "The file changes nothing" in page.text
    page = is_page(sender.send(STORES, text.replace("Store here", "Store there").replace("alberta", "alberta-2")))
    assert "1 row is new" in page.text
    assert "1 row changes something" in page.text
    is_page(sender.save(STORES))
    assert market.server.read(queries.store, market.retailer.id, "here").name == "Store there"
    assert market.server.read(queries.store, market.retailer.id, "alberta-2") is not None


def test_file_that_cannot_be_read_then_a_sentence_and_nothing(sender: Sender) -> None:
    rows = HEADER + "".join(f"r{number},Thing,1\n" for number in range(uploads.MOST_ROWS + 1))
    wrong = {
        "empty": b"",
        "binary": b"\x89PNG\r\n\x1a\n\xff\xfe",
        "no header": b"milk,Milk,1\n",
        "unknown column": b"rrc,name,price_cents,colour\n",
        "broken quotes": HEADER.encode() + b'"x,y\n',
        "too many rows": rows.encode(),
    }
    failed = []
    is_page(sender.person.open(CATALOG))
    with nothing_written(sender.market.server):
        for name, content in wrong.items():
            page = sender.send(CATALOG, content)
            if page.status_code != 400 or 'role="alert"' not in page.text:
                failed.append((name, page.status_code))
        too_long = b"x" * (uploads.MOST_BYTES + (17 << 10))
        assert sender.send(CATALOG, too_long).status_code == 413
        is_page(sender.send(CATALOG, HEADER, retailer=""), 400)
    assert not failed


def test_row_that_cannot_be_used_then_listed_and_no_button(sender: Sender) -> None:
    page = is_page(sender.send(CATALOG, HEADER + "a,Good,1\nb,,2\nc,Bad price,x\n"))
    assert "2 rows cannot be used" in page.text
    assert "line 3" in page.text
    assert f'action="{CATALOG}/save"' not in page.text


def test_catalog_changes_after_the_preview_then_shown_again(sender: Sender) -> None:
    market = sender.market
    is_page(sender.send(CATALOG, HEADER + "milk,Fresh milk,349\n"))
    found = market.server.read(catalog.item, market.retailer.id, "milk")
    changed = files.item_of({**files.item_values(found), "name": "Other milk"})
    market.server.write(items.save, market.retailer.id, [changed])
    with nothing_written(market.server):
        page = is_page(sender.save(CATALOG), 409)
    assert "<bdi>Other milk</bdi> → <bdi>Fresh milk</bdi>" in page.text
    is_page(sender.save(CATALOG))
    assert market.server.read(catalog.item, market.retailer.id, "milk").name == "Fresh milk"


def test_file_of_somebody_else_or_expired_then_unknown(sender: Sender) -> None:
    server = sender.market.server
    page = is_page(sender.send(CATALOG, HEADER + "a,Good,1\n"))
    (upload,) = re.findall(r'name="upload" value="([^"]+)"', page.text)
    other = Person(server, "retailer_manager", Market(server).retailer.id)
    with nothing_written(server):
        is_page(other.open(CATALOG, upload=upload), 404)
    server.sql("UPDATE uploads SET expires_at = $2 WHERE id = $1 RETURNING 1", upload, clock.of_process() - 1)
    is_page(sender.person.open(CATALOG, upload=upload), 404)
    assert server.write(uploads.purge, 100) >= 1
    assert not server.sql("SELECT id FROM uploads WHERE id = $1", upload)


def test_manager_sends_a_file_for_another_banner_then_refused(sender: Sender) -> None:
    server = sender.market.server
    sender.person = Person(server, "retailer_manager", Market(server).retailer.id)
    is_page(sender.person.open(STORES))
    with nothing_written(server):
        is_error(sender.send(STORES, files.store_template()), 403, "forbidden")
