"""Retailers, organizations and API clients: what an operator may create, and what is refused."""

import secrets
from typing import Any

import pytest

from handcart.core import clock
from handcart.retailers import ops
from handcart.retailers.errors import Refused
from handcart.retailers.models import ListedClient, Rules
from tests.support.contents import contents, nothing_written
from tests.support.server import LiveServer, on_sqlite

SCOPES = ["connect:fulfillment", "account_linking"]


def new_slug() -> str:
    return f"shop-{secrets.token_hex(6)}"


def make_retailer(server: LiveServer, slug: str | None = None, **options: Any) -> Any:
    return server.write(
        ops.create_retailer, **{"slug": new_slug() if slug is None else slug, "name": "Sample Market", **options}
    )


def make_client(server: LiveServer, **options: Any) -> Any:
    return server.write(ops.create_client, **{"scopes": SCOPES, **options})


# Retailers


@pytest.mark.parametrize("slug", ["a", "7", "a-b", "the-garden-market", "a--b", "a" * 63])
def test_slug_of_letters_digits_and_inner_hyphens_then_made(server: LiveServer, slug: str) -> None:
    prefix = secrets.token_hex(6) if len(slug) < 50 else ""
    made = make_retailer(server, f"{prefix}{slug}")
    assert server.read(ops.retailer_by_slug, f"{prefix}{slug}") == made
    assert server.read(ops.retailer, made.id) == made


@pytest.mark.parametrize("slug", ["", "-a", "a-", "A", "a_b", "a b", "a/b", "é", "a\n", "a" * 64, "a.b", "../a", "a\0"])
@on_sqlite
def test_slug_of_anything_else_then_refused(server: LiveServer, slug: str) -> None:
    with nothing_written(server):
        with pytest.raises(Refused, match="cannot be a slug: use 1 to 63 characters of a-z, 0-9 and inner hyphens"):
            make_retailer(server, slug)
        if slug:
            with pytest.raises(Refused, match="cannot be a slug"):
                make_retailer(server, organization=slug)


def test_slug_taken_then_refused_and_the_first_one_stays(server: LiveServer) -> None:
    made = make_retailer(server)
    with nothing_written(server), pytest.raises(Refused, match=f"the retailer '{made.slug}' exists already"):
        make_retailer(server, made.slug, name="Other")
    assert server.read(ops.retailer_by_slug, made.slug).name == "Sample Market"


@pytest.mark.parametrize("name", ["", " ", "\n", "x" * 201])
def test_name_missing_or_too_long_then_refused(server: LiveServer, name: str) -> None:
    with nothing_written(server), pytest.raises(Refused, match="needs a name of 1 to 200 characters"):
        make_retailer(server, name=name)


@pytest.mark.parametrize("name", ["S", " Sample & <Sons> \u202e ", "x" * 200, "李 😀"])
def test_name_then_kept_without_its_outer_spaces(server: LiveServer, name: str) -> None:
    assert server.read(ops.retailer_by_slug, make_retailer(server, name=name).slug).name == name.strip()


def test_retailer_on_its_own_then_a_context_and_an_organization_of_its_own(server: LiveServer) -> None:
    first, second = make_retailer(server), make_retailer(server)
    assert len({first.isolation_id, second.isolation_id}) == 2
    assert len({first.organization_id, second.organization_id}) == 2


@pytest.mark.parametrize("shares_users", [True, False])
def test_banners_of_one_organization_then_one_context_or_one_each(server: LiveServer, shares_users: bool) -> None:
    group = new_slug()
    made = [make_retailer(server, organization=group, shares_users=shares_users) for _ in range(3)]
    assert len({one.organization_id for one in made}) == 1
    assert len({one.isolation_id for one in made}) == (1 if shares_users else 3)


def test_banner_then_found_by_its_own_organization_alone(server: LiveServer) -> None:
    made, other = make_retailer(server), make_retailer(server)
    assert server.read(ops.banner, made.organization_id, made.slug) == made
    for slug in (other.slug, "", made.slug.upper(), "' OR '1'='1", f"{made.slug} "):
        assert server.read(ops.banner, made.organization_id, slug) is None
    assert server.read(ops.retailer_by_slug, "nobody") is None


