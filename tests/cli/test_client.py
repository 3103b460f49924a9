"""`handcart client`: each command affects the running server at once, or refuses with one sentence."""

import secrets
from typing import Any

import pytest

from tests.cli.conftest import Run, answer, refusal
from tests.support.contents import nothing_written
from tests.support.shop import REDIRECT_URI, Shop


def new_slug() -> str:
    return f"corner-{secrets.token_hex(4)}"


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


def test_client_created_without_json_then_its_secret_comes_with_a_warning(run: Run, shop: Shop) -> None:
    result = run("client", "create", "--retailer", shop.slug, "--redirect-uri", REDIRECT_URI)
    assert result.exit_code == 0
    assert "client_secret" in result.output
    assert "not shown again" in result.output


def test_authorize_url_then_where_the_server_is_reached(run: Run, shop: Shop) -> None:
    arguments = ("client", "create", "--retailer", shop.slug, "--json")
    configured = answer(run(*arguments, HANDCART_PUBLIC_URL="https://connect.example.org/"))
    assert configured["authorize_url"] == "https://connect.example.org/oauth/authorize"


@pytest.mark.usefixtures("no_public_url")
def test_authorize_url_while_no_public_url_is_known_then_how_to_set_it(run: Run, shop: Shop) -> None:
    assert answer(run("client", "create", "--retailer", shop.slug, "--json"))["authorize_url"] is None
    printed = run("client", "create", "--retailer", shop.slug).output
    assert "authorize_url" not in printed
    assert "HANDCART_PUBLIC_URL" in printed


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


def test_scope_that_no_endpoint_needs_then_a_hint(run: Run, shop: Shop) -> None:
    scopes = "connect:fulfillment connect:recommendations"
    for arguments in (
        ("create", "--retailer", shop.slug, "--scope", scopes),
        ("scope", shop.client.client_id, scopes),
    ):
        done = run("client", *arguments)
        assert "Note: no endpoint needs connect:recommendations." in done.stderr
    assert "Note" not in run("client", "create", "--retailer", shop.slug).stderr


def test_redirect_uri_added_and_removed_then_authorization_follows(run: Run, shop: Shop) -> None:
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


def test_secret_rotated_then_the_old_one_is_dead(run: Run, shop: Shop) -> None:
    rotated = answer(run("client", "rotate", shop.client.client_id, "--json"))
    assert shop.post_token(grant_type="client_credentials").status_code == 401
    assert shop.post_token(grant_type="client_credentials", client_secret=rotated["client_secret"]).status_code == 200


def test_secret_rotated_with_overlap_then_both_live_until_it_ends(run: Run, shop: Shop, later: Any) -> None:
    rotated = answer(run("client", "rotate", shop.client.client_id, "--keep-old", "48", "--json"))
    assert shop.post_token(grant_type="client_credentials").status_code == 200
    with later(hours=49):
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
