"""`/account/sign-in`, `/account/sign-out` and `/account/password` (ASVS 5.0 chapters 3, 6 and 7)."""

import re

import argon2
import httpx
import pytest

from handcart.accounts import ops
from handcart.core import clock
from handcart.core.web.pages import texts
from tests.support.pages import is_error, is_page, nothing_written, rows
from tests.support.server import on_sqlite
from tests.support.shop import PASSWORD, SampleAccount, Shop, Visitor, first_form, new_email

NEW_PASSWORD = "quite another password"
TABLES = ("sessions", "rate_limits", "authorization_requests", "accounts")


def signed_in(shop: Shop, account: SampleAccount | None = None) -> Visitor:
    """A browser on the account page."""
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    is_page(visitor.sign_in(account or shop.account()))
    return visitor


def is_signed_in(visitor: Visitor) -> bool:
    return visitor.http.get("/account").status_code == 200


def goes_to(response: httpx.Response, path: str) -> None:
    assert (response.status_code, response.headers["location"]) == (303, path)
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"


def change(visitor: Visitor, current: str, new: str) -> httpx.Response:
    visitor.open("/account/password")
    return visitor.submit(current_password=current, new_password=new)


def test_signed_out_then_every_account_page_leads_to_the_login(shop: Shop) -> None:
    visitor = shop.visitor()
    for path in ("/account", "/account/password", f"/account/links/{shop.slug}", "/"):
        goes_to(visitor.http.get(path), "/account" if path == "/" else "/account/sign-in")
    is_page(visitor.open("/account/sign-in"))


def test_signed_in_then_the_account_page_and_no_login_page(shop: Shop) -> None:
    account = shop.account(member_for=30 * clock.DAY)
    visitor = signed_in(shop, account)
    assert account.email in visitor.page.text
    assert "Active" in visitor.page.text
    goes_to(visitor.http.get("/account/sign-in"), "/account")


@pytest.mark.parametrize("email", ["  {email} ", "{upper}"])
def test_email_address_in_another_spelling_then_the_same_account(shop: Shop, email: str) -> None:
    account = shop.account()
    given = email.format(email=account.email, upper=account.email.upper())
    assert is_signed_in(signed_in(shop, SampleAccount(account.id, given)))


@pytest.mark.parametrize("email", ["", "nobody", "a" * 300 + "@example.com", "' OR 1=1 --@example.com", "\u2028@x"])
def test_email_address_of_nobody_then_the_same_refusal(shop: Shop, email: str) -> None:
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    with nothing_written(shop.server, "sessions"):
        page = is_page(visitor.sign_in(SampleAccount(0, email)), 401)
    assert texts("en")["sign_in.error_credentials"] in page.text


def test_wrong_password_then_the_address_stays_and_the_password_does_not(shop: Shop) -> None:
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    page = is_page(visitor.submit(email='a"><b>@example.com', password="secret that is wrong"), 401)
    assert 'value="a&#34;&gt;&lt;b&gt;@example.com"' in page.text
    assert "secret that is wrong" not in page.text


# Each form: where it is shown, what it is posted with, and the page of a form about something else.
FORMS = {
    "sign-in": ("/account/sign-in", {"email": "nobody@example.com", "password": "x"}, None),
    "sign-out": ("/account", {}, "/account/password"),
    "password": ("/account/password", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}, "/account"),
    "unlink": ("/account/links/{slug}", {}, "/account"),
}


def at_form(shop: Shop, path: str) -> Visitor:
    """A browser on the page of a form; it is signed in and linked where the form needs that."""
    if path == "/account/sign-in":
        visitor = shop.visitor()
    else:
        account = shop.account()
        shop.link(shop.user(), shop.linking_token(account)).raise_for_status()
        visitor = signed_in(shop, account)
    is_page(visitor.open(path.format(slug=shop.slug)))
    return visitor