def test_retailers_then_by_their_slugs_each_with_its_organization(server: LiveServer) -> None:
    group = new_slug()
    made = [make_retailer(server, organization=group) for _ in range(3)]
    found = server.read(ops.retailers)
    assert [one.slug for one in found] == sorted(one.slug for one in found)
    assert {one.id for one in made} <= {one.id for one in found}
    listed = {one.retailer.id: one for one in server.read(ops.listed_retailers)}
    assert {listed[one.id].organization for one in made} == {group}
    assert server.read(ops.listed_retailer, made[0].slug) == listed[made[0].id]


def test_settings_changed_then_those_alone_at_that_retailer_alone(server: LiveServer) -> None:
    made, other = make_retailer(server), make_retailer(server)
    changes = {"is_lenient": True, "most_units": 7, "legal_age": 19, "underage": "remove"}
    changed = server.write(ops.change, made.slug, changes)
    assert (changed.is_lenient, changed.rules) == (True, Rules(most_units=7, legal_age=19, underage="remove"))
    again = server.write(ops.change, made.slug, {"legal_age": None, "offers_eta": True})
    assert (again.is_lenient, again.rules) == (True, Rules(most_units=7, underage="remove", offers_eta=True))
    assert server.read(ops.retailer, made.id) == again
    assert server.read(ops.retailer, other.id) == other


@pytest.mark.parametrize(
    "wrong",
    [
        {"most_units": -1},
        {"most_units": 2.5},
        {"most_units": "7"},
        {"alcohol_from_hour": 25},
        {"legal_age": 121},
        {"underage": "ignore"},
        {"offers_eta": 1},
        {"is_lenient": "yes"},
        {"is_lenient": None},
        {"name": "Other"},
        {"id": 1},
    ],
    ids=str,
)
@on_sqlite
def test_settings_wrong_then_refused_with_those_beside_them(server: LiveServer, wrong: dict[str, Any]) -> None:
    made = make_retailer(server)
    with nothing_written(server), pytest.raises(Refused):
        server.write(ops.change, made.slug, {"most_bulky_items": 1, **wrong})


@pytest.mark.parametrize("op", [ops.require, ops.clients, lambda tx, slug: ops.change(tx, slug, {})])
def test_retailer_unknown_then_refused_with_what_to_do(server: LiveServer, op: Any) -> None:
    with pytest.raises(Refused) as refused:
        server.write(op, "nobody")
    assert str(refused.value) == "there is no retailer 'nobody': make it with `handcart retailer create`"


# Clients


def test_client_of_a_retailer_then_it_acts_for_it(server: LiveServer) -> None:
    retailer = make_retailer(server)
    made = make_client(server, retailer=retailer.slug, require_pkce=True, require_state=False)
    found = server.read(ops.client, made.client_id)
    assert (found.retailer_id, found.isolation_id) == (retailer.id, retailer.isolation_id)
    assert (found.scopes, found.require_pkce, found.require_state, found.is_disabled) == (
        tuple(SCOPES),
        True,
        False,
        False,
    )
    assert server.read(ops.display_name, found) == "Sample Market"
    assert server.read(ops.client_by_secret, made.client_id, made.client_secret) == found


def test_client_of_an_organization_then_it_names_a_banner_in_each_request(server: LiveServer) -> None:
    group = new_slug()
    retailer = make_retailer(server, organization=group)
    found = server.read(ops.client, make_client(server, organization=group, name="Sample Group").client_id)
    assert (found.organization_id, found.retailer_id, found.isolation_id) == (retailer.organization_id, None, None)
    assert server.read(ops.display_name, found) == "Sample Group"


NO_OWNER: list[tuple[dict[str, Any], str]] = [
    ({}, "give either a retailer or an organization"),
    ({"retailer": "a", "organization": "b"}, "give either a retailer or an organization"),
    ({"retailer": "nobody"}, "there is no retailer 'nobody': make it with `handcart retailer create`"),
    ({"organization": "nobody"}, "there is no organization 'nobody': make one of its retailers first"),
]


@pytest.mark.parametrize(("owner", "sentence"), NO_OWNER, ids=str)
def test_owner_missing_or_unknown_then_refused(server: LiveServer, owner: dict[str, Any], sentence: str) -> None:
    with nothing_written(server), pytest.raises(Refused) as refused:
        make_client(server, **owner)
    assert str(refused.value) == sentence


