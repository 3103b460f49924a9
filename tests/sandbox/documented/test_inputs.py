"""The lenient inputs of the documented sandbox: what real callers send, besides what its reference documents."""

import pytest

from tests.support.orders import Market
from tests.support.sandbox import SANDBOX, Shopping
from tests.support.server import LiveServer

INTERNAL = {"X-Treat-Ids-As-Internal": "true"}


@pytest.fixture(scope="module")
def market(server: LiveServer) -> Market:
    return Market(server, capacity=1000)


def test_callers_are_lenient_then_so_is_the_sandbox(market: Market) -> None:
    shopping, user_id = Shopping(market), market.customer()
    order_id = market.order("delivery", user_id)["id"]
    headers = {**market.headers, **INTERNAL}
    made = market.http.post(f"{SANDBOX}/shoppers/", json={"password": "123456", "nickname": 5}, headers=headers)
    shopper_id = made.json()["id"]
    assert 0 < shopper_id < 2**53
    body = {
        "shopper_id": f"0{shopper_id}",
        "orders": [{"id": order_id, "user_id": user_id, "priority": True}],
        "batch_type": None,
        "workflow_state": None,
    }
    batch = market.http.post(f"{SANDBOX}/batches/", json=body, headers=headers).json()
    assert batch["workflow_state"] == "acknowledged"
    path = f"{SANDBOX}/batches/{batch['id']}/advance"
    step = market.http.post(f"{path}/", headers=headers)
    assert step.json() == {"id": batch["id"], "workflow_state": "picking"}
    items = f"{SANDBOX}/shoppers/{shopper_id}/orders/{order_id}/items"
    for method in ("PUT", "POST"):
        for slash in ("", "/"):
            answer = market.http.request(method, f"{items}/1{slash}", json={"status": "found"}, headers=headers)
            assert answer.json() == {"success": True}
    assert market.http.post(f"{items}/", json={"item": {"rrc": "soap"}}, headers=headers).status_code == 200
    assert market.http.post(path, json={"workflow_state": None}, headers=headers).json()["workflow_state"] == (
        "verifying_replacements"
    )
    assert shopping.reach(batch["id"], "completed") == "completed"


def test_last_mile_state_called_by_its_other_name_then_so_answered(market: Market) -> None:
    shopping = Shopping(market)
    order_id = market.order("dispatch")["id"]
    name = "acknowledged_for_delivery"
    batch_id = shopping.batch(order_id, batch_type="delivery_only", workflow_state="brand_new")
    assert shopping.reach(batch_id, name) == name
    other = shopping.generate(shopping.shopper(), market.order("last_mile")["id"], workflow_state=name)
    assert other.json()["workflow_state"] == name
    rows = market.server.sql("SELECT workflow_state FROM batches WHERE id = $1", batch_id)
    assert rows[0]["workflow_state"] == "acknowledged"


def test_state_is_asked_for_at_once_then_everything_between_happened(market: Market) -> None:
    shopping, user_id = Shopping(market), market.customer()
    order_id = market.order("pickup", user_id)["id"]
    made = shopping.generate(shopping.shopper(), order_id, workflow_state="staged")
    assert made.json()["workflow_state"] == "staged"
    assert shopping.events(order_id) == ["brand_new", "acknowledged", "picking", "checkout", "staged"]
    runner = shopping.generate(shopping.shopper(), order_id)  # the type that a staged order waits for
    assert shopping.reach(runner.json()["id"], "completed") == "completed"
    assert market.read(user_id, order_id).json()["status"] == "completed"