@pytest.mark.parametrize(("path", "fields", "other"), FORMS.values(), ids=FORMS)
def test_form_token_missing_or_made_up_then_403_and_nothing_done(
    shop: Shop, path: str, fields: dict[str, str], other: str | None
) -> None:
    visitor = at_form(shop, path)
    shown = visitor.page
    for token in (None, "", "0" * 64, "é", first_form(shown.text).fields["form_token"].upper() + "\u2028"):
        visitor.page = shown
        with nothing_written(shop.server, *TABLES):
            is_error(visitor.submit(**fields, form_token=token, more=""), 403, "form_expired")


@pytest.mark.parametrize(("path", "fields", "other"), FORMS.values(), ids=FORMS)
def test_form_token_of_another_session_then_403_and_nothing_done(
    shop: Shop, path: str, fields: dict[str, str], other: str | None
) -> None:
    visitor, stranger = at_form(shop, path), at_form(shop, path)
    foreign = first_form(stranger.page.text).fields["form_token"]
    with nothing_written(shop.server, *TABLES):
        is_error(visitor.submit(**fields, form_token=foreign), 403, "form_expired")


@pytest.mark.parametrize(("path", "fields", "other"), [form for form in FORMS.values() if form[2]])
def test_form_token_of_another_form_then_403_and_nothing_done(
    shop: Shop, path: str, fields: dict[str, str], other: str
) -> None:
    visitor = at_form(shop, path)
    shown = visitor.page
    token = first_form(visitor.open(other).text).fields["form_token"]
    visitor.page = shown
    with nothing_written(shop.server, *TABLES):
        is_error(visitor.submit(**fields, form_token=token), 403, "form_expired")


@pytest.mark.parametrize(("path", "fields", "other"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}]
)
@on_sqlite
def test_post_from_another_site_then_403_and_nothing_done(
    shop: Shop, path: str, fields: dict[str, str], other: str | None, headers: dict[str, str]
) -> None:
    visitor = at_form(shop, path)
    visitor.http.headers.update(headers)
    with nothing_written(shop.server, *TABLES):
        is_error(visitor.submit(**fields), 403, "form_expired")


@pytest.mark.parametrize(("path", "fields", "other"), FORMS.values(), ids=FORMS)
def test_post_that_is_no_form_then_page_and_nothing_done(
    shop: Shop, path: str, fields: dict[str, str], other: str | None
) -> None:
    visitor = at_form(shop, path)
    form = first_form(visitor.page.text)
    with nothing_written(shop.server, *TABLES):
        is_page(visitor.http.post(form.action, json=form.fields | fields), 415)
        is_page(visitor.http.post(form.action, files={"form_token": form.fields["form_token"]}), 415)
        is_page(visitor.http.post(form.action, data=form.fields | {"more": "x" * 70_000}), 413)
        is_page(visitor.http.post(form.action, data=form.fields | {f"f{n}": "x" for n in range(60)}), 400)


def test_login_posted_twice_then_the_result_of_the_first(shop: Shop) -> None:
    """As without JavaScript, where a second press of the button posts the form again."""
    visitor, account = shop.visitor(), shop.account()
    visitor.open("/account/sign-in")
    form = first_form(visitor.page.text)
    visitor.sign_in(account)
    fields = form.fields | {"email": account.email, "password": account.password}
    with nothing_written(shop.server, "sessions"):
        goes_to(visitor.http.post(form.action, data=fields), "/account")
    visitor.http.cookies.delete("handcart")
    with nothing_written(shop.server, "sessions"):
        is_error(visitor.http.post(form.action, data=fields), 403, "form_expired")


def test_log_out_then_the_old_cookie_is_refused(shop: Shop) -> None:
    visitor = signed_in(shop)
    thief = shop.visitor()
    thief.http.cookies.set("handcart", visitor.http.cookies["handcart"])
    assert is_signed_in(thief)
    before = rows(shop.server, "sessions")["sessions"]
    is_page(visitor.submit())
    assert rows(shop.server, "sessions")["sessions"] == before - 1
    assert not is_signed_in(visitor)
    assert not is_signed_in(thief)


