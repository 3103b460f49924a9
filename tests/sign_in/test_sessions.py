"""Session cookies: attributes, lifetimes, and stored sessions (ASVS 5.0: 3.3, 7.2, 7.3, 7.4)."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from handcart.core import clock, ids
from handcart.sign_in import sessions
from handcart.sign_in.models import CUSTOMER, SHOPPER, STAFF
from tests.support.pages import is_error, is_page
from tests.support.server import LiveServer, live_server
from tests.support.shop import Shop, Visitor, first_form

YEAR_SECONDS = 365 * clock.DAY // clock.SECOND


@pytest.fixture(scope="module")
def https_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose public address is an https one; TLS ends before it."""
    data = tmp_path_factory.mktemp("https")
    with live_server(f"sqlite:///{data}/handcart.db", data, public_url="https://connect.example") as running:
        yield running


def signed_in(shop: Shop) -> Visitor:
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    visitor.sign_in(shop.account())
    return visitor


def is_signed_in(visitor: Visitor) -> bool:
    return visitor.http.get("/account").status_code == 200


def cookies_of(response: httpx.Response) -> dict[str, tuple[str, list[str]]]:
    """Value and attributes of each cookie that a response sets."""
    found = {}
    for line in response.headers.get_list("set-cookie"):
        pair, *attributes = line.split("; ")
        name, _, value = pair.partition("=")
        found[name] = (value, attributes)
    return found


def test_http_then_cookies_are_http_only_lax_and_of_this_host(shop: Shop) -> None:
    visitor = shop.visitor()
    before, attributes = cookies_of(visitor.http.get("/account/sign-in"))[CUSTOMER.cookie]
    assert attributes == [f"Path={CUSTOMER.path}", "HttpOnly", "SameSite=Lax"]
    visitor.open("/account/sign-in")
    account = shop.account()
    form = first_form(visitor.page.text)
    data = form.fields | {"email": account.email, "password": account.password}
    given = cookies_of(visitor.http.post(form.action, data=data))
    assert set(given) == {"handcart", "handcart_device"}
    assert given["handcart"][1] == ["Path=/", "HttpOnly", "SameSite=Lax"]
    assert given["handcart_device"][1] == ["Path=/", "HttpOnly", "SameSite=Lax", f"Max-Age={YEAR_SECONDS}"]
    assert given["handcart"][0] != before


def test_https_then_cookies_are_secure_with_the_host_prefix(https_server: LiveServer) -> None:
    shop = Shop(https_server)
    account, browser = shop.account(), https_server.http()
    login = is_page(browser.get("/account/sign-in"))
    assert login.headers["strict-transport-security"] == "max-age=31536000"
    cookies = cookies_of(login)
    assert set(cookies) == {"__Host-handcart"}
    value, attributes = cookies["__Host-handcart"]
    assert attributes == ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", value)

    form = first_form(login.text)
    data = form.fields | {"email": account.email, "password": account.password}
    # Without the prefix the cookie is somebody else's: a sister domain could have planted it.
    is_error(browser.post(form.action, data=data, headers={"Cookie": f"handcart={value}"}), 403, "form_expired")
    response = browser.post(form.action, data=data, headers={"Cookie": f"__Host-handcart={value}"})
    given = cookies_of(response)
    assert set(given) == {"__Host-handcart", "__Host-handcart_device"}
    for _, attributes in given.values():
        assert attributes[:4] == ["Path=/", "HttpOnly", "SameSite=Lax", "Secure"]
    session = given["__Host-handcart"][0]
    assert session != value
    is_page(browser.get("/account", headers={"Cookie": f"__Host-handcart={session}"}))
    assert browser.get("/account", headers={"Cookie": f"handcart={session}"}).status_code == 303


def test_cookies_then_random_and_never_the_same_twice(shop: Shop) -> None:
    seen = {shop.server.http().get("/account/sign-in").cookies["handcart"] for _ in range(50)}
    assert len(seen) == 50
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie) for cookie in seen)


def test_session_then_the_database_has_its_hash_alone(shop: Shop) -> None:
    visitor = signed_in(shop)
    cookie = visitor.http.cookies["handcart"]
    kept = {bytes(row["session_hash"]) for row in shop.server.sql("SELECT session_hash FROM sessions")}
    assert shop.server.app.keys.hash(cookie) in kept
    assert cookie.encode() not in b"".join(kept)


