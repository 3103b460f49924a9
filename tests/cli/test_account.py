"""`handcart account`: each command affects the running server at once, or refuses with one sentence."""

import secrets

import pytest

from tests.cli.conftest import Run, answer, refusal
from tests.support.shop import Shop


def new_email() -> str:
    return f"{secrets.token_hex(6)}@example.com"


def test_account_made_without_password_then_one_is_made_up(run: Run) -> None:
    made = answer(run("account", "create", "--email", new_email().upper(), "--json"))
    assert made["email"] == made["email"].lower()
    assert len(made["password"]) >= 12


def test_account_made_with_a_password_from_standard_input_then_it_signs_in(run: Run, shop: Shop) -> None:
    email, password = new_email(), "  spaces count, even at the end "
    result = run("account", "create", "--email", email, "--password-stdin", "--json", stdin=f"{password}\n")
    assert answer(result) == {"email": email}
    visitor = shop.visitor()
    visitor.authorize()
    assert "Authorization Required" in visitor.submit(email=email, password=password).text


@pytest.mark.parametrize(
    ("password", "sentence"),
    [("short", "at least 8"), ("x" * 1025, "at most 1024 bytes"), ("password1", "most common")],
)
def test_password_that_cannot_be_taken_then_a_sentence(run: Run, password: str, sentence: str) -> None:
    result = run("account", "create", "--email", new_email(), "--password-stdin", stdin=f"{password}\n")
    assert sentence in refusal(result)


@pytest.mark.parametrize("email", ["", "nobody", "a@", "@b", "a b@example.com", "a@b@c", f"{'a' * 65}@example.com"])
def test_email_that_is_none_then_refused(run: Run, email: str) -> None:
    assert "is not an e-mail address" in refusal(run("account", "create", "--email", email))


def test_account_made_twice_then_refused(run: Run, shop: Shop) -> None:
    assert "already" in refusal(run("account", "create", "--email", shop.account().email))


def test_accounts_listed_then_open_ones_in_order_with_their_memberships(run: Run, shop: Shop) -> None:
    name = f"!{new_email().partition('@')[0]}"  # before all others
    emails = [f"{name}-{number}@example.com" for number in range(3)]
    for email in emails:
        answer(run("account", "create", "--email", email, "--json"))
    answer(run("membership", "grant", "--email", emails[0], "--until", "2099-12-31", "--json"))
    answer(run("account", "close", "--email", emails[1], "--json"))
    listed = answer(run("account", "list", "--after", name, "--limit", "2", "--json"))["accounts"]
    assert [(one["email"], one["is_member"], one["expired_at"]) for one in listed] == [
        (emails[0], True, "2099-12-31T23:59:59Z"),
        (emails[2], False, None),
    ]
    printed = run("account", "list", "--after", name, "--limit", "1").output
    assert f"{emails[0]}  until 2099-12-31T23:59:59Z" in printed
    assert f"There may be more: add --after {emails[0]}" in printed


def test_password_lost_then_a_link_sets_a_new_one(run: Run, shop: Shop) -> None:
    account = shop.account()
    printed = answer(run("account", "password", account.email, "--json", HANDCART_PUBLIC_URL=shop.server.url))
    base, _, token = printed["url"].rpartition("/")
    assert base == f"{shop.server.url}/account/new-password"
    assert printed["email"] == account.email
    assert run("account", "password", account.email, HANDCART_PUBLIC_URL=shop.server.url).output.startswith(base)
    visitor = shop.visitor()
    visitor.open(f"/account/new-password/{token}")
    assert visitor.submit(new_password="quite another password").status_code == 200
    assert visitor.http.get("/account").status_code == 200


def test_password_of_nobody_then_a_sentence(run: Run) -> None:
    result = run("account", "password", new_email(), HANDCART_PUBLIC_URL="https://connect.example.org")
    assert "there is no account" in refusal(result)


def test_account_shown_then_its_id_its_membership_and_its_links(run: Run, shop: Shop) -> None:
    account = shop.account()
    shown = answer(run("account", "show", account.email.upper(), "--json"))
    assert shown == {"id": account.id, "email": account.email, "is_member": False, "expired_at": None, "links": []}
    assert run("account", "show", account.email).output.splitlines()[2:] == [
        "membership  none",
        "linked      no retailer",
    ]

    user_id = shop.user()
    shop.link(user_id, shop.linking_token(account)).raise_for_status()
    answer(run("membership", "grant", "--email", account.email, "--until", "2099-12-31", "--json"))
    shown = answer(run("account", "show", account.email, "--json"))
    assert (shown["is_member"], shown["expired_at"]) == (True, "2099-12-31T23:59:59Z")
    assert [(link["retailer"], link["user_id"]) for link in shown["links"]] == [(shop.slug, user_id)]
    printed = run("account", "show", account.email).output.splitlines()
    assert printed[2] == "membership  until 2099-12-31T23:59:59Z"
    assert printed[-1].split() == [shop.slug, shown["links"][0]["linked_at"], user_id]

    run("membership", "end", "--email", account.email)
    assert "none since 20" in run("account", "show", account.email).output


def test_account_of_nobody_shown_then_a_sentence(run: Run) -> None:
    assert "there is no account" in refusal(run("account", "show", new_email()))


def test_account_closed_then_its_links_end(run: Run, shop: Shop) -> None:
    account, user_id = shop.account(), shop.user()
    shop.link(user_id, shop.linking_token(account)).raise_for_status()
    answer(run("account", "close", "--email", account.email, "--json"))
    assert shop.get_link(user_id).json()["error"]["message"] == "User Not Linked"
    visitor = shop.visitor()
    visitor.authorize()
    assert visitor.sign_in(account).status_code == 401
