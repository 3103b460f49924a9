"""Accounts of customers in the console: found, helped, exported and deleted, each with a reason."""

import re

import pytest

from handcart.accounts import ops as accounts
from handcart.linking import ops as linking
from handcart.staff.roles import ROLES, Role
from tests.support.console import Person
from tests.support.contents import contents, nothing_written
from tests.support.pages import is_page
from tests.support.server import LiveServer
from tests.support.shop import PASSWORD, SampleAccount, Shop

PATH = "/console/accounts"


@pytest.fixture
def account(shop: Shop) -> SampleAccount:
    made = shop.account()
    shop.link(shop.user(), shop.linking_token(made)).raise_for_status()
    return made


def test_account_is_searched_then_by_its_whole_address_or_id(server: LiveServer, account: SampleAccount) -> None:
    support = Person(server, "support")
    for text in (account.email, account.email.upper(), f" {account.id} "):
        assert f"{PATH}/{account.id}" in is_page(support.open(PATH, q=text)).text
    for text in (account.email[:5], "%", "9" * 30, "'"):
        assert "No open account has this" in is_page(support.open(PATH, q=text)).text
    assert account.email not in is_page(support.open(PATH)).text
    assert support.open(f"{PATH}/1").status_code == 404


def test_support_helps_then_each_change_with_its_reason(shop: Shop, account: SampleAccount) -> None:
    support, path = Person(shop.server, "support"), f"{PATH}/{account.id}"
    page = is_page(support.open(path)).text
    assert shop.slug in page
    session = re.search(rf'"({path}/sessions/\d+/end)"', page)
    assert session
    with nothing_written(shop.server):
        assert "give a reason" in is_page(support.submit(f"{path}/unlink", reason=" "), 400).text
    for action, fields in (
        (session[1], {}),
        (f"{path}/membership/grant", {"until": "2099-12-31"}),
        (f"{path}/membership/end", {}),
        (f"{path}/unlink", {"retailer": shop.slug}),
    ):
        support.open(path)
        is_page(support.submit(action, reason="asked by phone", **fields))
    assert shop.server.read(linking.links_of_account, account.id) == []
    assert not shop.server.read(accounts.membership, account.id).is_active
    rows = shop.server.sql(
        "SELECT operation, reason FROM audit_log WHERE subject = $1 ORDER BY id", f"account/{account.id}"
    )
    assert [row["operation"] for row in rows] == [
        "end_account_session",
        "grant_membership",
        "end_membership",
        "unlink_account",
    ]
    assert {row["reason"] for row in rows} == {"asked by phone"}


def test_link_for_a_password_then_after_ones_own_password_and_once(shop: Shop, account: SampleAccount) -> None:
    support, path = Person(shop.server, "support"), f"{PATH}/{account.id}"
    support.open(path)
    with nothing_written(shop.server):
        assert "Is it you?" in is_page(support.submit(f"{path}/password-link", reason="forgot")).text
    support.open(path)
    page = is_page(support.submit(f"{path}/password-link", reason="forgot", step_up_password=PASSWORD)).text
    link = re.search(r"http://[^<]+/account/new-password/[\w.-]+", page)
    assert link
    assert link[0].rpartition("/")[2] not in str(contents(shop.server, "audit_log"))
    assert shop.server.read(accounts.by_password_token, link[0].rpartition("/")[2]).id == account.id


def test_account_is_exported_and_deleted_then_its_address_is_gone(shop: Shop, account: SampleAccount) -> None:
    support, path = Person(shop.server, "support"), f"{PATH}/{account.id}"
    support.open(path)
    with nothing_written(shop.server):
        page = is_page(support.submit(f"{path}/export", reason="asked by mail")).text
    assert ("Is it you?" in page, account.email in page) == (True, False)
    support.open(path)
    file = support.submit(f"{path}/export", reason="asked by mail", step_up_password=PASSWORD)
    assert (file.json()["email"], file.headers["content-type"]) == (account.email, "application/json")
    support.open(path)
    with nothing_written(shop.server):
        is_page(support.submit(f"{path}/delete", reason="asked"), 400)
    assert "is deleted" in is_page(support.submit(f"{path}/delete", reason="asked", sure="yes")).text
    assert shop.server.read(accounts.by_id, account.id) is None
    assert account.email not in str(contents(shop.server, "accounts", "audit_log"))
    assert support.open(path).status_code == 404


def test_role_without_customers_then_no_address_and_no_export(
    shop: Shop, account: SampleAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    support, path = Person(shop.server, "support"), f"{PATH}/{account.id}"
    blind = Role("Support", "everywhere", ROLES["support"].operations - {"see_customers"})
    monkeypatch.setitem(ROLES, "support", blind)  # type: ignore[arg-type]
    page = is_page(support.open(path)).text
    assert account.email not in page + is_page(support.open(PATH, q=str(account.id))).text
    token = re.search(r'name="form_token" value="([^"]+)"', page.partition("/unlink")[2])
    assert token
    with nothing_written(shop.server):
        fields = {"form_token": token[1], "reason": "asked"}
        assert support.http.post(f"{path}/export", data=fields).status_code == 403
