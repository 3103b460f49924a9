"""Both clients against the real server, on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from handcart_client import (
    Address,
    BadRequest,
    DesiredWindow,
    Forbidden,
    ItemName,
    ItemToValidate,
    NotFound,
    OAuthError,
    OrderItem,
    OrderUser,
    Token,
    User,
    ValidatedAddress,
    new_pkce,
    new_state,
)

from handcart.core import clock
from tests.client.fakes import Caller
from tests.support.moments import DAY
from tests.support.shop import REDIRECT_URI, Shop, answer
from tests.support.slots import stock
from tests.support.stores import keep, store

ODD_ID = "member 2/@example.com+100%é"
ADDRESS = {"address_line_1": "350 W Oak St", "postal_code": "60610"}
HOME = Address(address_line_1="1 State St", postal_code="60601")


@pytest.fixture
def live(make_caller: Callable[..., Caller], shop: Shop) -> Caller:
    return make_caller(shop.server.url, **shop.credentials)


def refusal(live: Caller, kind: type[Exception], use: Callable[[Any], Any]) -> Any:
    with pytest.raises(kind) as caught:
        live(use)
    return caught.value


def test_customer_allows_then_linked_and_a_member(live: Caller, shop: Shop) -> None:
    account = shop.account(member_for=30 * clock.DAY)
    live(lambda client: client.users.create("member-1", first_name="Sample"))
    assert live(lambda client: client.links.find("member-1")) is None

    state, pkce = new_state(), new_pkce()
    url = live(
        lambda client: client.oauth.authorization_url(
            f"{shop.server.url}/oauth/authorize",
            redirect_uri=REDIRECT_URI,
            state=state,
            code_challenge=pkce.challenge,
        )
    )
    visitor = shop.visitor()
    visitor.open(url)
    visitor.sign_in(account)
    returned = answer(visitor.decide("allow"))
    assert returned["state"] == state

    token = live(
        lambda client: client.oauth.exchange_code(
            returned["code"], redirect_uri=REDIRECT_URI, code_verifier=pkce.verifier
        )
    )
    assert token.scopes == ("account_linking",)
    live(lambda client: client.links.create("member-1", token.access_token))
    link = live(lambda client: client.links.get("member-1"))
    assert link.instacartplus_member is link.express_member is True
    assert link.expired_at > datetime.now(UTC)
    assert live(lambda client: client.links.find("member-1")) == link


def test_code_used_twice_then_invalid_grant(live: Caller, shop: Shop) -> None:
    code = shop.code(shop.account())
    live(lambda client: client.oauth.exchange_code(code, redirect_uri=REDIRECT_URI))
    error = refusal(live, OAuthError, lambda client: client.oauth.exchange_code(code, redirect_uri=REDIRECT_URI))
    assert (error.status, error.error) == (400, "invalid_grant")


def test_account_linked_to_another_user_then_refused_by_key(live: Caller, shop: Shop) -> None:
    account = shop.account()
    shop.link(shop.user(), shop.linking_token(account))
    other, token = shop.user(), shop.linking_token(account)
    error = refusal(live, BadRequest, lambda client: client.links.create(other, token))
    assert (error.code, error.key) == (1001, "linking_token")
    assert "one user per isolation context" in error.message
    assert error.request_id


def test_user_id_of_any_characters_then_created_addressed_and_deleted(live: Caller) -> None:
    person = {"first_name": "Sample", "last_name": "Member", "phone_number": "+13125550188", "locale": "fr-CA"}
    user = live(lambda client: client.users.create(ODD_ID, **person))
    assert user == User(user_id=ODD_ID, **person)
    assert live(lambda client: client.users.create(ODD_ID, **person)) == user
    checks: list[Callable[[Any], Any]] = [
        lambda client: client.users.create_with_address(ODD_ID, **ADDRESS),
        lambda client: client.users.create_and_validate_address(ODD_ID, **ADDRESS),
        lambda client: client.users.validate_address(ODD_ID, **ADDRESS),
    ]
    for check in checks:
        address: ValidatedAddress = live(check)
        assert (address.user_id, address.postal_code) == (ODD_ID, "60610")
    assert live(lambda client: client.links.find(ODD_ID)) is None
    live(lambda client: client.users.request_deletion(ODD_ID))
    assert refusal(live, Forbidden, lambda client: client.links.find(ODD_ID)).message == "User Not Active"


def test_user_unknown_then_not_the_same_as_not_linked(live: Caller) -> None:
    assert refusal(live, BadRequest, lambda client: client.links.find("nobody")).message == "User Not Found"


def test_two_wrong_fields_then_two_errors(live: Caller) -> None:
    error = refusal(live, BadRequest, lambda client: client.users.create(" ", first_name=""))
    assert error.code == 9999
    assert {(detail.key, detail.code) for detail in error.errors} == {("user_id", 1001), ("first_name", 1001)}


def test_token_refused_then_renewed(live: Caller) -> None:
    live.client._connection._token = Token(access_token="revoked", token_type="Bearer", expires_in=DAY)
    live.client._connection._renew_at = DAY - 60
    live(lambda client: client.users.create("member-1", first_name="Sample"))
    assert live.client._connection._fetches == 1


def test_wrong_secret_then_invalid_client(make_caller: Callable[..., Caller], shop: Shop) -> None:
    live = make_caller(shop.server.url, **{**shop.credentials, "client_secret": "wrong"})
    assert refusal(live, OAuthError, lambda client: client.links.get("member-1")).error == "invalid_client"


def test_wrong_base_url_then_not_found(make_caller: Callable[..., Caller], shop: Shop) -> None:
    live = make_caller(shop.server.url + "/nowhere", **shop.credentials)
    refusal(live, NotFound, lambda client: client.links.get("member-1"))


def test_token_revoked_then_no_longer_active(live: Caller) -> None:
    live(lambda client: client.users.create("member-1", first_name="Sample"))
    token = live(lambda client: client.oauth.user_token("member-1")).access_token
    active = live(lambda client: client.oauth.introspect(token))
    assert (active.active, active.scope, active.sub) == (True, "connect:post_checkout", "member-1")
    live(lambda client: client.oauth.revoke(token))
    assert live(lambda client: client.oauth.introspect(token)).active is False


def test_metadata_read_then_it_names_the_server(live: Caller, shop: Shop) -> None:
    metadata = live(lambda client: client.oauth.metadata())
    assert metadata.token_endpoint == shop.server.url + "/v2/oauth/token"
    assert "S256" in metadata.code_challenge_methods_supported


def test_store_near_then_found_and_its_items_validated(live: Caller, shop: Shop) -> None:
    keep(shop, store("here"))
    finders = ("find_delivery", "find_pickup", "find_last_mile", "find_dispatch")
    for finder in finders:
        found = live(lambda client, finder=finder: getattr(client.stores, finder)(postal_code="60601"))
        assert [one.location_code for one in found.stores] == ["here"]
    unknown = ItemToValidate(item=ItemName(rrc="unknown"), count=1)
    address = {"address_line_1": "1 State St", "postal_code": "60601"}
    validated = live(lambda client: client.items.validate([unknown], location_code="here", address=address))
    assert [failure.item.rrc for failure in validated.validation_failures] == ["unknown"]


def test_whole_journey_of_a_delivery_then_each_step_is_understood(live: Caller, shop: Shop) -> None:
    stock(shop)
    account = shop.account(member_for=30 * clock.DAY)
    shop.link(shop.user("member-1"), shop.linking_token(account))
    user = OrderUser(phone_number="+13125550188", birthday="1991-03-05", sms_opt_in=False)
    items = [OrderItem(line_num="1", count=4, item=ItemName(rrc="milk"))]

    found = live(lambda client: client.stores.find_delivery(address_line_1="1 State St", postal_code="60601"))
    location_code = found.stores[0].location_code
    cart = {"location_code": location_code, "address": HOME, "items": items}
    listed = live(lambda client: client.slots.list_delivery("member-1", **cart, with_eta_options=True))
    slot = listed.service_options[-1]
    assert slot.availability.available
    hold = live(lambda client: client.slots.reserve("member-1", slot.id))
    assert hold.service_option.id == slot.id
    fields = {**cart, "order_id": ODD_ID, "service_option_hold_id": hold.id, "initial_tip_cents": 600, "user": user}
    order = live(lambda client: client.orders.create_delivery("member-1", **fields))
    assert (order.id, order.status, order.is_instacartplus) == (ODD_ID, "brand_new", True)
    assert order.fulfillment_details.window_starts_at == slot.window.start_at
    assert (order.items[0].item.rrc, order.items[0].qty, order.items[0].qty_unit) == ("milk", 4, "each")
    # Another call under another key, as after a crash: the same order.
    assert live(lambda client: client.orders.create_delivery("member-1", **fields)) == order
    fields["initial_tip_cents"] = 601
    taken = refusal(live, BadRequest, lambda client: client.orders.create_delivery("member-1", **fields))
    assert taken.key == "order_id"

    other = live(lambda client: client.slots.reserve("member-1", listed.service_options[-2].id))
    more = [*items, OrderItem(line_num="2", count=1, item=ItemName(rrc="eggs"))]
    changed = live(lambda client: client.orders.update("member-1", ODD_ID, service_option_hold_id=other.id, items=more))
    assert [line.item.rrc for line in changed.items] == ["milk", "eggs"]
    assert changed.fulfillment_details.window_starts_at == other.service_option.window.start_at
    read = live(lambda client: client.orders.get("member-1", ODD_ID))
    assert (read.items, read.pos_payment_method) == (changed.items, "UNSPECIFIED")
    assert live(lambda client: client.orders.list("member-1")) == (changed,)
    early = refusal(live, BadRequest, lambda client: client.orders.update_tip("member-1", ODD_ID, 900))
    assert early.key == "order_id"
    assert live(lambda client: client.orders.cancel("member-1", ODD_ID)).status == "canceled"
    late = refusal(live, BadRequest, lambda client: client.orders.cancel("member-1", ODD_ID))
    assert late.message == "too_late"
    assert refusal(live, NotFound, lambda client: client.orders.get("member-1", "other")).code == 4000


def test_pickup_last_mile_and_dispatch_orders_then_each_step_is_understood(live: Caller, shop: Shop) -> None:
    stock(shop)
    live(lambda client: client.users.create("u", first_name="Sample", phone_number="+13125550188"))
    items = [OrderItem(line_num="1", count=1, item=ItemName(rrc="milk"))]
    person = {"first_name": "Sample", "last_name": "Member", "user_phone": "+13125550188"}
    totals = {"items_count": 3, "items_weight": 4.5}
    place = {"location_code": "s", "address": HOME}

    listed = live(lambda client: client.slots.list_pickup("u", location_code="s", items=items))
    hold = live(lambda client: client.slots.reserve("u", listed.service_options[0].id))
    picked_up = {"order_id": "P", "service_option_hold_id": hold.id, "location_code": "s", "items": items}
    assert live(lambda client: client.orders.create_pickup("u", **picked_up)).status == "brand_new"

    wanted = {**place, "cart_total_cents": 100, "items_count": 3}
    listed = live(lambda client: client.slots.list_last_mile("u", **wanted, with_handoff_time=True))
    hold = live(lambda client: client.slots.reserve_last_mile_deprecated("u", listed.service_options[0].id))
    carried = {**place, **person, **totals, "service_option_hold_id": hold.id, "order_id": "L"}
    order = live(lambda client: client.orders.create_last_mile("u", **carried))
    assert live(lambda client: client.orders.create_last_mile_deprecated("u", **carried)) == order
    moved = live(
        lambda client: client.orders.update_last_mile(
            "u", "L", service_option_id=listed.service_options[1].id, bags_count=2
        )
    )
    assert moved.fulfillment_details.window_starts_at == listed.service_options[1].window.start_at
    assert live(lambda client: client.orders.stage("u", "L", bag_label="7")).fulfillment_details.bag_count == 2

    window = {"start_at": listed.service_options[2].window.start_at, "end_at": listed.service_options[2].window.end_at}
    order = live(lambda client: client.dispatch.create(order_id="D", **place, **person, **totals, **window))
    assert live(lambda client: client.dispatch.get("D")) == order
    assert live(lambda client: client.dispatch.update("D", bags_count=5)).fulfillment_details.bag_count == 5
    assert live(lambda client: client.dispatch.stage("D", bags_count=6)).fulfillment_details.bag_count == 6
    assert live(lambda client: client.dispatch.cancel("D")).status == "canceled"


def test_previews_references_and_deprecated_reservations_then_understood(live: Caller, shop: Shop) -> None:
    stock(shop)
    live(lambda client: client.users.create("u", first_name="Sample"))
    cart = {
        "location_code": "s",
        "address": HOME,
        "items": [OrderItem(line_num="1", count=1, item=ItemName(rrc="milk"))],
    }
    previews = [
        live(lambda client: client.slots.preview_delivery(postal_code="60601")),
        live(lambda client: client.slots.preview_pickup(location_code="s")),
        live(lambda client: client.slots.preview_last_mile(postal_code="60601")),
        live(lambda client: client.slots.preview_last_mile_deprecated(location_code="s")),
        live(lambda client: client.slots.list_delivery_deprecated("u", **cart)),
    ]
    assert all(preview.service_options for preview in previews)
    first, fourth = (previews[0].service_options[place].window for place in (0, 3))
    wish = DesiredWindow(first.start_at, fourth.end_at)
    wished = live(lambda client: client.slots.list_delivery("u", **cart, desired_windows=[wish])).service_options[0]
    assert (wished.window.start_at, wished.window.end_at) == (first.start_at, fourth.end_at)
    hold = live(lambda client: client.slots.reserve_reference("u", wished.service_option_reference))
    assert hold.service_option.id == wished.id
    again = live(lambda client: client.slots.reserve_with_cart("u", previews[0].service_options[0].id, **cart))
    assert again.id != hold.id
