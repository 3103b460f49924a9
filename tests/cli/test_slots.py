"""`handcart slots`: plans, exceptions and occupancy of windows, on the running server."""

import csv
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from handcart.core import clock
from handcart.slots import listing, windows
from handcart.slots.listing import Wishes
from handcart.stores import queries as stores
from handcart.stores.models import Store
from tests.cli.conftest import Run, answer, refusal
from tests.support.contents import nothing_written
from tests.support.server import on_sqlite
from tests.support.shop import Shop
from tests.support.stores import keep, store

SHOP = store("12")
OTHER = store("north-side", north=5, takes_pickup=False)
TODAY = windows.start_of(SHOP.time_zone, clock.now()).date
SOON = (date.fromisoformat(TODAY) + timedelta(days=2)).isoformat()

Command = Callable[..., Any]


@pytest.fixture
def slots(run: Run, shop: Shop) -> Command:
    """`slots("plan", "list")` for a retailer with two stores."""
    keep(shop, SHOP, OTHER)
    return lambda *arguments: run("slots", *arguments, "--retailer", shop.slug)


def week(tmp_path: Path, *rows: list[Any]) -> str:
    file = tmp_path / "week.csv"
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows(rows)
    return str(file)


def capacities(slots: Command, kind: str = "delivery", code: str = "12", day: str = SOON) -> list[int]:
    """The capacity of each window of a day, as it is listed."""
    found = answer(slots("list", "--store", code, "--kind", kind, "--date", day, "--json"))["slots"]
    return [one["capacity"] for one in found if one["starts_at"].startswith(day)]


def test_plans_set_then_each_changes_what_is_named_where_it_is_named(slots: Command) -> None:
    assert "There are no plans: each window takes 10 orders" in slots("plan", "list").output
    everywhere = answer(slots("plan", "set", "--kind", "delivery", "--kind", "pickup", "--capacity", "8", "--json"))
    assert [(one["store"], one["kind"], one["capacity"]) for one in everywhere["plans"]] == [
        (None, "delivery", 8),
        (None, "pickup", 8),
    ]
    own = ("--store", "12", "--kind", "delivery")
    options = ("--lead-minutes", "0", "--cutoff-hour", "17", "--horizon-days", "3")
    (plan,) = answer(slots("plan", "set", *own, *options, "--json"))["plans"]
    expected = {"store": "12", "capacity": 8, "lead_minutes": 0, "cutoff_hour": 17, "horizon_days": 3}
    assert expected.items() <= plan.items()
    (plan,) = answer(slots("plan", "set", *own, "--cutoff-hour", "24", "--json"))["plans"]
    assert {**expected, "cutoff_hour": None}.items() <= plan.items()
    assert capacities(slots) == [8] * 24
    assert capacities(slots, "last_mile") == [10] * 24
    slots("plan", "set", "--kind", "pickup", "--same-day-only", "3")
    assert (capacities(slots, "pickup"), capacities(slots, "pickup", day=TODAY)) == ([5] * 24, [8] * 24)

    lines = [line.split() for line in slots("plan", "list").output.splitlines()[1:]]
    assert lines == [
        ["(every)", "delivery", "60", "-", "7", "8"],
        ["(every)", "pickup", "60", "-", "7", "8,", "3", "for", "same-day", "orders"],
        ["12", "delivery", "0", "-", "3", "8"],
    ]
    slots("plan", "set", "--kind", "pickup", "--same-day-only", "0")
    left = answer(slots("plan", "remove", *own, "--json"))["plans"]
    assert left == everywhere["plans"]
    assert "has no plan for delivery" in refusal(slots("plan", "remove", *own))


def test_plan_by_the_week_then_by_shoppers_then_one_replaces_the_other(slots: Command, tmp_path: Path) -> None:
    own = ("plan", "set", "--store", "12", "--kind", "delivery")
    weekday = date.fromisoformat(SOON).weekday()
    by_week = [[day * 100 + hour for hour in range(24)] for day in range(7)]
    assert slots(*own, "--weekly", week(tmp_path, *by_week)).output.rstrip().endswith("0 to 623 by the week")
    assert capacities(slots) == by_week[weekday]

    shoppers = week(tmp_path, *[[day + 0.5] * 24 for day in range(7)])
    printed = slots(*own, "--shoppers", shoppers, "--orders-per-hour", "4").output
    assert printed.rstrip().endswith("0.5 to 6.5 shoppers x 4 an hour")
    assert capacities(slots) == [4 * weekday + 2] * 24

    (plan,) = answer(slots(*own, "--capacity", "3", "--json"))["plans"]
    assert (plan["weekly"], plan["shoppers"]) == (None, None)
    assert capacities(slots) == [3] * 24


