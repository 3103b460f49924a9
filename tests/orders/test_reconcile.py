"""The report for the billing: orders with the benefit, their membership periods, and the savings."""

import csv
import io
import json
import stat
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handcart.core import clock
from handcart.core.errors import Refused
from handcart.orders import reconcile
from tests.support import slots
from tests.support.process import run
from tests.support.server import SECRET_KEY, on_sqlite
from tests.support.shop import Shop


def order(shop: Shop, user: str, order_id: str, **fields: object) -> None:
    option = slots.listed(shop, "preview delivery")[0]["id"]
    hold = slots.reserve(shop, user, option).json()["service_option_hold"]["id"]
    body = {
        "order_id": order_id,
        "service_option_hold_id": hold,
        "address": slots.ADDRESS,
        "user": {"phone_number": "+13125550188"},
        **slots.CART,
        **fields,
    }
    made = shop.post(f"/v2/fulfillment/users/{user}/orders/delivery", body)
    assert made.status_code == 200, made.text


def report(shop: Shop, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `handcart reconcile` for a retailer."""
    database = ["--database", shop.server.app.settings.database_url]
    return run("reconcile", "--retailer", shop.slug, *options, *database, secret_key=SECRET_KEY)


class Billed:
    """A retailer with three orders of a member, one of them canceled, and one of a guest, all of this month."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        slots.stock(shop)
        self.member, guest = shop.user(), shop.user()
        assert shop.link(self.member, shop.linking_token(shop.account(member_for=clock.DAY))).status_code == 200
        order(shop, self.member, "=1+1", metadata={"saving_cents": 399})
        order(shop, self.member, "two", metadata={"saving_cents": 10**400})
        order(shop, self.member, "three", metadata={"saving_cents": "399"})
        order(shop, guest, "four", metadata={"saving_cents": 399})
        assert shop.post(f"/v2/fulfillment/users/{self.member}/orders/three/cancel").status_code == 200
        self.month = datetime.now(UTC).strftime("%Y-%m")


@pytest.fixture
def billed(shop: Shop) -> Billed:
    return Billed(shop)


def test_members_and_others_order_then_the_orders_of_members_are_listed(
    billed: Billed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "_BATCH", 2)  # they are read in two steps
    found = billed.shop.server.read(reconcile.entries, billed.shop.retailer.id, *reconcile.month(billed.month))
    assert [(one.order_id, one.user_id, one.saving_cents) for one in found] == [
        ("=1+1", billed.member, 399),
        ("two", billed.member, None),
        ("three", billed.member, None),
    ]


def test_json_asked_for_then_the_orders_and_their_totals(billed: Billed) -> None:
    printed = report(billed.shop, "--month", billed.month, "--json")
    assert printed.returncode == 0, printed.stderr
    answer = json.loads(printed.stdout)
    assert [(one["order_id"], one["status"], one["saving_cents"]) for one in answer["orders"]] == [
        ("=1+1", "brand_new", 399),
        ("two", "brand_new", None),
        ("three", "canceled", None),
    ]
    assert answer["totals"] == {"orders": 2, "canceled": 1, "saving_cents": 399, "without_saving": 1}
    assert answer["orders"][0]["member_since"] < answer["orders"][0]["member_until"]


def test_orders_with_and_without_a_saving_then_canceled_ones_count_apart() -> None:
    savings = [("brand_new", 399), ("brand_new", None), ("delivered", None), ("canceled", 500), ("canceled", None)]
    found = [reconcile.Entry(*["x"] * 3, status, *["x"] * 5, saving_cents=cents) for status, cents in savings]
    assert reconcile.totals(found) == reconcile.Totals(orders=3, canceled=2, saving_cents=399, without_saving=2)


def test_csv_asked_for_then_a_file_that_only_its_owner_can_read(billed: Billed, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    printed = report(billed.shop, "--month", billed.month, "--csv", str(file)).stdout
    assert "2 orders with the benefit, 1 more canceled; saving reported: 3.99 (orders with a saving: 1)." in printed
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [row["order_id"] for row in rows] == ["'=1+1", "two", "three"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    report(billed.shop, "--month", billed.month, "--csv", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_month_without_orders_then_zero(billed: Billed) -> None:
    assert report(billed.shop, "--month", "2020-01").stdout.startswith("0 orders with the benefit")


@on_sqlite
def test_month_or_time_zone_impossible_then_a_sentence(shop: Shop) -> None:
    for wrong in (
        ["--month", "2026-13"],
        ["--month", "2026-12", "--time-zone", "Mars"],
        ["--month", "x"],
        ["--month", "9999-12"],
    ):
        printed = report(shop, *wrong)
        assert (printed.returncode, printed.stdout) == (1, ""), wrong
        assert printed.stderr.startswith("handcart: "), wrong


def test_time_zone_is_an_area_then_refused() -> None:
    with pytest.raises(Refused):
        reconcile.month("2026-12", "America")


@pytest.mark.parametrize(
    ("text", "time_zone", "begin", "end"),
    [
        ("2026-11", "UTC", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("2026-12", "UTC", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("2026-11", "America/Chicago", "2026-11-01T05:00:00Z", "2026-12-01T06:00:00Z"),
    ],
)
def test_month_then_from_midnight_to_midnight(text: str, time_zone: str, begin: str, end: str) -> None:
    since, until = reconcile.month(text, time_zone)
    assert (clock.to_wire(since), clock.to_wire(until)) == (begin, end)


CELLS = {
    "ORD-77120": "ORD-77120",
    "a-b+c=d@e": "a-b+c=d@e",
    "=1+1": "'=1+1",
    "-1": "'-1",
    "ok;=cmd|' /C calc'!A0": "ok;'=cmd|' /C calc'!A0",
    "ok,@SUM(1)": "ok,'@SUM(1)",
    "ok\t+1": "ok\t'+1",
    "ok;  =1;\u200b=2": "ok;'  =1;'\u200b=2",
    "\uff1d1+1": "'\uff1d1+1",
    "\ufeff=1": "'\ufeff=1",
    " =1": "' =1",
    '"=1': "'\"=1",
}


@pytest.mark.parametrize("text", CELLS)
def test_text_a_spreadsheet_would_run_then_quoted_with_an_apostrophe(text: str) -> None:
    entry = reconcile.Entry(text, text, *["x"] * 7, saving_cents=5)
    (line,) = csv.reader(io.StringIO(reconcile.to_csv([entry]).partition("\r\n")[2], newline=""))
    assert line == [CELLS[text], CELLS[text], *["x"] * 7, "5"]
    assert reconcile.to_csv([entry]).splitlines()[0].startswith('"order_id","user_id",')
