"""Users created, given addresses, linked and deleted at the same time."""

from collections import Counter
from typing import Any

import pytest

from tests.races.rounds import IS_LONG, Report, make_accounts, make_linking_tokens, post, together, told
from tests.support.contents import mentions
from tests.support.oauth import Organization
from tests.support.shop import Shop

pytestmark = pytest.mark.serial

USERS = "/v2/fulfillment/users"
ADDRESS = {"address_line_1": "50 Sample St", "postal_code": "60610"}
ROUNDS = 40 if IS_LONG else 10


def test_user_created_twenty_times_at_once_then_one_row_and_one_answer(shop: Shop, report: Report) -> None:
    bodies = [{"user_id": f"user-{number}", "first_name": "Sample"} for number in range(ROUNDS)]
    rounds = together(shop.server.url, [[post(USERS, body, shop.headers)] * 20 for body in bodies])
    for body, answers in zip(bodies, rounds, strict=True):
        assert [(answer.status_code, answer.json()) for answer in answers] == [(200, body)] * 20
    rows = shop.server.sql("SELECT user_id FROM users WHERE isolation_id = $1", shop.retailer.isolation_id)
    assert len(rows) == ROUNDS
    report(f"{shop.server.database}: {ROUNDS} users created 20 times at once: {ROUNDS} rows")


def test_user_with_two_contents_at_once_then_one_wins_and_one_is_refused(shop: Shop, report: Report) -> None:
    requests = [
        [post(USERS, {"user_id": f"user-{number}", "first_name": name}, shop.headers) for name in ("Ann", "Bea")]
        for number in range(ROUNDS)
    ]
    names = {}
    for number, answers in enumerate(together(shop.server.url, requests)):
        assert sorted(told(answer) for answer in answers) == [(200, ""), (400, "has already been taken")]
        names[f"user-{number}"] = next(answer for answer in answers if answer.status_code == 200).json()["first_name"]
    rows = shop.server.sql("SELECT user_id, first_name FROM users WHERE isolation_id = $1", shop.retailer.isolation_id)
    assert {row["user_id"]: row["first_name"] for row in rows} == names
    report(f"{shop.server.database}: {ROUNDS} users with two contents at once: one kept each")


def test_user_unknown_and_addressed_at_once_then_one_user_and_one_address(shop: Shop) -> None:
    for answers in together(
        shop.server.url,
        [[post(f"{USERS}/user-{number}/addresses", ADDRESS, shop.headers)] * 10 for number in range(20)],
    ):
        assert {answer.status_code for answer in answers} == {200}
    for table in ("users", "addresses"):
        rows = shop.server.sql(f"SELECT user_id FROM {table} WHERE isolation_id = $1", shop.retailer.isolation_id)
        assert Counter(row["user_id"] for row in rows) == Counter(f"user-{number}" for number in range(20))


def everything_at_once(shop: Shop, user_id: str, linking_token: str) -> list[Any]:
    path, headers = f"{USERS}/{user_id}", shop.headers
    return [
        post(f"{path}/link", {"linking_token": linking_token}, headers),
        post(f"{path}/addresses", ADDRESS, headers),
        post(f"{path}/privacy_request", None, headers),
        post(USERS, {"user_id": user_id, "first_name": "Sample"}, headers),
        post(f"/v2/fulfillment/lastmile/users/{user_id}/validate_address", ADDRESS, headers),
        post(f"{path}/link", {"linking_token": linking_token}, headers),
        lambda client: client.get(f"{path}/link", headers=headers),
        post(f"{path}/privacy_request", None, headers),
    ]


def test_user_deleted_amid_other_requests_then_no_failure_and_nothing_left(shop: Shop, report: Report) -> None:
    accounts = shop.server.write(make_accounts, ROUNDS)
    linking_tokens = shop.server.write(make_linking_tokens, shop.client.client_id, accounts)
    users = [shop.user() for _ in range(ROUNDS)]
    rounds = together(
        shop.server.url,
        [everything_at_once(shop, *pair) for pair in zip(users, linking_tokens, strict=True)],
    )
    outcomes = Counter(told(answer) for answers in rounds for answer in answers)
    assert {status for status, _ in outcomes} <= {200, 400, 403}, outcomes
    assert {message for status, message in outcomes if status == 403} <= {"User Not Active"}
    assert {message for status, message in outcomes if status == 400} <= {"User Not Linked"}
    assert {told(shop.get_link(user_id)) for user_id in users} == {(403, "User Not Active")}
    assert mentions(shop.server, *users) == []
    report(f"{shop.server.database}: {ROUNDS} users deleted while linked and addressed: {dict(outcomes)}")


def test_user_deleted_at_two_banners_at_once_then_gone_once(server: Any) -> None:
    group = Organization(server, shares_users=True)
    north, south = (group.at(banner) for banner in group.banners)
    users = [north.user() for _ in range(20)]
    rounds = together(
        server.url,
        [
            [post(f"{USERS}/{user_id}/privacy_request", None, banner.headers) for banner in (north, south)]
            for user_id in users
        ],
    )
    assert {told(answer) for answers in rounds for answer in answers} == {(200, "")}
    assert mentions(server, *users) == []
