"""Cancel, tip and stage: when each is possible, the result, and that a place is freed once."""

import asyncio
from typing import Any

import pytest

from handcart.orders.states import WORKFLOWS
from tests.support.orders import HELD, KINDS, LASTMILE, SHOPPED, USERS, Market
from tests.support.sandbox import Shopping
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import error
from tests.support.volley import Connection

MISSING = (404, "Resource not found", 4000, None)
TOO_LATE = (400, "too_late", 1001, "order_id")
TOO_EARLY = (400, "Order is not completed", 1001, "order_id")
NOBODY = (400, "User Not Found", 1001, "user_id")
CARRIED = ("last_mile", "dispatch")


def acts(market: Market, kind: str, user_id: str, order_id: str, action: str) -> list[str]:
    """The paths by which an order of a kind is canceled or staged."""
    paths = [market.path(user_id, order_id, f"/{action}")]
    return paths + ([f"{LASTMILE}/{order_id}/{action}"] if kind in CARRIED else [])


@pytest.mark.parametrize("path", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_brand_new_order_is_canceled_then_its_place_is_free_again(server: LiveServer, kind: str, path: int) -> None:
    market = Market(server, capacity=1)
    user_id = market.customer()
    first = market.order(kind, user_id)
    paths = acts(market, kind, user_id, first["id"], "cancel")
    cancel = paths[path % len(paths)]
    canceled = market.post(cancel, {})
    assert canceled.status_code == 200, canceled.text
    assert canceled.json() == {**first, "status": "canceled", "cancellation_reason": "customer_driven"}
    assert market.read(user_id, first["id"]).json().items() >= canceled.json().items()
    assert market.taken == (0, 0)
    for again in paths:
        assert error(market.post(again, {})) == TOO_LATE
    assert market.taken == (0, 0)
    assert market.history(first["id"]) == [("brand_new", "created"), ("canceled", "canceled")]
    second = market.order(kind, user_id)
    assert error(market.post(cancel, {})) == TOO_LATE
    assert (second["status"], market.taken) == ("brand_new", (0, 1))
    market.post(acts(market, kind, user_id, second["id"], "cancel")[0], {}).raise_for_status()
    steps = "SELECT number FROM order_history WHERE retailer_id = $1 AND order_id = $2 ORDER BY number"
    numbers = [[row["number"] for row in server.sql(steps, market.retailer.id, one["id"])] for one in (first, second)]
    assert numbers[0] == numbers[1], "each order's steps are counted by themselves"


@pytest.mark.parametrize("kind", KINDS)
def test_order_with_a_shopper_then_it_cannot_be_canceled(market: Market, kind: str) -> None:
    user_id = market.customer()
    order_id = market.order(kind, user_id)["id"]
    for status in WORKFLOWS[kind].states.keys() - {"brand_new"}:
        market.set_status(order_id, status)
        before = (market.row(order_id), market.ledger())
        for path in acts(market, kind, user_id, order_id, "cancel"):
            assert error(market.post(path, {})) == TOO_LATE
        assert (market.row(order_id), market.ledger()) == before


def test_cancel_has_a_body_or_none_then_both_are_fine(market: Market) -> None:
    for content in (b"", b"{}", b'""', b"not json"):
        user_id = market.customer()
        path = market.path(user_id, market.order("delivery", user_id)["id"], "/cancel")
        assert market.http.post(path, content=content, headers=market.headers).status_code == 200
    user_id = market.customer()
    for body in (None, {"user_id": None}, {"user_id": user_id}):
        path = f"{LASTMILE}/{market.order('dispatch', user_id)['id']}/cancel"
        assert market.post(path, body).status_code == 200
    path = f"{LASTMILE}/{market.order('dispatch', user_id)['id']}/cancel"
    for wrong, expected in (({"user_id": True}, (400, "is invalid", 1001, "user_id")), ({"user_id": "no"}, NOBODY)):
        assert error(market.post(path, wrong)) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("action", ["cancel", "staged", "tip"])
def test_order_of_another_user_then_not_found(market: Market, kind: str, action: str) -> None:
    owner, neighbour = market.customer(), market.customer()
    order_id = market.order(kind, owner)["id"]
    act: Any = market.put if action == "tip" else market.post
    body = {"tip_amount_cents": 5} if action == "tip" else {}
    before = market.row(order_id)
    assert error(act(market.path(neighbour, order_id, f"/{action}"), body)) == MISSING
    assert error(act(market.path(owner, f"{order_id}0", f"/{action}"), body)) == MISSING
    assert error(act(market.path("nobody", order_id, f"/{action}"), body)) == NOBODY
    if action == "cancel":
        assert error(market.post(f"{LASTMILE}/{order_id}/cancel", {"user_id": neighbour})) == MISSING
    if kind in SHOPPED and action != "tip":
        assert error(market.post(f"{LASTMILE}/{order_id}/{action}", {})) == MISSING
    assert market.row(order_id) == before


async def test_order_is_canceled_many_times_at_once_then_one_goes_through(server: LiveServer) -> None:
    market = Market(server, capacity=1)
    user_id = market.customer()
    connections = [await Connection.open(server.url) for _ in range(8)]
    for kind in KINDS:
        path = acts(market, kind, user_id, market.order(kind, user_id)["id"], "cancel")[-1]
        answers = await asyncio.gather(*[one.post(path, {}, market.token) for one in connections])
        assert sorted(status for status, _ in answers) == [200] + [400] * 7
        assert market.taken == (0, 0)
    for one in connections:
        await one.close()


@pytest.mark.parametrize("kind", KINDS)
def test_order_is_completed_then_its_tip_may_change(market: Market, kind: str) -> None:
    user_id = market.customer()
    first = market.order(kind, user_id, initial_tip_cents=600)
    path = market.path(user_id, first["id"], "/tip")
    for status in WORKFLOWS[kind].states.keys() - {"completed"}:
        market.set_status(first["id"], status)
        assert error(market.put(path, {"tip_amount_cents": 5})) == TOO_EARLY
    market.set_status(first["id"], "completed")
    assert market.row(first["id"])["tip_cents"] == (600 if kind != "pickup" else 0)
    for cents in (900, 0, 100_000_000):
        answer = market.put(path, {"tip_amount_cents": cents})
        assert answer.json() == {**first, "status": "completed"}
        assert market.row(first["id"])["tip_cents"] == cents
    below = (400, "must be greater than or equal to 0", 1001, "tip_amount_cents")
    for wrong, expected in (
        (-1, below),
        (-(2**63), below),
        (2**53, (400, "is invalid", 1001, "tip_amount_cents")),
        ("5", (400, "is invalid", 1001, "tip_amount_cents")),
        (1.5, (400, "is invalid", 1001, "tip_amount_cents")),
        (None, (400, "can't be blank", 1001, "tip_amount_cents")),
    ):
        assert error(market.put(path, {"tip_amount_cents": wrong})) == expected
    assert market.row(first["id"])["tip_cents"] == 100_000_000
    assert market.history(first["id"])[1:] == [("completed", "tip updated")] * 3


@pytest.mark.parametrize("path", [0, 1])
@pytest.mark.parametrize("kind", CARRIED)
def test_carried_order_is_staged_then_what_waits_is_kept(market: Market, kind: str, path: int) -> None:
    user_id = market.customer()
    first = market.order(kind, user_id, bag_label="old", bags_count=1)
    staged = acts(market, kind, user_id, first["id"], "staged")[path]
    full = {
        "items_count": 7,
        "bags_count": 2,
        "items_weight": 3.5,
        "bag_label": "7120",
        "bag_scan_codes": ["0071201", "0071202"],
    }
    answer = market.post(staged, full)
    assert answer.json() == {**first, "fulfillment_details": {**first["fulfillment_details"], "bag_count": 2}}
    details = market.row(first["id"])["details"]
    assert details.items() >= full.items()
    for body in ({}, dict.fromkeys(full)):
        assert market.post(staged, body).status_code == 200
        again = market.row(first["id"])["details"]
        assert {**again, "staged_at": 0} == {**details, "staged_at": 0}
        assert again["staged_at"] >= details["staged_at"]
    assert market.post(staged, {"bag_scan_codes": []}).status_code == 200
    assert market.row(first["id"])["details"].get("bag_scan_codes", []) == []
    for wrong in ({"bags_count": -1}, {"items_weight": "4"}, {"bag_label": "a\0"}, {"bag_scan_codes": "0071201"}):
        assert error(market.post(staged, wrong)) == (400, "is invalid", 1001, *wrong)
    market.set_status(first["id"], "at_store")
    assert market.post(staged, {"bags_count": 5}).json()["fulfillment_details"]["bag_count"] == 5
    for status in ("completed", "canceled"):
        market.set_status(first["id"], status)
        assert error(market.post(staged, full)) == TOO_LATE


@pytest.mark.parametrize("kind", SHOPPED)
def test_platform_picks_itself_then_there_is_nothing_to_stage(market: Market, kind: str) -> None:
    user_id = market.customer()
    order_id = market.order(kind, user_id)["id"]
    refused = market.post(market.path(user_id, order_id, "/staged"), {"bags_count": 1})
    assert error(refused) == (400, "Only last mile orders can be staged", 1001, "order_id")


@pytest.mark.parametrize("kind", HELD)
def test_user_is_deleted_then_nothing_can_be_done_for_them(market: Market, kind: str) -> None:
    user_id = market.customer()
    order_id = market.order(kind, user_id)["id"]
    market.post(f"{USERS}/{user_id}/privacy_request").raise_for_status()
    gone = (403, "User Not Active", None, None)
    for action in ("cancel", "staged"):
        assert error(market.post(market.path(user_id, order_id, f"/{action}"), {})) == gone
    assert error(market.put(market.path(user_id, order_id, "/tip"), {"tip_amount_cents": 1})) == gone
    assert error(market.put(market.path(user_id, order_id), {})) == gone


@on_sqlite
@pytest.mark.parametrize("kind", KINDS)
def test_tip_of_the_same_amount_then_only_pickup_sends_no_event(market: Market, kind: str) -> None:
    shopping, user_id = Shopping(market), market.customer()
    order_id = market.order(kind, user_id)["id"]
    shopping.complete(order_id, kind)
    same = {"tip_amount_cents": market.row(order_id)["tip_cents"]}
    market.http.put(market.path(user_id, order_id, "/tip"), json=same, headers=market.headers).raise_for_status()
    events = shopping.events(order_id)
    assert events[-1] == ("delivered" if kind == "pickup" else "tip_adjustment")