def test_log_in_again_then_a_new_cookie_and_the_one_before_is_refused(shop: Shop) -> None:
    account = shop.account()
    visitor = signed_in(shop, account)
    first = visitor.http.cookies["handcart"]
    visitor.submit()
    is_page(visitor.sign_in(account))
    assert visitor.http.cookies["handcart"] != first
    replay = shop.visitor()
    replay.http.cookies.set("handcart", first)
    assert not is_signed_in(replay)


TARGETS = ["https://evil.example/", "//evil.example", "/\\evil.example", "https:evil.example", "javascript:alert(1)"]


@pytest.mark.parametrize("name", ["next", "return", "return_to", "continue", "redirect", "redirect_uri", "url", "to"])
@on_sqlite
def test_parameter_that_names_a_target_then_never_followed(shop: Shop, name: str) -> None:
    account = shop.account()
    for target in TARGETS:
        visitor = shop.visitor()
        is_page(visitor.open("/account/sign-in", **{name: target}))
        form = first_form(visitor.page.text)
        assert "evil" not in form.action
        response = visitor.http.post(
            "/account/sign-in",
            params={name: target},
            data=form.fields | {"email": account.email, "password": account.password, name: target},
        )
        goes_to(response, "/account")


def test_get_of_every_page_then_nothing_changes(shop: Shop) -> None:
    account = shop.account()
    shop.link(shop.user(), shop.linking_token(account)).raise_for_status()
    visitor = signed_in(shop, account)
    token = first_form(visitor.page.text).fields["form_token"]
    with nothing_written(shop.server, *TABLES):
        for path in ("/account", "/account/password", f"/account/links/{shop.slug}", "/account/sign-in", "/"):
            for query in ("", f"?form_token={token}&decision=allow&current_password={PASSWORD}&new_password=x"):
                assert visitor.http.get(path + query).status_code in (200, 303)
        is_page(visitor.http.get(f"/account/sign-out?form_token={token}"), 405)
    assert is_signed_in(visitor)


def test_signed_out_then_the_browser_drops_what_it_kept_but_cookies(shop: Shop) -> None:
    """The cookie that says which device is known has to stay."""
    visitor = signed_in(shop)
    token = first_form(visitor.page.text).fields["form_token"]
    left = visitor.http.post("/account/sign-out", data={"form_token": token})
    assert left.headers["clear-site-data"] == '"cache"'
    assert not is_signed_in(visitor)


def test_notice_from_the_query_then_only_known_ones_are_shown(shop: Shop) -> None:
    visitor = signed_in(shop)
    assert "Your password is changed." in is_page(visitor.open("/account", notice="password_changed")).text
    assert "evil" not in is_page(visitor.open("/account", notice="evil")).text


def test_password_changed_then_the_new_one_counts_and_other_sessions_end(shop: Shop) -> None:
    account = shop.account()
    here, elsewhere = signed_in(shop, account), signed_in(shop, account)
    before = here.http.cookies["handcart"]
    page = is_page(change(here, PASSWORD, NEW_PASSWORD))
    assert "Your password is changed." in page.text
    assert here.http.cookies["handcart"] != before
    assert is_signed_in(here)
    assert not is_signed_in(elsewhere)

    replay = shop.visitor()
    replay.http.cookies.set("handcart", before)
    assert not is_signed_in(replay)
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    is_page(visitor.sign_in(account, PASSWORD), 401)
    is_page(visitor.sign_in(account, NEW_PASSWORD))
    assert is_signed_in(visitor)


