"""`GET /oauth/authorize`: bad input before anybody has signed in (docs/conformance.md)."""

from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
import pytest

from handcart.core.errors import Refused
from handcart.oauth.scopes import ALL
from handcart.retailers import clients
from tests.oauth.mutations import LOOPBACK_URI, mutated
from tests.support.pages import is_error, is_page, nothing_written
from tests.support.server import on_sqlite
from tests.support.shop import REDIRECT_URI, Shop, answer, first_form

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B


def sent_back(shop: Shop, response: httpx.Response, error: str, state: str | None = "state-1") -> dict[str, str]:
    """Check the redirect that tells the retailer of an error: state as it came, and who answers (RFC 9207)."""
    told = answer(response)
    assert response.headers["location"].startswith(f"{REDIRECT_URI}&error=")
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"
    assert response.text == ""
    assert set(told) == {"from", "error", "error_description", "iss"} | ({"state"} if state is not None else set())
    assert (told["error"], told.get("state"), told["iss"]) == (error, state, shop.server.url)
    return told


def opened(shop: Shop, raw_query: str) -> httpx.Response:
    return shop.visitor().http.get(f"/oauth/authorize?{raw_query}")


def raw(shop: Shop, **more: str) -> str:
    """The query of a sound request as it goes over the wire, with `more` of it."""
    sound = {
        "response_type": "code",
        "client_id": shop.client.client_id,
        "redirect_uri": REDIRECT_URI,
        "state": "state-1",
    }
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in (sound | more).items())


def two_more(shop: Shop, *redirect_uris: str) -> Shop:
    shop.server.write(clients.register_redirect_uris, shop.client.client_id, redirect_uris)
    return shop


def other_client(shop: Shop, **options: Any) -> Shop:
    """The shop with another client of its retailer."""
    shop.client = shop.server.write(
        clients.create,
        retailer=shop.slug,
        **{"scopes": ALL, "redirect_uris": [REDIRECT_URI], **options},
    )
    return shop


@pytest.mark.parametrize("state", ["s" * 2048, "\N{SHOPPING TROLLEY}" * 512, '"' * 2048, "\x01" * 2048], ids=len)
def test_sound_request_then_the_login_page_and_nothing_kept(shop: Shop, state: str) -> None:
    with nothing_written(shop.server, "sessions", "authorization_requests"):
        page = is_page(shop.visitor().authorize(state=state))
    assert len(first_form(page.text).action) < 4000  # most proxies take 8 KiB
    assert "<h1>Welcome back!</h1>" in page.text
    assert "to continue to <bdi>Sample Market</bdi>." in page.text


@pytest.mark.parametrize(
    "client_id",
    ["nobody", "", None, "' OR '1'='1", "x" * 10_000, "\u2028", "{client_id}", "%00"],
    ids=["nobody", "empty", "absent", "quotes", "10 kB", "line separator", "braces", "encoded twice"],
)
def test_unknown_client_then_page(shop: Shop, client_id: str | None) -> None:
    with nothing_written(shop.server, "authorization_requests"):
        is_error(shop.visitor().authorize(client_id=client_id), 400, "unknown_client")


def test_disabled_client_then_page(shop: Shop) -> None:
    shop.server.write(clients.disable, shop.client.client_id)
    with nothing_written(shop.server, "authorization_requests"):
        is_error(shop.visitor().authorize(), 400, "unknown_client")


@on_sqlite
def test_mutated_redirect_uri_then_page_whatever_the_mutation(shop: Shop) -> None:
    # oidcc-ensure-registered-redirect-uri, oidcc-redirect-uri-query-mismatch, oidcc-redirect-uri-query-added
    two_more(shop, LOOPBACK_URI)
    visitor = shop.visitor()
    tried = [*mutated(REDIRECT_URI), *mutated(LOOPBACK_URI)]
    with nothing_written(shop.server, "authorization_requests"):
        for uri in tried:
            page = visitor.authorize(redirect_uri=uri)
            assert page.status_code == 400, f"accepted: {uri!r}"
            is_error(page, 400, "redirect_uri_mismatch")
    print(f"0 of {len(tried)} mutated redirect URIs accepted")
    assert len(tried) >= 500
    for uri in (REDIRECT_URI, LOOPBACK_URI):  # oidcc-redirect-uri-query-OK; else the loop above proves nothing
        is_page(visitor.authorize(redirect_uri=uri))