WEEK = [[1] * 24] * 7
BAD_WEEKS: list[tuple[list[list[Any]], str]] = [
    (WEEK[:6], "has 6 rows: write 7, one for each weekday"),
    ([*WEEK, [1] * 24], "has 8 rows"),
    ([[1] * 23, *WEEK[1:]], "row 1 has 23 cells: write 24"),
    ([*WEEK[:6], [1] * 25], "row 7 has 25 cells"),
    ([*WEEK[:6], [1] * 23 + ["x"]], "row 7, 23:00: write a whole number below a million, not 'x'"),
    ([*WEEK[:6], [1] * 23 + [2.5]], "not '2.5'"),
    ([*WEEK[:6], [1] * 23 + [-1]], "not '-1'"),
    ([*WEEK[:6], [1] * 23 + ["nan"]], "not 'nan'"),
    ([*WEEK[:6], [1] * 23 + [1_000_000]], "not '1000000'"),
    ([*WEEK[:6], [1] * 23 + [""]], "not ''"),
    ([*WEEK[:6], [1] * 23 + ["\u0663"]], "not '\u0663'"),
    ([], "has 0 rows"),
]


@pytest.mark.parametrize(("rows", "sentence"), BAD_WEEKS, ids=[sentence for _, sentence in BAD_WEEKS])
@on_sqlite
def test_week_that_is_none_then_the_place_is_named_and_nothing_written(
    slots: Command, shop: Shop, tmp_path: Path, rows: list[list[Any]], sentence: str
) -> None:
    with nothing_written(shop.server):
        assert sentence in refusal(slots("plan", "set", "--kind", "delivery", "--weekly", week(tmp_path, *rows)))


def test_file_that_cannot_be_read_then_a_sentence(slots: Command, shop: Shop, tmp_path: Path) -> None:
    text = tmp_path / "week.csv"
    with nothing_written(shop.server):
        assert "No such file" in refusal(slots("plan", "set", "--kind", "pickup", "--weekly", str(text)))
        assert "Is a directory" in refusal(slots("plan", "set", "--kind", "pickup", "--weekly", str(tmp_path)))
        text.write_bytes(b"\xff\xfe1,2")
        assert "not CSV in UTF-8" in refusal(slots("plan", "set", "--kind", "pickup", "--weekly", str(text)))
        assert "has 1 rows" in refusal(slots("plan", "set", "--kind", "pickup", "--weekly", "/dev/zero"))


