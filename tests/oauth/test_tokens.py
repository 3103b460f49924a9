"""Tokens below the HTTP layer: assertions and atomic claims."""

import base64
from typing import Any

import pytest

from handcart.core.db import Tx
from handcart.oauth import tokens
from handcart.retailers import clients
from handcart.retailers.models import Caller
from tests.support.contents import nothing_written
from tests.support.oauth import token_for
from tests.support.shop import Shop

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


def test_linking_token_claimed_and_rolled_back_then_it_still_links(shop: Shop) -> None:
    user_id, token = shop.user(), token_for(shop, shop.account())

    async def break_off(tx: Tx) -> None:
        client = await clients.find(tx, shop.client.client_id)
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
