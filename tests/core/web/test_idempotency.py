"""`Idempotency-Key` on creations: a repeated request gets the first response, byte for byte, and creates nothing."""

import asyncio
from typing import Any

import httpx
import pytest

from handcart.core.web import idempotency
from handcart.retailers import clients
from tests.support.orders import KINDS, Market, creation_path, line
from tests.support.server import LiveServer
from tests.support.shop import error

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"
REUSED = (422, "Idempotency-Key was used for another request: use a new key", 1001, "Idempotency-Key")
MALFORMED = (400, "is invalid", 1001, "Idempotency-Key")


@pytest.fixture
def market(server: LiveServer) -> Market:
    return Market(server, capacity=1)


def body_of(market: Market, kind: str, user_id: str, **fields: Any) -> dict[str, Any]:
    hold = {} if kind == "dispatch" else {"service_option_hold_id": market.hold(user_id, kind)}
    return market.body(kind, **hold, **fields)


def keyed(market: Market, kind: str, user_id: str, body: Any, key: str = KEY) -> httpx.Response:
    return market.send(kind, user_id, body, headers={"Idempotency-Key": key})


def kept(market: Market) -> list[str]:
    """The keys of the market's client."""
    rows = market.server.sql(
        "SELECT idempotency_key FROM idempotency_keys WHERE client_id = $1 ORDER BY 1", market.client.client_id
    )
    return [row["idempotency_key"] for row in rows]


@pytest.mark.parametrize("kind", [*KINDS, "last_mile deprecated"])
def test_request_repeated_then_the_first_answer(market: Market, kind: str) -> None:
    user_id, plain = market.customer(), kind.split()[0]
    body = body_of(market, plain, user_id)
    first = keyed(market, kind, user_id, body)
    assert first.status_code == 200, first.text
    market.set_status(body["order_id"], "completed")
    again = keyed(market, kind, user_id, body, f'"{KEY}"')  # as the draft has it, in quotes
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["content-type"] == "application/json"
    # Without the key it is a repetition too, and returns the current order.
    assert market.send(kind, user_id, body).json()["status"] == "completed"
    assert (market.orders, market.taken, kept(market)) == (1, (0, 1), [KEY])


def test_answer_longer_than_64_kib_then_not_kept_and_the_order_answers(
    server: LiveServer,
) -> None:
    market = Market(server, is_lenient=True)
    user_id = market.customer()
    items = [line(str(n), f"product {n}", metadata={"note": "x" * (15 << 10)}) for n in range(5)]
    body = body_of(market, "delivery", user_id, items=items)
    first = keyed(market, "delivery", user_id, body)
    assert len(first.raise_for_status().content) > 64 << 10
    (row,) = server.sql("SELECT answer FROM idempotency_keys WHERE client_id = $1", market.client.client_id)
    assert bytes(row["answer"]) == b""
    again = keyed(market, "delivery", user_id, body)
    assert (again.status_code, again.json()) == (200, first.json())
    assert error(keyed(market, "delivery", user_id, {**body, "initial_tip_cents": 1})) == REUSED
    assert (market.orders, market.taken, kept(market)) == (1, (0, 1), [KEY])


def test_order_id_given_by_us_then_the_key_alone_prevents_a_second_order(market: Market) -> None:
    user_id = market.customer()
    body = body_of(market, "last_mile", user_id, order_id=...)
    first, again = (keyed(market, "last_mile", user_id, body) for _ in range(2))
    assert (first.status_code, again.content) == (200, first.content)
    assert error(market.send("last_mile", user_id, body)) == (400, "is invalid", 1001, "service_option_hold_id")
    assert market.orders == 1


def test_key_sent_with_another_request_then_refused(server: LiveServer) -> None:
    market = Market(server)
    user_id, other = market.customer(), market.customer()
    body = body_of(market, "delivery", user_id)
    first = keyed(market, "delivery", user_id, body)
    before = (market.orders, market.ledger())
    for answer in (
        keyed(market, "delivery", user_id, {**body, "initial_tip_cents": 1}),
        keyed(market, "delivery", user_id, {**body, "order_id": "another"}),
        keyed(market, "delivery", other, body),
        keyed(market, "pickup", user_id, body),
        keyed(market, "dispatch", "", market.body("dispatch")),
    ):
        assert error(answer) == REUSED
    assert (market.orders, market.ledger()) == before
    assert keyed(market, "delivery", user_id, body).content == first.content


def test_same_request_written_another_way_then_the_first_answer(server: LiveServer) -> None:
    """Other key order, a number for a code, an id as text, an unknown field, null for an absent one."""
    market = Market(server)
    user_id = market.customer()
    body = body_of(market, "delivery", user_id, order_id="4711")
    first = keyed(market, "delivery", user_id, body)
    hold_id = str(body["service_option_hold_id"])
    for same in (
        dict(reversed(body.items())),
        {**body, "order_id": 4711, "service_option_hold_id": hold_id},
        {**body, "unknown": 1, "loyalty_number": None, "paid_with_ebt": ""},
    ):
        again = keyed(market, "delivery", user_id, same)
        assert (again.status_code, again.content) == (200, first.content)
    assert market.orders == 1