PLAN = ("plan", "set", "--kind", "delivery")
EXCEPTION = ("exception", "set", "--kind", "delivery", "--capacity", "1")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((*PLAN, "--capacity", "1", "--store", "13"), "has no store '13': `handcart store list` shows its stores"),
        ((*PLAN, "--capacity", "1", "--store", ""), "has no store ''"),
        ((*PLAN, "--capacity", "1", "--kind", "pickup", "--store", "north-side"), "takes no pickup orders"),
        ((*PLAN, "--orders-per-hour", "2"), "give --shoppers too"),
        ((*EXCEPTION, "--date", SOON, "--store", "13"), "has no store '13'"),
        ((*EXCEPTION, "--date", SOON, "--store", "north-side", "--kind", "pickup"), "takes no pickup orders"),
        ((*EXCEPTION, "--date", "2026-02-30"), "'2026-02-30' is not a date: write YYYY-MM-DD"),
        ((*EXCEPTION, "--date", "tomorrow"), "'tomorrow' is not a date"),
        ((*EXCEPTION, "--date", "0001-01-01"), "'0001-01-01' is not a date"),
        ((*EXCEPTION, "--date", "2001-01-01"), "2001-01-01 is in the past: write today's date or a later one"),
        (
            (*EXCEPTION, "--date", SOON, "--hours", "17-9"),
            "'17-9' is not a span of hours: write 9-17 for windows that start",
        ),
        ((*EXCEPTION, "--date", SOON, "--hours", "9-25"), "'9-25' is not a span of hours"),
        ((*EXCEPTION, "--date", SOON, "--hours", "24"), "'24' is not a span of hours"),
        ((*EXCEPTION, "--date", SOON, "--hours", "morning"), "'morning' is not a span of hours"),
        (
            ("exception", "remove", "--kind", "delivery", "--date", SOON),
            "the retailer as a whole has no such exception",
        ),
        (("exception", "remove", "--kind", "delivery", "--date", SOON, "--store", "12"), "'12' has no such exception"),
        (("list", "--kind", "delivery", "--store", "13"), "has no store '13'"),
        (("list", "--kind", "pickup", "--store", "north-side"), "takes no pickup orders"),
        (("list", "--kind", "delivery", "--store", "12", "--date", "2026-02-30"), "'2026-02-30' is not a date"),
        (("list", "--kind", "delivery", "--store", "12", "--date", "9999-12-31"), "'9999-12-31' is not a date"),
    ],
)
@on_sqlite
def test_what_cannot_be_then_a_sentence_and_nothing_written(
    slots: Command, shop: Shop, arguments: tuple[str, ...], sentence: str
) -> None:
    with nothing_written(shop.server):
        assert sentence in refusal(slots(*arguments))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (PLAN, "Say what to set"),
        ((*PLAN, "--capacity", "1", "--weekly", "x.csv"), "Give one of --capacity, --weekly and --shoppers"),
        ((*PLAN, "--capacity", "-1"), "0<=x<=1000000"),
        ((*PLAN, "--kind", "dispatch", "--capacity", "1"), "'dispatch' is not one of"),
        ((*EXCEPTION, "--date", SOON, "--capacity", "1000001"), "0<=x<=1000000"),
    ],
)
def test_command_that_is_wrong_in_itself_then_its_usage(
    slots: Command, shop: Shop, arguments: tuple[str, ...], sentence: str
) -> None:
    with nothing_written(shop.server):
        result = slots(*arguments)
    assert (result.exit_code, sentence in result.output) == (2, True)


@pytest.mark.parametrize("rate", ["0", "-1", "nan", "inf", "1000.1"])
def test_orders_per_hour_out_of_range_then_refused(slots: Command, shop: Shop, tmp_path: Path, rate: str) -> None:
    shoppers = ("--shoppers", week(tmp_path, *WEEK))
    with nothing_written(shop.server):
        assert "must be a number above 0" in refusal(slots(*PLAN, *shoppers, "--orders-per-hour", rate))


@pytest.mark.parametrize(
    "arguments",
    [
        (*PLAN, "--capacity", "1"),
        ("plan", "list"),
        ("plan", "remove", "--kind", "delivery"),
        (*EXCEPTION, "--date", SOON),
        ("exception", "list"),
        ("exception", "remove", "--kind", "delivery", "--date", SOON),
        ("list", "--store", "12", "--kind", "delivery"),
    ],
)
def test_unknown_retailer_then_a_sentence(run: Run, arguments: tuple[str, ...]) -> None:
    assert "there is no retailer 'nobody'" in refusal(run("slots", *arguments, "--retailer", "nobody"))


def test_exceptions_set_then_hours_win_over_days_and_stores_over_all(slots: Command) -> None:
    of_day = ("--date", SOON, "--kind", "delivery")
    slots("exception", "set", *of_day, "--hours", "8-20", "--capacity", "4", "--kind", "pickup")
    assert capacities(slots) == [10] * 8 + [4] * 12 + [10] * 4
    slots("exception", "set", *of_day, "--store", "12", "--hours", "9", "--capacity", "5")
    closed = answer(slots("exception", "set", *of_day, "--store", "12", "--capacity", "0", "--json"))
    assert closed == {"exceptions": [{"date": SOON, "hours": None, "store": "12", "kind": "delivery", "capacity": 0}]}
    assert capacities(slots) == [0] * 24
    slots("exception", "set", *of_day, "--store", "12", "--hours", "9-11", "--capacity", "2")
    assert capacities(slots) == [0] * 9 + [2] * 2 + [0] * 13
    assert capacities(slots, code="north-side") == [10] * 8 + [4] * 12 + [10] * 4

    assert [line.split() for line in slots("exception", "list").output.splitlines()[1:]] == [
        [SOON, "8-20", "(every)", "delivery", "4"],
        [SOON, "8-20", "(every)", "pickup", "4"],
        [SOON, "all", "day", "12", "delivery", "0"],
        [SOON, "9-11", "12", "delivery", "2"],
    ]
    left = answer(slots("exception", "remove", *of_day, "--store", "12", "--hours", "10", "--json"))["exceptions"]
    assert [(one["hours"], one["store"]) for one in left] == [
        ("8-20", None),
        ("8-20", None),
        (None, "12"),
        ("9-10", "12"),
    ]
    assert capacities(slots) == [0] * 9 + [2] + [0] * 14
    left = answer(slots("exception", "remove", *of_day, "--store", "12", "--json"))["exceptions"]
    assert [one["store"] for one in left] == [None, None]
    assert capacities(slots) == [10] * 8 + [4] * 12 + [10] * 4


