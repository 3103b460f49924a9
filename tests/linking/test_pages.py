"""`/account` and `/account/links/{retailer}`: show links and unlink."""

from copy import copy

import pytest

from handcart.core import clock
from handcart.oauth.scopes import ALL
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from tests.support.pages import is_error, is_page, nothing_written, rows
from tests.support.shop import REDIRECT_URI, SampleAccount, Shop, Visitor, error, first_form


def signed_in(shop: Shop, account: SampleAccount) -> Visitor:
    visitor = shop.visitor()
    visitor.open("/account/sign-in")
    is_page(visitor.sign_in(account))
    return visitor


def linked(shop: Shop, account: SampleAccount) -> str:
    """Link the account at this shop; returns the user's id."""
    user_id = shop.user()
    shop.link(user_id, shop.linking_token(account)).raise_for_status()
    return user_id


def unlink(visitor: Visitor, slug: str) -> None:
    is_page(visitor.open(f"/account/links/{slug}"))
    is_page(visitor.submit())


@pytest.mark.parametrize("is_member", [True, False])
def test_account_then_address_membership_and_no_retailer(shop: Shop, is_member: bool) -> None:
    account = shop.account(member_for=30 * clock.DAY if is_member else None)
    page = signed_in(shop, account).page.text
    assert f"<bdi>{account.email}</bdi>" in page
    assert ("Your membership runs until" in page) is is_member
    assert ("You have no membership." in page) is not is_member
    assert "No retailer is linked." in page


def test_linked_at_two_retailers_then_the_page_lists_both_newest_first(shop: Shop) -> None:
    other, account = Shop(shop.server), shop.account()
    linked(shop, account)
    linked(other, account)
    page = signed_in(shop, account).page.text
    assert page.count("<bdi>Sample Market</bdi>") == 2
    assert 0 < page.index(f"/account/links/{other.slug}") < page.index(f"/account/links/{shop.slug}")
    assert page.count("Linked on") == 2
    assert "No retailer is linked." not in page


def test_unlinked_then_the_retailer_hears_not_linked_and_can_link_again(shop: Shop) -> None:
    account = shop.account(member_for=30 * clock.DAY)
    user_id = linked(shop, account)
    assert shop.get_link(user_id).json()["instacartplus_member"] is True
    visitor = signed_in(shop, account)
    before = rows(shop.server, "links", "link_history")

    confirm = is_page(visitor.open(f"/account/links/{shop.slug}"))
    assert "Unlink <bdi>Sample Market</bdi>?" in confirm.text
    assert shop.get_link(user_id).status_code == 200  # asking changes nothing
    page = is_page(visitor.submit())
    assert "The retailer is unlinked." in page.text
    assert "No retailer is linked." in page.text
    assert error(shop.get_link(user_id)) == (400, "User Not Linked", 1001, "user_id")
    assert rows(shop.server, "links", "link_history") == {
        "links": before["links"] - 1,
        "link_history": before["link_history"] + 1,
    }

    shop.link(user_id, shop.linking_token(account)).raise_for_status()
    assert shop.get_link(user_id).json()["instacartplus_member"] is True


def test_unlinked_then_the_history_says_the_time_and_by_whom(shop: Shop) -> None:
    account = shop.account()
    user_id = linked(shop, account)
    unlink(signed_in(shop, account), shop.slug)
    history = shop.server.sql("SELECT * FROM link_history WHERE account_id = $1", account.id)
    assert len(history) == 1
    assert (history[0]["user_id"], history[0]["unlinked_by"]) == (user_id, "customer")
    assert history[0]["linked_at"] < history[0]["unlinked_at"] <= clock.now()


def test_unlinked_then_every_one_time_artefact_is_dead(shop: Shop) -> None:
    account, second = shop.account(), shop.user()
    used = shop.linking_token(account)
    user_id = shop.user()
    shop.link(user_id, used).raise_for_status()
    unused, code = shop.linking_token(account), shop.code(account)
    unlink(signed_in(shop, account), shop.slug)

    assert shop.redeem(code).json()["error"] == "invalid_grant"
    with nothing_written(shop.server):
        for token in (used, unused):
            for who in (user_id, second):
                assert error(shop.link(who, token))[1] == "Linking token is invalid"
    for token in (used, unused):
        asked = shop.http.post("/v2/oauth/token/introspect", json={**shop.credentials, "token": token})
        assert asked.json() == {"active": False}


