"""The page of the audit log: filters, pages, the file, and what each role may see of it."""

import ast
import csv
import io
import re
from typing import Any

import pytest

from handcart.console.ops import meaning
from handcart.staff import access, audit, queries
from handcart.staff.models import Actor
from handcart.staff.roles import ROLES
from tests.support.console import Person
from tests.support.pages import is_error, is_page
from tests.support.process import ROOT
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import Shop

PATH = "/console/audit"


def record(shop: Shop, subject: str, **more: Any) -> None:
    given = {"actor": Actor("staff", 5, "Sam"), "operation": "cancel_orders", "retailer_id": shop.retailer.id, **more}
    shop.server.write(audit.record, subject=subject, **given)


def test_filters_in_the_url_then_only_the_rows_that_fit(shop: Shop) -> None:
    subject = f"order/{shop.slug}/1"
    record(shop, subject, reason="<b>closed</b>", detail={"window": "<i>"})
    record(shop, f"order/{shop.slug}/2", operation="assign_orders")
    admin = Person(shop.server)
    page = is_page(admin.open(PATH, retailer=shop.slug)).text
    assert subject in page
    assert "&lt;b&gt;closed&lt;/b&gt;" in page
    for filters, count in (
        ({"operation": "assign_orders"}, 1),
        ({"subject": subject}, 1),
        ({"who": "Sam"}, 2),
        ({"who": "nobody"}, 0),
        ({"from": "2020-01-01", "to": "2090-01-01"}, 2),
        ({"to": "2020-01-01"}, 0),
        ({"from": "not a day"}, 2),
    ):
        rows = is_page(admin.open(PATH, retailer=shop.slug, **filters)).text.count("<tr>") - 1
        assert max(rows, 0) == count, filters
    assert "There is no such retailer" in is_page(admin.open(PATH, retailer="no-such-retailer")).text


def test_rows_are_many_then_a_page_of_a_hundred_and_all_in_the_file(shop: Shop) -> None:
    for number in range(queries.MOST_LISTED + 3):
        record(shop, f"order/{number}", reason='=cmd("x")')
    admin = Person(shop.server)
    page = is_page(admin.open(PATH, retailer=shop.slug)).text
    assert page.count("<tr>") == queries.MOST_LISTED + 1
    more = re.search(r'href="(/console/audit\?[^"]*before[^"]*)"', page)
    assert more
    assert is_page(admin.open(more[1].replace("&amp;", "&"))).text.count("<tr>") == 3 + 1
    answer = admin.open(f"{PATH}.csv", retailer=shop.slug)
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    header, *rows = csv.reader(io.StringIO(answer.text))
    assert header[0] == "id"
    assert len(rows) == queries.MOST_LISTED + 3
    assert {row[6] for row in rows} == {'\'=cmd("x")'}


@pytest.mark.parametrize("role", ROLES)
@on_sqlite
def test_role_then_the_log_of_its_place_or_none(shop: Shop, server: LiveServer, role: str) -> None:
    other = Shop(server)
    own, others = f"order/{shop.slug}/1", f"order/{other.slug}/1"
    record(shop, own)
    record(other, others)
    reach = ROLES[role].reach
    places = {"everywhere": (None, None), "retailer": (shop.retailer.id, None), "store": (shop.retailer.id, 1)}
    person = Person(server, role, *places[reach])
    for path in (PATH, f"{PATH}.csv"):
        if "see_audit" not in ROLES[role].operations:
            is_error(person.open(path), 403, "forbidden")
            is_error(person.open(path, retailer=shop.slug), 403, "forbidden")
            continue
        assert (own in person.open(path).text, others in person.open(path).text) == (True, reach == "everywhere")
        assert (others in person.open(path, retailer=other.slug).text) == (reach == "everywhere")
    if "see_audit" in ROLES[role].operations:
        assert (others in person.open(f"{PATH}.csv", subject=others).text) == (reach == "everywhere")


def test_operation_is_recorded_then_it_has_a_text() -> None:
    recorded = {
        node.args[2].value
        for file in (ROOT / "handcart").rglob("*.py")
        if b"_record(" in (source := file.read_bytes()) or b"audit.record(" in source
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.record", "_record")
        if len(node.args) > 2 and isinstance(node.args[2], ast.Constant)
    }
    recorded |= set(access._RECORDED.values())
    assert "cancel_orders" in recorded
    named = {name for name in recorded if not name.startswith("handcart ")}
    assert [(name, language) for name in named for language in ("en", "fr") if meaning(language, name) is None] == []


def test_operation_or_command_then_the_page_says_what_it_is(shop: Shop) -> None:
    record(shop, f"retailer/{shop.slug}", operation="handcart retailer set")
    record(shop, f"order/{shop.slug}/1")
    page = is_page(Person(shop.server).open(PATH, retailer=shop.slug)).text
    assert 'Canceled an order<br><code class="note">cancel_orders</code>' in page
    assert "<td><code>handcart retailer set</code></td>" in page
