"""`/account/new-password/{token}`: an operator's link to replace a lost password (ASVS 5.0: 6.4.2, 6.4.3)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handcart.accounts import ops
from handcart.core.web.pages import texts
from handcart.linking import ops as linking
from tests.support.pages import is_error, is_page, nothing_written
from tests.support.shop import PASSWORD, SampleAccount, Shop, Visitor, first_form

NEW = "quite another password"


def link(shop: Shop, account: SampleAccount) -> str:
    """A path by which the account's password can be set."""
    found = shop.server.read(ops.by_id, account.id)
    token, _ = ops.password_token(shop.server.app.keys, found)
    return f"/account/new-password/{token}"


def signs_in(shop: Shop, account: SampleAccount, password: str) -> bool:
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    return visitor.sign_in(account, password).status_code == 200


def at(shop: Shop, path: str) -> Visitor:
    visitor = shop.visitor()
    is_page(visitor.open(path))
    return visitor


def test_link_then_the_password_is_set_once_and_other_sessions_end(shop: Shop) -> None:
    account, elsewhere = shop.account(), shop.visitor()
    elsewhere.open("/account/sign-in")
    elsewhere.sign_in(account)
    path, other_path = link(shop, account), link(shop, account)
    visitor = at(shop, path)
    form = first_form(visitor.page.text)
    page = is_page(visitor.submit(new_password=NEW))
    assert "Your password is changed." in page.text
    assert account.email in page.text
    assert elsewhere.http.get("/account").status_code == 303
    for used in (path, other_path):
        is_error(shop.visitor().open(used), 400, "password_link")
    # The same form again: this browser is signed in by now, another one is not.
    with nothing_written(shop.server, "sessions", "accounts"):
        again = visitor.http.post(form.action, data=form.fields | {"new_password": "a third password"})
        assert (again.status_code, again.headers["location"]) == (303, "/account")
        is_error(shop.visitor().http.post(form.action, data=form.fields), 403, "form_expired")
    assert signs_in(shop, account, NEW)
    assert not signs_in(shop, account, PASSWORD)


def test_link_posted_at_once_then_one_password_is_set(shop: Shop) -> None:
    account = shop.account()
    path = link(shop, account)
    visitors = [at(shop, path) for _ in range(8)]
    with ThreadPoolExecutor(8) as posts:
        statuses = list(
            posts.map(lambda one: one[1].submit(new_password=f"{NEW} {one[0]}").status_code, enumerate(visitors))
        )
    assert sorted(statuses) == [200] + [400] * 7
    assert signs_in(shop, account, f"{NEW} {statuses.index(200)}")


@pytest.mark.parametrize("password", ["", "1234567", "password", "p" * 1025])
def test_password_that_cannot_be_taken_then_the_link_still_works(shop: Shop, password: str) -> None:
    account = shop.account()
    visitor = at(shop, link(shop, account))
    with nothing_written(shop.server, "sessions"):
        page = is_page(visitor.submit(new_password=password), 400)
    assert "The new password is too " in page.text
    assert signs_in(shop, account, PASSWORD)
    is_page(visitor.submit(new_password=NEW))


def test_link_used_over_or_made_up_then_a_page_that_says_so(shop: Shop, later: Any) -> None:
    account, other = shop.account(), shop.account()
    path = link(shop, account)
    visitor = at(shop, path)
    with later(days=1, seconds=1), nothing_written(shop.server, "sessions"):
        is_error(visitor.submit(new_password=NEW), 400, "password_link")
        is_error(shop.visitor().open(path), 400, "password_link")
    number, ends_at, mac = path.rpartition("/")[2].split(".")
    for token in (
        f"{other.id}.{ends_at}.{mac}",
        f"{number}.{int(ends_at) + 1}.{mac}",
        f"{number}.{ends_at}.{'0' * 64}",
        f"{number}.{ends_at}.",
        f"{'9' * 18}.{ends_at}.{mac}",
        "x",
        f"{'9' * 30}.1.{mac}",
    ):
        is_error(shop.visitor().open(f"/account/new-password/{token}"), 400, "password_link")
    shop.server.write(linking.close_account, account.id)
    is_error(shop.visitor().open(path), 400, "password_link")


@pytest.mark.parametrize("locale", ["en-US", "en-CA", "fr-CA", "es-US"])
def test_locale_then_the_page_in_it(shop: Shop, locale: str) -> None:
    visitor = shop.visitor()
    page = is_page(visitor.open(link(shop, shop.account()), locale=locale))
    assert f'<html lang="{locale}">' in page.text
    assert f"<h1>{texts(locale[:2])['new_password.title']}</h1>" in page.text
    assert f'<html lang="{locale}">' in is_page(visitor.submit(new_password="x"), 400).text
