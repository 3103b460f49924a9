"""`POST /oauth/authorize/{request_id}/consent`: what the customer decides (docs/conformance.md)."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from handcart.accounts import ops as accounts
from handcart.core.db import Tx
from handcart.core.web import pages
from handcart.linking import ops as linking
from handcart.oauth import authorization
from handcart.oauth.authorization import MOST_PENDING
from handcart.oauth.models import PendingRequest
from handcart.oauth.scopes import ALL
from handcart.retailers import clients
from tests.support.pages import is_error, is_page, nothing_written, rows
from tests.support.server import on_sqlite
from tests.support.shop import REDIRECT_URI, Shop, Visitor, answer, error, first_form


def at_consent(shop: Shop) -> Visitor:
    """A browser that shows "Authorization Required"."""
    visitor = shop.visitor()
    visitor.authorize()
    visitor.sign_in(shop.account())
    assert "<h1>Authorization Required</h1>" in is_page(visitor.page).text
    return visitor


def signed_out(visitor: Visitor) -> Visitor:
    """The same browser after logging out on the account page; what it showed before stays in `page`."""
    before = visitor.page
    visitor.open("/account")
    visitor.submit()
    visitor.page = before
    return visitor


def press(visitor: Visitor, form: first_form, decision: str = "allow", **fields: str) -> httpx.Response:
    """Post a consent form as it was shown, without following."""
    return visitor.http.post(form.action, data={**form.fields, "decision": decision, **fields})


def test_consent_then_the_page_names_retailer_account_data_and_lifetime(shop: Shop) -> None:
    account = shop.account()
    visitor = shop.visitor()
    visitor.authorize()
    page = is_page(visitor.sign_in(account)).text
    assert "Authorize <bdi>Sample Market</bdi> to use your Handcart account?" in page
    for text in ("Logged in as", account.email, "See whether you have Handcart+", "on your behalf", "lasts 24 hours"):
        assert text in page
    assert re.findall(r'name="decision" value="(\w+)"', page) == ["allow", "deny", "switch"]


def test_allow_then_redirect_with_code_state_and_issuer(shop: Shop) -> None:
    visitor = at_consent(shop)
    before = rows(shop.server, "authorization_codes")["authorization_codes"]
    response = visitor.decide("allow")
    assert response.headers["location"].startswith(f"{REDIRECT_URI}&code=")  # oidcc-redirect-uri-query-OK
    told = answer(response)
    assert set(told) == {"from", "code", "state", "iss"}
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", told["code"])
    assert (told["from"], told["state"], told["iss"]) == ("profile", "state-1", shop.server.url)
    assert rows(shop.server, "authorization_codes")["authorization_codes"] == before + 1


def test_signed_in_already_then_asked_all_the_same(shop: Shop) -> None:
    # RFC 9700: consent is never skipped (doorkeeper #1646 is the class of defect)
    visitor = at_consent(shop)
    answer(visitor.decide("allow"))
    with nothing_written(shop.server):
        assert "<h1>Authorization Required</h1>" in is_page(visitor.authorize()).text


def test_consent_without_login_then_page_and_no_code(shop: Shop) -> None:
    visitor = shop.visitor()
    visitor.authorize()
    form = first_form(visitor.page.text)
    form.action = form.action.replace("/sign-in", "/consent")
    for decision in ("allow", "deny", "switch"):
        with nothing_written(shop.server):
            is_error(press(visitor, form, decision), 403, "form_expired")


def test_consent_after_logging_out_then_page_and_no_code(shop: Shop) -> None:
    visitor = at_consent(shop)
    form = first_form(visitor.page.text)
    signed_out(visitor)
    with nothing_written(shop.server):
        is_error(press(visitor, form), 403, "form_expired")


def test_consent_for_another_user_s_request_then_page_and_no_code(shop: Shop) -> None:
    mine, theirs = at_consent(shop), at_consent(shop)
    my_form, their_form = first_form(mine.page.text), first_form(theirs.page.text)
    with nothing_written(shop.server):
        is_error(press(mine, their_form), 400, "already_answered")
        their_form.fields = my_form.fields
        is_error(press(mine, their_form), 400, "already_answered")
        is_error(mine.http.get(their_form.action.replace("/consent", "")), 400, "already_answered")
    assert answer(press(mine, my_form))["code"]


def test_consent_for_an_expired_request_then_page_and_no_code(shop: Shop, later: Any) -> None:
    visitor = at_consent(shop)
    with later(minutes=30, seconds=1), nothing_written(shop.server):
        is_error(visitor.decide("allow"), 400, "already_answered")


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_consent_for_a_finished_request_then_page_and_no_code(shop: Shop, decision: str) -> None:
    visitor = at_consent(shop)
    form = first_form(visitor.page.text)
    answer(press(visitor, form, decision))
    for again in ("allow", "deny", "switch"):
        with nothing_written(shop.server):
            is_error(press(visitor, form, again), 400, "already_answered")


@pytest.mark.parametrize("token", [None, "", "0" * 64])
def test_consent_without_its_form_token_then_403_and_no_code(shop: Shop, token: str | None) -> None:
    visitor = at_consent(shop)
    with nothing_written(shop.server):
        is_error(visitor.submit(decision="allow", form_token=token), 403, "form_expired")


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_consent_from_another_site_then_403_and_no_code(shop: Shop, headers: dict[str, str]) -> None:
    visitor = at_consent(shop)
    form = first_form(visitor.page.text)
    visitor.http.headers.update(headers)
    with nothing_written(shop.server):
        is_error(press(visitor, form), 403, "form_expired")


@pytest.mark.parametrize("decision", [None, "", "ALLOW", "allow ", "yes"])
def test_decision_unknown_then_page_and_no_code(shop: Shop, decision: str | None) -> None:
    visitor = at_consent(shop)
    with nothing_written(shop.server):
        is_error(visitor.submit(decision=decision), 400, "invalid_request")


@pytest.mark.parametrize("request_id", ["x" * 43, "x", "%2e%2e", "' OR 1=1 --", "%F0%9F%9B%92", "%00"])
def test_request_unknown_then_page(shop: Shop, request_id: str) -> None:
    visitor = at_consent(shop)
    form = first_form(visitor.page.text)
    with nothing_written(shop.server):
        for response in (
            visitor.http.get(f"/oauth/authorize/{request_id}"),
            visitor.http.post(f"/oauth/authorize/{request_id}/consent", data={**form.fields, "decision": "allow"}),
            visitor.http.post(f"/oauth/authorize/{request_id}/sign-in", data={**form.fields, "email": "a"}),
        ):
            is_page(response, 404 if request_id == "%00" else 400)


def test_form_fields_of_the_request_changed_then_the_server_s_copy_rules(shop: Shop) -> None:
    visitor = at_consent(shop)
    visitor.submit(
        decision="allow",
        redirect_uri="https://evil.example/",
        scope="connect:fulfillment",
        client_id="nobody",
        state="evil",
        code_challenge="evil",
    )
    told = answer(visitor.page)
    assert told["state"] == "state-1"
    token = shop.redeem(told["code"]).json()
    assert token["scope"] == "account_linking"
    assert token["token_type"] == "Bearer"


def test_query_of_the_form_s_address_changed_then_the_server_s_copy_rules(shop: Shop) -> None:
    visitor = at_consent(shop)
    form = first_form(visitor.page.text)
    form.action += "&redirect_uri=https://evil.example/&state=evil&decision=deny"
    assert answer(press(visitor, form))["state"] == "state-1"


def test_frame_then_forbidden_on_every_page_of_the_journey(shop: Shop) -> None:
    # That a browser obeys: tests/browser/test_framing.py
    visitor = shop.visitor()
    for page in (visitor.authorize(), visitor.sign_in(shop.account()), visitor.authorize(client_id="nobody")):
        assert page.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_allow_pressed_twenty_times_at_once_then_one_code(shop: Shop) -> None:
    visitor = at_consent(shop)
    with ThreadPoolExecutor(20) as presses:
        for _ in range(5):
            visitor.authorize()
            form = first_form(visitor.page.text)
            before = rows(shop.server, "authorization_codes")["authorization_codes"]
            answers = list(presses.map(lambda _, form=form: press(visitor, form), range(20)))
            assert sorted({response.status_code for response in answers}) in ([303, 400], [303, 400, 403], [303, 403])
            assert [response.status_code for response in answers].count(303) == 1
            assert rows(shop.server, "authorization_codes")["authorization_codes"] == before + 1
            code = next(answer(response)["code"] for response in answers if response.status_code == 303)
            assert shop.redeem(code).status_code == 200


def test_two_tabs_with_different_clients_then_each_its_own(shop: Shop) -> None:
    other, account = Shop(shop.server), shop.account()
    first_tab = shop.visitor()
    second_tab = Visitor(other)
    second_tab.http = first_tab.http
    first_tab.authorize(state="first")
    second_tab.authorize(state="second")
    waiting = first_form(second_tab.page.text).action.replace("/sign-in", "")
    first_tab.sign_in(account)
    second_tab.page = is_page(second_tab.http.get(waiting))  # reloaded: the login in the other tab counts here too
    assert "<h1>Authorization Required</h1>" in second_tab.page.text

    second, first = answer(second_tab.decide("allow")), answer(first_tab.decide("allow"))
    assert (first["state"], second["state"]) == ("first", "second")
    assert shop.redeem(second["code"]).json()["error"] == "invalid_grant"
    assert shop.redeem(first["code"]).status_code == 200
    assert other.redeem(second["code"]).status_code == 200


def test_deny_then_access_denied_with_state_and_issuer_and_no_code(shop: Shop) -> None:
    visitor = at_consent(shop)
    with nothing_written(shop.server):
        told = answer(visitor.decide("deny"))
    assert told == {
        "from": "profile",
        "error": "access_denied",
        "error_description": "The resource owner or authorization server denied the request.",
        "state": "state-1",
        "iss": shop.server.url,
    }


def test_client_disabled_between_page_and_allow_then_page_and_no_code(shop: Shop) -> None:
    visitor = at_consent(shop)
    shop.server.write(clients.disable, shop.client.client_id)
    with nothing_written(shop.server):
        is_error(visitor.decide("allow"), 400, "unknown_client")


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_redirect_uri_removed_before_the_answer_then_page(shop: Shop, decision: str) -> None:
    visitor = at_consent(shop)
    shop.server.write(clients.remove_redirect_uri, shop.client.client_id, REDIRECT_URI)
    with nothing_written(shop.server):
        is_error(visitor.decide(decision), 400, "redirect_uri_mismatch")


@pytest.mark.parametrize("close", [linking.close_account, accounts.close])
def test_account_closed_between_login_and_allow_then_no_code(shop: Shop, close: Any) -> None:
    account, visitor = shop.account(), shop.visitor()
    visitor.authorize()
    visitor.sign_in(account)
    shop.server.write(close, account.id)
    with nothing_written(shop.server):
        is_error(visitor.decide("allow"), 403, "form_expired")
        assert "Welcome back!" in is_page(visitor.authorize()).text


@on_sqlite
def test_account_closed_while_allow_is_handled_then_no_code(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has found the account open and has accepted the form."""
    account, visitor = shop.account(), shop.visitor()
    visitor.authorize()
    visitor.sign_in(account)
    take_step = authorization.take_step

    async def closed_after_it(tx: Tx, *form: str) -> PendingRequest:
        pending = await take_step(tx, *form)
        await accounts.close(tx, account.id)
        return pending

    monkeypatch.setattr(authorization, "take_step", closed_after_it)
    is_error(visitor.decide("allow"), 403, "account_closed")
    assert shop.server.sql("SELECT 1 FROM authorization_codes WHERE account_id = $1", account.id) == []


