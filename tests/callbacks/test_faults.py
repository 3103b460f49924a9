"""A sandbox's faults for callbacks."""

import pytest

from handcart.sandbox.control.callback_faults import CallbackFaults
from tests.callbacks.conftest import Post
from tests.support.server import on_sqlite

OWN = "/v2/handcart_sandbox"
PICKING = ["brand_new", "acknowledged", "picking"]

# A fault, what comes in (with a retry's 5 s on the clock), and what is kept of the attempts.
FAULTS = (
    ({"fault": "callback_duplicate", "event": "acknowledged"}, [*PICKING[:2], *PICKING[1:]], [None] * 3),
    (
        {"fault": "callback_reorder", "event": "brand_new", "times": 1},
        ["acknowledged", "brand_new", "picking"],
        [None] * 3,
    ),
    ({"fault": "callback_drop", "times": 1}, PICKING, ["lost on the way, on purpose", None, None, None]),
    ({"fault": "callback_delay", "slow_ms": 5}, PICKING, [None] * 3),
    (
        {"fault": "callback_error", "times": 1, "event": "picking"},
        PICKING,
        [None, None, "status 500, on purpose", None],
    ),
    ({"fault": "token_down", "times": 1}, PICKING, ["no token: connection refused, on purpose", None, None, None]),
)


@on_sqlite
@pytest.mark.parametrize(("fault", "names", "causes"), FAULTS, ids=[one[0]["fault"] for one in FAULTS])
def test_fault_is_on_then_callbacks_meet_it_and_all_arrive(
    post: Post, fault: dict[str, object], names: list[str], causes: list[str | None]
) -> None:
    post.subscribe()
    post.market.put(f"{OWN}/faults", {"faults": [fault]}).raise_for_status()
    post.shopping.batch(post.market.order("delivery")["id"], workflow_state="picking")
    post.drain(faults=CallbackFaults())
    post.market.post(f"{OWN}/clock/advance", {"seconds": 7}).raise_for_status()
    post.drain(faults=CallbackFaults())
    assert post.shop.names() == names
    assert post.causes() == causes
    assert {state for _, state, _ in post.deliveries()} == {"delivered"}
    bodies = {one.event["event_id"]: one.body for one in post.shop.callbacks}
    assert all(bodies[one.event["event_id"]] == one.body for one in post.shop.callbacks)


def test_single_event_delayed_then_the_next_one_overtakes_it(post: Post) -> None:
    post.subscribe()
    post.market.put(f"{OWN}/faults", {"faults": [{"fault": "callback_reorder", "times": 1}]}).raise_for_status()
    order_id = post.market.order("delivery")["id"]
    post.start(faults=CallbackFaults(reorder_seconds=60))
    post.shopping.batch(order_id, workflow_state="acknowledged")
    post.shop.wait(2)
    assert post.shop.names() == ["acknowledged", "brand_new"]


@on_sqlite
@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ({"fault": "callback_drop", "event": "no_such_event"}, "faults[0].event"),
        ({"fault": "rate_limited", "event": "picking"}, "faults[0].event"),
        ({"fault": "callback_drop", "operation": "create_user"}, "faults[0].operation"),
        ({"fault": "token_down", "path": "/v2/oauth/token"}, "faults[0].path"),
        ({"fault": "callback_delay"}, "faults[0].slow_ms"),
    ],
)
def test_fault_that_no_callback_could_meet_then_refused(post: Post, fault: dict[str, str], key: str) -> None:
    refused = post.market.put(f"{OWN}/faults", {"faults": [fault]})
    assert (refused.status_code, refused.json()["meta"]["key"]) == (400, key)
