"""`handcart unlink`: it ends a link at once, or refuses with one sentence."""

import pytest

from handcart.core import clock
from tests.cli.conftest import Run, answer, refusal
from tests.support.shop import Shop


@pytest.mark.parametrize("by", ["email", "user"])
def test_unlinked_then_get_link_says_so_and_the_history_keeps_it(run: Run, shop: Shop, by: str) -> None:
    account, user_id = shop.account(member_for=clock.DAY), shop.user()
    shop.link(user_id, shop.linking_token(account)).raise_for_status()
    who = account.email if by == "email" else user_id
    assert answer(run("unlink", "--retailer", shop.slug, f"--{by}", who, "--json")) == {"unlinked": True}
    assert shop.get_link(user_id).json()["error"]["message"] == "User Not Linked"
    kept = shop.server.sql("SELECT user_id, unlinked_by FROM link_history WHERE account_id = $1", account.id)
    assert [(row["user_id"], row["unlinked_by"]) for row in kept] == [(user_id, "operator")]


def test_unlink_of_what_is_not_linked_then_a_sentence(run: Run, shop: Shop) -> None:
    assert "is not linked" in refusal(run("unlink", "--retailer", shop.slug, "--user", shop.user()))
    assert "is not linked" in refusal(run("unlink", "--retailer", shop.slug, "--email", shop.account().email))
    assert "there is no retailer" in refusal(run("unlink", "--retailer", "nobody-there", "--user", "x"))
    assert run("unlink", "--retailer", shop.slug).exit_code == 2
