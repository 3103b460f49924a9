"""Cheap requests stay cheap for the server: in rows, in memory, in time."""

import asyncio
import sys

import pytest

from handcart.core.db import Unavailable
from handcart.oauth import bearer
from handcart.sign_in import passwords
from tests.support.pages import is_error, nothing_written
from tests.support.shop import PASSWORD, PASSWORD_HASH, Shop, new_address


def test_strangers_start_authorizations_without_end_then_nothing_is_kept(shop: Shop) -> None:
    query = {"client_id": shop.client.client_id, "response_type": "code", "state": "s" * 2048}
    with nothing_written(shop.server, "authorization_requests", "sessions", "rate_limits"):
        for _ in range(30):
            with shop.server.http(address=new_address()) as browser:  # without a cookie each time
                assert browser.get("/oauth/authorize", params=query).status_code == 200


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


def test_client_sends_other_retailer_headers_then_none_is_kept_in_memory(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client of one retailer may send any `X-Retailer-Id`; the cache must not keep them all."""
    bearers = bearer.Bearers(caches=True)
    monkeypatch.setattr(shop.server.app, "_authenticate", bearers.authenticate)
    monkeypatch.setattr(shop.server.app, "hook", None)  # a sandbox caches nothing
    user_id = shop.user()
    for number in range(20):
        headers = {**shop.headers, "X-Retailer-Id": "x" * 20_000 + str(number)}
        assert shop.http.get(f"/v2/fulfillment/users/{user_id}/link", headers=headers).status_code == 400
    assert 0 < sum(sys.getsizeof(slug) for _, slug in bearers._kept) < 1000


def test_description_asked_for_again_and_again_then_made_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shop.http.get("/openapi.json").content
    monkeypatch.setattr("handcart.description.document.describe", lambda *given: pytest.fail("made again"))
    assert shop.http.get("/openapi.json").content == first
