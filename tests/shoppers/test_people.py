"""The operator's shoppers: adding them, finding them, and what stands for them at a retailer."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from handcart.core.db import Tx
from handcart.shoppers import ops, queries
from handcart.shoppers.errors import ShopperRefused
from handcart.staff.models import SYSTEM
from tests.support.contents import nothing_written
from tests.support.orders import Market
from tests.support.server import LiveServer, on_sqlite
from tests.support.shop import Shop
from tests.support.shoppers import add_shopper


def test_shopper_added_then_found_with_facts_in_normal_form(server: LiveServer) -> None:
    facts = {"phone": "(800) 555-0142", "email": " Ana@Example.com", "languages": ["fr", "en", "fr"], "vehicle": "none"}
    person = add_shopper(server, "  Ana   Sample ", skills=["heavy", "alcohol"], most_orders=1, **facts)
    found = server.read(queries.person, person.id)
    assert (found.name, found.phone, found.email) == ("Ana Sample", "18005550142", "ana@example.com")
    assert (found.languages, found.skills, found.vehicle) == (("fr", "en"), ("alcohol", "heavy"), "none")
    assert (found.locale, found.most_orders, found.may_work, found.has_pin) == ("en-US", 1, True, True)
    with nothing_written(server), pytest.raises(ShopperRefused) as refused:
        server.write(ops.add, SYSTEM, "Bo", phone="800 555 0142")
    assert refused.value.reason == "phone_in_use"


def test_two_shoppers_get_one_number_at_once_then_second_is_refused(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = add_shopper(server), add_shopper(server)
    server.write(ops.change, SYSTEM, first.id, phone="8005550166")
    look = queries.by_phone

    async def looked_before(tx: Tx, number: str) -> None:
        monkeypatch.setattr(queries, "by_phone", look)

    monkeypatch.setattr(queries, "by_phone", looked_before)
    with nothing_written(server), pytest.raises(ShopperRefused) as refused:
        server.write(ops.change, SYSTEM, second.id, phone="8005550166")
    assert refused.value.reason == "phone_in_use"


@on_sqlite
def test_wrong_fact_then_refused_by_its_name(server: LiveServer) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 101}),
        ("name", {"name": "a\u202eb"}),
        ("phone", {"phone": "call me"}),
        ("phone", {"phone": "\u0661\u0662\u0663\u0664\u0665\u0666\u0667"}),
        ("email", {"email": "nobody"}),
        ("locale", {"locale": "de-DE"}),
        ("languages", {"languages": ["english"]}),
        ("skill", {"skills": ["juggling"]}),
        ("vehicle", {"vehicle": "rocket"}),
        ("most_orders", {"most_orders": 0}),
        ("most_orders", {"most_orders": 21}),
        ("home_store", {"home_retailer_id": 1}),
        ("home_store", {"home_retailer_id": 1, "home_store_number": 1}),
    ]
    for reason, facts in wrong:
        with nothing_written(server), pytest.raises(ShopperRefused) as refused:
            server.write(ops.add, SYSTEM, **{"name": "Ana", **facts})
        assert refused.value.reason == reason, facts


def test_shopper_at_a_retailer_then_one_shadow_without_contact(server: LiveServer, shop: Shop) -> None:
    person, other = add_shopper(server, phone="8005550177"), add_shopper(server)
    with ThreadPoolExecutor(8) as pool:
        shadows = set(pool.map(lambda _: server.write(ops.shadow, shop.retailer.id, person.id), range(8)))
    assert len(shadows) == 1
    (shadow,) = shadows
    assert server.read(queries.exists, shop.retailer.id, shadow)
    assert server.read(queries.person_of, shop.retailer.id, shadow).id == person.id
    assert server.write(ops.shadow, shop.retailer.id, other.id) != shadow
    assert server.write(ops.shadow, Shop(server).retailer.id, person.id) != shadow
    stored = server.sql("SELECT email, phone FROM retailer_shoppers WHERE id = $1", shadow)
    assert [tuple(row) for row in stored] == [(None, None)]
    wires = server.write(ops.create, shop.retailer.id)
    assert server.read(queries.person_of, shop.retailer.id, wires.id) is None


def test_shoppers_listed_then_by_name_within_the_filters(server: LiveServer) -> None:
    market = Market(server)
    home = {"home_retailer_id": market.retailer.id, "home_store_number": 1}

    def block(person_id: int) -> None:
        server.sql("UPDATE shoppers SET blocked_at = 1 WHERE id = $1", person_id)

    strong, weak, twin, percent = (
        add_shopper(server, name, **home, **facts)
        for name, facts in (
            ("Bea", {"skills": ["heavy"]}),
            ("ana", {"phone": "8005550188"}),
            ("Bea", {}),
            ("Cy 100%", {}),
        )
    )
    block(twin.id)

    def names(**filters: Any) -> list[int]:
        return [one.id for one in server.read(queries.people, retailer_id=market.retailer.id, **filters)]

    assert sorted(names()) == sorted([strong.id, twin.id, percent.id, weak.id])
    assert names(skill="heavy") == [strong.id]
    assert sorted(names(text="BE")) == sorted([strong.id, twin.id])
    assert names(text="0188") == [weak.id]
    assert names(text="%") == [percent.id]
    assert names(text="_") == []
    assert names(state="blocked") == [twin.id]
    assert sorted(names(state="working")) == sorted([strong.id, weak.id, percent.id])
    assert names(state="closed") == []
    assert names(store_number=2) == []
    first = server.read(queries.people, retailer_id=market.retailer.id, limit=3)
    rest = names(after=(first[-1].name, first[-1].id))
    assert sorted([*(one.id for one in first), *rest]) == sorted(names())


def test_shopper_of_no_retailer_then_none(server: LiveServer, shop: Shop) -> None:
    async def nobody(tx: Tx) -> list[object]:
        return [await queries.person(tx, 1), await queries.person_of(tx, shop.retailer.id, 1)]

    assert server.read(nobody) == [None, None]