@pytest.mark.parametrize(
    ("current", "new", "text"),
    [
        ("", NEW_PASSWORD, "The current password is incorrect."),
        ("wrong password", NEW_PASSWORD, "The current password is incorrect."),
        (PASSWORD + " ", NEW_PASSWORD, "The current password is incorrect."),
        ("p" * 1025, NEW_PASSWORD, "The current password is incorrect."),
        (PASSWORD, "", "The new password is too short."),
        (PASSWORD, "1234567", "The new password is too short."),
        (PASSWORD, "p" * 1025, "The new password is too long."),
        (PASSWORD, "password", "The new password is too easy to guess."),
        (PASSWORD, "Password1", "The new password is too easy to guess."),
        (PASSWORD, PASSWORD, "The new password is the same as the current one."),
    ],
)
def test_password_change_refused_then_the_old_one_and_all_sessions_stay(
    shop: Shop, current: str, new: str, text: str
) -> None:
    account = shop.account()
    here, elsewhere = signed_in(shop, account), signed_in(shop, account)
    with nothing_written(shop.server, "sessions"):
        page = is_page(change(here, current, new), 400)
    assert text in page.text
    assert not re.findall(r'type="password"[^>]* value=', page.text)
    assert is_signed_in(here)
    assert is_signed_in(elsewhere)
    assert is_signed_in(signed_in(shop, account))


@pytest.mark.parametrize("new", ["12345678", "p" * 1024, "é" * 512, " spaces at the ends ", "ひらがなひらがな"])
def test_password_of_any_kind_but_common_then_taken_as_typed(shop: Shop, new: str) -> None:
    # ASVS 6.2.1 to 6.2.10: 8 characters and no other rule of composition. "12345678" is common.
    account = shop.account()
    if new == "12345678":
        is_page(change(signed_in(shop, account), PASSWORD, new), 400)
        return
    is_page(change(signed_in(shop, account), PASSWORD, new))
    assert is_signed_in(signed_in(shop, SampleAccount(account.id, account.email, new)))


@pytest.mark.usefixtures("stopped")
def test_current_password_guessed_too_often_then_429_with_the_wait(shop: Shop) -> None:
    """Ten tries of the browser's own, then those of its address."""
    visitor = signed_in(shop)
    pages = [change(visitor, "wrong password", NEW_PASSWORD) for _ in range(21)]
    assert [page.status_code for page in pages] == [400] * 20 + [429]
    assert "Too many tries. Wait 5 minutes, then try again." in is_page(pages[-1], 429).text
    with nothing_written(shop.server, "sessions"):
        is_page(change(visitor, PASSWORD, NEW_PASSWORD), 429)


@pytest.mark.usefixtures("our_hashes")
def test_weaker_hash_at_login_then_replaced(shop: Shop) -> None:
    account = shop.account()
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    shop.server.write(ops.change_password, account.id, weak, "")
    assert is_signed_in(signed_in(shop, account))
    kept = shop.server.read(ops.by_id, account.id).password_hash
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_signed_in(signed_in(shop, account))
    assert shop.server.read(ops.by_id, account.id).password_hash == kept


@pytest.mark.parametrize(
    ("header", "query", "locale"),
    [
        ("fr-CA", {}, "fr-CA"),
        ("en-CA,en;q=0.8", {}, "en-CA"),
        ("de", {}, "en-US"),
        ("en-US", {"locale": "fr-CA"}, "fr-CA"),
        ("fr", {"locale": '"><script>'}, "fr-CA"),
        ("fr;q=x,*;q=2, ,;", {}, "en-US"),
    ],
)
def test_locale_then_page_and_refusal_in_it(shop: Shop, header: str, query: dict[str, str], locale: str) -> None:
    visitor = shop.visitor()
    visitor.http.headers["Accept-Language"] = header
    shown = is_page(visitor.open("/account/sign-in", **query))
    refused = is_page(visitor.submit(email=new_email(), password="wrong password"), 401)
    for page in (shown, refused):
        assert f'<html lang="{locale}">' in page.text


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/account"), ("DELETE", "/account/sign-in"), ("POST", "/account"), ("OPTIONS", "/account/password")],
)
def test_method_that_is_none_then_405_page(shop: Shop, method: str, path: str) -> None:
    with nothing_written(shop.server, *TABLES):
        is_page(shop.http.request(method, path), 405)