def test_session_ended_then_others_stay(shop: Shop) -> None:
    one, other = shop.account(), shop.account()
    ended, same, others = (shop.server.write(sessions.start, CUSTOMER, who.id, "") for who in (one, one, other))
    shop.server.write(sessions.end, ended)
    found = [shop.server.read(sessions.person_of, CUSTOMER, cookie) for cookie in (ended, same, others)]
    assert found == [None, one.id, other.id]


def test_account_signs_in_without_end_then_the_newest_twenty_sessions_stay(shop: Shop) -> None:
    account = shop.account()
    cookies = [shop.server.write(sessions.start, CUSTOMER, account.id, "") for _ in range(25)]
    alive = [cookie for cookie in cookies if shop.server.read(sessions.person_of, CUSTOMER, cookie)]
    assert alive == cookies[-CUSTOMER.most_sessions :]


def test_idle_for_twelve_hours_then_signed_out(shop: Shop, later: Any) -> None:
    visitor = signed_in(shop)
    with later(hours=12, minutes=-1):
        assert is_signed_in(visitor)
    with later(hours=24):  # twelve hours and a minute after it was seen
        assert not is_signed_in(visitor)


def test_idle_while_a_request_waits_then_asked_to_log_in_again(shop: Shop, later: Any) -> None:
    visitor = signed_in(shop)
    with later(hours=12, minutes=1):
        assert "Welcome back!" in is_page(visitor.authorize()).text


def test_in_use_for_fourteen_days_then_signed_out_all_the_same(shop: Shop, later: Any) -> None:
    visitor = signed_in(shop)
    for hours in range(11, 14 * 24, 11):
        with later(hours=hours):
            assert is_signed_in(visitor), hours
    with later(days=14, minutes=-1):
        assert is_signed_in(visitor)
    with later(days=14, seconds=1):
        assert not is_signed_in(visitor)


def test_over_then_the_worker_drops_the_row_and_not_before(shop: Shop, later: Any) -> None:
    key = shop.server.app.keys.hash(signed_in(shop).http.cookies["handcart"])

    def is_kept() -> bool:
        return bool(shop.server.sql("SELECT 1 AS kept FROM sessions WHERE session_hash = $1", key))

    with later(hours=12, minutes=-1):
        shop.server.write(sessions.purge, 10_000)
        assert is_kept()
    with later(hours=12, minutes=1):
        shop.server.write(sessions.purge, 10_000)
        assert not is_kept()


def test_page_views_in_a_row_then_one_write_in_five_minutes(shop: Shop, later: Any) -> None:
    visitor = signed_in(shop)
    key = shop.server.app.keys.hash(visitor.http.cookies["handcart"])

    def seen_at() -> int:
        seen: int = shop.server.sql("SELECT seen_at FROM sessions WHERE session_hash = $1", key)[0]["seen_at"]
        return seen

    first = seen_at()
    with later(minutes=4):
        assert is_signed_in(visitor)
        assert seen_at() == first
    with later(minutes=6):
        assert is_signed_in(visitor)
        assert seen_at() > first + 5 * clock.MINUTE


def test_sessions_are_listed_and_ended_one_by_one_then_the_others_stay(server: LiveServer) -> None:
    person, other = ids.new_id(), ids.new_id()
    first, second, third = (server.write(sessions.start, STAFF, person, "", name) for name in ("a", "b" * 100, "c"))
    elsewhere = server.write(sessions.start, STAFF, other, "")
    found = server.read(sessions.of_person, STAFF, person)
    assert [session.name for session in found] == ["c", "b" * sessions.MOST_NAME, "a"]
    assert server.read(sessions.find, STAFF, first) == found[2]
    assert server.read(sessions.of_person, SHOPPER, person) == []
    assert not server.write(sessions.end_one, STAFF, other, found[2].id)
    assert server.write(sessions.end_one, STAFF, person, found[2].id)
    assert not server.write(sessions.end_one, STAFF, person, found[2].id)
    server.write(sessions.end_all, STAFF, person, keep=third)
    alive = [server.read(sessions.person_of, STAFF, cookie) for cookie in (first, second, third, elsewhere)]
    assert alive == [None, None, person, other]
