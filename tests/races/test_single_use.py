"""Single-use things work only once, with any number of concurrent tries. Each race has a canary without the guard.

ROUNDS rounds on each database; a zero in N rounds leaves at most 3/N by chance.
"""

import asyncio
import secrets

import pytest

from handcart.accounts import ops as accounts
from handcart.core import clock
from handcart.core.db import Tx
from handcart.oauth import codes, tokens
from handcart.retailers import clients
from handcart.users import ops as users_ops
from handcart.users.models import User
from tests.races.rounds import IS_LONG
from tests.support.shop import PASSWORD_HASH, REDIRECT_URI, Shop
from tests.support.volley import Answer, volleys

pytestmark = pytest.mark.serial

ROUNDS = 200 if IS_LONG else 25
AT_ONCE = 20
CANARY_ROUNDS = 20
GUARD = " AND used_at IS NULL"


async def make_codes(tx: Tx, client_id: str, account_id: int, number: int) -> list[str]:
    """Create codes as the consent page does, without the page."""
    made = [secrets.token_urlsafe(32) for _ in range(number)]
    for code in made:
        await tx.run(
            "INSERT INTO authorization_codes (code_hash, client_id, account_id, redirect_uri, scope, expires_at)"
            " VALUES ($1, $2, $3, $4, 'account_linking', $5)",
            tx.keys.hash(code),
            client_id,
            account_id,
            REDIRECT_URI,
            clock.now() + clock.HOUR,
        )
    return made


def redeem_all(shop: Shop, codes: list[str], *urls: str) -> list[list[Answer]]:
    """Redeem each code AT_ONCE times concurrently; returns the responses by code."""
    body = {**shop.credentials, "grant_type": "authorization_code", "redirect_uri": REDIRECT_URI}
    rounds = [[("/v2/oauth/token", {**body, "code": code})] * AT_ONCE for code in codes]
    return asyncio.run(volleys([shop.server.url, *urls], rounds))


def wins(rounds: list[list[Answer]]) -> list[int]:
    """The number of issued tokens by round; all other responses must be invalid_grant."""
    for answers in rounds:
        assert {status for status, _ in answers} <= {200, 400}
        assert {body["error"] for status, body in answers if status == 400} <= {"invalid_grant"}
    return [sum(status == 200 for status, _ in answers) for answers in rounds]


def test_code_redeemed_many_times_at_once_then_one_token(shop: Shop) -> None:
    made = shop.server.write(make_codes, shop.client.client_id, shop.account().id, ROUNDS)
    rounds = redeem_all(shop, made)
    assert wins(rounds) == [1] * ROUNDS
    rows = shop.server.sql(
        "SELECT count(*) AS issued, count(revoked_at) AS revoked FROM tokens"
        " WHERE client_id = $1 AND code_hash IS NOT NULL",
        shop.client.client_id,
    )
    # The others redeemed a code that was valid and used: the token from the first redemption is revoked.
    assert (rows[0]["issued"], rows[0]["revoked"]) == (ROUNDS, ROUNDS)
    print(f"{shop.server.database}: {ROUNDS} codes x {AT_ONCE} at once: one token each, all revoked by the reuse")


def test_code_without_its_guard_then_the_race_is_seen(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert GUARD in codes.CLAIM
    monkeypatch.setattr(codes, "CLAIM", codes.CLAIM.replace(GUARD, ""))
    made = shop.server.write(make_codes, shop.client.client_id, shop.account().id, CANARY_ROUNDS)
    assert max(wins(redeem_all(shop, made))) > 1


async def make_linking_tokens(tx: Tx, shop: Shop, accounts: list[int]) -> list[str]:
    client = await clients.find(tx, shop.client.client_id)
    assert client is not None
    return [
        (await tokens.issue(tx, client, "account_linking", account_id=account_id)).access_token
        for account_id in accounts
    ]


async def make_users_and_accounts(tx: Tx, isolation_id: int, number: int) -> tuple[list[str], list[int]]:
    users = [f"user-{secrets.token_hex(6)}" for _ in range(2 * number)]
    for user_id in users:
        await users_ops.create(tx, isolation_id, User(user_id, "Sample", None, None, None))
    made = [await accounts.create(tx, f"{secrets.token_hex(6)}@example.com", PASSWORD_HASH) for _ in range(number)]
    return users, [account.id for account in made]


def race_for_links(shop: Shop, rounds: int) -> list[list[Answer]]:
    """Post each of `rounds` linking tokens for two users concurrently; returns the responses by token."""
    users, account_ids = shop.server.write(make_users_and_accounts, shop.retailer.isolation_id, rounds)
    linking_tokens = shop.server.write(make_linking_tokens, shop, account_ids)
    posts = [
        [(f"/v2/fulfillment/users/{user}/link", {"linking_token": token}) for user in users[2 * place : 2 * place + 2]]
        for place, token in enumerate(linking_tokens)
    ]
    return asyncio.run(volleys([shop.server.url], posts, shop.token))


def test_linking_token_for_two_users_at_once_then_one_link(shop: Shop) -> None:
    for answers in race_for_links(shop, ROUNDS):
        (_, won), (_, lost) = sorted(answers, key=lambda answer: answer[0])
        assert won == {"success": True}
        assert lost == {
            "error": {"message": "Linking token is invalid", "code": 1001},
            "meta": {"key": "linking_token"},
        }
    rows = shop.server.sql("SELECT count(*) AS links FROM links WHERE isolation_id = $1", shop.retailer.isolation_id)
    assert rows[0]["links"] == ROUNDS
    print(f"{shop.server.database}: {ROUNDS} linking tokens x 2 users at once: one link each")


def test_linking_token_without_its_guard_then_the_race_is_seen(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unique constraint on the account's link still holds, so the loser gets that error instead of "invalid"."""
    assert GUARD in tokens.CLAIM_FOR_LINK
    monkeypatch.setattr(tokens, "CLAIM_FOR_LINK", tokens.CLAIM_FOR_LINK.replace(GUARD, ""))
    lost = [
        body["error"]["message"]
        for answers in race_for_links(shop, CANARY_ROUNDS)
        for _, body in answers
        if "error" in body
    ]
    assert "Validation failed: Common identities can only have one user per isolation context" in lost


def test_code_redeemed_at_three_processes_at_once_then_one_token(shop: Shop, two_processes: str) -> None:
    made = shop.server.write(make_codes, shop.client.client_id, shop.account().id, ROUNDS)
    assert wins(redeem_all(shop, made, two_processes)) == [1] * ROUNDS