def test_request_is_refused_then_its_key_is_free(market: Market) -> None:
    user_id = market.customer()
    body = body_of(market, "delivery", user_id)
    for wrong in ({**body, "service_option_hold_id": 1}, {**body, "items": []}, {**body, "order_id": "delivery"}, {}):
        assert keyed(market, "delivery", user_id, wrong).status_code == 400
        assert kept(market) == []
    assert keyed(market, "delivery", "nobody", body).status_code == 400
    assert keyed(market, "delivery", user_id, body).status_code == 200
    assert kept(market) == [KEY]


def test_day_passed_then_the_key_is_forgotten(server: LiveServer, later: Any) -> None:
    market = Market(server)
    user_id = market.customer()
    body = body_of(market, "delivery", user_id)
    first = keyed(market, "delivery", user_id, body)
    day = idempotency.KEPT / 1_000_000
    with later(seconds=day, minutes=-1):
        market._token = None
        assert keyed(market, "delivery", user_id, body).content == first.content
        server.write(idempotency.purge, 1000)  # may drop what other tests made before
        assert kept(market) == [KEY]
    with later(seconds=day, minutes=1):
        market._token = None
        assert keyed(market, "dispatch", "", market.body("dispatch")).status_code == 200
        assert error(keyed(market, "delivery", user_id, body)) == REUSED
        server.write(idempotency.purge, 1000)
        assert kept(market) == [KEY]
    with later(seconds=2 * day, minutes=2):
        market._token = None
        dropped = [server.write(idempotency.purge, 1)]
        while dropped[-1]:
            dropped.append(server.write(idempotency.purge, 1))
        assert set(dropped) == {0, 1}
        assert kept(market) == []
    assert market.orders == 2


def test_two_clients_use_one_key_then_each_has_its_own(server: LiveServer) -> None:
    north, south = Market(server), Market(server)
    for place in (north, south):
        user_id = place.customer("customer")
        body = body_of(place, "delivery", user_id, order_id="ORDER-1")
        assert keyed(place, "delivery", user_id, body).status_code == 200
    assert (north.orders, south.orders, kept(north), kept(south)) == (1, 1, [KEY], [KEY])
    user_id = north.customer()
    body = body_of(north, "delivery", user_id)
    second = Market(server)
    second.retailer, second.slug = north.retailer, north.slug
    second.client = server.write(clients.create, retailer=north.slug, scopes=["connect:fulfillment"])
    first = keyed(north, "delivery", user_id, body, "another")
    assert keyed(second, "delivery", user_id, body, "another").json() == first.json()
    assert (north.orders, kept(second)) == (2, ["another"])


@pytest.mark.parametrize(
    "key", ["", '""', "a" * 256, '"' + "a" * 256 + '"', "é", "a\tb", '"'], ids=lambda key: repr(key[:9])
)
def test_key_is_malformed_then_it_is_named_and_nothing_is_made(market: Market, key: str) -> None:
    user_id = market.customer()
    body = body_of(market, "delivery", user_id)
    headers = {**market.headers, "Idempotency-Key": key.encode()}
    answer = market.http.post(creation_path("delivery", user_id), json=body, headers=headers)
    if key == '"':  # one quote is a bare text like any other
        assert answer.status_code == 200
        return
    assert error(answer) == MALFORMED
    assert (market.orders, market.taken) == (0, (1, 0))


def test_two_keys_sent_then_none_counts(market: Market) -> None:
    user_id = market.customer()
    body = body_of(market, "delivery", user_id)
    headers = [*market.headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = market.http.post(creation_path("delivery", user_id), json=body, headers=headers)
    assert error(answer) == MALFORMED


@pytest.mark.parametrize("key", ["a" * 255, '"' + "a" * 255 + '"', "a b", "a;b=1", "'", "%00", '"a"b"'])
def test_key_is_well_formed_then_it_is_kept(market: Market, key: str) -> None:
    user_id = market.customer()
    body = body_of(market, "delivery", user_id)
    first, again = (keyed(market, "delivery", user_id, body, key) for _ in range(2))
    assert (first.status_code, again.content) == (200, first.content)
    assert kept(market) == [key[1:-1] if key.startswith('"') else key]


@pytest.mark.parametrize("order_id", [None, ...], ids=["named", "nameless"])
async def test_twenty_requests_with_one_key_at_once_then_one_order(market: Market, order_id: Any) -> None:
    user_id = market.customer()
    body = body_of(market, "last_mile", user_id, **({} if order_id is None else {"order_id": order_id}))
    headers = {**market.headers, "Idempotency-Key": KEY}
    limits = httpx.Limits(max_connections=20)
    async with httpx.AsyncClient(base_url=market.server.url, headers=headers, limits=limits, verify=False) as http:
        path = creation_path("last_mile", user_id)
        answers = await asyncio.gather(*[http.post(path, json=body) for _ in range(20)])
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert len({answer.content for answer in answers}) == 1
    assert (market.orders, market.taken, kept(market)) == (1, (0, 1), [KEY])
