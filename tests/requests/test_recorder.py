"""The log of API calls: what is kept of a call, what never is, and how much of it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from handcart.core import clock
from handcart.requests import jobs, ops, queries
from handcart.requests.models import Code, Entry, Filters
from handcart.requests.recorder import MOST_WAITING, REFUSED_PER_MINUTE, Recorder, shape
from tests.support.contents import contents, nothing_written
from tests.support.orders import PHONE, Market
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import Shop

USERS = "/v2/fulfillment/users"


class Log:
    """A recorder of all calls of the server, whose calls are stored when a test reads them."""

    def __init__(self, server: LiveServer, percent: int = 100) -> None:
        self.server, self.recorder = server, Recorder(percent)
        self.recorder._database = server.app.database

    def find(self, **filters: Any) -> list[Entry]:
        self.server.wait_for(self.recorder.store())
        return list(self.server.read(queries.find, Filters(**filters)))


@pytest.fixture
def log(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    log = Log(server)
    monkeypatch.setattr(server.app, "_answered", log.recorder.answered)
    yield log
    server.sql("DELETE FROM request_log RETURNING id")


def test_call_is_refused_then_its_rule_fields_and_shape_and_no_value(log: Log, server: LiveServer) -> None:
    market = Market(server)
    body = {"user_id": "kim", "first_name": "Kim", "phone_number": "not a phone", "birth_date": "1991-03-05"}
    refused = market.post(USERS, body)
    assert refused.status_code == 400
    (one,) = log.find(retailer_id=market.retailer.id, status=400)
    assert (one.method, one.route, one.client_id) == ("POST", USERS, market.client.client_id)
    assert one.request_id == refused.headers["x-request-id"]
    assert one.rule
    assert one.rule.startswith(("users.", "core."))
    assert [code.key for code in one.codes] == ["phone_number"]
    assert json.loads(one.shape or "") == dict.fromkeys(body, "string")
    market.customer(first_name="Kimberly")
    log.find()
    kept = "".join(contents(server, "request_log")["request_log"])
    for secret in ("Kim", "not a phone", "1991-03-05", PHONE, market.token, market.client.client_secret):
        assert secret not in kept, secret


def test_call_without_a_token_or_a_route_then_kept_without_client(log: Log, shop: Shop) -> None:
    shop.http.post(USERS, json={"user_id": "kim"})
    shop.http.get("/v2/nothing/like/kim@example.com")
    shop.http.get("/account/sign-in")
    wrong = shop.post_token(grant_type="client_credentials", client_secret="wrong-secret")
    assert wrong.status_code == 401
    found = log.find()[:3]
    assert [(one.method, one.route, one.status) for one in found] == [
        ("POST", "/v2/oauth/token", 401),
        ("GET", "", 404),
        ("POST", USERS, 401),
    ]
    assert {one.client_id for one in found} == {None}
    assert "wrong-secret" not in str(found)
    assert "kim" not in str(found)


def test_share_of_successful_calls_is_none_then_only_refused_ones(server: LiveServer, shop: Shop, log: Log) -> None:
    none = Log(server, percent=0)
    server.app._answered = none.recorder.answered
    shop.user()
    assert shop.get(f"{USERS}/nobody").status_code == 404
    assert [one.status for one in none.find(retailer_id=shop.retailer.id)] == [404]
    assert server.read(queries.last_use, shop.client.client_id)


def test_client_is_refused_often_then_a_bound_for_each_minute(log: Log, shop: Shop, stopped: Any) -> None:
    for _ in range(REFUSED_PER_MINUTE + 5):
        shop.get(f"{USERS}/nobody")
    other = Shop(shop.server)
    other.get(f"{USERS}/nobody")
    assert len(log.find(client_id=shop.client.client_id, status=404)) == REFUSED_PER_MINUTE
    assert len(log.find(client_id=other.client.client_id, status=404)) == 1
    stopped(minutes=1)
    shop.get(f"{USERS}/nobody")
    assert len(log.find(client_id=shop.client.client_id, status=404)) == REFUSED_PER_MINUTE + 1


def test_calls_are_answered_then_none_writes_until_the_batch(log: Log, shop: Shop) -> None:
    assert shop.token
    with nothing_written(shop.server):
        for _ in range(20):
            shop.get(f"{USERS}/nobody")
    assert len(log.find(client_id=shop.client.client_id, status=404)) == 20


@on_sqlite
def test_more_calls_wait_than_fit_then_the_rest_is_dropped(log: Log, shop: Shop) -> None:
    shop.user()
    log.recorder._waiting *= MOST_WAITING
    shop.user()
    assert len(log.recorder._waiting) >= MOST_WAITING
    assert log.recorder._dropped == 1
    log.recorder._waiting.clear()


def test_calls_are_filtered_then_only_those_that_fit(server: LiveServer, log: Log) -> None:
    entries = [entry(number, status=400 + number % 2, rule=f"slots.ops.{number % 3}") for number in range(1, 121)]
    server.write(ops.store, entries, {"c": 5})
    assert [one.id for one in log.find(status=401, rule="slots.ops.0")] == list(range(117, 0, -6))
    assert log.find(request_id="r7")[0] == entries[6]
    page = server.read(queries.find, Filters(), 50, 10)
    assert [one.id for one in page] == list(range(49, 39, -1))
    server.write(ops.store, [], {"c": 4})
    assert server.read(queries.last_use, "c") == 5


def test_calls_are_old_or_too_many_then_deleted(server: LiveServer, log: Log, later: Any) -> None:
    server.write(ops.store, [entry(number) for number in range(1, 21)], {})
    by_age, by_number = jobs.purges(1, 5)
    assert server.write(by_number, 3) == 3
    assert server.write(by_number, 100) == 12
    assert [one.id for one in log.find()] == [20, 19, 18, 17, 16]
    assert server.write(by_number, 100) == 0
    assert server.write(by_age, 100) == 5


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", None),
        (b"not json", "8 bytes"),
        (
            b'{"a":{"b":[1,2,3]},"c":null,"d":true,"e":[]}',
            '{"a":{"b":["number","3 in all"]},"c":"null","d":"boolean","e":[]}',
        ),
        (b'{"kim@example.com":"x"}', '{"?":"string"}'),
        (b'{"a":' * 9 + b"1" + b"}" * 9, '{"a":{"a":{"a":{"a":{"a":{"a":"..."}}}}}}'),
    ],
)
def test_body_then_its_shape(raw: bytes, expected: str | None) -> None:
    assert shape(raw) == expected


def entry(number: int, **fields: Any) -> Entry:
    given = {"request_id": f"r{number}", "method": "GET", "route": USERS, "status": 200, "milliseconds": 3}
    return Entry(id=number, at=clock.SECOND, codes=[Code(1001, "user_id")], **{**given, **fields})