@pytest.mark.parametrize("more", [[], ["https://shop.example/other"]], ids=["has one", "has two"])
def test_no_redirect_uri_then_the_only_one_or_page(shop: Shop, more: list[str]) -> None:
    two_more(shop, *more)
    visitor = shop.visitor()
    if more:
        with nothing_written(shop.server, "authorization_requests"):
            is_error(visitor.authorize(redirect_uri=None), 400, "redirect_uri_mismatch")
        return
    is_page(visitor.authorize(redirect_uri=None))
    visitor.sign_in(shop.account())
    told = answer(visitor.decide("allow"))
    assert shop.redeem(told["code"]).status_code == 200


def test_client_without_redirect_uri_then_page(shop: Shop) -> None:
    other_client(shop, redirect_uris=[])
    with nothing_written(shop.server, "authorization_requests"):
        is_error(shop.visitor().authorize(), 400, "redirect_uri_mismatch")
        is_error(shop.visitor().authorize(redirect_uri=None), 400, "redirect_uri_mismatch")


@pytest.mark.parametrize("value", ["client", "nobody"])
def test_client_id_twice_then_page(shop: Shop, value: str) -> None:
    second = shop.client.client_id if value == "client" else value
    with nothing_written(shop.server, "authorization_requests"):
        is_error(opened(shop, f"{raw(shop)}&client_id={second}"), 400, "invalid_request")


@pytest.mark.parametrize("uri", [REDIRECT_URI, "https://evil.example/"])
def test_redirect_uri_twice_then_page(shop: Shop, uri: str) -> None:
    with nothing_written(shop.server, "authorization_requests"):
        is_error(opened(shop, f"{raw(shop)}&redirect_uri={quote(uri, safe='')}"), 400, "invalid_request")
        is_error(opened(shop, f"redirect_uri={quote(uri, safe='')}&{raw(shop)}"), 400, "invalid_request")


@pytest.mark.parametrize("name", ["state", "response_type", "scope", "code_challenge", "prompt", "something_else"])
def test_parameter_twice_then_invalid_request(shop: Shop, name: str) -> None:
    # No state goes back, even if another parameter was repeated: it may be the wrong one of two.
    with nothing_written(shop.server, "authorization_requests"):
        told = sent_back(shop, opened(shop, f"{raw(shop)}&{name}=1&{name}=1"), "invalid_request", state=None)
    assert told["error_description"] == "A parameter is included more than once."


@pytest.mark.parametrize(
    ("response_type", "error"),
    [
        (None, "invalid_request"),  # oidcc-response-type-missing
        ("", "invalid_request"),
        ("token", "unsupported_response_type"),
        ("code token", "unsupported_response_type"),
        ("code id_token", "unsupported_response_type"),
        ("CODE", "unsupported_response_type"),
        ("code ", "unsupported_response_type"),
        ("none", "unsupported_response_type"),
    ],
)
def test_response_type_is_not_code_then_error_and_state(shop: Shop, response_type: str | None, error: str) -> None:
    with nothing_written(shop.server, "authorization_requests"):
        sent_back(shop, shop.visitor().authorize(response_type=response_type), error)


@pytest.mark.parametrize(
    "scope",
    [
        "unknown",
        "",
        " ",
        ",",
        "a" * 10_000,
        'account_linking "quoted"',
        "account_linking\nconnect:fulfillment",
        "account_linking\\",
        "connect:fulfillment",
        "account_linking connect:fulfillment",
        "account_linking,unknown",
        "ACCOUNT_LINKING",
        "account_linking\u00a0",
        "openid",
    ],
    ids=lambda scope: repr(scope[:24]),
)
@on_sqlite
def test_scope_is_not_this_client_s_then_invalid_scope(shop: Shop, scope: str) -> None:
    with nothing_written(shop.server, "authorization_requests"):
        sent_back(shop, shop.visitor().authorize(scope=scope), "invalid_scope")


