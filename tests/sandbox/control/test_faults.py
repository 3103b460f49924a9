"""Faults: which calls they apply to, how often, and that nothing is written."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handcart.slots import plans
from tests.support.contents import contents, nothing_written
from tests.support.orders import Market
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import Shop, error

OWN = "/v2/handcart_sandbox"
FAULTS = f"{OWN}/faults"
USERS = "/v2/fulfillment/users"


def switch_on(shop: Shop, *faults: dict[str, Any]) -> None:
    answer = shop.http.put(FAULTS, json={"faults": faults}, headers=shop.headers)
    assert answer.status_code == 200, answer.text


def create_user(shop: Shop, number: int = 1) -> Any:
    return shop.post(USERS, {"user_id": f"user-{number}", "first_name": "Sample"})


INTERNAL = "Sorry, an unexpected error occurred. Our team has been notified. Please try again later."
REFUSALS = {
    "rate_limited": ({"retry_after": 7}, 429, None, "Too many requests", "7"),
    "internal_error": ({}, 500, 5000, INTERNAL, None),
    "try_again": ({}, 400, 2003, "The request could not be completed at this time, try again later.", None),
    "unavailable": ({}, 503, None, "Service unavailable, please try again later", "1"),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_next_calls_are_to_fail_then_they_do_and_write_nothing(server: LiveServer, fault: str) -> None:
    shop = Shop(server)
    fields, status, code, message, retry_after = REFUSALS[fault]
    switch_on(shop, {"fault": fault, "times": 2, "operation": "create_user", **fields})
    before = contents(server, "users", "tokens")
    for _ in range(2):
        answer = create_user(shop)
        assert error(answer) == (status, message, code, None)
        assert answer.headers.get("retry-after") == retry_after
    assert contents(server, "users", "tokens") == before
    assert create_user(shop).status_code == 200
    (shown,) = shop.get(FAULTS).json()["faults"]
    assert (shown["seen"], shown["met"], shown["times"]) == (2, 2, 2)
    entries = shop.get(f"{OWN}/requests", params={"refused": True}).json()["requests"]
    assert [one["fault"] for one in entries] == [fault, fault]


def test_path_named_then_only_its_calls_fail_until_it_is_switched_off(server: LiveServer) -> None:
    shop, other = Shop(server), Shop(server)
    switch_on(shop, {"fault": "unavailable", "path": f"{USERS}/{{user_id}}/link"})
    for _ in range(3):
        assert shop.get_link("user-1").status_code == 503
    assert create_user(shop).status_code == 200
    assert other.get_link("user-1").status_code == 400
    assert shop.http.delete(FAULTS, headers=shop.headers).json() == {"faults": []}
    assert shop.get_link("user-1").status_code == 400


def test_every_call_fails_then_tokens_too_and_the_controls_never(server: LiveServer) -> None:
    shop = Shop(server)
    assert shop.token
    switch_on(shop, {"fault": "internal_error"})
    assert shop.post_token(grant_type="client_credentials").status_code == 500
    control = {"Handcart-Sandbox": "control"}
    asked = {**shop.credentials, "grant_type": "client_credentials"}
    assert shop.http.post("/v2/oauth/token", json=asked, headers=control).status_code == 200
    assert shop.get(FAULTS).json()["faults"][0]["met"] == 1
    assert shop.get(f"{OWN}/clock").status_code == 200


def test_strangers_use_the_client_id_then_none_of_its_faults_is_used_up(server: LiveServer) -> None:
    shop = Shop(server)
    assert shop.token
    token = {"fault": "unavailable", "operation": "create_token", "times": 1}
    switch_on(shop, token, {"fault": "internal_error", "times": 1})
    for _ in range(3):
        assert shop.post_token(grant_type="client_credentials", client_secret="wrong").status_code == 401
        assert shop.visitor().authorize().status_code == 200
    assert [fault["seen"] for fault in shop.get(FAULTS).json()["faults"]] == [0, 0]
    assert shop.post_token(grant_type="client_credentials").status_code == 503
    assert create_user(shop).status_code == 500
    switch_on(shop, {"fault": "internal_error", "path": "/oauth/authorize", "times": 1})
    assert shop.visitor().authorize().status_code == 500  # the fault of this page affects everybody who opens it


def test_calls_come_at_once_then_no_more_than_asked_for_fail(server: LiveServer) -> None:
    shop = Shop(server)
    switch_on(shop, {"fault": "unavailable", "operation": "get_user_link", "times": 5})
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: shop.get_link("user-1").status_code, range(24)))
    assert statuses.count(503) == 5


def test_share_fails_then_the_seed_says_which(server: LiveServer) -> None:
    shop = Shop(server)

    def outcomes(seed: int) -> list[int]:
        switch_on(shop, {"fault": "unavailable", "operation": "get_user_link", "share": 0.5, "seed": seed})
        return [shop.get_link("user-1").status_code for _ in range(20)]

    first = outcomes(7)
    assert {400, 503} == set(first)
    assert outcomes(7) == first
    assert outcomes(8) != first


def test_calls_are_slow_then_they_succeed_and_the_log_says_so(server: LiveServer) -> None:
    shop = Shop(server)
    switch_on(shop, {"fault": "slow", "slow_ms": 20, "times": 1})
    assert create_user(shop).elapsed.total_seconds() >= 0.02
    (entry,) = shop.get(f"{OWN}/requests", params={"status": 200, "after": 1}).json()["requests"]
    assert (entry["fault"], entry.get("refusal")) == ("slow", None)


def test_faults_are_several_then_a_call_meets_the_first_one_left(server: LiveServer) -> None:
    shop = Shop(server)
    switch_on(shop, {"fault": "unavailable", "times": 1}, {"fault": "rate_limited", "times": 1})
    assert [create_user(shop).status_code for _ in range(3)] == [503, 429, 200]


# A slot that somebody else takes


def listed(market: Market, user_id: str) -> dict[int, bool]:
    body = {"location_code": "here", "items": [{"line_num": "1", "count": 1, "item": {"rrc": "milk"}}]}
    options = market.post(f"{USERS}/{user_id}/service_options/cart/pickup", body).json()["service_options"]
    return {one["id"]: one["availability"]["available"] for one in options}


@pytest.mark.parametrize("exception", [None, 3])
def test_slot_is_taken_meanwhile_then_it_is_full_for_the_list_too(server: LiveServer, exception: int | None) -> None:
    market = Market(server, capacity=5)
    day = plans.windows.start_of("America/Chicago", market.at(12)).date
    if exception is not None:
        server.write(plans.set_exception, market.retailer.id, "here", "pickup", day, [12], exception)
    plan = contents(server, "slot_plans", "slot_exceptions")
    rival, user_id, option_id = market.customer(), market.customer(), market.option("pickup")
    assert market.reserve(rival, "pickup").status_code == 200
    switch_on(market, {"fault": "slot_taken", "times": 1})
    assert listed(market, user_id)[option_id] is True
    answer = market.reserve(user_id, "pickup")
    assert error(answer) == (400, "Service option is not available", 1001, "service_option_id")
    assert listed(market, user_id)[option_id] is False
    assert market.reserve(user_id, "pickup").status_code == 400  # it stays taken
    assert market.reserve(user_id, "pickup", hour=14).status_code == 200
    market.http.delete(FAULTS, headers=market.headers)
    assert contents(server, "slot_plans", "slot_exceptions") == plan
    assert market.reserve(user_id, "pickup").status_code == 200


def test_one_slot_is_named_then_that_one_is_taken(server: LiveServer) -> None:
    market = Market(server)
    switch_on(market, {"fault": "slot_taken", "service_option_id": market.option("pickup", hour=14)})
    assert market.reserve(market.customer(), "pickup", hour=12).status_code == 200
    assert market.reserve(market.customer(), "pickup", hour=14).status_code == 400
    strange = market.post(f"{USERS}/{market.customer()}/service_options/99/reserve")
    assert strange.status_code in (400, 404)


# Bad input

BAD: dict[str, tuple[Any, str, str]] = {
    "no list": ({}, "can't be blank", "faults"),
    "unknown fault": ({"faults": [{"fault": "earthquake"}]}, "is invalid", "faults[0].fault"),
    "no fault": ({"faults": [{}]}, "can't be blank", "faults[0].fault"),
    "unknown operation": (
        {"faults": [{"fault": "unavailable"}, {"fault": "unavailable", "operation": "fly"}]},
        "is unknown",
        "faults[1].operation",
    ),
    "a control": (
        {"faults": [{"fault": "unavailable", "operation": "handcart_sandbox_set_faults"}]},
        "is unknown",
        "faults[0].operation",
    ),
    "unknown path": ({"faults": [{"fault": "unavailable", "path": "/v3"}]}, "is unknown", "faults[0].path"),
    "a call's event": ({"faults": [{"fault": "unavailable", "event": "picking"}]}, "is invalid", "faults[0].event"),
    "never": ({"faults": [{"fault": "unavailable", "times": 0}]}, "is invalid", "faults[0].times"),
    "more than all": ({"faults": [{"fault": "unavailable", "share": 1.1}]}, "is invalid", "faults[0].share"),
    "how slow": ({"faults": [{"fault": "slow"}]}, "can't be blank", "faults[0].slow_ms"),
    "too slow": ({"faults": [{"fault": "slow", "slow_ms": 30_001}]}, "is invalid", "faults[0].slow_ms"),
    "no slot": ({"faults": [{"fault": "slot_taken", "operation": "create_user"}]}, "is invalid", "faults[0].operation"),
    "too many": ({"faults": [{"fault": "unavailable"}] * 101}, "is invalid", "faults"),
}


@on_sqlite
@pytest.mark.parametrize("row", BAD)
def test_faults_are_bad_then_they_are_refused_and_nothing_changes(server: LiveServer, row: str) -> None:
    shop = Shop(server)
    switch_on(shop, {"fault": "slow", "slow_ms": 1})
    body, message, key = BAD[row]
    with nothing_written(server):
        answer = shop.http.put(FAULTS, json=body, headers=shop.headers)
    assert error(answer) == (400, message, 1001, key)
