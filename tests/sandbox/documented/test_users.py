"""Accounts and codes without a browser: the documentation's account linking test, and what is refused on the way.

https://docs.instacart.com/connect/sandbox_guide/how_to/test_account_linking/
"""

import base64
import hashlib
import secrets
from typing import Any

import httpx
import pytest

from handcart.accounts import ops as accounts
from handcart.core import clock
from handcart.core.errors import Refused
from handcart.linking import ops as linking
from tests.support.sandbox import SANDBOX
from tests.support.server import LiveServer
from tests.support.shop import PASSWORD, PASSWORD_HASH, REDIRECT_URI, SampleAccount, Shop, error

INVALID_USER = (400, "Invalid user_id", 1001, "user_id")
SCOPE = "openid account_linking"


def account(**fields: Any) -> dict[str, Any]:
    return {"email": f"{secrets.token_hex(6)}@example.com", "phone": "8005550101", "password": PASSWORD, **fields}


def made(shop: Shop, **fields: Any) -> int:
    number: int = shop.post(f"{SANDBOX}/instacart_users", account(**fields)).raise_for_status().json()["id"]
    return number


def authorize(shop: Shop, user_id: Any, **fields: Any) -> httpx.Response:
    body = {"redirect_uri": REDIRECT_URI, "scope": SCOPE, **fields}
    return shop.post(f"{SANDBOX}/instacart_users/{user_id}/authorize", body)


@pytest.mark.parametrize(
    ("flags", "is_member"),
    [
        ({}, False),
        ({"express_member": True}, True),
        ({"instacartplus_member": True, "express_member": False}, True),
        ({"instacartplus_member": False}, False),
    ],
)
def test_user_is_made_and_authorized_then_it_can_be_linked(shop: Shop, flags: dict[str, bool], is_member: bool) -> None:
    answer = authorize(
        shop,
        made(shop, **flags),
        response_type="code",
        client_id=shop.client.client_id,
        state="b1a2c3e4f6",
        hint="https://example.org",
    )
    token = shop.redeem(answer.json()["code"]).json()
    assert token["scope"] == "account_linking"
    user_id = shop.user()
    assert shop.link(user_id, token["access_token"]).json() == {"success": True}
    link = shop.get_link(user_id).json()
    assert (link["instacartplus_member"], "expired_at" in link) == (is_member, is_member)


def test_code_was_redeemed_or_is_old_then_it_is_worth_nothing(shop: Shop, later: Any) -> None:
    user_id = made(shop)
    code = authorize(shop, user_id).json()["code"]
    assert shop.redeem(code).status_code == 200
    assert shop.redeem(code).json()["error"] == "invalid_grant"
    code = authorize(shop, user_id).json()["code"]
    assert shop.redeem(code, redirect_uri="https://shop.example/other").json()["error"] == "invalid_grant"
    with later(minutes=1, seconds=1):
        assert shop.redeem(code).json()["error"] == "invalid_grant"


def test_challenge_sent_then_the_verifier_is_asked_for(shop: Shop) -> None:
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    user_id = made(shop)
    pkce = {"code_challenge": challenge, "code_challenge_method": "S256"}
    assert shop.redeem(authorize(shop, user_id, **pkce).json()["code"]).json()["error"] == "invalid_grant"
    code = authorize(shop, user_id, **pkce).json()["code"]
    assert shop.redeem(code, code_verifier=verifier).status_code == 200


def test_email_is_taken_then_the_documented_error_comes(shop: Shop) -> None:
    taken = (400, "An account already exists with this email", 1001, "email")
    made(shop, email="taken@example.com")
    for email in ("taken@example.com", "TAKEN@example.com"):
        assert error(shop.post(f"{SANDBOX}/instacart_users", account(email=email))) == taken
    made(Shop(shop.server), email="taken@example.com")


@pytest.mark.parametrize("has_one_password", [True, False])
def test_two_retailers_with_one_email_then_each_has_an_account_of_its_own(shop: Shop, has_one_password: bool) -> None:
    """No answer tells one retailer what another has made, and every customer signs in at either page."""
    shops, email = [Shop(shop.server), Shop(shop.server)], f"{secrets.token_hex(6)}@example.com"
    passwords = [PASSWORD, PASSWORD if has_one_password else "another long password"]
    ids = [made(one, email=email, password=password) for one, password in zip(shops, passwords, strict=True)]
    for one, account_id, password in zip(shops, ids, passwords, strict=True):
        customer, user_id = SampleAccount(account_id, email, password), one.user()
        one.link(user_id, one.linking_token(customer)).raise_for_status()
        linked = shop.server.read(linking.account_of_user, one.retailer.isolation_id, user_id)
        assert linked == account_id
        visitor = one.visitor()
        visitor.open("/account/sign-in")
        assert visitor.sign_in(customer).url.path == "/account"
    with pytest.raises(Refused, match="each of 2 organizations has made"):
        shop.server.read(accounts.by_email, email)


