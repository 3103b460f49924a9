"""The report for the billing: orders with the benefit, their membership periods, and the savings."""

import csv
import io
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handcart.core import clock
from handcart.orders import reconcile
from tests.support import slots
from tests.support.process import run
from tests.support.server import SECRET_KEY
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


def test_when_members_and_others_order_then_the_members_orders_are_listed(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slots.stock(shop)
    member, guest = shop.user(), shop.user()
    assert shop.link(member, shop.linking_token(shop.account(member_for=clock.DAY))).status_code == 200
    order(shop, member, "=1+1", metadata={"saving_cents": 399})
    order(shop, member, "two", metadata={"saving_cents": 10**400})
    order(shop, member, "three", metadata={"saving_cents": "399"})
    order(shop, guest, "four", metadata={"saving_cents": 399})
    assert shop.post(f"/v2/fulfillment/users/{member}/orders/three/cancel").status_code == 200
    month = datetime.now(UTC).strftime("%Y-%m")
    monkeypatch.setattr(reconcile, "_BATCH", 2)  # they come in steps
    found = shop.server.read(reconcile.entries, shop.retailer.id, *reconcile.month(month))
    assert [(one.order_id, one.user_id, one.saving_cents) for one in found] == [
        ("=1+1", member, 399),
        ("two", member, None),
        ("three", member, None),
    ]
    database = ["--database", shop.server.app.settings.database_url]
    settings = {"secret_key": SECRET_KEY}

    told = run("reconcile", "--retailer", shop.slug, "--month", month, "--json", *database, **settings)
    assert told.returncode == 0, told.stderr
    report = json.loads(told.stdout)
    assert [(one["order_id"], one["status"], one["saving_cents"]) for one in report["orders"]] == [
        ("=1+1", "brand_new", 399),
        ("two", "brand_new", None),
        ("three", "canceled", None),
    ]
    assert report["totals"] == {"orders": 2, "canceled": 1, "saving_cents": 399, "without_saving": 1}
    assert report["orders"][0]["member_since"] < report["orders"][0]["member_until"]

    file = tmp_path / "report.csv"
    told = run("reconcile", "--retailer", shop.slug, "--month", month, "--csv", str(file), *database, **settings)
    assert "2 orders with the benefit, 1 more canceled; saving reported: 3.99 (orders with a saving: 1)." in told.stdout
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [row["order_id"] for row in rows] == ["'=1+1", "two", "three"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.chmod(0o644)
    run("reconcile", "--retailer", shop.slug, "--month", month, "--csv", str(file), *database, **settings)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    told = run("reconcile", "--retailer", shop.slug, "--month", "2020-01", *database, **settings)
    assert told.stdout.startswith("0 orders with the benefit")
    for wrong in (
        ["--month", "2026-13"],
        ["--month", month, "--time-zone", "Mars"],
        ["--month", "x"],
        ["--month", "9999-12"],
    ):
        told = run("reconcile", "--retailer", shop.slug, *wrong, *database, **settings)
        assert (told.returncode, told.stdout) == (1, "")
        assert told.stderr.startswith("handcart: ")
    with pytest.raises(reconcile.BadTimeZone):
        reconcile.month(month, "America")


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
def test_text_a_spreadsheet_would_run_then_an_apostrophe_in_front_and_quotes_around(text: str) -> None:
    entry = reconcile.Entry(text, text, *["x"] * 7, saving_cents=5)
    (line,) = csv.reader(io.StringIO(reconcile.to_csv([entry]).partition("\r\n")[2], newline=""))
    assert line == [CELLS[text], CELLS[text], *["x"] * 7, "5"]
    assert reconcile.to_csv([entry]).splitlines()[0].startswith('"order_id","user_id",')