def test_unlinked_then_links_and_tokens_at_other_retailers_stay(shop: Shop) -> None:
    other, account = Shop(shop.server), shop.account()
    linked(shop, account)
    elsewhere = linked(other, account)
    token = Shop.linking_token(other, account)
    unlink(signed_in(shop, account), shop.slug)
    assert other.get_link(elsewhere).status_code == 200
    asked = other.http.post("/v2/oauth/token/introspect", json={**other.credentials, "token": token})
    assert asked.json()["active"] is True


def test_request_waits_while_unlinking_then_still_the_customer_s_choice(shop: Shop) -> None:
    account = shop.account()
    linked(shop, account)
    visitor = signed_in(shop, account)
    waiting = visitor.authorize()
    assert "already linked" in waiting.text
    unlink(visitor, shop.slug)
    again = is_page(visitor.http.get(first_form(waiting.text).action.replace("/consent", "")))
    assert "already linked" not in again.text


@pytest.mark.parametrize("slug", ["{other}", "{strange}", "nobody", "..%2f", "%2e%2e", "x" * 1000, "' OR 1=1 --"])
def test_link_that_is_not_this_account_s_then_404_the_same_for_all(shop: Shop, slug: str) -> None:
    # The response is the same for a retailer linked to another account, one without links, and an unknown one.
    other, strange = Shop(shop.server), Shop(shop.server)
    linked(other, other.account())
    account = shop.account()
    linked(shop, account)
    visitor = signed_in(shop, account)
    form = first_form(visitor.open(f"/account/links/{shop.slug}").text)
    path = "/account/links/" + slug.format(other=other.slug, strange=strange.slug)
    with nothing_written(shop.server):
        shown = is_error(visitor.http.get(path), 404, "not_found")
        posted = is_error(visitor.http.post(path, data=form.fields), 404, "not_found")
    for page in (shown, posted):
        request_id = page.headers["x-request-id"]
        assert page.text.replace(request_id, "") == shown.text.replace(shown.headers["x-request-id"], "")
        assert slug not in page.text


def test_form_token_of_another_link_then_403_and_both_stay(shop: Shop) -> None:
    other, account = Shop(shop.server), shop.account()
    linked(shop, account)
    linked(other, account)
    visitor = signed_in(shop, account)
    form = first_form(visitor.open(f"/account/links/{shop.slug}").text)
    with nothing_written(shop.server):
        is_error(visitor.http.post(f"/account/links/{other.slug}", data=form.fields), 403, "form_expired")


def test_unlink_posted_again_then_404_and_no_second_history(shop: Shop) -> None:
    account = shop.account()
    linked(shop, account)
    visitor = signed_in(shop, account)
    form = first_form(visitor.open(f"/account/links/{shop.slug}").text)
    assert visitor.http.post(form.action, data=form.fields).status_code == 303
    with nothing_written(shop.server):
        is_error(visitor.http.post(form.action, data=form.fields), 404, "not_found")


def banner(shop: Shop, letter: str) -> Shop:
    """A banner of a group of retailers that share their users, with its own client."""
    found = copy(shop)
    group = f"group-{shop.slug}"
    found.slug = f"{group}-{letter}"
    options = {"slug": found.slug, "name": "Sample Banner", "organization": group, "shares_users": True}
    shop.server.write(retailers.create_retailer, **options)
    found.client = shop.server.write(clients.create, retailer=found.slug, scopes=ALL, redirect_uris=[REDIRECT_URI])
    return found


def test_retailers_that_share_users_then_unlinked_at_all_of_them(shop: Shop) -> None:
    account = shop.account()
    banners = [banner(shop, "a"), banner(shop, "b")]
    user_id = linked(banners[0], account)
    assert banners[1].get_link(user_id).status_code == 200
    unlink(signed_in(shop, account), banners[0].slug)
    for each in banners:
        assert error(each.get_link(user_id))[1] == "User Not Linked"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\u202eMarket", "{{ 7 * 7 }}", "W" * 200])
def test_hostile_retailer_name_then_escaped_isolated_and_cut(shop: Shop, name: str) -> None:
    account = shop.account()
    shop.server.sql("UPDATE retailers SET name = $1 WHERE slug = $2 RETURNING id", name, shop.slug)
    linked(shop, account)
    visitor = signed_in(shop, account)
    for page in (visitor.page, visitor.open(f"/account/links/{shop.slug}")):
        is_page(page)
        assert "<bdi>" in page.text
        assert "<script>alert" not in page.text
        assert "\u202e" not in page.text
        assert "W" * 61 not in page.text
