"""`POST /oauth/authorize/{request_id}/sign-in`: signing in on the way to consent (docs/conformance.md)."""

import re
from typing import Any

import argon2
import httpx
import pytest

from handcart.accounts import ops as accounts
from handcart.linking import ops as linking
from handcart.sign_in import passwords, sessions
from tests.support.pages import is_error, is_page, nothing_written
from tests.support.shop import PASSWORD, SampleAccount, Shop, Visitor, answer, first_form, new_address, new_email

WRONG = "not the password at all"
WINDOW_SECONDS = 300
TRIES = 10


def text_of(page: httpx.Response) -> str:
    """A page without what differs from one showing to the next: form token, and the e-mail address given."""
    without = re.sub(r'name="form_token" value="[0-9a-f]{64}"', "", page.text)
    return re.sub(r'type="email" value="[^"]*"', "", re.sub(r"/oauth/authorize/[A-Za-z0-9_.-]+", "", without))


def at_login(shop: Shop) -> Visitor:
    """A browser that shows the login page."""
    visitor = shop.visitor()
    visitor.authorize()
    return visitor


def is_signed_in(visitor: Visitor) -> bool:
    return visitor.http.get("/account").status_code == 200


def post(visitor: Visitor, account: SampleAccount, headers: dict[str, str], **fields: str) -> httpx.Response:
    form = first_form(visitor.page.text)
    data = {**form.fields, "email": account.email, "password": account.password, **fields}
    return visitor.http.post(form.action, data=data, headers=headers)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The parameters of each password hash that was checked: what made a try take its time."""
    checked: list[str] = []
    verify = argon2.PasswordHasher.verify

    def counting(self: argon2.PasswordHasher, hash: str, password: str) -> Any:
        checked.append(hash.rpartition("$")[0].rpartition("$")[0])
        return verify(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counting)
    return checked


def test_no_form_token_then_403_and_still_logged_out(shop: Shop) -> None:
    visitor, account = at_login(shop), shop.account()
    for token in (None, "", "0" * 64, "x"):
        visitor.authorize()
        with nothing_written(shop.server, "sessions"):
            is_error(visitor.submit(email=account.email, password=PASSWORD, form_token=token), 403, "form_expired")
    assert not is_signed_in(visitor)


def test_form_token_of_another_session_then_403_and_still_logged_out(shop: Shop) -> None:
    visitor, stranger, account = at_login(shop), at_login(shop), shop.account()
    with nothing_written(shop.server, "sessions"):
        foreign = first_form(stranger.page.text).fields["form_token"]
        is_error(visitor.submit(email=account.email, password=PASSWORD, form_token=foreign), 403, "form_expired")
    visitor = at_login(shop)
    visitor.http.cookies.clear()  # the browser sent no cookie at all
    with nothing_written(shop.server, "sessions"):
        is_error(visitor.sign_in(account), 403, "form_expired")
    assert not is_signed_in(visitor)


def test_form_token_of_another_request_of_this_browser_then_403(shop: Shop) -> None:
    visitor, account = at_login(shop), shop.account()
    other = first_form(visitor.page.text).fields["form_token"]
    visitor.authorize()
    with nothing_written(shop.server, "sessions"):
        is_error(visitor.submit(email=account.email, password=PASSWORD, form_token=other), 403, "form_expired")
    assert not is_signed_in(visitor)


def test_form_posted_twice_then_the_result_of_the_first(shop: Shop) -> None:
    """As without JavaScript, where a second press of the button posts the form again."""
    visitor, account = at_login(shop), shop.account()
    form, old = first_form(visitor.page.text), visitor.http.cookies["handcart"]
    form.fields |= {"email": account.email, "password": account.password}
    for comes_with in ("the cookie from before", "the cookie of the first answer"):
        visitor.http.cookies.set("handcart", old, domain="127.0.0.1")
        first = visitor.http.post(form.action, data=form.fields)
        if comes_with == "the cookie from before":
            visitor.http.cookies.set("handcart", old, domain="127.0.0.1")
        with nothing_written(shop.server):
            second = visitor.http.post(form.action, data=form.fields)
            assert (first.status_code, second.status_code) == (303, 303), comes_with
            visitor.page = is_page(visitor.http.get(second.headers["location"]))
        assert account.email in visitor.page.text
        assert answer(visitor.decide("allow"))["state"] == "state-1"


def test_login_page_open_for_long_then_page(shop: Shop, later: Any) -> None:
    visitor, account = at_login(shop), shop.account()
    with later(minutes=30, seconds=1), nothing_written(shop.server, "sessions"):
        is_error(visitor.sign_in(account), 400, "already_answered")


def test_login_page_loaded_again_then_it_expires_no_later(shop: Shop, later: Any) -> None:
    visitor, account = at_login(shop), shop.account()
    action = first_form(visitor.page.text).action
    path = action.partition("/sign-in")[0]
    for minutes in (10, 20, 29):
        with later(minutes=minutes):
            is_page(visitor.open(path))
            assert first_form(visitor.page.text).action == action
    with later(minutes=30, seconds=1), nothing_written(shop.server, "sessions"):
        is_error(visitor.sign_in(account), 400, "already_answered")
        is_error(visitor.http.get(path), 400, "already_answered")


def test_signed_out_at_the_consent_page_then_the_request_expires_no_later(shop: Shop, later: Any) -> None:
    visitor, account = at_login(shop), shop.account()
    consent = is_page(visitor.sign_in(account))
    cookie = visitor.http.cookies["handcart"]
    shop.server.write(sessions.end, cookie)
    with later(minutes=20):
        is_page(visitor.open(consent.url.path))
    with later(minutes=30, seconds=1), nothing_written(shop.server, "sessions"):
        is_error(visitor.sign_in(account), 400, "already_answered")


@pytest.mark.parametrize("place", [0, 40, -1])
def test_request_in_the_address_changed_then_page(shop: Shop, place: int) -> None:
    visitor, account = at_login(shop), shop.account()
    form = first_form(visitor.page.text)
    request = form.action.split("/")[3]
    changed = request[:place] + ("A" if request[place] != "A" else "B") + (request[place + 1 :] if place != -1 else "")
    for path in (f"/oauth/authorize/{changed}", f"/oauth/authorize/{request.partition('.')[0]}"):
        with nothing_written(shop.server, "sessions"):
            is_error(visitor.http.get(path), 400, "already_answered")
            fields = form.fields | {"email": account.email, "password": account.password, "decision": "allow"}
            is_error(visitor.http.post(f"{path}/sign-in", data=fields), 400, "already_answered")
            is_page(visitor.http.post(f"{path}/consent", data=fields), 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1"},  # another port is another origin
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "something"},
    ],
)
def test_post_from_another_site_then_403_even_with_the_form_token(shop: Shop, headers: dict[str, str]) -> None:
    visitor, account = at_login(shop), shop.account()
    with nothing_written(shop.server, "sessions"):
        is_error(post(visitor, account, headers), 403, "form_expired")
    assert not is_signed_in(visitor)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "{url}"}, {"Origin": "null"}, {"Origin": "{url}", "Sec-Fetch-Site": "same-origin"}],
    ids=["no headers", "own origin", "origin withheld", "both"],
)
def test_post_from_our_own_page_then_signed_in(shop: Shop, headers: dict[str, str]) -> None:
    visitor, account = at_login(shop), shop.account()
    own = {name: value.format(url=shop.server.url) for name, value in headers.items()}
    assert post(visitor, account, own).status_code == 303
    assert is_signed_in(visitor)


@pytest.mark.parametrize("planted", ["A" * 43, "short", "x" * 44, "{" * 43, ""])
def test_cookie_set_before_login_then_new_one_after_and_the_old_one_dead(shop: Shop, planted: str) -> None:
    visitor, account = shop.visitor(), shop.account()
    visitor.http.headers["Cookie"] = f"handcart={planted}"
    page = visitor.authorize()
    del visitor.http.headers["Cookie"]
    given = page.cookies.get("handcart") or planted
    assert given == planted if planted == "A" * 43 else len(given) == 43
    visitor.http.cookies.set("handcart", given, domain="127.0.0.1")
    visitor.sign_in(account)
    after = visitor.http.cookies["handcart"]
    assert len(after) == 43
    assert after not in (given, planted)
    assert is_signed_in(visitor)

    attacker = shop.visitor()
    attacker.http.cookies.set("handcart", given)
    assert not is_signed_in(attacker)
    with nothing_written(shop.server):
        request = re.search(r"/oauth/authorize/[A-Za-z0-9_-]{43}", visitor.page.text)
        assert request
        is_error(attacker.http.get(request[0]), 400, "already_answered")


def test_cookie_planted_twice_then_the_session_of_neither_is_taken_over(shop: Shop) -> None:
    owner, account = at_login(shop), shop.account()
    owner.sign_in(account)
    attacker = shop.visitor()
    attacker.http.headers["Cookie"] = f"handcart={owner.http.cookies['handcart']}x; handcart={'A' * 43}"
    assert not is_signed_in(attacker)


@pytest.mark.parametrize("name", ["next", "return_to", "continue", "redirect_uri", "locale"])
def test_parameter_that_names_a_target_then_never_followed(shop: Shop, name: str) -> None:
    visitor, account = at_login(shop), shop.account()
    form = first_form(visitor.page.text)
    data = form.fields | {"email": account.email, "password": account.password, name: "//evil.example"}
    response = visitor.http.post(form.action, params={name: "https://evil.example/"}, data=data)
    assert response.status_code == 303
    assert re.fullmatch(r"/oauth/authorize/[A-Za-z0-9_-]{43}\?locale=en-US", response.headers["location"])


@pytest.mark.usefixtures("our_hashes")
def test_unknown_closed_and_wrong_then_same_status_body_and_work(shop: Shop, hashed: list[str]) -> None:
    account, closed = shop.account(), shop.account()
    shop.server.write(accounts.change_password, account.id, passwords.hash_new(PASSWORD), "")
    shop.server.write(linking.close_account, closed.id)
    unknown = SampleAccount(0, new_email())
    seen = []
    with nothing_written(shop.server, "sessions"):
        for tried, password in ((unknown, PASSWORD), (closed, PASSWORD), (account, WRONG), (unknown, WRONG)):
            visitor = at_login(shop)
            page = is_page(visitor.sign_in(tried, password), 401)
            assert not is_signed_in(visitor)
            headers = {name for name in page.headers if name != "date"}
            seen.append((text_of(page), headers, page.headers["content-security-policy"]))
    assert "That email and password" in seen[0][0]
    assert seen == [seen[0]] * 4
    # One hash for each try, and each as dear as the others: argon2id, 19 MiB, two passes (ASVS 11.4.2).
    assert hashed == ["$argon2id$v=19$m=19456,t=2,p=1"] * 4


@pytest.mark.usefixtures("stopped")
def test_account_unknown_then_as_limited_as_a_known_one(shop: Shop) -> None:
    for tried in (SampleAccount(0, new_email()), shop.account()):
        visitor = at_login(shop)
        statuses = [visitor.sign_in(tried, WRONG).status_code for _ in range(TRIES + 1)]
        assert statuses == [401] * TRIES + [429]


def test_password_of_1_mib_then_refused_before_hashing(shop: Shop, hashed: list[str]) -> None:
    account = shop.account()
    with nothing_written(shop.server, "sessions", "rate_limits"):
        is_error(at_login(shop).sign_in(account, "p" * (1 << 20)), 413, "too_large")
    assert hashed == []


@pytest.mark.parametrize("password", ["p" * 1025, "é" * 513], ids=["1,025 letters", "1,026 bytes"])
def test_password_over_1024_bytes_then_refused_before_hashing(shop: Shop, hashed: list[str], password: str) -> None:
    with nothing_written(shop.server, "sessions"):
        is_page(at_login(shop).sign_in(shop.account(), password), 401)
    assert hashed == []


@pytest.mark.parametrize("ending", ["%00", "%FF", "%ED%A0%80"], ids=["NUL", "no UTF-8", "lone surrogate"])
def test_password_that_is_no_text_then_refused_before_hashing(shop: Shop, hashed: list[str], ending: str) -> None:
    visitor, account = at_login(shop), shop.account()
    form = first_form(visitor.page.text)
    body = f"form_token={form.fields['form_token']}&email={account.email}&password={'a' * 20}{ending}"
    with nothing_written(shop.server, "sessions"):
        response = visitor.http.post(
            form.action, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        is_error(response, 400, "invalid_request")
    assert hashed == []


@pytest.mark.parametrize(
    "password",
    [
        "ends with a space ",
        " starts with one too",
        "\ttabbed\t",
        "Ünïcode Pässwörter",
        "p" * 1024,
        "é" * 512,
        "1234 5678",
    ],
    ids=lambda password: repr(password[:20]),
)
def test_password_then_kept_exactly_as_typed(shop: Shop, password: str) -> None:
    account = shop.account()
    shop.server.write(accounts.change_password, account.id, passwords.hash_new(password), "")
    for near in {password.strip(), password.lower(), password[:-1], password + " "} - {password}:
        is_page(at_login(shop).sign_in(account, near), 401)
    visitor = at_login(shop)
    is_page(visitor.sign_in(account, password))
    assert is_signed_in(visitor)


def test_wrong_tries_at_one_account_then_429_until_the_window_ends(shop: Shop, stopped: Any, hashed: list[str]) -> None:
    account, visitor = shop.account(), at_login(shop)
    for _ in range(TRIES):
        is_page(visitor.sign_in(account, WRONG), 401)
    assert len(hashed) == TRIES
    for password in (WRONG, PASSWORD):  # the eleventh, and the right one as the twelfth
        with nothing_written(shop.server, "sessions"):
            page = is_page(visitor.sign_in(account, password), 429)
        assert "Too many tries. Wait 5 minutes, then try again." in page.text
    assert len(hashed) == TRIES  # what is over the limit costs nothing
    is_page(at_login(shop).sign_in(account))  # from elsewhere
    stopped(seconds=WINDOW_SECONDS)
    is_page(visitor.sign_in(account))
    assert is_signed_in(visitor)


def test_fifty_wrong_tries_in_a_day_then_the_hours_to_wait(shop: Shop, stopped: Any) -> None:
    account, visitor = shop.account(), at_login(shop)
    for _ in range(5):
        assert [visitor.sign_in(account, WRONG).status_code for _ in range(TRIES)] == [401] * TRIES
        stopped(seconds=WINDOW_SECONDS)
    assert "Too many tries. Wait 24 hours, then try again." in is_page(visitor.sign_in(account), 429).text
    stopped(days=1, seconds=-5 * WINDOW_SECONDS)
    visitor.authorize()
    is_page(visitor.sign_in(account))


def test_eleven_wrong_tries_from_an_address_then_429_until_the_window_ends(shop: Shop, stopped: Any) -> None:
    account, address = shop.account(), {"X-Forwarded-For": new_address()}
    for number in range(TRIES + 1):
        visitor = at_login(shop)
        visitor.http.headers.update(address)
        tried = SampleAccount(0, f"guess-{number}@example.com")
        is_page(visitor.sign_in(tried, WRONG), 401 if number < TRIES else 429)
    visitor = at_login(shop)
    visitor.http.headers.update(address)
    with nothing_written(shop.server, "sessions"):
        is_page(visitor.sign_in(account), 429)
    is_page(at_login(shop).sign_in(account))  # from elsewhere
    stopped(seconds=WINDOW_SECONDS)
    is_page(visitor.sign_in(account))
    assert is_signed_in(visitor)


@pytest.mark.usefixtures("stopped")
def test_right_passwords_then_not_counted(shop: Shop) -> None:
    account, address = shop.account(), {"X-Forwarded-For": new_address()}
    for _ in range(TRIES + 2):
        visitor = at_login(shop)
        visitor.http.headers.update(address)
        is_page(visitor.sign_in(account))
        assert is_signed_in(visitor)
