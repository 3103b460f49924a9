"""The checks of an authorization request: their order, and that no request bypasses them."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from handcart.core.web.browser import PageRefused
from handcart.oauth import checks
from handcart.oauth.checks import MOST_STATE_BYTES, Rejected
from tests.support.shop import REDIRECT_URI, Shop

# One breach of each rule, in the order of the rules; the first one that is broken decides.
BREACHES: list[tuple[str, dict[str, list[str]], str]] = [
    ("client", {"client_id": ["nobody"]}, "unknown_client"),
    ("redirect URI", {"redirect_uri": ["https://evil.example/"]}, "redirect_uri_mismatch"),
    ("repeated parameter", {"display": ["page", "popup"]}, "invalid_request"),
    ("state", {"state": ["s" * (MOST_STATE_BYTES + 1)]}, "invalid_request"),
    ("response type", {"response_type": ["token"]}, "unsupported_response_type"),
    ("scope", {"scope": ["connect:fulfillment"]}, "invalid_scope"),
    ("challenge", {"code_challenge": ["short"]}, "invalid_request"),
    ("prompt", {"prompt": ["none"]}, "interaction_required"),
]
DESCRIPTIONS = {
    "repeated parameter": "A parameter is included more than once.",
    "state": f"state may have at most {MOST_STATE_BYTES} bytes.",
    "challenge": "code_challenge must be 43 characters with method S256.",
}


def sound(shop: Shop) -> dict[str, list[str]]:
    return {
        "client_id": [shop.client.client_id],
        "redirect_uri": [REDIRECT_URI],
        "state": ["state-1"],
        "response_type": ["code"],
        "scope": ["account_linking"],
    }


def check(shop: Shop, parameters: dict[str, list[str]]) -> checks.Request:
    pairs = [(name, value) for name, values in parameters.items() for value in values]
    request: checks.Request = shop.server.read(checks.check, pairs)
    return request


def test_any_rule_then_a_breach_is_here() -> None:
    assert len(checks.RULES) == len(BREACHES)


def test_sound_request_then_filled_in(shop: Shop) -> None:
    request = check(shop, sound(shop))
    assert request.client.client_id == shop.client.client_id
    assert (request.redirect_uri, request.scope, request.state) == (REDIRECT_URI, "account_linking", "state-1")
    assert request.code_challenge is None


@pytest.mark.parametrize("first", range(len(BREACHES)), ids=[name for name, _, _ in BREACHES])
def test_several_rules_broken_then_the_first_one_decides(shop: Shop, first: int) -> None:
    parameters = sound(shop)
    for _, breach, _ in BREACHES[first:]:
        parameters |= breach
    name, _, expected = BREACHES[first]
    with pytest.raises((PageRefused, Rejected)) as raised:
        check(shop, parameters)
    if isinstance(raised.value, PageRefused):
        assert raised.value.text_key == expected
        assert first < 2  # only an unproven client or redirect URI is a page
    else:
        assert raised.value.error.error == expected
        assert raised.value.error.message == DESCRIPTIONS.get(name, raised.value.error.message)
        assert raised.value.request.redirect_uri == REDIRECT_URI


CHALLENGE_NAMES = ["code_challenge", "code_challenge_method"]
NAMES = st.sampled_from(
    ["client_id", "redirect_uri", "state", "response_type", "scope", *CHALLENGE_NAMES, "prompt", "nonce", ""]
)
VALUES = st.sampled_from(
    ["{client}", "{uri}", "https://evil.example/", "code", "token", "account_linking", "S256", "none", "", "a" * 43]
) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.lists(st.tuples(NAMES, VALUES), max_size=10))
@example(pairs=[("client_id", "{client}"), ("redirect_uri", "{uri}"), ("response_type", "code"), ("state", "1")])
def test_any_request_then_sent_back_only_to_the_registered_redirect_uri(
    shop: Shop, pairs: list[tuple[str, str]]
) -> None:
    known: dict[str, Any] = {"{client}": shop.client.client_id, "{uri}": REDIRECT_URI}
    asked = [(name, known.get(value, value)) for name, value in pairs]
    try:
        request = shop.server.read(checks.check, asked)
    except PageRefused:
        return
    except Rejected as rejected:
        request = rejected.request
    assert ("client_id", shop.client.client_id) in asked
    assert request.redirect_uri == REDIRECT_URI
    assert [value for name, value in asked if name == "redirect_uri"] in ([], [REDIRECT_URI])
