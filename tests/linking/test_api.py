"""`GET` and `POST /v2/fulfillment/users/{user_id}/link`."""

from handcart.core import clock
from tests.support.shop import Shop, error


def test_linked_member_then_both_flags_and_the_end(shop: Shop) -> None:
    account = shop.account(member_for=30 * clock.DAY)
    user_id = shop.user()
    assert shop.link(user_id, shop.linking_token(account)).json() == {"success": True}

    linked = shop.get_link(user_id)
    assert linked.status_code == 200
    body = linked.json()
    assert body["express_member"] is True
    assert body["instacartplus_member"] is True
    assert body["expired_at"].endswith("Z")


def test_not_linked_then_documented_error(shop: Shop) -> None:
    assert error(shop.get_link(shop.user())) == (400, "User Not Linked", 1001, "user_id")