def test_the_email_is_the_platform_s_then_the_documented_error_comes(shop: Shop) -> None:
    email = shop.account().email
    taken = (400, "An account already exists with this email", 1001, "email")
    assert error(shop.post(f"{SANDBOX}/instacart_users", account(email=email))) == taken


def test_the_platform_takes_a_made_account_s_email_then_both_sign_in(shop: Shop) -> None:
    email = f"{secrets.token_hex(6)}@example.com"
    theirs = made(shop, email=email, password="another long password")
    ours = shop.server.write(accounts.create, email, PASSWORD_HASH)
    assert shop.server.read(accounts.by_email, email) == ours
    for account_id, password in ((theirs, "another long password"), (ours.id, PASSWORD)):
        user_id = shop.user()
        shop.link(user_id, shop.linking_token(SampleAccount(account_id, email, password))).raise_for_status()
        assert shop.server.read(linking.account_of_user, shop.retailer.isolation_id, user_id) == account_id


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a\0@b"}, "email"),
        ({"email": "a" * 70 + "@example.com"}, "email"),
        ({"phone": "12345"}, "phone"),
        ({"password": "a\0" * 8}, "password"),
        ({"password": 12345678}, "password"),
        ({"instacartplus_member": "yes"}, "instacartplus_member"),
    ],
)
def test_field_breaks_its_form_then_no_user_is_made(shop: Shop, fields: dict[str, Any], key: str) -> None:
    assert error(shop.post(f"{SANDBOX}/instacart_users", account(**fields))) == (400, "is invalid", 1001, key)


def test_required_fields_missing_or_password_weak_then_refused(shop: Shop) -> None:
    several = shop.post(f"{SANDBOX}/instacart_users", {}).json()["error"]
    assert (several["code"], [one["meta"]["key"] for one in several["errors"]]) == (
        9999,
        ["email", "phone", "password"],
    )
    weak = error(shop.post(f"{SANDBOX}/instacart_users", account(password="short")))
    assert (weak[0], weak[2:]) == (400, (1001, "password"))
    several = shop.post(f"{SANDBOX}/instacart_users/1/authorize", {}).json()["error"]
    assert [one["meta"]["key"] for one in several["errors"]] == ["redirect_uri", "scope"]


def test_request_breaks_a_rule_of_the_authorization_url_then_no_code(shop: Shop) -> None:
    user_id = made(shop)
    for fields, key in (
        ({"redirect_uri": REDIRECT_URI + "/"}, "redirect_uri"),
        ({"redirect_uri": "https://evil.example"}, "redirect_uri"),
        ({"scope": "connect:fulfillment"}, "scope"),
        ({"scope": "openid"}, "scope"),
        ({"response_type": "token"}, "response_type"),
        ({"client_id": "0" * 64}, "client_id"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "code_challenge"),
        ({"code_challenge": "a" * 43, "code_challenge_method": "plain"}, "code_challenge"),
        ({"code_challenge": "a" * 43}, "code_challenge"),
        ({"code_challenge_method": "S256"}, "code_challenge"),
        ({"state": "a" * 2001}, "state"),
    ):
        assert error(authorize(shop, user_id, **fields)) == (400, "is invalid", 1001, key), fields
    codes = shop.server.sql("SELECT count(*) AS codes FROM authorization_codes WHERE account_id = $1", user_id)
    assert codes[0]["codes"] == 0


def test_client_must_send_a_challenge_then_in_the_sandbox_as_well(server: LiveServer) -> None:
    shop = Shop(server, require_pkce=True)
    assert error(authorize(shop, made(shop))) == (400, "can't be blank", 1001, "code_challenge")


def test_account_not_made_in_this_sandbox_then_refused(server: LiveServer, shop: Shop) -> None:
    other = Shop(server)
    mine = made(shop)
    for user_id in (0, 2**53, "1" * 17, "me", "%31", made(other), shop.account(member_for=clock.DAY).id):
        assert error(authorize(shop, user_id)) == INVALID_USER
    assert error(authorize(shop, mine, client_id=other.client.client_id)) == (400, "is invalid", 1001, "client_id")
    server.sql("UPDATE accounts SET closed_at = 1 WHERE id = $1 RETURNING id", mine)
    assert error(authorize(shop, mine)) == INVALID_USER
