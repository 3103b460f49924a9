"""Limits that guard an account, a client or the server can be used up by nobody on behalf of others."""

import pytest

from handcart.core import clock, passwords
from tests.support.shop import Shop, first_form, new_address, new_email

pytestmark = pytest.mark.usefixtures("stopped")


def try_often(shop: Shop, tries: int, address: str, *, email: str | None = None) -> list[int]:
    """Post wrong passwords from one address, each for another account if none is named; answers the statuses."""
    http = shop.server.http(address=address)
    form = first_form(http.get("/account/sign-in").text)
    return [
        http.post(
            form.action,
            data={**form.fields, "email": email or new_email(), "password": "wrong password"},
        ).status_code
        for _ in range(tries)
    ]


def hits(shop: Shop, subject: str) -> int:
    """How many were counted since the clock stands."""
    sums = "SELECT SUM(hits) AS n FROM rate_limits WHERE subject LIKE $1 AND window_starts_at = $2"
    return int(shop.server.sql(sums, subject, clock.now())[0]["n"] or 0)


@pytest.fixture
def quick(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Hashing takes no time."""

    async def wrong(password_hash: str | None, password: str) -> bool:
        return False

    monkeypatch.setattr(passwords, "verify", wrong)
    return shop


def test_one_address_tries_without_end_then_it_uses_up_its_own_limit_alone(quick: Shop) -> None:
    statuses = try_often(quick, 60, new_address())
    assert statuses == [401] * 10 + [429] * 50
    assert hits(quick, "sign-in:all") == hits(quick, "sign-in:account:%") == 10


def test_many_addresses_try_one_account_then_the_rest_of_the_server_goes_on(quick: Shop) -> None:
    email = new_email()
    statuses = [status for _ in range(6) for status in try_often(quick, 5, new_address(), email=email)]
    assert statuses == [401] * 10 + [429] * 20
    assert hits(quick, "sign-in:all") == 10


def test_addresses_of_one_ipv6_network_then_they_share_a_limit(quick: Shop) -> None:
    statuses = [status for host in range(30) for status in try_often(quick, 1, f"2001:db8:0:7::{host:x}")]
    assert statuses == [401] * 10 + [429] * 20
    assert try_often(quick, 1, "2001:db8:0:8::1") == [401]


def test_ipv4_written_as_ipv6_then_the_same_address(quick: Shop) -> None:
    address = new_address()
    statuses = try_often(quick, 15, address) + try_often(quick, 15, f"::ffff:{address}")
    assert statuses == [401] * 10 + [429] * 20
