"""Tokens below the HTTP layer: verifiers, assertions, and atomic claims."""

import base64
from typing import Any

import pytest

from handcart.core.db import Tx
from handcart.oauth import tokens
from handcart.oauth.models import IssuedToken
from handcart.retailers import ops as retailers
from handcart.retailers.models import Caller
from tests.support.contents import nothing_written
from tests.support.oauth import code_for, token_for
from tests.support.shop import REDIRECT_URI, Shop

# The first one is RFC 7636, appendix B; the others were made by OpenSSL.
CHALLENGES = {
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "a" * 43: "ZtNPunH49FD35FWYhT5Tv8I7vRKQJ8uxMaL0_9eHjNA",
    "Z" * 128: "NJ1l6bod57ChP5o-rcxbAgLxXWAI_pR38qe4D2GUsg8",
    "-._~" * 11: "lK2NFO4fUsSGSxx7eD9ozetZRvfDEp9wtnPrjHKcyXE",
    "0" * 64: "YOBb0bGVry-UES-nGXpciCiQWIQM58bflpN1a8YlD1U",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~": "ImpiCd8pp4MveCNnbIS7-GXEtB0xF5HMIDoWqvGA5ig",
    "1234567890123456789012345678901234567890123": "WWHTYIjNclXxS69q1gerQ-eTlW5ab1YCpKTorurQ3zw",
    "tQ3mVh0rXb7cP1yNfZ2kLw9sDuE4gAoJ6iB8xRqC5_M": "JDIBJh_gi3f2Upgo3egv0Zb5mFB9MIXLsuUCf9Iuw2A",
    "~" * 43: "dOHT1ivLVSPsewADt8TAZF2T2lLYTZ4BymCwTRKpihg",
    "." * 43: "zN2LAeyE12Po5Q-f8kX8lBwCIAqhVN5WH61sWPoV6fM",
    "a-verifier-of-the-43-characters-at-the-least": "8c98iy9lggzjy5xuBPwX0Q41X7keRUha0_fCebPToOk",
    "A." * 22 + "A": "b-gBIw8GS0rwQZ3bHY9pgjalL9cpWoJJCMfoYzlhaYU",
}


@pytest.mark.parametrize("verifier", CHALLENGES)
def test_verifier_then_its_s256_challenge(verifier: str) -> None:
    assert tokens.challenge_of(verifier) == CHALLENGES[verifier]


def test_no_verifier_then_no_challenge() -> None:
    assert tokens.challenge_of(None) == ""


@pytest.mark.parametrize("verifier", CHALLENGES)
def test_code_with_a_challenge_then_its_verifier_redeems_it(shop: Shop, verifier: str) -> None:
    code = code_for(shop, shop.account(), code_challenge=CHALLENGES[verifier])
    assert shop.redeem(code, code_verifier=verifier).status_code == 200


ASSERTIONS = {
    "eyJ1c2VyX2lkIjoic2hvcHBlci0yMDQxNyJ9": "shopper-20417",
    # as printed in the documentation: { "user_id": kamalsingh1234}
    "eyAidXNlcl9pZCI6IGthbWFsc2luZ2gxMjM0fQ==": "kamalsingh1234",
    "eyAidXNlcl9pZCI6IGthbWFsc2luZ2gxMjM0fQ": "kamalsingh1234",
}
DECODED = {
    '{"user_id": "a"}': "a",
    '{"user_id":a}': "a",
    '{ "user_id" : a b }': "a b",
    '{"user_id": "é€😀?>~"}': "é€😀?>~",
    '{"user_id": "a", "more": [1]}': "a",
    '{"user_id": ""}': None,
    '{"user_id": }': None,
    '{"user_id":  }': None,
    '{"user_id": 5}': None,
    '{"user_id": null}': None,
    '{"user_id": ["a"]}': None,
    '{"user_id": a"b}': None,
    '{"user_id": a} x': None,
    '{"user_id": "a\\u0000"}': None,
    '{"user": "a"}': None,
    '["user_id"]': None,
    "user_id": None,
    "": None,
}


@pytest.mark.parametrize("assertion", ASSERTIONS)
def test_assertion_of_the_documentation_then_its_user(assertion: str) -> None:
    assert tokens.user_of_assertion(assertion) == ASSERTIONS[assertion]


@pytest.mark.parametrize("text", DECODED)
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_assertion_then_its_user_or_none(text: str, encode: Any) -> None:
    assert tokens.user_of_assertion(encode(text.encode()).decode()) == DECODED[text]


def test_redeem_fails_after_the_claim_then_the_code_is_unspent_and_no_token_is_left(shop: Shop) -> None:
    code = code_for(shop, shop.account())

    async def break_off(tx: Tx) -> None:
        client = await retailers.client(tx, shop.client.client_id)
        assert client is not None
        assert isinstance(await tokens.redeem_code(tx, client, code, REDIRECT_URI, None), IssuedToken)
        raise RuntimeError("the process meets its end here")

    with nothing_written(shop.server), pytest.raises(RuntimeError):
        shop.server.write(break_off)
    assert shop.redeem(code).status_code == 200


def test_linking_token_claimed_and_rolled_back_then_it_still_links(shop: Shop) -> None:
    user_id, token = shop.user(), token_for(shop, shop.account())

    async def break_off(tx: Tx) -> None:
        client = await retailers.client(tx, shop.client.client_id)
        assert client is not None
        assert client.retailer_id is not None
        assert client.isolation_id is not None
        caller = Caller(
            client_id=client.client_id,
            organization_id=client.organization_id,
            retailer_id=client.retailer_id,
            isolation_id=client.isolation_id,
            scopes=client.scopes,
            user_id=None,
        )
        first = await tokens.claim_linking_token(tx, caller, token)
        second = await tokens.claim_linking_token(tx, caller, token)
        assert first is not None
        assert second is not None
        assert (first.was_used, second.was_used) == (False, True)
        raise RuntimeError("the process meets its end here")

    with nothing_written(shop.server), pytest.raises(RuntimeError):
        shop.server.write(break_off)
    assert shop.link(user_id, token).json() == {"success": True}
