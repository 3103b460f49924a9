"""Whether an order has the membership's benefit: decided at creation by the account linked then, and never changed."""

from typing import Any

import pytest

from handcart.accounts import ops as accounts
from handcart.core import clock
from handcart.linking import ops as linking
from tests.support.oauth import token_for
from tests.support.orders import KINDS, LASTMILE, SHOPPED, Market, line
from tests.support.server import LiveServer
from tests.support.shop import SampleAccount, Shop

BENEFIT = {"delivery": True, "pickup": False, "last_mile": True, "dispatch": True}


def linked(market: Shop, user_id: str, account: SampleAccount) -> None:
    market.link(user_id, token_for(market, account)).raise_for_status()


def flags(answer: dict[str, Any]) -> tuple[bool, bool]:
    return answer["is_instacartplus"], answer["is_express"]


@pytest.mark.parametrize("kind", KINDS)
def test_order_is_created_then_the_linked_membership_decides(market: Market, later: Any, kind: str) -> None:
    users = [market.customer() for _ in range(5)]
    member, guest, ended, unlinked, plain = users
    account = market.account(member_for=30 * clock.DAY)
    linked(market, member, account)
    linked(market, guest, market.account())
    linked(market, ended, market.account(member_for=60 * clock.SECOND))
    once = market.account(member_for=30 * clock.DAY)
    linked(market, unlinked, once)
    market.server.write(linking.unlink, market.retailer.isolation_id, once.id, "customer")
    with later(minutes=1, seconds=1):
        answers = {user_id: market.order(kind, user_id) for user_id in users}
    assert [flags(answers[user_id]) for user_id in users] == [(BENEFIT[kind],) * 2, *[(False, False)] * 4]
    row = market.row(answers[member]["id"])
    (period,) = market.server.sql("SELECT starts_at, ends_at FROM memberships WHERE account_id = $1", account.id)
    kept = (period["starts_at"], period["ends_at"]) if BENEFIT[kind] else (None, None)
    assert (row["member_since"], row["member_until"]) == kept
    assert market.row(answers[plain]["id"])["member_since"] is None


def test_dispatch_order_names_no_user_then_nobody_has_a_benefit(market: Market) -> None:
    assert flags(market.order("dispatch")) == (False, False)


@pytest.mark.parametrize("kind", ["delivery", "last_mile", "dispatch"])
def test_membership_changes_afterwards_then_the_order_stays_as_it_was(server: LiveServer, kind: str) -> None:
    market = Market(server, capacity=20)
    leaver, joiner, linker = (market.customer() for _ in range(3))
    leaving, joining = market.account(member_for=30 * clock.DAY), market.account()
    linked(market, leaver, leaving)
    linked(market, joiner, joining)
    before = {user_id: market.order(kind, user_id) for user_id in (leaver, joiner, linker)}
    server.write(accounts.end_membership, leaving.id)
    server.write(accounts.grant_membership, joining.id, clock.now() + clock.DAY)
    linked(market, linker, market.account(member_for=clock.DAY))
    expected = {leaver: True, joiner: False, linker: False}
    assert {user_id: flags(market.order(kind, user_id))[0] for user_id in before} == {
        leaver: False,
        joiner: True,
        linker: True,
    }
    server.write(linking.unlink, market.retailer.isolation_id, leaving.id, "customer")
    for user_id, answer in before.items():
        order_id = answer["id"]
        seen = [answer, market.read(user_id, order_id).json(), *changed(market, kind, user_id, order_id)]
        assert [flags(one) for one in seen] == [(expected[user_id],) * 2] * len(seen)


def changed(market: Market, kind: str, user_id: str, order_id: str) -> list[dict[str, Any]]:
    """The answers to all that changes an order, cancellation last."""
    path = market.path(user_id, order_id)
    if kind in SHOPPED:
        moved = {"service_option_hold_id": market.hold(user_id, kind, hour=15), "items": [line("1", "milk", count=9)]}
        responses = [market.put(path, moved)]
    else:
        responses = [market.put(f"{path}/last_mile", {"initial_tip_cents": 5}), market.post(f"{path}/staged", {})]
        responses += [market.get(f"{LASTMILE}/{order_id}")]
    responses.append(market.post(f"{path}/cancel"))
    assert [response.status_code for response in responses] == [200] * len(responses)
    return [response.json() for response in responses]


def test_creation_repeated_after_membership_ended_then_the_first_answer(market: Market) -> None:
    user_id, account = market.customer(), market.account(member_for=clock.DAY)
    linked(market, user_id, account)
    body = market.body("delivery", service_option_hold_id=market.hold(user_id))
    first = market.send("delivery", user_id, body)
    market.server.write(linking.unlink, market.retailer.isolation_id, account.id, "customer")
    again = market.send("delivery", user_id, body)
    assert flags(first.json()) == (True, True)
    assert again.content == first.content
