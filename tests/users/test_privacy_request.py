"""`POST /v2/fulfillment/users/{user_id}/privacy_request`: the user and all data about them are deleted.

Source: https://docs.instacart.com/connect/api/fulfillment/users/create_user_deletion_request
"""

import secrets
from collections.abc import Callable

import httpx
import pytest

from handcart.core import clock
from handcart.linking import ops as linking
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from tests.support.contents import contents, mentions, nothing_written
from tests.support.oauth import Organization, assertion_of, token_for
from tests.support.server import LiveServer
from tests.support.shop import REDIRECT_URI, Shop, error

NOT_ACTIVE = (403, "User Not Active", None, None)
SUCCESS = {"success": True}


def request(shop: Shop, user_id: str) -> httpx.Response:
    return shop.post(f"/v2/fulfillment/users/{user_id}/privacy_request")


def linked_user_with_everything(shop: Shop) -> tuple[str, list[str]]:
    """A user who has all that a user can have; the id, and every personal word that was sent."""
    mark = secrets.token_hex(8)
    user_id, words = f"user-{mark}", [f"{kind}-{mark}" for kind in ("first", "last", "line", "suite", "city")]
    phone = f"+1{int(mark, 16) % 10**10:010}"
    first, last, line, suite, city = words
    body = {"user_id": user_id, "first_name": first, "last_name": last, "phone_number": phone, "locale": "fr-CA"}
    assert shop.post("/v2/fulfillment/users", body).status_code == 200
    address = {"address_line_1": line, "address_line_2": suite, "city": city, "postal_code": "60610"}
    assert shop.post(f"/v2/fulfillment/users/{user_id}/addresses", address).status_code == 200
    issued = shop.post_token(grant_type="fulfillment_user_assertion", assertion=assertion_of(user_id))
    assert issued.status_code == 200
    account = shop.account(member_for=clock.DAY)
    assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
    retailer = shop.server.read(retailers.retailer_by_slug, shop.slug)
    assert shop.server.write(linking.unlink, retailer.isolation_id, account.id, "customer")
    assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
    return user_id, [user_id, phone, *words]


def test_user_with_everything_then_no_row_anywhere_mentions_them(shop: Shop) -> None:
    user_id, words = linked_user_with_everything(shop)
    rows = mentions(shop.server, *words)
    assert [word for word in words if not any(word in row for row in rows)] == []
    answer = request(shop, user_id)
    assert (answer.status_code, answer.json()) == (200, SUCCESS)
    assert mentions(shop.server, *words) == []


def test_no_body_or_an_empty_one_with_a_json_type_then_fine(shop: Shop) -> None:
    for content_type in (None, "application/json", "text/plain"):
        headers = {**shop.headers, **({"Content-Type": content_type} if content_type else {})}
        answer = shop.http.post(f"/v2/fulfillment/users/{shop.user()}/privacy_request", headers=headers)
        assert answer.json() == SUCCESS


def test_again_then_success_and_nothing_happens(shop: Shop) -> None:
    user_id = shop.user()
    assert request(shop, user_id).json() == SUCCESS
    with nothing_written(shop.server):
        assert request(shop, user_id).json() == SUCCESS


def test_user_unknown_then_user_not_found(shop: Shop) -> None:
    assert shop.token
    with nothing_written(shop.server):
        assert error(request(shop, "nobody")) == (400, "User Not Found", 1001, "user_id")


ADDRESS = {"address_line_1": "50 Sample St", "postal_code": "60610"}
AFTERWARDS: dict[str, Callable[[Shop, str], httpx.Response]] = {
    "get link": lambda shop, user_id: shop.get_link(user_id),
    "link": lambda shop, user_id: shop.link(user_id, "x" * 43),
    "create": lambda shop, user_id: shop.post("/v2/fulfillment/users", {"user_id": user_id, "first_name": "Sample"}),
    "address": lambda shop, user_id: shop.post(f"/v2/fulfillment/users/{user_id}/addresses", ADDRESS),
    "deprecated address, id in the body": lambda shop, user_id: shop.post(
        "/v2/fulfillment/lastmile/validate_address", {"user_id": user_id, **ADDRESS}
    ),
    "deprecated address": lambda shop, user_id: shop.post(
        f"/v2/fulfillment/lastmile/users/{user_id}/validate_address", ADDRESS
    ),
}


