"""Linking below the HTTP layer: history, what unlinking revokes, isolation contexts."""

from typing import Any

import pytest

from handcart.core import clock
from handcart.core.db import Tx
from handcart.core.errors import Refused
from handcart.linking import ops
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from handcart.retailers.models import Retailer
from tests.support.oauth import INVALID_GRANT, Organization, code_for, oauth_error, token_for
from tests.support.server import LiveServer
from tests.support.shop import SampleAccount, Shop, error

SUCCESS = {"success": True}


@pytest.fixture
def retailer(shop: Shop) -> Retailer:
    found: Retailer = shop.server.read(retailers.retailer_by_slug, shop.slug)
    return found


def unlink(shop: Shop, retailer: Retailer, account: SampleAccount, by: str = "customer") -> bool:
    ended: bool = shop.server.write(ops.unlink, retailer.isolation_id, account.id, by)
    return ended


def history(shop: Shop, retailer: Retailer) -> list[Any]:
    return shop.server.sql(
        "SELECT user_id, account_id, linked_at, unlinked_at, unlinked_by FROM link_history WHERE isolation_id = $1"
        " ORDER BY unlinked_at",
        retailer.isolation_id,
    )


def test_unlinked_then_the_history_says_who_and_by_whom(shop: Shop, retailer: Retailer) -> None:
    user_id, account = shop.user(), shop.account()
    before = clock.now()
    assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
    assert unlink(shop, retailer, account, by="operator")
    row = history(shop, retailer)[0]
    assert (row["user_id"], row["account_id"], row["unlinked_by"]) == (user_id, account.id, "operator")
    assert before <= row["linked_at"] <= row["unlinked_at"] <= clock.now()


def test_linked_and_unlinked_twice_then_two_lines_of_history(shop: Shop, retailer: Retailer) -> None:
    user_id, account = shop.user(), shop.account()
    for _ in range(2):
        assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
        assert unlink(shop, retailer, account)
    assert len(history(shop, retailer)) == 2


def test_no_link_then_unlink_answers_false_and_writes_no_history(shop: Shop, retailer: Retailer) -> None:
    account = shop.account()
    assert not unlink(shop, retailer, account)
    assert history(shop, retailer) == []


def test_unlinked_then_every_code_and_linking_token_dies(shop: Shop, retailer: Retailer) -> None:
    user_id, account = shop.user(), shop.account()
    assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
    code, token = code_for(shop, account), token_for(shop, account)
    assert unlink(shop, retailer, account)
    assert oauth_error(shop.redeem(code)) == INVALID_GRANT
    assert error(shop.link(user_id, token))[1] == "Linking token is invalid"
    assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS


def test_unlinked_then_other_accounts_and_other_retailers_keep_theirs(shop: Shop, retailer: Retailer) -> None:
    other = Shop(shop.server)
    account, neighbour = shop.account(), shop.account()
    assert shop.link(shop.user(), token_for(shop, account)).json() == SUCCESS
    elsewhere, beside = token_for(other, account), token_for(shop, neighbour)
    assert unlink(shop, retailer, account)
    assert other.link(other.user(), elsewhere).json() == SUCCESS
    assert shop.link(shop.user(), beside).json() == SUCCESS


def test_user_deleted_then_its_linking_data_is_gone_and_the_account_free(shop: Shop, retailer: Retailer) -> None:
    user_id, account = shop.user(), shop.account()
    for _ in range(2):
        assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
        assert unlink(shop, retailer, account)
    assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
    token = token_for(shop, account)
    assert shop.post(f"/v2/fulfillment/users/{user_id}/privacy_request").json() == SUCCESS
    assert history(shop, retailer) == []
    newer = shop.user()
    assert error(shop.link(newer, token))[1] == "Linking token is invalid"
    assert shop.link(newer, token_for(shop, account)).json() == SUCCESS


