"""Pages of money: statements and payouts with their lines, fees and pay, the end of a month."""

import csv
import io
import re

import pytest

from handcart.core import clock
from handcart.retailers import ops as retailers
from tests.support.console import Person
from tests.support.contents import nothing_written
from tests.support.money import complete, count, ended, set_fees, set_pay
from tests.support.orders import Market
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import PASSWORD
from tests.support.working import Working

MONTH = "2024-03"


class Sold:
    """A market with an order that a shopper delivered in a month."""

    def __init__(self, server: LiveServer) -> None:
        self.market, self.ana = Market(server), Working(server, "Ana Sample")
        set_fees(self.market, delivery_cents=700, minimum_cents=1000)
        set_pay(self.market, self.ana.id, delivery_cents=500)
        self.order_id = self.market.order("delivery", initial_tip_cents=333)["id"]
        complete(self.market, self.ana, self.order_id)
        ended(self.market, self.order_id, clock.from_wire("2024-03-05T12:00:00Z", "time"))
        count(self.market)
        self.path = f"/console/money/statements/{self.market.slug}/{MONTH}"
        self.payout = f"/console/money/payouts/{self.ana.id}"


@pytest.fixture
def sold(server: LiveServer) -> Sold:
    return Sold(server)


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_month_is_opened_then_statement_and_payout_have_their_lines(sold: Sold, server: LiveServer) -> None:
    admin = Person(server)
    assert sold.market.slug in is_page(admin.open("/console/money", month=MONTH)).text
    page = plain(is_page(admin.open(sold.path)).text)
    for text in ("Fee for the order 1 order 7.00", "Tip 3.33", "Rest up to the minimum of the month 3.00"):
        assert text in page, text
    assert "Due 13.33" in page
    assert "Ana Sample 8.33" in page
    assert "Remains for the operator 5.00" in page
    assert "Is it you?" in admin.submit(f"{sold.path}/lines.csv").text
    admin.open(sold.path)
    lines = rows(admin.submit(f"{sold.path}/lines.csv", step_up_password=PASSWORD).text)
    assert {(one["kind"], one["order_id"], one["cents"]) for one in lines} == {
        (kind, sold.order_id, cents) for kind, cents in (("fee_order", "700"), ("tip", "333"), ("pay_batch", "500"))
    }
    days = {"from": "2024-03-01", "to": "2024-03-31"}
    assert "Total 8.33" in plain(is_page(admin.open(sold.payout, **days)).text)
    assert len(rows(admin.submit(f"{sold.payout}/lines.csv", step_up_password=PASSWORD).text)) == 2
    exported = server.sql("SELECT subject FROM audit_log WHERE actor_id = $1 AND operation = 'export_money'", admin.id)
    assert sorted(row["subject"] for row in exported) == [f"retailer/{sold.market.slug}", f"shopper/{sold.ana.id}"]


def test_manager_opens_statement_then_no_pay_and_no_form(sold: Sold, server: LiveServer) -> None:
    manager = Person(server, "retailer_manager", sold.market.retailer.id)
    page = plain(is_page(manager.open(sold.path)).text)
    assert "Due 13.33" in page
    assert [word for word in ("Pay for the batch", "Remains for", "Close the month") if word in page] == []
    found = manager.submit(f"{sold.path}/lines.csv", step_up_password=PASSWORD).text
    assert {one["kind"] for one in rows(found)} == {"fee_order", "tip"}


@pytest.mark.parametrize("is_removed", [False, True])
def test_names_are_removed_then_managers_see_none_in_lines(sold: Sold, server: LiveServer, is_removed: bool) -> None:
    server.write(retailers.change, sold.market.slug, {"shopper_information_removal": is_removed})
    manager, admin = Person(server, "retailer_manager", sold.market.retailer.id), Person(server)
    for person, sees_names in ((manager, not is_removed), (admin, True)):
        assert ("Ana Sample" in is_page(person.open(sold.path)).text) == sees_names
        found = rows(person.submit(f"{sold.path}/lines.csv", step_up_password=PASSWORD).text)
        (tip,) = [one for one in found if one["kind"] == "tip"]
        assert (tip["shopper"], tip["cents"]) == ("Ana Sample" if sees_names else "", "333")


def test_month_is_closed_then_the_page_says_so_and_has_no_form(sold: Sold, server: LiveServer) -> None:
    admin = Person(server)
    admin.open(sold.path)
    assert "The month is closed." in admin.submit(f"{sold.path}/close").text
    assert f'action="{sold.path}/close"' not in admin.page.text
    assert "Closed at" in admin.page.text


def test_amounts_changed_before_month_is_closed_then_409_and_open(sold: Sold, server: LiveServer) -> None:
    admin = Person(server)
    admin.open(sold.path)
    ended(sold.market, sold.order_id, clock.from_wire("2024-03-05T12:00:00Z", "time"), tip_cents=1)
    count(sold.market)
    with nothing_written(server):
        assert admin.submit(f"{sold.path}/close").status_code == 409
    assert "Due 10.01" in plain(admin.page.text)


def test_fees_are_set_then_history_has_both(sold: Sold, server: LiveServer) -> None:
    admin, path = Person(server), f"/console/money/fees/{sold.market.slug}"
    admin.open(path)
    admin.submit(path, valid_from="2027-01-01", delivery_cents="7.99", goods_basis_points="1.5", pickup_cents="")
    assert "The new amounts are set." in admin.page.text
    found = server.sql("SELECT * FROM fees WHERE retailer_id = $1 ORDER BY valid_from", sold.market.retailer.id)
    assert [(one["delivery_cents"], one["goods_basis_points"], one["pickup_cents"]) for one in found] == [
        (700, 0, 0),
        (799, 150, 0),
    ]


@on_sqlite
def test_fees_cannot_be_then_the_form_says_why_and_keeps_them(sold: Sold, server: LiveServer) -> None:
    admin, path = Person(server), f"/console/money/fees/{sold.market.slug}"
    wrong = {
        "=1+1": "Write amounts as 7.99",
        "-1": "Write amounts as 7.99",
        "7.999": "Write amounts as 7.99",
        "10001": "Write amounts as 7.99",
        "٣": "Write amounts as 7.99",
    }
    for text, sentence in wrong.items():
        admin.open(path)
        with nothing_written(server):
            answer = admin.submit(path, valid_from="2027-01-01", delivery_cents=text)
        assert (answer.status_code, sentence in answer.text) == (400, True), text
        assert f'value="{text}"' in answer.text
    admin.open(path)
    for day in ("soon", "2027-W01-1"):
        admin.open(path)
        assert admin.submit(path, valid_from=day).status_code == 400, day
    admin.open(path)
    assert admin.submit(path, version="0").status_code == 409


@on_sqlite
def test_address_names_no_month_or_shopper_then_not_found(sold: Sold, server: LiveServer) -> None:
    admin = Person(server)
    for path in (f"{sold.path[:-3]}-3", f"{sold.path}1", "/console/money/payouts/x", "/console/money/fees/none"):
        is_error(admin.open(path), 404, "not_found")
    assert admin.open(sold.payout, **{"from": "2024-03-31", "to": "2024-03-01"}).status_code == 400
    for after in ("[[", f'[{2**63},"","",0,0]', '[0,"\\u0000","",0,0]'):
        assert admin.open(sold.path, after=after).status_code == 200, after
