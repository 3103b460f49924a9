"""Attackers only use up their own limits: the right password from an unused address is always accepted."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import pytest
from msgspec.structs import replace

from handcart.accounts import ops
from handcart.core import clock
from handcart.core.db import Unavailable
from handcart.sign_in import limits, passwords
from handcart.sign_in.errors import SignInRefused
from handcart.sign_in.models import CUSTOMER, Audience
from tests.races.rounds import IS_LONG
from tests.support.extent import IS_FAST
from tests.support.pages import is_page
from tests.support.server import on_sqlite
from tests.support.shop import PASSWORD, SampleAccount, Shop, Visitor, first_form, new_address, new_email

pytestmark = pytest.mark.usefixtures("stopped")

AT_ONCE = 50


def try_often(shop: Shop, tries: int, address: str, *, email: str | None = None) -> list[int]:
    """Post wrong passwords from one address, by default each for another account; returns the statuses."""
    http = shop.server.http(address=address)
    form = first_form(http.get("/account/sign-in").text)
    return [
        http.post(
            form.action,
            data={**form.fields, "email": email or new_email(), "password": "wrong password"},
        ).status_code
        for _ in range(tries)
    ]


def signs_in(shop: Shop, account: SampleAccount) -> bool:
    """Whether a customer can sign in with the right password, from a new browser at a new address."""
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    return visitor.sign_in(account).status_code == 200 and visitor.http.get("/account").status_code == 200


def hits(shop: Shop, subject: str) -> int:
    """The number of tries counted since the clock was frozen."""
    sums = "SELECT SUM(hits) AS n FROM rate_limits WHERE subject LIKE $1 AND ends_at > $2 AND ends_at <= $3"
    return int(shop.server.sql(sums, subject, clock.now(), clock.now() + clock.DAY)[0]["n"] or 0)


async def flood(shop: Shop, tries: Iterator[tuple[str, str]]) -> Counter[str]:
    """Send wrong passwords from (address, e-mail), many at once; returns the numbers of checked and refused tries."""
    seen: Counter[str] = Counter()

    async def strangers() -> None:
        for address, email in tries:
            try:
                await ops.sign_in(
                    shop.server.app.database,
                    None,
                    email=email,
                    password="wrong password",
                    address=address,
                    session="",
                    device="0" * 64,
                )
            except SignInRefused as refused:
                seen["refused" if refused.retry_after else "checked"] += 1

    await asyncio.gather(*(strangers() for _ in range(AT_ONCE)))
    return seen


def test_2000_strangers_in_every_form_then_the_right_customers_get_in(shop: Shop) -> None:
    """One form after the other, on the same server and within the same five minutes.

    PostgreSQL, which takes a round trip for each count, and `make test-fast` get few; LONG_RUNS=1 gives them all.
    """
    strangers = 2000 if IS_LONG or (shop.server.database == "sqlite" and not IS_FAST) else 200
    account = shop.account()
    v4, v6 = int(IPv4Address("198.18.0.0")), int(IPv6Address("2001:db8:7::"))
    forms: dict[str, Iterator[tuple[str, str]]] = {
        "one address, one account": (("192.0.2.1", account.email) for _ in range(strangers)),
        "one address, many accounts": (("192.0.2.2", new_email()) for _ in range(strangers)),
        "many addresses, one account": ((str(IPv4Address(v4 + n)), account.email) for n in range(strangers)),
        "one /48, one account": ((str(IPv6Address(v6 + (n << 64))), account.email) for n in range(strangers)),
        "one /48, many accounts": ((str(IPv6Address(v6 + (n << 64))), new_email()) for n in range(strangers)),
        "many addresses, many accounts": (
            (str(IPv4Address(v4 + n + strangers)), new_email()) for n in range(strangers)
        ),
        "many addresses, one known account and many more": (
            (str(IPv4Address(v4 + n % 500)), account.email if n % 2 else new_email()) for n in range(strangers)
        ),
    }
    for form, tries in forms.items():
        seen = shop.server.wait_for(flood(shop, tries))
        assert seen.total() == strangers
        right = [signs_in(shop, customer) for customer in (account, shop.account(), account)]
        print(f"{shop.server.database}: {form}: {dict(seen)}; right customers in: {right.count(True)} of {len(right)}")
        assert all(right), form


def test_many_addresses_guess_one_account_then_few_guesses_are_checked(shop: Shop) -> None:
    account = shop.account()
    addresses = [new_address() for _ in range(40)]
    checked = [
        shop.server.wait_for(flood(shop, iter([(address, account.email)] * 12)))["checked"] for address in addresses
    ]
    # 100 in all; from then on five a day from each.
    assert checked == [10] * 10 + [5] * 30
    assert signs_in(shop, account)


def test_one_address_guesses_all_day_then_fifty_are_checked(shop: Shop, stopped: object) -> None:
    email, address = new_email(), new_address()
    checked = 0
    for _ in range(24):
        stopped(hours=1)  # type: ignore[operator]
        checked += shop.server.wait_for(flood(shop, iter([(address, email)] * 12)))["checked"]
    # The clock was moved over the end of one day.
    assert checked == 60


def test_one_address_tries_without_end_then_it_uses_up_its_own_limit_alone(shop: Shop) -> None:
    before = hits(shop, "sign-in:all")
    statuses = try_often(shop, 60, new_address())
    assert statuses == [401] * 10 + [429] * 50
    assert hits(shop, "sign-in:all") - before == 10


@on_sqlite
def test_everybody_tries_then_an_address_may_try_less(shop: Shop) -> None:
    account, address = shop.account(), new_address()
    shop.server.wait_for(flood(shop, ((new_address(), new_email()) for _ in range(1000))))
    assert try_often(shop, 5, address) == [401] * 3 + [429] * 2
    assert signs_in(shop, account)


@on_sqlite
def test_addresses_of_one_ipv6_network_then_they_share_a_limit(shop: Shop) -> None:
    def statuses(*addresses: str) -> list[int]:
        return list(itertools.chain(*(try_often(shop, 1, address) for address in addresses)))

    assert statuses(*(f"2001:db8:0:700::{host:x}" for host in range(12))) == [401] * 10 + [429] * 2
    # 40 of one /56, in which the /64 above lies.
    assert statuses(*(f"2001:db8:0:7{net:02x}::1" for net in range(1, 33))) == [401] * 30 + [429] * 2
    # 160 of one /48.
    assert statuses(*(f"2001:db8:0:{net:02x}00::1" for net in range(8, 130))) == [401] * 120 + [429] * 2
    assert statuses("2001:db8:1::1") == [401]


def test_two_audiences_have_an_email_then_each_counts_its_own_account(shop: Shop) -> None:
    email, address = new_email(), new_address()
    staff = replace(CUSTOMER, name="staff")

    def subjects(audience: Audience) -> set[str]:
        counted = shop.server.write(limits.count, audience, email, address, is_known_device=False)
        return {subject for subject, _ in counted}

    # A customer's counts keep the keys that they had before there were audiences.
    account = shop.server.app.keys.hash(email).hex()[:32]
    pair, total = f"sign-in:pair:{account}:{address}", f"sign-in:account:{account[:4]}"
    assert {pair, total} < subjects(CUSTOMER)
    both = subjects(CUSTOMER) & subjects(staff)
    assert both == {f"sign-in:address:{address}", "sign-in:all"}


def test_ipv4_written_as_ipv6_then_the_same_address(shop: Shop) -> None:
    address = new_address()
    statuses = try_often(shop, 15, address) + try_often(shop, 15, f"::ffff:{address}")
    assert statuses == [401] * 10 + [429] * 20


def test_right_passwords_then_no_limit_is_used_up(shop: Shop) -> None:
    account = shop.account()
    before = hits(shop, "sign-in:%")
    for _ in range(12):
        assert signs_in(shop, account)
    assert hits(shop, "sign-in:%") == before


def test_no_time_to_check_a_password_then_the_try_is_not_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def busy(password_hash: str | None, password: str) -> bool:
        raise Unavailable("too many passwords wait to be verified")

    before = hits(shop, "sign-in:%")
    with monkeypatch.context() as patch:
        patch.setattr(passwords, "verify", busy)
        assert set(try_often(shop, 12, new_address())) == {503}
    assert hits(shop, "sign-in:%") == before


def known_browser(shop: Shop, account: SampleAccount) -> Visitor:
    """A browser that has signed in, and out again."""
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    is_page(visitor.sign_in(account))
    visitor.http.cookies.delete("handcart")
    return visitor


def status(visitor: Visitor, account: SampleAccount, password: str = PASSWORD) -> int:
    visitor.open("/account/sign-in")
    code = visitor.sign_in(account, password).status_code
    if code == 200:
        visitor.http.cookies.delete("handcart")
    return code


def test_address_used_up_by_others_then_a_known_browser_gets_in(shop: Shop) -> None:
    account, other = shop.account(), shop.account()
    owner, neighbour = known_browser(shop, account), known_browser(shop, other)
    home = owner.http.headers["X-Forwarded-For"]
    assert try_often(shop, 11, home, email=account.email)[-1] == 429  # somebody at the same café
    device = owner.http.cookies["handcart_device"]
    # Neither no device, nor a made-up one, nor that of another account helps.
    wrong = device[:-1] + ("0" if device[-1] != "0" else "1")
    for cookie in (None, "0" * 64, wrong, neighbour.http.cookies["handcart_device"]):
        elsewhere = shop.visitor()
        elsewhere.http.headers["X-Forwarded-For"] = home
        if cookie:
            elsewhere.http.cookies.set("handcart_device", cookie)
        assert status(elsewhere, account) == 429
    assert status(owner, account) == 200
    # It has its own ten tries; after them it counts as an unknown browser.
    assert [status(owner, account, "wrong password") for _ in range(11)] == [401] * 10 + [429]
    owner.http.headers["X-Forwarded-For"] = new_address()
    assert status(owner, account) == 200


def test_password_changed_then_browsers_with_the_old_one_are_strangers(shop: Shop) -> None:
    account = shop.account()
    owner, stale = known_browser(shop, account), known_browser(shop, account)
    owner.open("/account/sign-in")
    owner.sign_in(account)
    owner.open("/account/password")
    is_page(owner.submit(current_password=PASSWORD, new_password="quite another password"))
    owner.http.cookies.delete("handcart")
    for visitor in (owner, stale):
        assert try_often(shop, 11, visitor.http.headers["X-Forwarded-For"])[-1] == 429
    assert status(owner, account, "quite another password") == 200
    assert status(stale, account, "quite another password") == 429