def test_account_closed_between_redemption_and_link_then_no_link(shop: Shop) -> None:
    account, user_id = shop.account(), shop.user()
    token = shop.linking_token(account)
    shop.server.write(linking.close_account, account.id)
    with nothing_written(shop.server):
        assert error(shop.link(user_id, token))[1] == "Linking token is invalid"


def test_every_post_that_redirects_then_303(shop: Shop) -> None:
    visitor, account = shop.visitor(), shop.account()
    visitor.authorize()
    form = first_form(visitor.page.text)
    form.fields |= {"email": account.email, "password": account.password}
    statuses = [press(visitor, form).status_code]
    for decision in ("switch", "deny", "allow"):
        visitor.authorize()
        if decision != "switch" and "Welcome back!" in visitor.page.text:
            visitor.sign_in(account)
        statuses.append(press(visitor, first_form(visitor.page.text), decision).status_code)
    assert statuses == [303] * 4


def test_addresses_on_pages_and_redirects_then_our_own_and_no_referrer(shop: Shop) -> None:
    visitor, account = shop.visitor(), shop.account()
    shown = [visitor.authorize(), visitor.sign_in(account, "wrong password"), visitor.sign_in(account)]
    shown += [visitor.http.get("/oauth/authorize?client_id=nobody")]
    for page in shown:  # `is_page` follows up on every URL in the page
        is_page(page, page.status_code)
        assert page.headers["referrer-policy"] == "no-referrer"
    redirect = visitor.decide("allow")
    assert redirect.headers["referrer-policy"] == "no-referrer"


