"""Retailers and organizations: what an operator may create, and what is refused."""

import secrets
from typing import Any

import pytest

from handcart.core.errors import Refused
from handcart.retailers import clients, ops
from handcart.retailers.models import Rules
from tests.support.contents import nothing_written
from tests.support.retailers import make_retailer, new_slug
from tests.support.server import LiveServer, on_sqlite


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


@pytest.mark.parametrize("op", [ops.require, clients.listed, lambda tx, slug: ops.change(tx, slug, {})])
def test_retailer_unknown_then_refused_with_what_to_do(server: LiveServer, op: Any) -> None:
    with pytest.raises(Refused) as refused:
        server.write(op, "nobody")
    assert str(refused.value) == "there is no retailer 'nobody': make it with `handcart retailer create`"
