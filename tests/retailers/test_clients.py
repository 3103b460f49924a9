"""API clients: what an operator may create, rotate and register, and what is refused."""

import secrets
from typing import Any

import pytest

from handcart.core import clock
from handcart.core.errors import Refused
from handcart.retailers import clients
from handcart.retailers.models import ListedClient
from tests.support.contents import contents, nothing_written
from tests.support.retailers import make_retailer, new_slug
from tests.support.server import LiveServer, on_sqlite

SCOPES = ["connect:fulfillment", "account_linking"]


def make_client(server: LiveServer, **options: Any) -> Any:
    return server.write(clients.create, **{"scopes": SCOPES, **options})


def test_client_of_a_retailer_then_it_acts_for_it(server: LiveServer) -> None:
    retailer = make_retailer(server)
    made = make_client(server, retailer=retailer.slug, require_pkce=True, require_state=False)
    found = server.read(clients.find, made.client_id)
    assert (found.retailer_id, found.isolation_id) == (retailer.id, retailer.isolation_id)
    assert (found.scopes, found.require_pkce, found.require_state, found.is_disabled) == (
        tuple(SCOPES),
        True,
        False,
        False,
    )
    assert server.read(clients.display_name, found) == "Sample Market"
    assert server.read(clients.by_secret, made.client_id, made.client_secret) == found


def test_client_of_an_organization_then_it_names_a_banner_in_each_request(server: LiveServer) -> None:
    group = new_slug()
    retailer = make_retailer(server, organization=group)
    found = server.read(clients.find, make_client(server, organization=group, name="Sample Group").client_id)
    assert (found.organization_id, found.retailer_id, found.isolation_id) == (retailer.organization_id, None, None)
    assert server.read(clients.display_name, found) == "Sample Group"


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
    assert server.read(clients.redirect_uris, made.client_id) == [uri]


def test_redirect_uri_of_a_demo_then_http_leads_to_any_host(server: LiveServer) -> None:
    made = make_client(server, retailer=make_retailer(server).slug)
    uris = ["http://192.168.1.5:8081/account/link/callback"]
    server.write(clients.register_redirect_uris, made.client_id, uris, plain_http=True)
    assert server.read(clients.redirect_uris, made.client_id) == uris


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


@on_sqlite
def test_redirect_uri_unsound_then_refused_wherever_it_is_given(server: LiveServer) -> None:
    retailer = make_retailer(server)
    made = make_client(server, retailer=retailer.slug)
    accepted: list[str] = []

    def attempt(uri: str, op: Any, *args: Any, **options: Any) -> None:
        try:
            server.write(op, *args, **options)
        except Refused:
            return
        accepted.append(uri)

    with nothing_written(server):
        for uri in BAD_URIS:
            uris = ["https://shop.example/link", uri]
            attempt(uri, clients.create, retailer=retailer.slug, scopes=SCOPES, redirect_uris=uris)
            attempt(uri, clients.register_redirect_uris, made.client_id, uris)
    assert accepted == []


def test_redirect_uris_registered_later_then_those_before_stay(server: LiveServer) -> None:
    first, second = "https://shop.example/a", "https://shop.example/b"
    made = make_client(server, retailer=make_retailer(server).slug, redirect_uris=[first])
    assert server.write(clients.register_redirect_uris, made.client_id, [second, first]) == [first, second]
    assert server.read(clients.redirect_uris, made.client_id) == [first, second]


def test_redirect_uri_removed_then_the_others_stay(server: LiveServer) -> None:
    first, second = "https://shop.example/a", "https://shop.example/b"
    made, other = (
        make_client(server, retailer=make_retailer(server).slug, redirect_uris=[first, second]) for _ in range(2)
    )
    assert server.write(clients.remove_redirect_uri, made.client_id, first) == [second]
    assert server.read(clients.redirect_uris, made.client_id) == [second]
    assert server.read(clients.redirect_uris, other.client_id) == [first, second]
    with nothing_written(server), pytest.raises(Refused, match="the client has no redirect URI"):
        server.write(clients.remove_redirect_uri, made.client_id, first)


# Secrets


def is_valid(server: LiveServer, client_id: str, secret: str) -> bool:
    return server.read(clients.by_secret, client_id, secret) is not None


def test_secret_then_valid_for_its_client_alone_and_stored_as_a_hash(server: LiveServer) -> None:
    retailer = make_retailer(server)
    first, second = (make_client(server, retailer=retailer.slug) for _ in range(2))
    assert is_valid(server, first.client_id, first.client_secret)
    assert not is_valid(server, first.client_id, second.client_secret)
    assert not is_valid(server, first.client_id, "")
    assert first.client_secret not in str(contents(server))


def test_rotated_then_the_old_secret_is_dead_at_once(server: LiveServer) -> None:
    made = make_client(server, retailer=make_retailer(server).slug)
    newer = server.write(clients.rotate_secret, made.client_id)
    assert newer.client_id == made.client_id
    assert not is_valid(server, made.client_id, made.client_secret)
    assert is_valid(server, made.client_id, newer.client_secret)


def test_rotated_twice_with_overlap_then_each_old_secret_ends_as_first_set(server: LiveServer, later: Any) -> None:
    made = make_client(server, retailer=make_retailer(server).slug)
    second = server.write(clients.rotate_secret, made.client_id, keep_old=clock.HOUR)
    third = server.write(clients.rotate_secret, made.client_id, keep_old=24 * clock.HOUR)
    alive = [made.client_secret, second.client_secret, third.client_secret]
    assert [is_valid(server, made.client_id, secret) for secret in alive] == [True, True, True]
    with later(hours=2):
        assert [is_valid(server, made.client_id, secret) for secret in alive] == [False, True, True]
    with later(hours=25):
        assert [is_valid(server, made.client_id, secret) for secret in alive] == [False, False, True]


def test_rotated_without_overlap_then_all_earlier_secrets_end(server: LiveServer) -> None:
    made = make_client(server, retailer=make_retailer(server).slug)
    second = server.write(clients.rotate_secret, made.client_id, keep_old=24 * clock.HOUR)
    third = server.write(clients.rotate_secret, made.client_id)
    alive = [made.client_secret, second.client_secret, third.client_secret]
    assert [is_valid(server, made.client_id, secret) for secret in alive] == [False, False, True]


@pytest.mark.parametrize(
    "op",
    [
        clients.rotate_secret,
        clients.disable,
        lambda tx, client_id: clients.register_redirect_uris(tx, client_id, ["https://shop.example/a"]),
        lambda tx, client_id: clients.remove_redirect_uri(tx, client_id, "https://shop.example/a"),
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
    monkeypatch.setattr(clients, "new_token", lambda: next(drawn))
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
    server.write(clients.disable, of_second.client_id)
    everything = {one.client_id: one for one in server.read(clients.listed)}
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
    assert [one.client_id for one in server.read(clients.listed, first.slug)] == [of_first.client_id]
    assert of_first.client_secret not in str(everything)