GOOD_URIS = [
    "https://shop.example/account/link",
    "https://shop.example",
    "https://shop.example:8443/a?b=c&d=%20e",
    "https://xn--bcher-kva.example/",
    "https://192.0.2.1/a",
    "http://localhost:3000/callback",
    "http://127.0.0.1/callback",
]


@pytest.mark.parametrize("uri", GOOD_URIS)
def test_redirect_uri_sound_then_kept_byte_for_byte(server: LiveServer, uri: str) -> None:
    made = make_client(server, retailer=make_retailer(server).slug, redirect_uris=[uri, uri])
    assert server.read(ops.redirect_uris, made.client_id) == [uri]


def test_redirect_uri_of_a_demo_then_http_leads_to_any_host(server: LiveServer) -> None:
    made = make_client(server, retailer=make_retailer(server).slug)
    uris = ["http://192.168.1.5:8081/account/link/callback"]
    server.write(ops.register_redirect_uris, made.client_id, uris, plain_http=True)
    assert server.read(ops.redirect_uris, made.client_id) == uris


BAD_URIS = [
    "",
    "shop.example/link",
    "/account/link",
    "//shop.example/link",
    "https://",
    "https:///link",
    "https:shop.example",
    "https://shop.example/link#",
    "https://shop.example/link#a",
    "https://user@shop.example/link",
    "https://user:password@shop.example/link",
    "https://@shop.example/link",
    "http://shop.example/link",
    "http://localhost.example/link",
    "http://127.0.0.1.example/link",
    "ftp://shop.example/link",
    "javascript:alert(1)",
    "data:text/html,x",
    "myapp://link",
    "https://shop.example/a b",
    "https://shop.example/a\nb",
    "https://shop.example/a\r\nSet-Cookie: a=b",
    "https://shop.example/a\tb",
    "https://shop.example/\0",
    "https://shop.example\\@evil.example/",
    "https://shop.example/é",
    "https://bücher.example/",
    "https://shop.example/{a}",
    'https://shop.example/"a"',
    "https://shop.example:port/link",
    "https://shop.example:99999/link",
    "https://[::1/link",
    "https://[2001:db8::1]:443/a",
    "http://[::1]:8081/callback",
]


@pytest.mark.parametrize("uri", BAD_URIS, ids=ascii)
@on_sqlite
def test_redirect_uri_unsound_then_refused_wherever_it_is_given(server: LiveServer, uri: str) -> None:
    retailer = make_retailer(server)
    made = make_client(server, retailer=retailer.slug)
    good = "https://shop.example/link"
    with nothing_written(server):
        with pytest.raises(Refused):
            make_client(server, retailer=retailer.slug, redirect_uris=[good, uri])
        with pytest.raises(Refused):
            server.write(ops.register_redirect_uris, made.client_id, [good, uri])


def test_redirect_uris_registered_later_then_those_before_stay(server: LiveServer) -> None:
    first, second = "https://shop.example/a", "https://shop.example/b"
    made = make_client(server, retailer=make_retailer(server).slug, redirect_uris=[first])
    assert server.write(ops.register_redirect_uris, made.client_id, [second, first]) == [first, second]
    assert server.read(ops.redirect_uris, made.client_id) == [first, second]


def test_redirect_uri_removed_then_the_others_stay_and_it_cannot_be_removed_again(server: LiveServer) -> None:
    first, second = "https://shop.example/a", "https://shop.example/b"
    made, other = (
        make_client(server, retailer=make_retailer(server).slug, redirect_uris=[first, second]) for _ in range(2)
    )
    assert server.write(ops.remove_redirect_uri, made.client_id, first) == [second]
    assert server.read(ops.redirect_uris, made.client_id) == [second]
    assert server.read(ops.redirect_uris, other.client_id) == [first, second]
    with nothing_written(server), pytest.raises(Refused, match="the client has no redirect URI"):
        server.write(ops.remove_redirect_uri, made.client_id, first)


# Secrets


def is_valid(server: LiveServer, client_id: str, secret: str) -> bool:
    return server.read(ops.client_by_secret, client_id, secret) is not None