def test_account_closed_then_it_is_unlinked_everywhere_with_history(shop: Shop, retailer: Retailer) -> None:
    other, account = Shop(shop.server), shop.account()
    for place in (shop, other):
        assert place.link(place.user(), token_for(place, account)).json() == SUCCESS
    shop.server.write(ops.close_account, account.id)
    assert shop.server.read(ops.links_of_account, account.id) == []
    assert history(shop, retailer)[0]["unlinked_by"] == "account closed"


def test_links_of_account_then_newest_first_with_the_retailers_name(shop: Shop) -> None:
    other, account = Shop(shop.server), shop.account()
    for place in (shop, other):
        assert place.link(place.user(), token_for(place, account)).json() == SUCCESS
    links = shop.server.read(ops.links_of_account, account.id)
    assert [link.retailer_slug for link in links] == [other.slug, shop.slug]
    assert {link.retailer_name for link in links} == {"Sample Market"}


def test_linked_account_then_its_membership_and_its_links(shop: Shop) -> None:
    account, user_id = shop.account(member_for=clock.DAY), shop.user()
    shop.link(user_id, token_for(shop, account)).raise_for_status()
    found = shop.server.read(ops.linked_account, account.id)
    assert (found.account.email, found.membership.is_active) == (account.email, True)
    assert [link.user_id for link in found.links] == [user_id]


@pytest.mark.parametrize("by", ["email", "user_id"])
def test_operator_unlinks_then_once_and_the_history_says_so(shop: Shop, retailer: Retailer, by: str) -> None:
    account, user_id = shop.account(), shop.user()
    shop.link(user_id, token_for(shop, account)).raise_for_status()
    named = {by: account.email if by == "email" else user_id}
    shop.server.write(ops.unlink_by_operator, retailer.id, **named)
    assert [row["unlinked_by"] for row in history(shop, retailer)] == ["operator"]
    with pytest.raises(Refused, match="is not linked at"):
        shop.server.write(ops.unlink_by_operator, retailer.id, **named)


@pytest.mark.parametrize("shares_users", [True, False])
def test_organization_with_banners_then_one_link_in_each_isolation_context(
    server: LiveServer, shares_users: bool
) -> None:
    group = Organization(server, shares_users=shares_users)
    north, south = (group.at(banner) for banner in group.banners)
    account = group.account()
    first, second = north.user(), south.user()
    assert north.link(first, token_for(group, account)).json() == SUCCESS
    answer = south.link(second, token_for(group, account))
    if shares_users:
        assert error(answer)[1].startswith("Validation failed: Common identities")
        assert south.get_link(first).status_code == 200
    else:
        assert answer.json() == SUCCESS


def test_linked_then_true_for_clients_of_the_retailer_and_its_organization(server: LiveServer) -> None:
    group, other = Organization(server), Shop(server)
    north = group.at(group.banners[0])
    account = group.account()
    of_north, of_south = (
        server.write(clients.create, retailer=slug, scopes=["account_linking"]) for slug in group.banners
    )
    assert north.link(north.user(), token_for(group, account)).json() == SUCCESS
    found = [
        server.read(ops.is_linked, account.id, client.client_id)
        for client in (group.client, of_north, of_south, other.client)
    ]
    assert found == [True, True, False, False]


def test_link_raises_after_its_claim_then_nothing_is_kept(shop: Shop) -> None:
    user_id, account = shop.user(), shop.account()
    token = token_for(shop, account)

    async def break_off(tx: Tx) -> None:
        client = await clients.find(tx, shop.client.client_id)
        await ops.link(tx, client, user_id, token)  # type: ignore[arg-type]  # has all that is asked of a caller
        raise RuntimeError("the process meets its end here")

    with pytest.raises(RuntimeError):
        shop.server.write(break_off)
    assert error(shop.get_link(user_id))[1] == "User Not Linked"
    assert shop.link(user_id, token).json() == SUCCESS