def held(shop: Shop, place: Store, kind: str, number: int) -> dict[str, Any]:
    """Hold the slot at this place in the list; answers it."""
    offered = shop.server.read(listing.offers, shop.retailer, place, kind, Wishes()).all()[number]
    body = shop.post(f"/v2/fulfillment/users/{shop.user()}/service_options/{offered.id}/reserve")
    assert body.status_code == 200, body.text
    option: dict[str, Any] = body.json()["service_option_hold"]["service_option"]
    return option


def test_slots_listed_then_places_held_booked_and_the_reason_against_each(
    slots: Command, shop: Shop, later: Any
) -> None:
    slots("plan", "set", "--kind", "delivery", "--capacity", "2", "--lead-minutes", "120")
    place = shop.server.read(stores.store, shop.retailer.id, "12")
    window = held(shop, place, "delivery", 30)["window"]
    shop.server.sql(
        "INSERT INTO slot_ledger (retailer_id, store_number, kind, starts_at, capacity, held, booked)"
        " SELECT retailer_id, store_number, kind, starts_at + $1, 2, 0, 2 FROM slot_ledger WHERE retailer_id = $2"
        " RETURNING starts_at",
        clock.HOUR,
        shop.retailer.id,
    )
    command = ("list", "--store", "12", "--kind", "delivery")
    listed = answer(slots(*command, "--json"))
    assert (listed["store"], listed["kind"], listed["time_zone"]) == ("12", "delivery", "America/Chicago")
    at = [one["starts_at"] for one in listed["slots"]].index(window["start_at"])
    one, full = listed["slots"][at : at + 2]
    assert one == {**places(2, 1, 0, 1), "starts_at": window["start_at"], "ends_at": window["end_at"], "reason": None}
    assert {**places(2, 0, 2, 0), "reason": "no_capacity"}.items() <= full.items()
    assert [slot["reason"] for slot in listed["slots"][:2]] == ["too_soon", "too_soon"]
    printed = slots(*command).output.splitlines()
    assert printed[0] == "delivery from 12, Store 12; times of America/Chicago"
    assert printed[3 + at].split()[2:] == ["2", "1", "0", "1"]
    assert printed[4 + at].split()[2:] == ["2", "0", "2", "0", "no_capacity"]

    with later(minutes=10, seconds=1):  # the hold has expired, but the ledger still counts its place
        after = answer(slots(*command, "--json"))["slots"]
    (again,) = [slot for slot in after if slot["starts_at"] == window["start_at"]]
    assert places(2, 0, 0, 2).items() <= again.items()

    slots("exception", "set", "--kind", "delivery", "--date", full["starts_at"][:10], "--capacity", "1")
    lowered = answer(slots(*command, "--date", full["starts_at"][:10], "--json"))["slots"]
    (over,) = [slot for slot in lowered if slot["starts_at"] == full["starts_at"]]
    assert {**places(1, 0, 2, 0), "reason": "no_capacity"}.items() <= over.items()


def places(capacity: int, held: int, booked: int, free: int) -> dict[str, int]:
    return {"capacity": capacity, "held": held, "booked": booked, "free": free}


def test_days_with_more_or_fewer_hours_then_as_many_windows(slots: Command) -> None:
    assert [len(capacities(slots, day=day)) for day in ("2027-03-13", "2027-03-14", "2027-11-07")] == [24, 23, 25]


def test_store_that_is_closed_then_the_windows_say_so(slots: Command, shop: Shop) -> None:
    keep(shop, store("13", opening_hours=[[[9 * 60, 12 * 60]]] * 7))
    found = answer(slots("list", "--store", "13", "--kind", "pickup", "--date", SOON, "--json"))["slots"]
    reasons = [one["reason"] for one in found]
    assert reasons == ["store_closed"] * 9 + [None] * 2 + ["store_closed"] * (len(found) - 11)