@pytest.mark.parametrize("row", AFTERWARDS)
def test_afterwards_then_user_not_active_with_code_null(shop: Shop, row: str) -> None:
    user_id = shop.user()
    assert request(shop, user_id).json() == SUCCESS
    with nothing_written(shop.server):
        answer = AFTERWARDS[row](shop, user_id)
    assert error(answer) == NOT_ACTIVE
    assert answer.json() == {"error": {"message": "User Not Active", "code": None}, "meta": {}}


def test_users_own_token_afterwards_then_dead(shop: Shop) -> None:
    user_id = shop.user()
    token = shop.post_token(
        grant_type="fulfillment_user_assertion", assertion=assertion_of(user_id), scope="connect:post_checkout"
    ).json()["access_token"]
    assert request(shop, user_id).json() == SUCCESS
    introspection = shop.http.post("/v2/oauth/token/introspect", json={**shop.credentials, "token": token})
    assert introspection.json() == {"active": False}


def test_linked_user_then_the_account_can_be_linked_to_another(shop: Shop) -> None:
    first, second, account = shop.user(), shop.user(), shop.account(member_for=clock.DAY)
    assert shop.link(first, token_for(shop, account)).json() == SUCCESS
    assert request(shop, first).json() == SUCCESS
    assert shop.link(second, token_for(shop, account)).json() == SUCCESS
    assert shop.get_link(second).json()["instacartplus_member"] is True


def test_same_id_elsewhere_and_neighbours_then_untouched(shop: Shop) -> None:
    other, neighbour = Shop(shop.server), shop.user()
    elsewhere, words = linked_user_with_everything(other)
    assert shop.user(elsewhere) == elsewhere
    for user_id in (elsewhere, neighbour):
        account = shop.account(member_for=clock.DAY)
        assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
    kept = mentions(shop.server, *words[1:])
    assert request(shop, elsewhere).json() == SUCCESS
    assert mentions(shop.server, *words[1:]) == kept
    assert other.get_link(elsewhere).json()["instacartplus_member"] is True
    assert shop.get_link(neighbour).json()["instacartplus_member"] is True


def test_what_is_left_then_a_keyed_hash_alone(shop: Shop) -> None:
    user_id = shop.user()
    before = contents(shop.server)
    assert request(shop, user_id).json() == SUCCESS
    after = contents(shop.server)
    assert {table for table in before if before[table] != after[table]} == {"users", "deleted_users"}
    assert len(after["deleted_users"]) == len(before["deleted_users"]) + 1


def shop_without_deletion(server: LiveServer) -> Shop:
    shop = Shop(server)
    slug = f"{shop.slug}-keeps"
    server.write(retailers.create_retailer, slug=slug, name="Sample Market", allows_user_deletion=False)
    shop.client = server.write(
        clients.create, retailer=slug, scopes=["connect:fulfillment"], redirect_uris=[REDIRECT_URI]
    )
    return shop


def test_retailer_does_not_allow_it_then_refused_and_nothing_is_deleted(server: LiveServer) -> None:
    shop = shop_without_deletion(server)
    user_id = shop.user()
    refusal = (403, "User data deletion requests are not enabled for this retailer", None, None)
    with nothing_written(server):
        for asked in (user_id, "nobody"):
            assert error(request(shop, asked)) == refusal
    assert error(shop.get_link(user_id))[1] == "User Not Linked"


@pytest.mark.parametrize("shares_users", [True, False])
def test_user_of_a_banner_then_gone_where_users_are_shared_alone(server: LiveServer, shares_users: bool) -> None:
    group = Organization(server, shares_users=shares_users)
    north, south = (group.at(banner) for banner in group.banners)
    user_id = north.user()
    if not shares_users:
        south.user(user_id)
    assert request(north, user_id).json() == SUCCESS
    assert error(north.get_link(user_id)) == NOT_ACTIVE
    untouched = (400, "User Not Linked", 1001, "user_id")
    assert error(south.get_link(user_id)) == (NOT_ACTIVE if shares_users else untouched)
