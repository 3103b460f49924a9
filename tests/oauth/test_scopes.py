"""Which scopes belong to which grant. Source: https://docs.instacart.com/connect/api/permissions_scopes"""

import pytest

from handcart import app
from handcart.core.errors import Refused
from handcart.core.settings import Settings
from handcart.oauth import scopes

BOTH = "connect:fulfillment handcart:callbacks"


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("connect:fulfillment", ["connect:fulfillment"]),
        ("a,b", ["a", "b"]),
        ("a b", ["a", "b"]),
        (" a , b ,, c ", ["a", "b", "c"]),
        ("openid account_linking", ["account_linking"]),
        ("openid,account_linking", ["account_linking"]),
        ("Connect::Orders::RatingService", ["Connect::Orders::RatingService"]),
        ("openid", None),
        ("", None),
        (" , ", None),
        ("a\nb", None),
        ("a\tb", None),
        ('"a"', None),
        ("a\\b", None),
        ("é", None),
        ("a\x00", None),
        ("a" * 1000, ["a" * 1000]),
        ("a" * 1001, None),
    ],
)
def test_scope_parameter_then_its_scopes_or_none(text: str, parsed: list[str] | None) -> None:
    assert scopes.parse(text) == parsed


@pytest.mark.parametrize(
    ("grant_type", "asked", "granted"),
    [
        (scopes.CLIENT_CREDENTIALS, None, BOTH),
        (scopes.CLIENT_CREDENTIALS, "connect:fulfillment", "connect:fulfillment"),
        (scopes.CLIENT_CREDENTIALS, "handcart:callbacks,connect:fulfillment", BOTH),
        (scopes.CLIENT_CREDENTIALS, "account_linking", None),
        (scopes.CLIENT_CREDENTIALS, "connect:post_checkout", None),
        (scopes.CLIENT_CREDENTIALS, "connect:recommendations", None),
        (scopes.CLIENT_CREDENTIALS, "", None),
        (scopes.AUTHORIZATION_CODE, None, "account_linking"),
        (scopes.AUTHORIZATION_CODE, "openid account_linking", "account_linking"),
        (scopes.AUTHORIZATION_CODE, "connect:fulfillment", None),
        (scopes.USER_ASSERTION, None, "Connect::Orders::RatingService"),
        (scopes.USER_ASSERTION, "connect:post_checkout", None),
    ],
)
def test_asked_by_a_client_of_several_scopes_then_granted_or_none(
    grant_type: str, asked: str | None, granted: str | None
) -> None:
    of_client = ["account_linking", "connect:fulfillment", "handcart:callbacks", "connect:recommendations"]
    if grant_type == scopes.USER_ASSERTION:
        of_client = ["Connect::Orders::RatingService", "connect:recommendations"]
    assert scopes.granted(grant_type, of_client, asked) == granted


def test_scopes_that_lead_nowhere_are_allowed_then_granted_too() -> None:
    of_client = ["connect:fulfillment", "connect:ian"]
    for asked in (None, "connect:ian connect:fulfillment"):
        granted = scopes.granted(scopes.CLIENT_CREDENTIALS, of_client, asked, with_unserved=True)
        assert granted == "connect:fulfillment connect:ian"


def test_scopes_that_lead_nowhere_then_those_that_no_route_needs() -> None:
    needed = {route.scope for route in app.routes(Settings(environment="sandbox"))}
    assert set(scopes.UNSERVED) == set(scopes.ALL) - needed - {"account_linking"}


def test_grant_without_a_scope_of_the_client_then_nothing_is_allowed() -> None:
    assert scopes.allowed(scopes.AUTHORIZATION_CODE, ["connect:fulfillment"]) == []


def test_all_scopes_then_the_documented_ones_and_handcarts_own() -> None:
    assert sorted(scopes.ALL) == sorted(
        {
            "connect:fulfillment",
            "Connect::Orders::RatingService",
            "connect:recommendations",
            "connect:compliance",
            "connect:data_ingestion",
            "connect:ian",
            "handcart:callbacks",
            "account_linking",
            "connect:post_checkout",
        }
    )


def test_scopes_of_a_client_required_then_parsed_or_refused() -> None:
    assert scopes.require("handcart:callbacks, account_linking") == ["handcart:callbacks", "account_linking"]
    for text in ("", "openid", "connect:everything", "account_linking connect:everything"):
        with pytest.raises(Refused, match="is unknown: the scopes are connect:fulfillment"):
            scopes.require(text)
