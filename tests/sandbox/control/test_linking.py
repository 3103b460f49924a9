"""Link an account without a browser, with every possible result."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from handcart.linking import ops as linking
from handcart.oauth.scopes import FULFILLMENT
from tests.support.clocks import advance, freeze
from tests.support.contents import nothing_written
from tests.support.moments import DAY
from tests.support.oauth import Organization
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import REDIRECT_URI, Shop, error

OWN = "/v2/handcart_sandbox"
INVALID_GRANT = {
    "error": "invalid_grant",
    "error_description": "Assertion is not provided or invalid assertion provided for the grant_type.",
}


def link(shop: Shop, user_id: str, **body: Any) -> Any:
    return shop.post(f"{OWN}/users/{user_id}/link", body)


def query(answer: Any) -> dict[str, str]:
    """The parameters of the redirect back."""
    assert answer["redirect"].startswith(REDIRECT_URI)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["redirect"]).query).items()}


def test_no_options_then_an_account_is_made_and_linked(server: LiveServer) -> None:
    shop = Shop(server)
    user_id = shop.user()
    answer = link(shop, user_id).json()
    assert query(answer).keys() >= {"code", "state", "iss"}
    (token,) = answer["token_answers"]
    assert (token["status"], token["body"]["scope"], token["body"]["expires_in"]) == (200, "account_linking", DAY)
    assert answer["link_answer"] == {"status": 200, "body": {"success": True}}
    assert answer["email"].endswith(f"@{shop.slug}.example")
    assert shop.get_link(user_id).json() == {"express_member": False, "instacartplus_member": False}
    assert link(shop, user_id).status_code == 200  # the same again
    assert link(shop, shop.user()).status_code == 200  # somebody else's account is another one


def test_membership_is_asked_for_then_it_runs_by_the_clock(server: LiveServer) -> None:
    shop = Shop(server)
    freeze(shop, "2030-06-12T17:00:00Z")
    user_id = shop.user()
    link(shop, user_id, membership_days=2)
    assert shop.get_link(user_id).json()["expired_at"] == "2030-06-14T17:00:00Z"
    advance(shop, hours=1)
    link(shop, user_id, membership_days=1)
    assert shop.get_link(user_id).json()["expired_at"] == "2030-06-13T18:00:00Z"
    link(shop, user_id)
    assert shop.get_link(user_id).json()["instacartplus_member"] is True
    link(shop, user_id, membership_days=0)
    assert shop.get_link(user_id).json()["instacartplus_member"] is False


def test_customer_denies_then_the_redirect_says_so_and_nothing_is_linked(server: LiveServer) -> None:
    shop = Shop(server)
    user_id = shop.user()
    answer = link(shop, user_id, outcome="denied", state="a & b").json()
    said = query(answer)
    assert (said["error"], said["state"], said["iss"]) == ("access_denied", "a & b", shop.server.url)
    assert (answer["token_answers"], answer["link_answer"]) == ([], None)
    assert error(shop.get_link(user_id))[1] == "User Not Linked"


def test_code_expires_then_the_token_endpoint_refuses_it(server: LiveServer) -> None:
    shop = Shop(server)
    user_id = shop.user()
    answer = link(shop, user_id, outcome="code_expired").json()
    assert answer["token_answers"] == [{"status": 400, "body": INVALID_GRANT}]
    assert answer["link_answer"] is None
    assert error(shop.get_link(user_id))[1] == "User Not Linked"


def test_code_is_replayed_then_its_token_is_revoked(server: LiveServer) -> None:
    shop = Shop(server)
    user_id = shop.user()
    answer = link(shop, user_id, outcome="code_replayed").json()
    first, second = answer["token_answers"]
    assert (first["status"], second) == (200, {"status": 400, "body": INVALID_GRANT})
    assert (answer["link_answer"]["status"], answer["link_answer"]["body"]["error"]["message"]) == (
        400,
        "Linking token is invalid",
    )
    assert error(shop.link(user_id, first["body"]["access_token"]))[1] == "Linking token is invalid"


def test_stopped_at_code_or_token_then_the_retailer_continues_alone(server: LiveServer) -> None:
    shop = Shop(server)
    user_id = shop.user()
    code = query(link(shop, user_id, outcome="code").json())["code"]
    token = shop.redeem(code).json()["access_token"]
    assert shop.link(user_id, token).json() == {"success": True}
    other = shop.user()
    (issued,) = link(shop, other, outcome="linking_token").json()["token_answers"]
    assert shop.link(other, issued["body"]["access_token"]).json() == {"success": True}


@pytest.mark.parametrize("outcome", ["linked", "code_replayed"])
def test_client_must_prove_the_code_then_it_does(server: LiveServer, outcome: str) -> None:
    shop = Shop(server, require_pkce=True)
    answer = link(shop, shop.user(), outcome=outcome).json()
    assert answer["token_answers"][0]["status"] == 200


def test_client_may_not_ask_then_the_redirect_says_so(server: LiveServer) -> None:
    shop = Shop(server, scopes=[FULFILLMENT])
    answer = link(shop, shop.user()).json()
    assert query(answer)["error"] == "unauthorized_client"
    assert answer["token_answers"] == []


def test_two_users_share_an_account_then_the_documented_error(server: LiveServer) -> None:
    shop = Shop(server)
    first, second, email = shop.user(), shop.user(), f"member@{shop.slug}.example"
    assert link(shop, first, email=email).status_code == 200
    with nothing_written(server):
        refused = link(shop, second, email=email)
    assert error(refused)[1].startswith("Validation failed: Common identities")
    with nothing_written(server):
        assert error(link(shop, first, email=f"other@{shop.slug}.example"))[1] == "User Already Linked"


def test_client_has_several_banners_then_the_named_ones_user_is_linked(server: LiveServer) -> None:
    group = Organization(server)
    north = group.at(group.banners[0])
    user_id = north.user()
    assert link(north, user_id).status_code == 200
    assert north.get_link(user_id).status_code == 200


def test_clock_frozen_then_a_user_is_linked_and_unlinked_again_and_again(server: LiveServer) -> None:
    shop = Shop(server)
    freeze(shop)
    user_id, isolation_id = shop.user(), shop.retailer.isolation_id
    for _ in range(3):
        assert link(shop, user_id).status_code == 200
        account_id = server.read(linking.account_of_user, isolation_id, user_id)
        assert server.write(linking.unlink, isolation_id, account_id, "customer") is True
    assert len(server.sql("SELECT 1 FROM link_history WHERE user_id = $1", user_id)) == 1


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown user": ({}, "User Not Found", "user_id"),
    "unknown outcome": ({"outcome": "eloped"}, "is invalid", "outcome"),
    "no e-mail": ({"email": "x y z"}, "is invalid", "email"),
    "somebody's account": ({"email": "{taken}"}, "An account already exists with this email", "email"),
    "too long a membership": ({"membership_days": 3651}, "is invalid", "membership_days"),
    "a strange redirect": ({"redirect_uri": "https://evil.example/"}, "is invalid", "redirect_uri"),
}


@on_sqlite
@pytest.mark.parametrize("row", BAD)
def test_input_is_bad_then_it_is_refused_and_nothing_is_written(server: LiveServer, row: str) -> None:
    shop = Shop(server)
    body, message, key = BAD[row]
    user_id, taken = shop.user(), shop.account()
    body = {name: taken.email if value == "{taken}" else value for name, value in body.items()}
    with nothing_written(server):
        answer = link(shop, "nobody" if row == "unknown user" else user_id, **body)
    assert error(answer) == (400, message, 1001, key)
