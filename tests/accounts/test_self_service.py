"""Customers sign up, get a new password, change their address, take their data and close their accounts themselves."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from handcart import app
from handcart.accounts import ops, self_service, self_service_pages
from handcart.core.settings import Settings
from handcart.messages import queries as messages
from tests.support.orders import Market
from tests.support.pages import is_error, is_page, nothing_written
from tests.support.server import on_sqlite
from tests.support.shop import PASSWORD, SampleAccount, Shop, Visitor, first_form, new_email

NEW = "quite another password"
TABLES = ("accounts", "sessions", "messages", "one_time_links")
WRONG = ["", "kim", "kim@", "@example.com", "kim @example.com", "a@b@c", "k" * 300 + "@example.com", "kim@x\r\nBcc: y"]


def mails(shop: Shop, email: str) -> list[Any]:
    """The mails to an address, the newest first."""
    found = shop.server.read(messages.messages, channel="mail", limit=100)
    return [one for one in found if one.address == email]


def link(shop: Shop, email: str) -> str:
    """The link in the newest mail to an address: path and query."""
    found = re.search(r"https?://\S+", mails(shop, email)[0].content.body)
    assert found
    parts = urlsplit(found[0])
    return f"{parts.path}?{parts.query}"


def at(shop: Shop, path: str) -> Visitor:
    visitor = shop.visitor()
    is_page(visitor.open(path))
    return visitor


def asks(shop: Shop, path: str, email: str) -> str:
    """The page after a form with an address was posted, without what differs in each."""
    page = at(shop, path).submit(email=email)
    assert page.status_code == 200, page.text
    return re.sub(r'value="[0-9a-f]{64}"', "", page.text)


def signs_in(shop: Shop, email: str, password: str) -> bool:
    visitor = at(shop, "/account/sign-in")
    return visitor.sign_in(SampleAccount(0, email), password).status_code == 200


def signed_in(shop: Shop, account: SampleAccount) -> Visitor:
    visitor = at(shop, "/account/sign-in")
    is_page(visitor.sign_in(account))
    return visitor


def test_stranger_signs_up_then_the_account_counts_from_the_link(shop: Shop) -> None:
    email = new_email()
    asks(shop, "/account/sign-up", f" {email.upper()} ")
    (mail,) = mails(shop, email)
    assert (mail.template, mail.content.subject) == ("sign_up", "Your Handcart account")
    assert shop.server.read(ops.find, email) is None
    assert not signs_in(shop, email, "")
    path = link(shop, email)
    visitor = at(shop, path)
    form = first_form(visitor.page.text)
    for wrong in ("", "1234567", "password", "p" * 1025):
        assert "The new password is too " in is_page(visitor.submit(new_password=wrong), 400).text
    assert "Your account is made, and you are logged in." in is_page(visitor.submit(new_password=NEW)).text
    assert signs_in(shop, email, NEW)
    is_error(shop.visitor().open(path), 400, "account_link")
    again = visitor.http.post(form.action, data=form.fields | {"new_password": "a third password"})
    assert (again.status_code, again.headers["location"]) == (303, "/account")
    assert signs_in(shop, email, NEW)


def test_address_has_an_account_or_not_then_pages_are_the_same(shop: Shop) -> None:
    account, nobody = shop.account(), new_email()
    for path in ("/account/sign-up", "/account/forgotten"):
        known, unknown = asks(shop, path, account.email), asks(shop, path, nobody)
        assert known == unknown, path
        assert account.email not in known
    assert [one.template for one in mails(shop, account.email)] == ["password_link", "sign_up_known"]
    assert [one.template for one in mails(shop, nobody)] == ["sign_up"]


def test_address_has_an_account_or_not_then_answers_wait_the_same_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    async def until(at: float) -> None:
        waits.append(at)

    monkeypatch.setattr(self_service_pages, "_until", until)
    account = shop.account()
    for path in ("/account/sign-up", "/account/forgotten"):
        for email in (account.email, new_email()):
            asks(shop, path, email)
    visitor = signed_in(shop, account)
    for email in (shop.account().email, new_email()):
        visitor.open("/account/email")
        is_page(visitor.submit(email=email, current_password=PASSWORD))
    assert len(waits) == 6


def test_password_is_forgotten_then_a_new_one_ends_old_sessions(shop: Shop) -> None:
    account = shop.account()
    elsewhere = signed_in(shop, account)
    asks(shop, "/account/forgotten", account.email)
    path = link(shop, account.email)
    is_page(at(shop, path).submit(new_password=NEW))
    assert elsewhere.http.get("/account").status_code == 303
    assert (signs_in(shop, account.email, NEW), signs_in(shop, account.email, PASSWORD)) == (True, False)
    is_error(shop.visitor().open(path), 400, "password_link")


def test_address_changes_then_both_addresses_are_told_and_sessions_end(shop: Shop) -> None:
    account, email = shop.account(), new_email()
    visitor = signed_in(shop, account)
    is_page(visitor.open("/account/email"))
    assert "The current password is incorrect." in is_page(visitor.submit(email=email, current_password="x"), 400).text
    is_page(visitor.submit(email=email, current_password=PASSWORD))
    assert shop.server.read(ops.find, email) is None
    path = link(shop, email)
    with nothing_written(shop.server, *TABLES):
        for other in (path.replace("email=", "email=x"), path.replace("/email/", "/email/1")):
            is_error(shop.visitor().open(other), 400, "account_link")
    stranger = signed_in(shop, shop.account())
    with nothing_written(shop.server, *TABLES):
        for other in (shop.visitor(), stranger):
            assert other.open(path).headers["location"] == "/account/sign-in"
    is_page(visitor.open(path))
    with nothing_written(shop.server, *TABLES):
        stranger.page = visitor.page
        assert stranger.submit().status_code == 403
    visitor.submit()
    assert shop.server.read(ops.find, email).id == account.id
    assert mails(shop, account.email)[0].template == "email_changed"
    assert visitor.http.get("/account").status_code == 303
    assert (signs_in(shop, email, PASSWORD), signs_in(shop, account.email, PASSWORD)) == (True, False)
    is_error(shop.visitor().open(path), 400, "account_link")


def test_address_changed_then_older_links_for_a_password_end(shop: Shop) -> None:
    account, email = shop.account(), new_email()
    asks(shop, "/account/forgotten", account.email)
    older = link(shop, account.email)
    visitor = signed_in(shop, account)
    visitor.open("/account/email")
    is_page(visitor.submit(email=email, current_password=PASSWORD))
    path, opened = link(shop, email), at(shop, older)
    is_page(visitor.open(path))
    visitor.submit()
    assert shop.server.read(ops.find, email).id == account.id
    is_error(shop.visitor().open(older), 400, "password_link")
    with nothing_written(shop.server, *TABLES):
        is_error(opened.submit(new_password=NEW), 400, "password_link")


@on_sqlite
def test_address_changes_and_back_then_an_older_link_stays_ended(shop: Shop) -> None:
    account, first, second = shop.account(), new_email(), new_email()
    visitor = signed_in(shop, account)

    def asks_for(email: str) -> str:
        is_page(visitor.open("/account/email"))
        is_page(visitor.submit(email=email, current_password=PASSWORD))
        return link(shop, email)

    def confirms(path: str) -> None:
        nonlocal visitor
        is_page(visitor.open(path))
        visitor.submit()
        visitor = shop.visitor()
        visitor.open("/account/sign-in")
        email = shop.server.read(ops.by_id, account.id).email
        visitor.submit(email=email, password=PASSWORD)

    older = asks_for(second)
    newer = asks_for(first)
    is_error(visitor.open(older), 400, "account_link")
    confirms(newer)
    confirms(asks_for(account.email))
    for ended in (older, newer):
        is_error(visitor.open(ended), 400, "account_link")
    assert shop.server.read(ops.by_id, account.id).email == account.email


@on_sqlite
def test_addresses_differ_after_a_plus_then_one_mailbox_has_few_mails(shop: Shop, stopped: Any) -> None:
    name, domain = new_email().split("@")
    for number in range(self_service.PER_ADDRESS.hits + 2):
        asks(shop, "/account/sign-up", f"{name}+{number}@{domain}")
    sent = [mails(shop, f"{name}+{number}@{domain}") for number in range(self_service.PER_ADDRESS.hits + 2)]
    assert [len(one) for one in sent] == [1] * self_service.PER_ADDRESS.hits + [0, 0]


def test_new_address_has_an_account_then_no_mail_and_the_same_page(shop: Shop) -> None:
    account, other, nobody = shop.account(), shop.account(), new_email()
    visitor = signed_in(shop, account)
    seen = []
    for email in (other.email, nobody):
        is_page(visitor.open("/account/email"))
        seen.append(visitor.submit(email=email, current_password=PASSWORD).text)
    assert seen[0] == seen[1]
    assert (len(mails(shop, other.email)), len(mails(shop, nobody))) == (0, 1)
    # The address gets an account of another customer before the link is used.
    path = link(shop, nobody)
    is_page(visitor.open(path))
    shop.server.write(ops.create, nobody, "hash")
    with nothing_written(shop.server, *TABLES):
        is_error(visitor.submit(), 400, "account_link")


def test_links_are_a_day_old_then_they_no_longer_work(shop: Shop, later: Any) -> None:
    account, email = shop.account(), new_email()
    asks(shop, "/account/sign-up", email)
    asks(shop, "/account/forgotten", account.email)
    visitor, changed = signed_in(shop, account), new_email()
    visitor.open("/account/email")
    visitor.submit(email=changed, current_password=PASSWORD)
    with later(hours=24, seconds=1):
        is_error(shop.visitor().open(link(shop, email)), 400, "account_link")
        is_error(shop.visitor().open(link(shop, account.email)), 400, "password_link")
        is_error(shop.visitor().open(link(shop, changed)), 400, "account_link")
    with later(days=8):
        shop.server.write(self_service.purge, 1000)
    assert shop.server.sql("SELECT 1 AS there FROM accounts WHERE email = $1", email) == []


def test_operator_makes_the_account_of_a_sign_up_then_its_link_ends(shop: Shop) -> None:
    email = new_email()
    asks(shop, "/account/sign-up", email)
    path = link(shop, email)
    visitor = at(shop, path)
    made = shop.server.write(ops.create, email, "hash")
    assert shop.server.read(ops.find, email).id == made.id
    is_error(visitor.submit(new_password=NEW), 400, "account_link")


def test_many_requests_then_few_mails_to_an_address_and_a_wait(shop: Shop, stopped: Any) -> None:
    account = shop.account()
    for _ in range(self_service.PER_ADDRESS.hits + 2):
        asks(shop, "/account/forgotten", account.email)
    assert len(mails(shop, account.email)) == self_service.PER_ADDRESS.hits
    visitor = at(shop, "/account/sign-up")
    for _ in range(self_service.PER_NETWORK.hits):
        is_page(visitor.open("/account/sign-up"))
        is_page(visitor.submit(email=new_email()))
    visitor.open("/account/forgotten")
    with nothing_written(shop.server, *TABLES):
        is_page(visitor.submit(email=account.email), 429)
    stopped(hours=1)
    visitor.open("/account/forgotten")
    is_page(visitor.submit(email=account.email))


def test_stranger_signs_up_an_address_often_then_its_owner_gets_links(shop: Shop) -> None:
    account = shop.account()
    for _ in range(self_service.PER_ADDRESS.hits + 1):
        asks(shop, "/account/sign-up", account.email)
    asks(shop, "/account/forgotten", account.email)
    assert mails(shop, account.email)[0].template == "password_link"


@pytest.mark.parametrize("email", WRONG)
def test_something_else_than_an_address_then_the_form_says_so(shop: Shop, email: str) -> None:
    account = shop.account()
    for path in ("/account/sign-up", "/account/forgotten"):
        visitor = at(shop, path)
        with nothing_written(shop.server, *TABLES):
            page = is_page(visitor.submit(email=email), 400)
        assert "Enter an email address, such as kim@example.com." in page.text
    visitor = signed_in(shop, account)
    visitor.open("/account/email")
    with nothing_written(shop.server, *TABLES):
        is_page(visitor.submit(email=email, current_password=PASSWORD), 400)


def test_form_of_another_browser_or_site_then_expired(shop: Shop) -> None:
    account = shop.account()
    asks(shop, "/account/sign-up", email := new_email())
    asks(shop, "/account/forgotten", account.email)
    for path in ("/account/sign-up", "/account/forgotten", link(shop, email)):
        form = first_form(at(shop, path).page.text)
        data = {**form.fields, "email": new_email(), "new_password": NEW}
        with nothing_written(shop.server, *TABLES):
            is_error(shop.visitor().http.post(form.action, data=data), 403, "form_expired")
            own = at(shop, path)
            mine = first_form(own.page.text)
            evil = {"Origin": "https://evil.example"}
            is_error(own.http.post(mine.action, data={**mine.fields, **data}, headers=evil), 403, "form_expired")
    visitor = signed_in(shop, account)
    for path in ("/account/email", "/account/close"):
        with nothing_written(shop.server, *TABLES):
            data = {"form_token": "x", "email": new_email(), "current_password": PASSWORD}
            is_error(visitor.http.post(path, data=data), 403, "form_expired")


def test_nobody_is_signed_in_then_own_pages_lead_to_the_sign_in(shop: Shop) -> None:
    for method, path in (("GET", "email"), ("POST", "email"), ("GET", "data"), ("GET", "close"), ("POST", "close")):
        answer = shop.visitor().http.request(method, f"/account/{path}", data={} if method == "POST" else None)
        assert (answer.status_code, answer.headers.get("location")) in ((303, "/account/sign-in"), (415, None)), path


@pytest.mark.parametrize("token", ["x", "1.2.3", "1", "9" * 40, "1.99999999999999999.zz"])
def test_links_are_guessed_then_they_do_not_work(shop: Shop, token: str) -> None:
    is_error(shop.visitor().open(f"/account/sign-up/{token}"), 400, "account_link")
    is_error(shop.visitor().open(f"/account/email/{token}?email=kim@example.com"), 400, "account_link")


def test_data_is_downloaded_then_a_file_with_all_of_it(market: Market) -> None:
    account = market.account(member_for=10**12)
    user_id = market.customer()
    market.link(user_id, market.linking_token(account)).raise_for_status()
    asks(market, "/account/forgotten", account.email)
    visitor = signed_in(market, account)
    answer = visitor.http.get("/account/data")
    assert answer.headers["content-disposition"] == 'attachment; filename="account.json"'
    assert answer.headers["cache-control"] == "no-store"
    data = answer.json()
    assert data["email"] == account.email
    assert [one["retailer"] for one in data["links"]] == [market.slug]
    assert [one["subject"] for one in data["messages"]] == ["A new password for Handcart"]
    assert (len(data["memberships"]), len(data["sessions"]), data["past_links"]) == (1, 2, [])
    assert "http" not in str(data["messages"])


@pytest.fixture
def market(server: Any) -> Market:
    return Market(server)


def test_account_is_closed_then_links_end_and_the_address_is_free(market: Market) -> None:
    account = market.account(member_for=10**12)
    user_id = market.customer()
    market.link(user_id, market.linking_token(account)).raise_for_status()
    visitor = signed_in(market, account)
    is_page(visitor.open("/account/close"))
    is_page(visitor.submit(current_password="wrong"), 400)
    assert market.server.read(ops.find, account.email) is not None
    visitor.submit(current_password=PASSWORD)
    assert market.server.read(ops.by_id, account.id) is None
    assert not signs_in(market, account.email, PASSWORD)
    assert market.get_link(user_id).status_code == 400
    assert mails(market, account.email)[0].template == "account_closed"
    assert market.server.sql("SELECT 1 AS there FROM accounts WHERE email = $1", account.email) == []
    asks(market, "/account/sign-up", account.email)
    is_page(at(market, link(market, account.email)).submit(new_password=NEW))


def test_operator_makes_accounts_then_none_of_the_pages_is_there() -> None:
    own = {"/account/sign-up", "/account/forgotten", "/account/email", "/account/data", "/account/close"}
    assert {route.path for route in app.routes(Settings(self_service=True))} >= own
    assert not {route.path for route in app.routes(Settings())} & own


@pytest.mark.parametrize("locale", ["en-CA", "fr-CA", "es-US"])
def test_pages_in_other_locales_then_mails_too(shop: Shop, locale: str) -> None:
    email = new_email()
    visitor = at(shop, f"/account/sign-up?locale={locale}")
    is_page(visitor.submit(email=email))
    (mail,) = mails(shop, email)
    assert mail.locale == locale
    assert f"locale={locale}" in mail.content.body
    assert f'<html lang="{locale}"' in is_page(shop.visitor().open(link(shop, email))).text