@pytest.mark.parametrize("scope", [None, "account_linking", "openid account_linking", "account_linking,openid"])
def test_scope_of_the_client_then_login_page(shop: Shop, scope: str | None) -> None:
    is_page(shop.visitor().authorize(scope=scope))


def test_client_without_the_scope_then_unauthorized_client(shop: Shop) -> None:
    other_client(shop, scopes=["connect:fulfillment"])
    with nothing_written(shop.server, "authorization_requests"):
        sent_back(shop, shop.visitor().authorize(), "unauthorized_client")


STATES = {
    "as long as may be": "s" * 2048,
    "ampersand": "a&error=none&code=1",
    "fragment": "a#b",
    "line ends": "a\r\nSet-Cookie: handcart=evil\r\n\r\n<html>",
    "emoji": "\N{SHOPPING TROLLEY}\N{ZERO WIDTH JOINER}é",
    "spaces and plus": " a + b ",
    "percent": "%0d%0a%",
    "quotes": "\"'<script>alert(1)</script>",
    "bidirectional": "\u202eetats",
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
@on_sqlite
def test_state_then_echoed_byte_for_byte_in_errors(shop: Shop, state: str) -> None:
    # The long ones: "ensure request with long state" of the conformance suite.
    with nothing_written(shop.server, "authorization_requests"):
        response = shop.visitor().authorize(state=state, response_type="token")
        sent_back(shop, response, "unsupported_response_type", state)
    location = response.headers["location"]
    assert unquote(location.partition("&state=")[2].partition("&iss=")[0]) == state
    assert location.isascii()
    assert location.isprintable()
    assert "handcart=evil" not in str(response.headers.get_list("set-cookie"))


def test_state_then_echoed_byte_for_byte_with_every_answer(shop: Shop) -> None:
    visitor = shop.visitor()
    visitor.authorize()
    visitor.sign_in(shop.account())
    for state in STATES.values():
        for decision, key in (("allow", "code"), ("deny", "error")):
            visitor.authorize(state=state)
            told = answer(visitor.decide(decision))
            assert key in told
            assert (told["state"], told["iss"]) == (state, shop.server.url)


@pytest.mark.parametrize("state", [None, ""])
def test_no_state_then_refused_unless_the_client_may(shop: Shop, state: str | None) -> None:
    with nothing_written(shop.server, "authorization_requests"):
        sent_back(shop, shop.visitor().authorize(state=state), "invalid_request", state)
    other_client(shop, require_state=False)  # fapi1-advanced-final-ensure-authorization-request-without-state-success
    visitor = shop.visitor()
    is_page(visitor.authorize(state=state))
    visitor.sign_in(shop.account())
    assert answer(visitor.decide("allow")).get("state") == state


def test_state_over_the_limit_then_invalid_request_without_it(shop: Shop) -> None:
    with nothing_written(shop.server, "authorization_requests"):
        sent_back(shop, shop.visitor().authorize(state="s" * 2049), "invalid_request", state=None)


@pytest.mark.parametrize("prompt", ["none", "login none"])
def test_prompt_none_then_error_only_where_the_redirect_uri_is_proven(shop: Shop, prompt: str) -> None:
    # oidcc-prompt-none-not-logged-in
    with nothing_written(shop.server, "authorization_requests"):
        sent_back(shop, shop.visitor().authorize(prompt=prompt), "interaction_required")
        bad = shop.visitor().authorize(prompt=prompt, redirect_uri="https://evil.example/")
        is_error(bad, 400, "redirect_uri_mismatch")


@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        (CHALLENGE[:-1], "S256"),
        (CHALLENGE + "A", "S256"),
        (CHALLENGE + "=", "S256"),
        (CHALLENGE[:-1] + "+", "S256"),
        (CHALLENGE[:-1] + "é", "S256"),
        (CHALLENGE[:-1] + "\n", "S256"),
        ("", "S256"),
        (None, "S256"),
        (CHALLENGE, "plain"),
        (CHALLENGE, None),  # RFC 7636 section 4.3: plain, when nothing is said
        (CHALLENGE, "s256"),
        (CHALLENGE, ""),
        ("a" * 128, "S256"),
    ],
)
@on_sqlite
def test_challenge_is_not_s256_then_invalid_request(shop: Shop, challenge: str | None, method: str | None) -> None:
    with nothing_written(shop.server, "authorization_requests"):
        page = shop.visitor().authorize(code_challenge=challenge, code_challenge_method=method)
        sent_back(shop, page, "invalid_request")


