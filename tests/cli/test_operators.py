"""Operators' commands: each affects the running server at once, refuses with one sentence, and can print JSON."""

import secrets
from typing import Any

import pytest

from handcart.core import clock
from handcart.core.db.installation import remember_public_url
from tests.cli.conftest import Run, answer, refusal
from tests.support.contents import nothing_written
from tests.support.shop import REDIRECT_URI, Shop


def new_slug() -> str:
    return f"corner-{secrets.token_hex(4)}"


def new_email() -> str:
    return f"{secrets.token_hex(6)}@example.com"


def test_retailer_and_client_made_then_they_work_at_once(run: Run, shop: Shop) -> None:
    slug = new_slug()
    made = answer(run("retailer", "create", "--slug", slug, "--name", "Corner Market", "--json"))
    assert made == {"retailer": slug, "name": "Corner Market"}
    arguments = ("client", "create", "--retailer", slug, "--redirect-uri", REDIRECT_URI)
    client = answer(run(*arguments, "--scope", "connect:fulfillment account_linking", "--json"))
    assert set(client) == {"client_id", "client_secret", "authorize_url"}

    token = shop.http.post(
        "/v2/oauth/token",
        json={
            "grant_type": "client_credentials",
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
        },
    )
    assert token.status_code == 200
    assert token.json()["scope"] == "connect:fulfillment"


def test_client_created_without_json_then_its_secret_is_shown_with_a_warning(run: Run, shop: Shop) -> None:
    result = run("client", "create", "--retailer", shop.slug, "--redirect-uri", REDIRECT_URI)
    assert result.exit_code == 0
    assert "client_secret" in result.output
    assert "not shown again" in result.output


def test_authorize_url_then_where_the_server_is_reached(run: Run, shop: Shop) -> None:
    arguments = ("client", "create", "--retailer", shop.slug, "--json")
    configured = answer(run(*arguments, HANDCART_PUBLIC_URL="https://connect.example.org/"))
    assert configured["authorize_url"] == "https://connect.example.org/oauth/authorize"


def test_authorize_url_while_no_public_url_is_known_then_how_to_set_it(run: Run, shop: Shop) -> None:
    shop.server.sql("UPDATE installation SET value = '' WHERE name = 'public_url' RETURNING value")
    try:
        assert answer(run("client", "create", "--retailer", shop.slug, "--json"))["authorize_url"] is None
        printed = run("client", "create", "--retailer", shop.slug).output
        assert "authorize_url" not in printed
        assert "HANDCART_PUBLIC_URL" in printed
    finally:
        shop.server.write(remember_public_url, shop.server.url)


def test_scopes_set_then_tokens_carry_those_and_no_others(run: Run, shop: Shop) -> None:
    client_id = shop.client.client_id

    def asked(scope: str) -> int:
        body = {**shop.credentials, "grant_type": "client_credentials", "scope": scope}
        return shop.http.post("/v2/oauth/token", json=body).status_code

    given = answer(run("client", "scope", client_id, "handcart:callbacks, account_linking", "--json"))
    assert given == {"client_id": client_id, "scopes": ["handcart:callbacks", "account_linking"]}
    assert (asked("handcart:callbacks"), asked("connect:fulfillment")) == (200, 400)
    assert "is unknown: the scopes are" in refusal(run("client", "scope", client_id, "everything"))
    assert "there is no client" in refusal(run("client", "scope", "nobody", "connect:fulfillment"))


def test_redirect_uri_added_and_removed_then_authorization_takes_it_and_refuses_it(run: Run, shop: Shop) -> None:
    client_id, uri = shop.client.client_id, "https://shop.example/another"
    added = answer(run("client", "redirect-uri", "add", client_id, uri, "--json"))
    assert added == {"client_id": client_id, "redirect_uris": sorted([REDIRECT_URI, uri])}
    assert shop.visitor().authorize(redirect_uri=uri).status_code == 200
    removed = run("client", "redirect-uri", "remove", client_id, uri)
    assert removed.output == f"The client {client_id} has these redirect URIs:\n    {REDIRECT_URI}\n"
    assert shop.visitor().authorize(redirect_uri=uri).status_code == 400
    assert shop.visitor().authorize().status_code == 200


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("add", "nobody", REDIRECT_URI), "there is no client 'nobody'"),
        (("remove", "nobody", REDIRECT_URI), "there is no client 'nobody'"),
        (("add", "{client}", "http://shop.example/cb"), "must use https"),
        (("remove", "{client}", "https://shop.example/none"), "the client has no redirect URI"),
    ],
)
def test_redirect_uri_that_cannot_be_then_a_sentence(
    run: Run, shop: Shop, arguments: tuple[str, ...], sentence: str
) -> None:
    given = [argument.replace("{client}", shop.client.client_id) for argument in arguments]
    with nothing_written(shop.server):
        assert sentence in refusal(run("client", "redirect-uri", *given))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--retailer", "nobody-there"), "there is no retailer 'nobody-there'"),
        (("--organization", "nobody-there"), "there is no organization 'nobody-there'"),
        ((), "give either a retailer or an organization"),
        (("--retailer", "{slug}", "--scope", "everything"), "the scope 'everything' is unknown: the scopes are"),
        (("--retailer", "{slug}", "--redirect-uri", "http://shop.example/cb"), "must use https"),
        (("--retailer", "{slug}", "--redirect-uri", "https://shop.example/cb#x"), "must not have a fragment"),
        (("--retailer", "{slug}", "--redirect-uri", "javascript:alert(1)"), "must be https://"),
        (("--retailer", "{slug}", "--redirect-uri", "https://a:b@shop.example/"), "user information"),
        (
            ("--retailer", "{slug}", "--redirect-uri", "https://shop.example/a b"),
            "characters that are not allowed in URIs",
        ),
        (("--retailer", "{slug}", "--redirect-uri", "http://[::1]:8080/cb"), "IPv6"),
    ],
)
def test_client_that_cannot_be_made_then_a_sentence(
    run: Run, shop: Shop, arguments: tuple[str, ...], sentence: str
) -> None:
    given = [argument.replace("{slug}", shop.slug) for argument in arguments]
    assert sentence in refusal(run("client", "create", *given))


