"""Links made while something else happens to the token, the account or the user (see also `test_single_use.py`)."""

from collections import Counter
from typing import Any

import pytest

from handcart.linking import ops as linking
from handcart.oauth import tokens
from handcart.retailers import ops as retailers
from tests.races.rounds import IS_LONG, Report, make_accounts, make_linking_tokens, make_users, post, together, told
from tests.support.oauth import Organization
from tests.support.server import LiveServer
from tests.support.shop import Shop

pytestmark = pytest.mark.serial

ROUNDS = 200 if IS_LONG else 25
INVALID = (400, "Linking token is invalid")
SUCCESS = (200, "")


def link(shop: Shop, user_id: str, linking_token: str) -> Any:
    return post(f"/v2/fulfillment/users/{user_id}/link", {"linking_token": linking_token}, shop.headers)


def one_token_at_two_banners(server: LiveServer, rounds: int) -> tuple[Counter[Any], list[int]]:
    """Use each token of a client with two banners at both at once; returns the responses, and the links per account."""
    group = Organization(server)
    accounts = server.write(make_accounts, rounds)
    linking_tokens = server.write(make_linking_tokens, group.client.client_id, accounts)
    users = [
        server.write(make_users, server.read(retailers.retailer_by_slug, banner).isolation_id, rounds)
        for banner in group.banners
    ]
    requests = [
        [
            link(group.at(banner), of_banner[place], token)
            for banner, of_banner in zip(group.banners, users, strict=True)
        ]
        for place, token in enumerate(linking_tokens)
    ]
    outcomes = Counter(tuple(sorted(told(answer) for answer in answers)) for answers in together(server.url, requests))
    return outcomes, [len(server.read(linking.links_of_account, account)) for account in accounts]


def test_one_token_at_two_banners_at_once_then_exactly_one_link(server: LiveServer, report: Report) -> None:
    """Each banner has its own isolation context here, so no unique constraint on links helps the token's guard."""
    outcomes, links = one_token_at_two_banners(server, ROUNDS)
    assert outcomes == {(SUCCESS, INVALID): ROUNDS}
    assert links == [1] * ROUNDS
    report(f"{server.database}: {ROUNDS} tokens used at two banners at once: one link each")


def test_canary_without_the_guard_then_two_links(
    server: LiveServer, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded = tokens.CLAIM_FOR_LINK.replace(" AND used_at IS NULL", "")
    assert unguarded != tokens.CLAIM_FOR_LINK
    monkeypatch.setattr(tokens, "CLAIM_FOR_LINK", unguarded)
    _, links = one_token_at_two_banners(server, 20)
    assert max(links) > 1, "without its guard no token made two links: the race test sees nothing"
    report(f"{server.database}: canary: {links.count(2)} of {len(links)} tokens made two links")


def test_two_tokens_of_one_account_for_two_users_at_once_then_one_link(shop: Shop, report: Report) -> None:
    server = shop.server
    accounts = server.write(make_accounts, ROUNDS)
    first, second = (server.write(make_linking_tokens, shop.client.client_id, accounts) for _ in range(2))
    users = server.write(make_users, shop.retailer.isolation_id, 2 * ROUNDS)
    requests = [
        [link(shop, users[2 * place], first[place]), link(shop, users[2 * place + 1], second[place])]
        for place in range(ROUNDS)
    ]
    taken = (400, "Validation failed: Common identities can only have one user per isolation context")
    outcomes = Counter(tuple(sorted(told(answer) for answer in answers)) for answers in together(server.url, requests))
    assert outcomes == {(SUCCESS, taken): ROUNDS}
    rows = server.sql("SELECT account_id FROM links WHERE isolation_id = $1", shop.retailer.isolation_id)
    assert Counter(row["account_id"] for row in rows) == dict.fromkeys(accounts, 1)
    report(f"{server.database}: {ROUNDS} accounts with two tokens at once: one link each")


def test_two_accounts_for_one_user_at_once_then_exactly_one_link(shop: Shop, report: Report) -> None:
    server = shop.server
    linking_tokens = server.write(make_linking_tokens, shop.client.client_id, server.write(make_accounts, 2 * ROUNDS))
    users = server.write(make_users, shop.retailer.isolation_id, ROUNDS)
    requests = [
        [link(shop, user_id, token) for token in linking_tokens[2 * place : 2 * place + 2]]
        for place, user_id in enumerate(users)
    ]
    outcomes = Counter(tuple(sorted(told(answer) for answer in answers)) for answers in together(server.url, requests))
    assert outcomes == {(SUCCESS, (400, "User Already Linked")): ROUNDS}
    report(f"{server.database}: {ROUNDS} users with two accounts at once: one link each")


def test_same_link_ten_times_at_once_then_success_each_time_and_one_link(shop: Shop) -> None:
    server = shop.server
    accounts = server.write(make_accounts, 20)
    linking_tokens = server.write(make_linking_tokens, shop.client.client_id, accounts)
    users = server.write(make_users, shop.retailer.isolation_id, 20)
    requests = [[link(shop, *pair)] * 10 for pair in zip(users, linking_tokens, strict=True)]
    for answers in together(server.url, requests):
        assert {told(answer) for answer in answers} == {SUCCESS}
    rows = server.sql("SELECT user_id FROM links WHERE isolation_id = $1", shop.retailer.isolation_id)
    assert sorted(row["user_id"] for row in rows) == sorted(users)
