"""`GET` and `POST /v2/fulfillment/users/{user_id}/link`: users, linking tokens, links.

The bearer token and `X-Retailer-Id` are in `tests/oauth/test_bearer.py`, links made at once in `tests/races`, what an
order stores in `tests/orders/test_membership.py`.
Sources: https://docs.instacart.com/connect/api/fulfillment/users/link_user, .../users/get_user_link
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from handcart.accounts import ops as accounts
from handcart.core import clock
from handcart.linking import ops as linking
from handcart.retailers import clients
from handcart.retailers import ops as retailers
from tests.support import raw
from tests.support.contents import nothing_written
from tests.support.oauth import Organization, code_for, token_for
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import Shop, error

NOT_FOUND = (400, "User Not Found", 1001, "user_id")
NOT_LINKED = (400, "User Not Linked", 1001, "user_id")
NOT_ACTIVE = (403, "User Not Active", None, None)
USER_LINKED = (400, "User Already Linked", 1001, "user_id")
ACCOUNT_LINKED = (
    400,
    "Validation failed: Common identities can only have one user per isolation context",
    1001,
    "linking_token",
)
TOKEN_BLANK = (400, "can't be blank", 1001, "linking_token")
TOKEN_MALFORMED = (400, "is invalid", 1001, "linking_token")
TOKEN_INVALID = (400, "Linking token is invalid", 1001, "linking_token")
NO_MEMBER = {"express_member": False, "instacartplus_member": False}
SUCCESS = {"success": True}


def linked(shop: Shop, **options: Any) -> tuple[str, int]:
    """A user who is linked: user id and account id."""
    user_id, account = shop.user(), shop.account(**options)
    assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
    return user_id, account.id


# What a linked user's membership looks like


def test_linked_member_then_both_flags_and_the_end_in_whole_seconds(shop: Shop) -> None:
    ends_at = clock.now() + 30 * clock.DAY
    user_id, _ = linked(shop, member_for=30 * clock.DAY)
    answer = shop.get_link(user_id)
    body = answer.json()
    expired_at = datetime.strptime(body.pop("expired_at"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert (answer.status_code, body) == (200, {"express_member": True, "instacartplus_member": True})
    assert 0 <= expired_at.timestamp() - ends_at // clock.SECOND < 30


def test_linked_without_membership_then_both_flags_false_and_no_end(shop: Shop) -> None:
    user_id, _ = linked(shop)
    assert (shop.get_link(user_id).status_code, shop.get_link(user_id).json()) == (200, NO_MEMBER)


def test_not_linked_then_documented_error(shop: Shop) -> None:
    user_id = shop.user()
    with nothing_written(shop.server):
        assert error(shop.get_link(user_id)) == NOT_LINKED


def test_membership_ended_or_over_then_false_and_still_linked(shop: Shop, later: Any) -> None:
    user_id, account_id = linked(shop, member_for=clock.DAY)
    with later(hours=23, minutes=59):
        assert shop.get_link(user_id).json()["instacartplus_member"] is True
    with later(days=1, seconds=1):
        shop._token = None  # the bearer token lasts a day as well
        assert shop.get_link(user_id).json() == NO_MEMBER
    shop._token = None
    assert shop.get_link(user_id).json()["express_member"] is True
    shop.server.write(accounts.end_membership, account_id)
    assert shop.get_link(user_id).json() == NO_MEMBER


def test_membership_granted_later_then_seen_at_once(shop: Shop) -> None:
    user_id, account_id = linked(shop)
    shop.server.write(accounts.grant_membership, account_id, clock.now() + clock.DAY)
    assert shop.get_link(user_id).json()["instacartplus_member"] is True


def test_unlinked_then_not_linked(shop: Shop) -> None:
    user_id, account_id = linked(shop)
    retailer = shop.server.read(retailers.retailer_by_slug, shop.slug)
    assert shop.server.write(linking.unlink, retailer.isolation_id, account_id, "customer")
    assert error(shop.get_link(user_id)) == NOT_LINKED


def test_account_closed_then_not_linked_everywhere(shop: Shop) -> None:
    other = Shop(shop.server)
    user_id, account = shop.user(), shop.account(member_for=clock.DAY)
    elsewhere = other.user()
    assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
    assert other.link(elsewhere, token_for(other, account)).json() == SUCCESS
    shop.server.write(linking.close_account, account.id)
    assert error(shop.get_link(user_id)) == NOT_LINKED
    assert error(other.get_link(elsewhere)) == NOT_LINKED


# The user


def test_user_unknown_or_foreign_then_identical_errors(shop: Shop) -> None:
    other = Shop(shop.server)
    foreign, _ = linked(other, member_for=clock.DAY)
    token = token_for(shop, shop.account())
    assert shop.token
    with nothing_written(shop.server):
        answers = [shop.get_link(user_id) for user_id in ("nobody", foreign)]
        answers += [shop.link(user_id, token) for user_id in ("nobody", foreign)]
    assert {error(answer) for answer in answers} == {NOT_FOUND}
    assert len({answer.content for answer in answers}) == 1
    assert shop.link(shop.user(), token).json() == SUCCESS


def test_user_deleted_then_403_with_code_null(shop: Shop) -> None:
    user_id, token = shop.user(), token_for(shop, shop.account())
    assert shop.post(f"/v2/fulfillment/users/{user_id}/privacy_request").json() == SUCCESS
    with nothing_written(shop.server):
        for answer in (shop.get_link(user_id), shop.link(user_id, token)):
            assert error(answer) == NOT_ACTIVE
            assert answer.json() == {"error": {"message": "User Not Active", "code": None}, "meta": {}}


# The linking token

BODIES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "missing": ({}, TOKEN_BLANK),
    "no body": (None, TOKEN_BLANK),
    "null": ({"linking_token": None}, TOKEN_BLANK),
    "empty": ({"linking_token": ""}, TOKEN_BLANK),
    "spaces": ({"linking_token": " \t\n"}, TOKEN_BLANK),
    "a number": ({"linking_token": 5}, TOKEN_MALFORMED),
    "a list": ({"linking_token": ["x"]}, TOKEN_MALFORMED),
    "an object": ({"linking_token": {"x": 1}}, TOKEN_MALFORMED),
    "true": ({"linking_token": True}, TOKEN_MALFORMED),
    "NUL": ({"linking_token": "x\0"}, TOKEN_MALFORMED),
    "10 kB": ({"linking_token": "x" * 10_000}, TOKEN_INVALID),
    "40 kB of emoji": ({"linking_token": "😀" * 10_000}, TOKEN_INVALID),
    "1 MB": ({"linking_token": "x" * 1_000_000}, (400, "is invalid", 1001, "linking_token")),
    "unknown": ({"linking_token": "A" * 43}, TOKEN_INVALID),
    "SQL": ({"linking_token": "' OR used_at IS NULL --"}, TOKEN_INVALID),
}


@pytest.mark.parametrize("row", BODIES)
@on_sqlite
def test_token_absent_or_malformed_then_documented_error(shop: Shop, row: str) -> None:
    user_id = shop.user()
    body, refusal = BODIES[row]
    with nothing_written(shop.server):
        assert error(shop.post(f"/v2/fulfillment/users/{user_id}/link", body)) == refusal


UNREADABLE = {
    "truncated": b'{"linking_token": "x"',
    "wrong and truncated": b'{"linking_token": 5, "x": ',
    "repeated, the first one wrong": b'{"linking_token": 5, "linking_token": "x"}',
    "NaN": b'{"linking_token": NaN}',
    "raw NUL": b'{"linking_token": "x\0"}',
    "lone surrogate": b'{"linking_token": "\\ud800"}',
    "latin-1": b'{"linking_token": "\xe9"}',
    "byte order mark": b'\xef\xbb\xbf{"linking_token": "x"}',
    "depth 10,000": b'{"x":' * 10_000,
    "wrong and depth 10,000": b'{"linking_token": 5, "x": ' + b"[" * 10_000,
    "array": b"[]",
    "null": b"null",
    "two values": b'{"linking_token": "x"} {}',
}


@pytest.mark.parametrize("row", UNREADABLE)
@on_sqlite
def test_body_unreadable_then_400_in_the_envelope(shop: Shop, row: str) -> None:
    user_id = shop.user()
    headers = {**shop.headers, "Content-Type": "application/json"}
    with nothing_written(shop.server):
        answer = shop.http.post(f"/v2/fulfillment/users/{user_id}/link", content=UNREADABLE[row], headers=headers)
    status, message, code, key = error(answer)
    assert (status, code, key) == (400, 1001, None)
    assert message.startswith("Request body must")


def of_another_retailer(shop: Shop) -> str:
    other = Shop(shop.server)
    return token_for(other, other.account())


def revoked(shop: Shop) -> str:
    token = token_for(shop, shop.account())
    shop.http.post("/v2/oauth/token/revoke", json={**shop.credentials, "token": token})
    return token


def of_a_reused_code(shop: Shop) -> str:
    code = code_for(shop, shop.account())
    token: str = shop.redeem(code).json()["access_token"]
    assert shop.redeem(code).status_code == 400
    return token


def used_by_another_user(shop: Shop) -> str:
    token = token_for(shop, shop.account())
    assert shop.link(shop.user(), token).json() == SUCCESS
    return token


def of_a_closed_account(shop: Shop) -> str:
    account = shop.account()
    token = token_for(shop, account)
    shop.server.write(accounts.close, account.id)
    return token


DEAD: dict[str, Callable[[Shop], str]] = {
    "a bearer token": lambda shop: shop.token,
    "the code itself": lambda shop: code_for(shop, shop.account()),
    "issued to another retailer": of_another_retailer,
    "revoked": revoked,
    "from a code that was used twice": of_a_reused_code,
    "used before": used_by_another_user,
    "of a closed account": of_a_closed_account,
    "with a space": lambda shop: " " + token_for(shop, shop.account()),
}


@pytest.mark.parametrize("row", DEAD)
def test_token_dead_or_foreign_then_linking_token_is_invalid(shop: Shop, row: str) -> None:
    user_id, token = shop.user(), DEAD[row](shop)
    assert shop.token
    with nothing_written(shop.server):
        assert error(shop.link(user_id, token)) == TOKEN_INVALID
    assert error(shop.get_link(user_id)) == NOT_LINKED


def test_token_expired_then_linking_token_is_invalid(shop: Shop, later: Any) -> None:
    user_id, account = shop.user(), shop.account()
    early, late = token_for(shop, account), token_for(shop, account)
    with later(days=1, seconds=1):
        shop._token = None
        assert shop.token
        with nothing_written(shop.server):
            assert error(shop.link(user_id, late)) == TOKEN_INVALID
    shop._token = None
    with later(hours=23, minutes=59):
        assert shop.link(user_id, early).json() == SUCCESS


def test_token_of_a_sister_banner_then_invalid_unless_users_are_shared(server: LiveServer) -> None:
    for shares_users in (False, True):
        group = Organization(server, shares_users=shares_users)
        north, south = Shop(server), Shop(server)
        for shop, slug in zip((north, south), group.banners, strict=True):
            options = {"scopes": ["connect:fulfillment", "account_linking"]}
            options["redirect_uris"] = ["https://shop.example/account/link?from=profile"]
            shop.client = server.write(clients.create, retailer=slug, **options)
        token = token_for(north, north.account())
        answer = south.link(south.user(), token)
        if shares_users:
            assert answer.json() == SUCCESS
        else:
            assert error(answer) == TOKEN_INVALID
            assert north.link(north.user(), token).json() == SUCCESS


def test_token_of_a_client_of_several_banners_then_it_works_once_at_one(server: LiveServer) -> None:
    group = Organization(server)
    north, south = (group.at(banner) for banner in group.banners)
    token = token_for(group, group.account())
    first, second = north.user(), south.user()
    assert north.link(first, token).json() == SUCCESS
    assert error(south.link(second, token)) == TOKEN_INVALID
    assert north.get_link(first).json() == NO_MEMBER
    assert error(south.get_link(second)) == NOT_LINKED


# Links that exist


def test_account_linked_to_another_user_then_the_documented_text(shop: Shop) -> None:
    account = shop.account()
    first, second = shop.user(), shop.user()
    assert shop.link(first, token_for(shop, account)).json() == SUCCESS
    token = token_for(shop, account)
    with nothing_written(shop.server):
        assert error(shop.link(second, token)) == ACCOUNT_LINKED
    assert shop.get_link(first).json() == NO_MEMBER
    assert error(shop.get_link(second)) == NOT_LINKED


def test_user_linked_to_another_account_then_refused_and_the_link_stays(shop: Shop) -> None:
    user_id = shop.user()
    assert shop.link(user_id, token_for(shop, shop.account(member_for=clock.DAY))).json() == SUCCESS
    token = token_for(shop, shop.account())
    with nothing_written(shop.server):
        assert error(shop.link(user_id, token)) == USER_LINKED
    assert shop.get_link(user_id).json()["instacartplus_member"] is True


def test_same_account_at_two_retailers_then_both_are_linked(shop: Shop) -> None:
    other, account = Shop(shop.server), shop.account(member_for=clock.DAY)
    for place in (shop, other):
        user_id = place.user("same-user-id-at-both")
        assert place.link(user_id, token_for(place, account)).json() == SUCCESS
        assert place.get_link(user_id).json()["instacartplus_member"] is True


def test_same_link_again_then_success_and_one_link(shop: Shop) -> None:
    user_id, account = shop.user(), shop.account()
    token = token_for(shop, account)
    assert shop.link(user_id, token).json() == SUCCESS
    with nothing_written(shop.server):
        assert shop.link(user_id, token).json() == SUCCESS
    assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS
    links = shop.server.sql("SELECT user_id FROM links WHERE account_id = $1", account.id)
    assert [row["user_id"] for row in links] == [user_id]


def test_same_token_again_after_the_user_was_unlinked_then_invalid(shop: Shop) -> None:
    user_id, account = shop.user(), shop.account()
    token = token_for(shop, account)
    assert shop.link(user_id, token).json() == SUCCESS
    retailer = shop.server.read(retailers.retailer_by_slug, shop.slug)
    assert shop.server.write(linking.unlink, retailer.isolation_id, account.id, "customer")
    assert error(shop.link(user_id, token)) == TOKEN_INVALID
    assert shop.link(user_id, token_for(shop, account)).json() == SUCCESS


def test_unknown_fields_in_the_body_then_they_have_no_effect(shop: Shop) -> None:
    user_id, other, account = shop.user(), shop.user(), shop.account()
    body = {"linking_token": token_for(shop, account), "user_id": other, "instacartplus_member": True, "account_id": 1}
    assert shop.post(f"/v2/fulfillment/users/{user_id}/link", body).json() == SUCCESS
    assert shop.get_link(user_id).json() == NO_MEMBER
    assert error(shop.get_link(other)) == NOT_LINKED


# Ids in the path

IDS = ["a/b", "..", ".", "../../users", "a?b#c", "a&b=c", "%2F", "100%", "a+b", " a b ", "member@example.com"]
IDS += ["ünïcode", "😀", "a;b", "\\", '"', "' OR '1'='1", "x" * 255, "ü" * 255, "link", "users"]


@pytest.mark.parametrize("user_id", IDS, ids=lambda user_id: ascii(user_id[:20]))
def test_id_percent_encoded_then_that_user(shop: Shop, user_id: str) -> None:
    path = f"/v2/fulfillment/users/{quote(user_id, safe='').replace('.', '%2E')}/link"
    authorization = f"Authorization: Bearer {shop.token}"

    def ask(method: str, body: bytes = b"") -> tuple[int, Any]:
        got = raw.request(shop.server.url, method, path, authorization, "Content-Type: application/json", body=body)
        return got.status, json.loads(got.body)

    assert ask("GET") == (400, {"error": {"message": "User Not Found", "code": 1001}, "meta": {"key": "user_id"}})
    assert shop.user(user_id) == user_id
    assert ask("GET") == (400, {"error": {"message": "User Not Linked", "code": 1001}, "meta": {"key": "user_id"}})
    token = json.dumps({"linking_token": token_for(shop, shop.account())}).encode()
    assert ask("POST", token) == (200, SUCCESS)
    assert ask("GET") == (200, NO_MEMBER)


STRANGE = {
    "nothing": ("", 404),
    "NUL": ("%00", 404),
    "NUL at the end": ("{user_id}%00", 404),
    "not UTF-8": ("%FF", 404),
    "overlong slash": ("%C0%AF", 404),
    "surrogate": ("%ED%A0%80", 404),
    "half an escape": ("%", 400),
    "no escape": ("%zz", 400),
    "1 kB": ("x" * 1000, 400),
    "8 kB": ("%41" * 2700, 400),
    "a space": ("{user_id}%20", 400),
    "a line end": ("{user_id}%0A", 400),
    "upper case": ("{upper}", 400),
    "two escapes": ("{user_id}%2525", 400),
    "dots and slashes": ("x%2F..%2F{user_id}", 400),
    "plain dots and slashes": ("x/../{user_id}", 404),
    "a semicolon": ("{user_id};x=1", 400),
    "SQL": ("'%20OR%20'1'='1", 400),
    "wildcard": ("%25", 400),
}


@pytest.mark.parametrize("row", STRANGE)
def test_id_of_no_user_then_never_another_row(shop: Shop, row: str) -> None:
    user_id, _ = linked(shop)
    segment, status = STRANGE[row]
    path = f"/v2/fulfillment/users/{segment.format(user_id=user_id, upper=user_id.upper())}/link"
    authorization = f"Authorization: Bearer {shop.token}"
    with nothing_written(shop.server):
        for method, body in (("GET", b""), ("POST", b'{"linking_token": "x"}')):
            got = raw.request(shop.server.url, method, path, authorization, body=body)
            message = json.loads(got.body)["error"]["message"]
            assert (got.status, message) == (status, "User Not Found" if status == 400 else "Not found")


# What answers tell


def test_every_answer_then_no_account_id_and_no_email(shop: Shop) -> None:
    account = shop.account(member_for=clock.DAY)
    user_id, other = shop.user(), shop.user()
    answers = [code := shop.redeem(code_for(shop, account))]
    answers += [shop.link(user_id, code.json()["access_token"]) for _ in range(2)]
    answers += [shop.link(other, token_for(shop, account)), shop.get_link(user_id), shop.get_link(other)]
    answers += [shop.post(f"/v2/fulfillment/users/{user_id}/privacy_request"), shop.get_link(user_id)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 200, 400, 200, 403]
    for answer in answers:
        told = answer.text + str(answer.headers)
        assert str(account.id) not in told
        assert account.email not in told


def test_guessing_accounts_then_every_answer_is_the_same(shop: Shop) -> None:
    _, account_id = linked(Shop(shop.server), member_for=clock.DAY)
    user_id, neighbour = shop.user(), shop.account()
    guesses = [neighbour.email, *(str(account_id + offset) for offset in range(-50, 51))]
    with nothing_written(shop.server):
        got = {shop.get_link(quote(guess)).content for guess in guesses}
        linked_to = {shop.link(user_id, guess).content for guess in guesses}
    assert len(got) == len(linked_to) == 1
