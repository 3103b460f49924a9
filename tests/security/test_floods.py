"""Cheap requests stay cheap for the server: in rows, in memory, in time."""

import asyncio
import dataclasses
import sys

import pytest

from handcart import app as handcart_app
from handcart.core import passwords
from handcart.core.db import Unavailable
from handcart.oauth import bearer
from tests.support.pages import is_error
from tests.support.shop import PASSWORD, PASSWORD_HASH, Shop


class FirstThree:
    """A bucket that lets three through."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def take(self, key: str) -> bool:
        self.asked.append(key)
        return len(self.asked) <= 3


def test_one_address_starts_authorizations_without_end_then_few_are_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = FirstThree()
    monkeypatch.setattr(shop.server.app, "visits_from", bucket)
    query = {"client_id": shop.client.client_id, "response_type": "code", "state": "s"}
    answers = []
    for host in range(6):
        with shop.server.http(address=f"2001:db8:0:9::{host:x}") as browser:  # without a cookie each time
            answers.append(browser.get("/oauth/authorize", params=query))

    assert [answered.status_code for answered in answers] == [200, 200, 200, 429, 429, 429]
    is_error(answers[-1], 429, "too_many_requests")
    assert answers[-1].headers["retry-after"] == "1"
    assert set(bucket.asked) == {"2001:db8:0:9::"}
    kept = "SELECT COUNT(*) AS n FROM authorization_requests WHERE client_id = $1"
    assert shop.server.sql(kept, shop.client.client_id)[0]["n"] == 3


def test_settings_then_visits_are_limited_unless_all_limits_are_off(shop: Shop) -> None:
    def passing(per_second: int) -> int:
        settings = dataclasses.replace(shop.server.app.settings, rate_limit_per_second=per_second)
        visits = handcart_app.create(settings, shop.server.app.keys).visits_from
        return [visits.take("192.0.2.1") for _ in range(1000)].count(True)

    assert passing(0) == 1000
    assert passing(500) < 1000


async def test_burst_of_passwords_then_some_wait_and_the_rest_hear_so_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MOST_WAITING", 3)
    burst = [passwords.verify(PASSWORD_HASH, PASSWORD) for _ in range(5)]
    outcomes = await asyncio.gather(*burst, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [bool] * 3 + [Unavailable] * 2
    cancelled = asyncio.ensure_future(passwords.verify(PASSWORD_HASH, PASSWORD))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    assert all(await asyncio.gather(*(passwords.verify(PASSWORD_HASH, PASSWORD) for _ in range(3))))


def test_burst_of_sign_ins_then_503_with_a_time_to_wait(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    account, visitor = shop.account(), shop.visitor()
    visitor.open("/account/sign-in")
    monkeypatch.setattr(passwords, "_MOST_WAITING", 0)
    answered = visitor.sign_in(account)
    is_error(answered, 503, "unavailable")
    assert "retry-after" in answered.headers


def test_client_sends_ever_other_retailer_headers_then_no_memory_is_spent_on_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client of one retailer may send any `X-Retailer-Id`; PostgreSQL's cache must not keep them all."""
    bearers = bearer.Bearers()
    monkeypatch.setattr(shop.server.app, "_authenticate", bearers.authenticate)
    user_id = shop.user()
    for number in range(20):
        headers = {**shop.headers, "X-Retailer-Id": "x" * 20_000 + str(number)}
        assert shop.http.get(f"/v2/fulfillment/users/{user_id}/link", headers=headers).status_code == 400
    assert sum(sys.getsizeof(slug) for _, slug in bearers._kept) < 1000


def test_description_asked_for_again_and_again_then_made_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shop.http.get("/openapi.json").content
    monkeypatch.setattr("handcart.app.description", lambda settings: pytest.fail("made again"))
    assert shop.http.get("/openapi.json").content == first
