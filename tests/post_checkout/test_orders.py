"""Which token finds which order, and the state of an order in the documented words."""

from collections.abc import Sequence

import pytest

from handcart.batches.models import Batch
from handcart.orders.models import Order, OrderDetails
from handcart.orders.states import WORKFLOWS
from handcart.post_checkout.orders import FULFILLMENT_TYPES, workflow_state
from tests.support.contents import nothing_written
from tests.support.orders import KINDS, PHONE, Market
from tests.support.post_checkout import NO_USER, NOT_FOUND, Customer
from tests.support.server import LiveServer
from tests.support.shop import Shop, error


def test_users_token_and_order_of_the_user_then_found(market: Market) -> None:
    user_id = market.customer()
    for kind in KINDS:
        order_id = market.order(kind, user_id)["id"]
        assert Customer(market, user_id).get(order_id).json()["id"] == order_id, kind


def test_clients_token_then_orders_of_all_users_are_found(market: Market) -> None:
    for kind in KINDS:
        order_id = market.order(kind, market.customer())["id"]
        assert Customer(market).get(order_id).json()["id"] == order_id, kind


def test_order_of_another_user_then_not_found(market: Market) -> None:
    order_id = market.order("delivery", market.customer())["id"]
    with_none = market.order("dispatch")["id"]
    other = Customer(market, market.customer())
    with nothing_written(market.server):
        for foreign in (order_id, with_none, "unknown", "%", "' OR '1'='1", "\u202eORD"):
            assert error(other.get(foreign)) == NOT_FOUND, foreign


def test_order_of_another_retailer_then_not_found_by_any_token(market: Market, server: LiveServer) -> None:
    elsewhere, user_id = Market(server), market.customer()
    elsewhere.customer(user_id)
    order_id = elsewhere.order("delivery", user_id)["id"]
    for caller in (Customer(market), Customer(market, user_id)):
        assert error(caller.get(order_id)) == NOT_FOUND


def test_order_without_a_user_then_a_client_reads_user_id_not_found(market: Market) -> None:
    assert error(Customer(market).get(market.order("dispatch")["id"])) == NO_USER


def test_user_was_deleted_then_the_order_has_no_user(server: LiveServer) -> None:
    market = Market(server)
    user_id = market.customer()
    order_id, caller = market.order("delivery", user_id)["id"], Customer(market, user_id)
    market.post(f"/v2/fulfillment/users/{user_id}/privacy_request").raise_for_status()
    assert caller.get(order_id).status_code == 401
    assert error(Customer(market).get(order_id)) == NO_USER


def test_token_of_another_scope_then_forbidden(shop: Shop) -> None:
    for scope in ("connect:fulfillment", "Connect::Orders::RatingService"):
        answer = Customer(shop, scope=scope).get("ORD-1")
        assert answer.status_code == 403
        assert answer.json()["error"]["message"] == 'Access to this resource requires scope "connect:post_checkout".'


def order(kind: str, status: str, *, is_staged: bool = False) -> Order:
    return Order(
        order_id="ORD-1",
        number=1,
        isolation_id=1,
        user_id="user",
        kind=kind,
        status=status,
        created_at=0,
        store_number=1,
        window_starts_at=0,
        window_ends_at=0,
        window_type="scheduled",
        place=None,
        details=OrderDetails(staged_at=1 if is_staged else None, phone_number=PHONE),
    )


def batch(*, is_accepted: bool) -> Batch:
    return Batch(1, "any", "any", 1, ["ORD-1"], True, 1 if is_accepted else None)


# The documented states by kind: https://docs.instacart.com/connect/api/post_checkout/order/get_order. Its table is cut
# after runner_acknowledged; `delivering` stands in the text of another page.
_ENDS = ("completed", "canceled")
_SHOPPED = ("brand_new", "acknowledged", "picking", "verifying_replacements", "checkout")
_CARRIED = (
    *("brand_new", "staged_for_delivery", "waiting_for_delivery", "acknowledged_for_delivery"),
    *("at_store", "bags_verified", "delivering", *_ENDS),
)
_PICKED_UP = ("ready_for_pickup", "user_at_store", "runner_awaiting", "runner_acknowledged", "bags_verified")
DOCUMENTED: dict[str, Sequence[str]] = {
    "delivery": (*_SHOPPED, "bags_check", "staged", "delivering", *_ENDS),
    "pickup": (*_SHOPPED, "bags_check", *_PICKED_UP, *_ENDS),
    "last_mile": _CARRIED,
    "dispatch": _CARRIED,
}
# A delivery has them only if a second shopper brings it to the customer, which does not happen here.
NEVER = {"delivery": {"bags_check", "staged"}}


@pytest.mark.parametrize("kind", KINDS)
def test_every_state_of_an_order_then_a_documented_workflow_state(kind: str) -> None:
    given = [None, batch(is_accepted=False), batch(is_accepted=True)]
    reached = {
        workflow_state(order(kind, status, is_staged=is_staged), one)
        for status in WORKFLOWS[kind].states
        for is_staged in (False, *([True] if kind in ("last_mile", "dispatch") else []))
        for one in given
    }
    assert reached == set(DOCUMENTED[kind]) - NEVER.get(kind, set())


@pytest.mark.parametrize(
    ("kind", "status", "is_staged", "accepted", "expected"),
    [
        ("pickup", "staged", False, None, "ready_for_pickup"),
        ("pickup", "runner_awaiting", False, False, "runner_awaiting"),
        ("pickup", "runner_awaiting", False, True, "runner_acknowledged"),
        ("pickup", "user_at_store", False, False, "user_at_store"),
        ("pickup", "user_at_store", False, True, "runner_acknowledged"),
        ("last_mile", "brand_new", False, None, "brand_new"),
        ("last_mile", "brand_new", True, None, "staged_for_delivery"),
        ("dispatch", "brand_new", True, False, "waiting_for_delivery"),
        ("dispatch", "acknowledged_for_delivery", True, True, "acknowledged_for_delivery"),
    ],
)
def test_state_with_another_name_on_the_wire_then_that_name(
    kind: str, status: str, is_staged: bool, accepted: bool | None, expected: str
) -> None:
    live = None if accepted is None else batch(is_accepted=accepted)
    assert workflow_state(order(kind, status, is_staged=is_staged), live) == expected


def test_kinds_of_orders_then_the_three_documented_fulfillment_types() -> None:
    assert FULFILLMENT_TYPES.keys() == set(KINDS)
    assert set(FULFILLMENT_TYPES.values()) == {"delivery", "pickup", "last_mile_delivery"}
