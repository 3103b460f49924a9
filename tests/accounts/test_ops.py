"""Accounts and membership periods, as used by the operator's commands and by links."""

from typing import Any

import pytest

from handcart.accounts import ops
from handcart.accounts.models import Membership
from handcart.core import clock
from handcart.core.errors import Refused
from tests.support.shop import PASSWORD_HASH, Shop

DAY = clock.DAY


def test_new_account_then_found_in_any_spelling(shop: Shop) -> None:
    account = shop.account()
    made = shop.server.read(ops.by_email, f" {account.email.upper()} ")
    assert (made.id, made.email) == (account.id, account.email)
    assert shop.server.read(ops.by_id, account.id) == made
    with pytest.raises(Refused, match="already"):
        shop.server.write(ops.create, account.email.upper(), PASSWORD_HASH)


@pytest.mark.parametrize(
    "email", ["", "nobody", "@example.com", "a@", "a b@example.com", "a@b@c", "a@\n", "a" * 65 + "@example.com", "a@\0"]
)
def test_email_address_that_is_none_then_refused(shop: Shop, email: str) -> None:
    before = len(shop.server.sql("SELECT id FROM accounts"))
    with pytest.raises(Refused, match="not an e-mail address"):
        shop.server.write(ops.create, email, PASSWORD_HASH)
    assert len(shop.server.sql("SELECT id FROM accounts")) == before


def test_closed_account_then_nobody_s_and_its_address_stays_taken(shop: Shop) -> None:
    account = shop.account()
    shop.server.write(ops.close, account.id)
    assert shop.server.read(ops.find, account.email) is None
    assert shop.server.read(ops.by_id, account.id) is None
    with pytest.raises(Refused, match="no account"):
        shop.server.read(ops.by_email, account.email)
    with pytest.raises(Refused, match="already"):
        shop.server.write(ops.create, account.email, PASSWORD_HASH)


def periods(*days: tuple[int, int]) -> list[dict[str, int]]:
    now = clock.now()
    return [{"starts_at": now + start * DAY, "ends_at": now + end * DAY} for start, end in days]


@pytest.mark.parametrize(
    ("days", "is_active", "end"),
    [
        ([], False, None),
        ([(-1, 1)], True, 1),
        ([(-2, -1)], False, -1),
        ([(1, 2)], False, None),
        ([(-9, -8), (-1, 1)], True, 1),
        ([(-1, 1), (1, 5)], True, 5),
        ([(-1, 3), (1, 2)], True, 3),
        ([(-1, 1), (2, 5)], True, 1),
        ([(-5, 9), (-4, -3)], True, 9),
        ([(-3, -2), (4, 5)], False, -2),
    ],
    ids=str,
)
def test_periods_then_the_membership_at_this_moment(
    days: list[tuple[int, int]], is_active: bool, end: int | None
) -> None:
    found = ops.membership_of(periods(*days))
    assert found.is_active is is_active
    if end is None:
        assert found.ends_at is None
    else:
        assert found.ends_at is not None
        assert round((found.ends_at - clock.now()) / DAY) == end


def test_period_that_ends_at_this_moment_then_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: 10 * DAY)
    assert ops.membership_of([{"starts_at": 9 * DAY, "ends_at": 10 * DAY}]) == Membership(False, 10 * DAY)
    assert ops.membership_of([{"starts_at": 10 * DAY, "ends_at": 11 * DAY}]) == Membership(True, 11 * DAY)


def test_membership_granted_and_ended_then_followed_at_once(shop: Shop, later: Any) -> None:
    account = shop.account()
    assert shop.server.read(ops.membership, account.id) == Membership(False, None)
    ends_at = clock.now() + 30 * DAY
    shop.server.write(ops.grant_membership, account.id, ends_at)
    assert shop.server.read(ops.membership, account.id) == Membership(True, ends_at)
    shop.server.write(ops.grant_membership, account.id, ends_at + 30 * DAY, ends_at)
    assert shop.server.read(ops.membership, account.id) == Membership(True, ends_at + 30 * DAY)
    with later(days=61):
        assert not shop.server.read(ops.membership, account.id).is_active
    shop.server.write(ops.end_membership, account.id)
    ended = shop.server.read(ops.membership, account.id)
    assert not ended.is_active
    assert ended.ends_at <= clock.now()


@pytest.mark.parametrize(("starts", "ends"), [(None, -1), (None, 0), (5, 4), (5, 5), (-9, -8)])
def test_membership_that_cannot_be_then_refused(shop: Shop, starts: int | None, ends: int) -> None:
    account, now = shop.account(), clock.now()
    starts_at = None if starts is None else now + starts * DAY
    with pytest.raises(Refused):
        shop.server.write(ops.grant_membership, account.id, now + ends * DAY, starts_at)
    assert shop.server.read(ops.membership, account.id) == Membership(False, None)


def test_password_link_then_it_is_at_the_public_url_if_that_is_known(shop: Shop) -> None:
    account = shop.account()
    link = shop.server.read(ops.password_link, account.id, "https://connect.example.org")
    token = link.url.removeprefix("https://connect.example.org/account/new-password/")
    assert shop.server.read(ops.by_password_token, token).id == account.id
    with pytest.raises(Refused, match="the public URL is not known"):
        shop.server.read(ops.password_link, account.id, "")
