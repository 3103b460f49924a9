"""Codes below the HTTP layer: verifiers, and a redemption that fails half way."""

import pytest

from handcart.core.db import Tx
from handcart.oauth import codes
from handcart.oauth.models import IssuedToken
from handcart.retailers import clients
from tests.support.contents import nothing_written
from tests.support.oauth import code_for
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
    assert codes.challenge_of(verifier) == CHALLENGES[verifier]


def test_no_verifier_then_no_challenge() -> None:
    assert codes.challenge_of(None) == ""


@pytest.mark.parametrize("verifier", CHALLENGES)
def test_code_with_a_challenge_then_its_verifier_redeems_it(shop: Shop, verifier: str) -> None:
    code = code_for(shop, shop.account(), code_challenge=CHALLENGES[verifier])
    assert shop.redeem(code, code_verifier=verifier).status_code == 200


def test_redeem_fails_after_the_claim_then_the_code_still_works(shop: Shop) -> None:
    code = code_for(shop, shop.account())

    async def break_off(tx: Tx) -> None:
        client = await clients.find(tx, shop.client.client_id)
        assert client is not None
        assert isinstance(await codes.redeem(tx, client, code, REDIRECT_URI, None), IssuedToken)
        raise RuntimeError("the process meets its end here")

    with nothing_written(shop.server), pytest.raises(RuntimeError):
        shop.server.write(break_off)
    assert shop.redeem(code).status_code == 200
