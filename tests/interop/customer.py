"""The other steps around a tested client: the customer's browser, and the retailer's call with the linking token."""

from urllib.parse import parse_qsl, urlsplit

from handcart.core import clock
from tests.support.shop import Shop, Visitor


def answer_to(shop: Shop, authorization_url: str, decision: str) -> str:
    """The redirect of a member's browser after sign-in and `allow` or `deny`."""
    visitor = Visitor(shop)
    visitor.open(authorization_url)
    visitor.sign_in(shop.account(member_for=clock.DAY))
    redirect = visitor.decide(decision)
    assert redirect.status_code == 303
    return str(redirect.headers["location"])


def parameters(location: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(location).query))


def links(shop: Shop, linking_token: str) -> bool:
    """Whether the token links a new user to a member's account."""
    user_id = shop.user()
    linked = shop.link(user_id, linking_token).json() == {"success": True}
    return linked and shop.get_link(user_id).json()["instacartplus_member"] is True