def test_back_to_the_page_after_allow_then_not_cached_and_no_second_code(shop: Shop) -> None:
    visitor = at_consent(shop)
    assert visitor.page.headers["cache-control"] == "no-store"
    form = first_form(visitor.page.text)
    redirect = press(visitor, form)
    assert redirect.headers["cache-control"] == "no-store"
    with nothing_written(shop.server):
        is_error(press(visitor, form), 400, "already_answered")
        is_error(visitor.http.get(form.action.replace("/consent", "")), 400, "already_answered")


HOSTILE_NAMES = {
    "markup": ("<script>alert(1)</script>", "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"),
    "attribute": ('" onload="alert(1)', "<bdi>&#34; onload=&#34;alert(1)</bdi>"),
    "right to left": ("Sample \u202eelpmaS\u2066", "<bdi>Sample elpmaS</bdi>"),
    "10 kB": ("W" * 10_000, f"<bdi>{'W' * 59}…</bdi>"),
    "braces": ("{{ 7 * 7 }} {brand}", "<bdi>{{ 7 * 7 }} {brand}</bdi>"),
}


@pytest.mark.parametrize(("name", "shown"), HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_client_name_then_escaped_isolated_and_cut(shop: Shop, name: str, shown: str) -> None:
    options = {"scopes": ALL, "redirect_uris": [REDIRECT_URI], "name": name}
    shop.client = shop.server.write(clients.create, organization=shop.slug, **options)
    visitor = shop.visitor()
    login = is_page(visitor.authorize())
    consent = is_page(visitor.sign_in(shop.account()))
    for page in (login, consent):
        assert shown in page.text
        assert name not in re.sub("<bdi>.*?</bdi>", "", page.text)
        assert len(page.text) < 10_000


def test_account_linked_already_then_the_page_says_so_and_no_second_link(shop: Shop) -> None:
    account = shop.account()
    first, second = shop.user(), shop.user()
    shop.link(first, shop.linking_token(account)).raise_for_status()
    visitor = shop.visitor()
    visitor.authorize()
    page = is_page(visitor.sign_in(account)).text
    assert "already linked" in page
    token = shop.redeem(answer(visitor.decide("allow"))["code"]).json()["access_token"]
    with nothing_written(shop.server):
        assert error(shop.link(second, token)) == (
            400,
            "Validation failed: Common identities can only have one user per isolation context",
            1001,
            "linking_token",
        )
    assert shop.get_link(first).status_code == 200
    assert error(shop.get_link(second))[1] == "User Not Linked"


def test_account_linked_elsewhere_only_then_the_page_does_not_say_so(shop: Shop) -> None:
    other, account = Shop(shop.server), shop.account()
    other.link(other.user(), other.linking_token(account)).raise_for_status()
    visitor = shop.visitor()
    visitor.authorize()
    assert "already linked" not in is_page(visitor.sign_in(account)).text


def test_hundred_requests_in_one_browser_then_the_newest_twenty_stay(shop: Shop) -> None:
    visitor = at_consent(shop)
    before = rows(shop.server, "authorization_requests")["authorization_requests"] - 1
    waiting = [first_form(visitor.authorize().text).action.replace("/consent", "") for _ in range(100)]
    assert rows(shop.server, "authorization_requests")["authorization_requests"] == before + MOST_PENDING
    for number, url in enumerate(waiting):
        page = visitor.http.get(url)
        if number < 100 - MOST_PENDING:
            is_error(page, 400, "already_answered")
        else:
            is_page(page)
    assert answer(visitor.decide("allow"))["code"]


def test_another_account_then_login_for_the_same_request(shop: Shop) -> None:
    visitor = at_consent(shop)
    old, second = visitor.http.cookies["handcart"], shop.account()
    assert "Welcome back!" in is_page(visitor.decide("switch")).text
    assert visitor.http.cookies["handcart"] != old
    assert second.email in is_page(visitor.sign_in(second)).text
    assert answer(visitor.decide("allow"))["state"] == "state-1"


@pytest.mark.parametrize(
    ("options", "header", "locale"),
    [
        ({}, "fr-CA,fr;q=0.9", "fr-CA"),
        ({}, "en-CA", "en-CA"),
        ({}, "de-DE", "en-US"),
        ({"ui_locales": "fr-CA en"}, "en-US", "fr-CA"),
        ({"ui_locales": "xx"}, "en-CA", "en-CA"),
        ({"locale": "fr-CA"}, "en-US", "fr-CA"),
        ({"ui_locales": "es-MX"}, "en-US", "es-US"),
    ],
)
def test_locale_asked_for_then_it_stays_to_the_end(
    shop: Shop, options: dict[str, str], header: str, locale: str
) -> None:
    visitor = shop.visitor()
    visitor.http.headers["Accept-Language"] = header
    login = is_page(visitor.authorize(**options))
    wrong = is_page(visitor.sign_in(shop.account(), "wrong password"), 401)
    consent = is_page(visitor.sign_in(shop.account()))
    for page in (login, wrong, consent):
        assert f'<html lang="{locale}">' in page.text
        assert re.findall(r'hreflang="([\w-]+)"', page.text) == list(pages.LOCALES_WITH_SPANISH)
    assert pages.text(locale, "consent.title") in consent.text
    assert answer(visitor.decide("deny"))["error_description"].isascii()