def test_secret_then_valid_for_its_client_alone_and_stored_as_a_hash(server: LiveServer) -> None:
    retailer = make_retailer(server)
    first, second = (make_client(server, retailer=retailer.slug) for _ in range(2))
    assert is_valid(server, first.client_id, first.client_secret)
    assert not is_valid(server, first.client_id, second.client_secret)
    assert not is_valid(server, first.client_id, "")
    assert first.client_secret not in str(contents(server))


def test_rotated_then_the_old_secret_is_dead_at_once(server: LiveServer) -> None:
    made = make_client(server, retailer=make_retailer(server).slug)
    newer = server.write(ops.rotate_secret, made.client_id)
    assert newer.client_id == made.client_id
    assert not is_valid(server, made.client_id, made.client_secret)
    assert is_valid(server, made.client_id, newer.client_secret)


def test_rotated_twice_and_kept_then_each_old_secret_ends_no_later_than_first_said(
    server: LiveServer, later: Any
) -> None:
    made = make_client(server, retailer=make_retailer(server).slug)
    second = server.write(ops.rotate_secret, made.client_id, keep_old=clock.HOUR)
    third = server.write(ops.rotate_secret, made.client_id, keep_old=24 * clock.HOUR)
    alive = [made.client_secret, second.client_secret, third.client_secret]
    assert [is_valid(server, made.client_id, secret) for secret in alive] == [True, True, True]
    with later(seconds=2 * 3600):
        assert [is_valid(server, made.client_id, secret) for secret in alive] == [False, True, True]
    with later(seconds=25 * 3600):
        assert [is_valid(server, made.client_id, secret) for secret in alive] == [False, False, True]


def test_rotated_without_keeping_while_an_older_one_was_kept_then_all_old_ones_are_dead(server: LiveServer) -> None:
    made = make_client(server, retailer=make_retailer(server).slug)
    second = server.write(ops.rotate_secret, made.client_id, keep_old=24 * clock.HOUR)
    third = server.write(ops.rotate_secret, made.client_id)
    alive = [made.client_secret, second.client_secret, third.client_secret]
    assert [is_valid(server, made.client_id, secret) for secret in alive] == [False, False, True]


@pytest.mark.parametrize(
    "op",
    [
        ops.rotate_secret,
        ops.disable_client,
        lambda tx, client_id: ops.register_redirect_uris(tx, client_id, ["https://shop.example/a"]),
        lambda tx, client_id: ops.remove_redirect_uri(tx, client_id, "https://shop.example/a"),
    ],
    ids=["rotate", "disable", "register", "remove"],
)
def test_client_unknown_then_refused(server: LiveServer, op: Any) -> None:
    with nothing_written(server), pytest.raises(Refused, match="there is no client 'nobody'"):
        server.write(op, "nobody")


def test_client_id_then_never_one_that_a_command_takes_for_an_option(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter(["-h", "--json", secrets.token_hex(8), secrets.token_hex(8)])
    monkeypatch.setattr(ops, "new_token", lambda: next(drawn))
    made = make_client(server, retailer=make_retailer(server).slug)
    assert not made.client_id.startswith("-")


# The operator's list


def test_list_then_every_client_or_one_retailers_without_secrets(server: LiveServer) -> None:
    group = new_slug()
    first, second = (make_retailer(server, organization=group) for _ in range(2))
    uri = "https://shop.example/a"
    of_first = make_client(server, retailer=first.slug, redirect_uris=[uri], require_pkce=True)
    of_second = make_client(server, retailer=second.slug)
    of_group = make_client(server, organization=group)
    server.write(ops.disable_client, of_second.client_id)
    everything = {one.client_id: one for one in server.read(ops.clients)}
    assert {of_first.client_id, of_second.client_id, of_group.client_id} <= set(everything)
    listed = everything[of_first.client_id]
    assert listed == ListedClient(
        client_id=of_first.client_id,
        name="Sample Market",
        retailer=first.slug,
        organization=group,
        scope="connect:fulfillment account_linking",
        redirect_uris=[uri],
        require_pkce=True,
        require_state=True,
        created_at=listed.created_at,
        is_enabled=True,
    )
    assert everything[of_second.client_id].is_enabled is False
    assert everything[of_group.client_id].retailer is None
    assert [one.client_id for one in server.read(ops.clients, first.slug)] == [of_first.client_id]
    assert of_first.client_secret not in str(everything)