def test_client_must_send_a_challenge_then_only_with_one(shop: Shop) -> None:
    other_client(shop, require_pkce=True)
    with nothing_written(shop.server, "authorization_requests"):
        sent_back(shop, shop.visitor().authorize(), "invalid_request")
    is_page(shop.visitor().authorize(code_challenge=CHALLENGE, code_challenge_method="S256"))


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("client_id=nobody", "unknown_client"),
        ("client_id=nobody&response_type=token&prompt=none", "unknown_client"),
        ("client_id=%FF", "invalid_request"),
        ("client_id=a%00b", "invalid_request"),
        ("&".join(f"client_id={number}" for number in range(60)), "invalid_request"),
        ("client_id=nobody&request=x.y.z&request_uri=https://evil.example/", "unknown_client"),
    ],
)
def test_error_before_the_client_is_known_then_page_not_redirect(shop: Shop, query: str, key: str) -> None:
    with nothing_written(shop.server, "authorization_requests"):
        for uri in (REDIRECT_URI, "https://evil.example/"):
            is_error(opened(shop, f"{query}&redirect_uri={quote(uri, safe='')}&state=1"), 400, key)


def test_unknown_parameters_then_ignored(shop: Shop) -> None:
    # oidcc-ensure-request-with-unknown-parameter-succeeds; the OpenID ones are unknown here as well
    unknown = ("extra", "nonce", "display", "max_age", "acr_values", "login_hint", "id_token_hint", "claims", "request")
    visitor = shop.visitor()
    is_page(visitor.authorize(**dict.fromkeys(unknown, "something")))
    visitor.sign_in(shop.account())
    assert set(answer(visitor.decide("allow"))) == {"from", "code", "state", "iss"}


def test_request_by_post_then_the_same_by_get(shop: Shop) -> None:
    # oidcc-ensure-post-request-succeeds
    visitor = shop.visitor()
    with nothing_written(shop.server, "authorization_requests"):
        response = visitor.http.post(
            "/oauth/authorize",
            content=raw(shop, state="a b&c"),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": "https://shop.example",
                "Sec-Fetch-Site": "cross-site",
            },
        )
    assert response.status_code == 303
    assert "set-cookie" not in response.headers  # else a signed-in browser would lose its session
    location = urlsplit(response.headers["location"])
    assert (location.netloc, location.path) == ("", "/oauth/authorize")
    visitor.page = is_page(visitor.http.get(response.headers["location"]))
    visitor.sign_in(shop.account())
    assert answer(visitor.decide("allow"))["state"] == "a b&c"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("client_id=%FF", "application/x-www-form-urlencoded", 400),
        ("a" * 70_000, "application/x-www-form-urlencoded", 413),
        ("state=" + "a" * 20_000, "application/x-www-form-urlencoded", 413),
        ("{}", "application/json", 415),
    ],
)
def test_request_by_post_that_cannot_be_read_then_page(shop: Shop, body: str, kind: str, status: int) -> None:
    with nothing_written(shop.server, "authorization_requests"):
        is_page(shop.http.post("/oauth/authorize", content=body, headers={"Content-Type": kind}), status)


@pytest.mark.parametrize("uri", ["https://shop.example/#", "https://shop.example/#code", "https://shop.example/?a=1#b"])
def test_registration_with_fragment_then_refused(shop: Shop, uri: str) -> None:
    # oidcc-redirect-uri-regfrag
    with pytest.raises(Refused, match="fragment"):
        two_more(shop, uri)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_other_methods_then_405_page(shop: Shop, method: str) -> None:
    with nothing_written(shop.server, "authorization_requests"):
        page = is_page(shop.http.request(method, "/oauth/authorize", params={"client_id": "x"}), 405)
    assert page.headers["allow"] == "GET, POST"