@pytest.mark.parametrize("slug", ["", "Corner", "corner market", "-corner", "corner-", "a" * 64, "corner/1", "ü"])
def test_slug_that_is_none_then_refused(run: Run, slug: str) -> None:
    assert "cannot be a slug" in refusal(run("retailer", "create", "--slug", slug, "--name", "Corner Market"))


def test_retailer_made_twice_then_refused(run: Run, shop: Shop) -> None:
    assert "already" in refusal(run("retailer", "create", "--slug", shop.slug))


def test_secret_rotated_then_the_old_one_is_dead(run: Run, shop: Shop) -> None:
    rotated = answer(run("client", "rotate", shop.client.client_id, "--json"))
    assert shop.post_token(grant_type="client_credentials").status_code == 401
    assert shop.post_token(grant_type="client_credentials", client_secret=rotated["client_secret"]).status_code == 200


def test_secret_rotated_with_overlap_then_both_live_until_it_ends(run: Run, shop: Shop, later: Any) -> None:
    rotated = answer(run("client", "rotate", shop.client.client_id, "--keep-old", "48", "--json"))
    assert shop.post_token(grant_type="client_credentials").status_code == 200
    with later(49 * 3600):
        assert shop.post_token(grant_type="client_credentials").status_code == 401
        again = shop.post_token(grant_type="client_credentials", client_secret=rotated["client_secret"])
        assert again.status_code == 200


def test_client_disabled_then_no_token_until_enabled(run: Run, shop: Shop) -> None:
    assert answer(run("client", "disable", shop.client.client_id, "--json"))["enabled"] is False
    assert shop.post_token(grant_type="client_credentials").status_code == 401
    assert answer(run("client", "disable", shop.client.client_id, "--undo", "--json"))["enabled"] is True
    assert shop.post_token(grant_type="client_credentials").status_code == 200


def test_tokens_of_a_client_revoked_then_dead_and_new_ones_live(run: Run, shop: Shop) -> None:
    user_id = shop.user()
    assert answer(run("client", "revoke-tokens", shop.client.client_id, "--json"))["revoked"] is True
    assert shop.get_link(user_id).status_code == 401
    assert shop.post_token(grant_type="client_credentials").status_code == 200


@pytest.mark.parametrize("command", ["rotate", "disable", "revoke-tokens"])
def test_unknown_client_then_a_sentence(run: Run, command: str) -> None:
    assert "there is no client 'nobody'" in refusal(run("client", command, "nobody"))


def test_clients_listed_then_without_secrets(run: Run, shop: Shop) -> None:
    found = answer(run("client", "list", "--retailer", shop.slug, "--json"))["clients"]
    assert [one["client_id"] for one in found] == [shop.client.client_id]
    assert found[0]["redirect_uris"] == [REDIRECT_URI]
    listed = run("client", "list", "--retailer", shop.slug)
    assert shop.client.client_id in listed.output
    assert shop.client.client_secret not in listed.output


def test_clients_of_an_unknown_retailer_then_a_sentence(run: Run) -> None:
    assert "there is no retailer 'nobody-there'" in refusal(run("client", "list", "--retailer", "nobody-there"))


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


def test_membership_until_a_date_and_for_some_days_then_refused(run: Run, shop: Shop) -> None:
    email = shop.account().email
    with nothing_written(shop.server):
        result = run("membership", "grant", "--email", email, "--until", "2099-12-31", "--days", "3")
    assert result.exit_code == 2
    assert "by --until or by --days, not by both" in result.output


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


@pytest.mark.parametrize("command", ["grant", "end"])
def test_membership_of_nobody_then_a_sentence(run: Run, command: str) -> None:
    assert "there is no account" in refusal(run("membership", command, "--email", new_email()))


def test_membership_that_ends_in_the_past_then_refused(run: Run, shop: Shop) -> None:
    result = run("membership", "grant", "--email", shop.account().email, "--until", "2001-01-01")
    assert "in the future" in refusal(result)


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


def test_account_closed_then_its_links_end(run: Run, shop: Shop) -> None:
    account, user_id = shop.account(), shop.user()
    shop.link(user_id, shop.linking_token(account)).raise_for_status()
    answer(run("account", "close", "--email", account.email, "--json"))
    assert shop.get_link(user_id).json()["error"]["message"] == "User Not Linked"
    visitor = shop.visitor()
    visitor.authorize()
    assert visitor.sign_in(account).status_code == 401
