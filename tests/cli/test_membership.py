"""`handcart membership`: each command affects the running server at once, or refuses with one sentence."""

import secrets

import pytest

from tests.cli.conftest import Run, answer, refusal
from tests.support.contents import nothing_written
from tests.support.shop import Shop


def new_email() -> str:
    return f"{secrets.token_hex(6)}@example.com"


def test_membership_granted_and_ended_then_get_link_says_so_at_once(run: Run, shop: Shop) -> None:
    account, user_id = shop.account(), shop.user()
    shop.link(user_id, shop.linking_token(account)).raise_for_status()
    assert shop.get_link(user_id).json()["instacartplus_member"] is False

    granted = answer(run("membership", "grant", "--email", account.email, "--until", "2099-12-31", "--json"))
    assert granted == {"email": account.email, "expired_at": "2099-12-31T23:59:59Z"}
    assert shop.get_link(user_id).json()["expired_at"] == "2099-12-31T23:59:59Z"

    answer(run("membership", "end", "--email", account.email, "--json"))
    assert shop.get_link(user_id).json() == {"express_member": False, "instacartplus_member": False}


@pytest.mark.parametrize(
    ("until", "time_zone", "expired_at"),
    [
        ("2099-12-31", "America/Chicago", "2100-01-01T05:59:59Z"),
        ("2099-07-01", "America/Chicago", "2099-07-02T04:59:59Z"),
        ("2099-12-31T12:00:00Z", "America/Chicago", "2099-12-31T12:00:00Z"),
    ],
)
def test_membership_until_a_day_then_the_day_is_included(
    run: Run, shop: Shop, until: str, time_zone: str, expired_at: str
) -> None:
    grant = ("membership", "grant", "--email", shop.account().email, "--until", until, "--json")
    granted = answer(run(*grant, HANDCART_TIME_ZONE=time_zone))
    assert granted["expired_at"] == expired_at


@pytest.mark.parametrize("until", ["2099-02-30", "31.12.2099", "2099-12-31T12:00:00", "9999-12-31", "tomorrow"])
def test_membership_until_no_date_then_a_sentence(run: Run, shop: Shop, until: str) -> None:
    result = run("membership", "grant", "--email", shop.account().email, "--until", until)
    assert "write 2027-12-31, or 2027-12-31T23:59:59Z for a time in UTC" in refusal(result)


def test_membership_until_a_date_and_for_some_days_then_refused(run: Run, shop: Shop) -> None:
    email = shop.account().email
    with nothing_written(shop.server):
        result = run("membership", "grant", "--email", email, "--until", "2099-12-31", "--days", "3")
    assert result.exit_code == 2
    assert "by --until or by --days, not by both" in result.output


@pytest.mark.parametrize("command", ["grant", "end"])
def test_membership_of_nobody_then_a_sentence(run: Run, command: str) -> None:
    assert "there is no account" in refusal(run("membership", command, "--email", new_email()))


def test_membership_that_ends_in_the_past_then_refused(run: Run, shop: Shop) -> None:
    result = run("membership", "grant", "--email", shop.account().email, "--until", "2001-01-01")
    assert "in the future" in refusal(result)
