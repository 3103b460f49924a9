"""The demo's stores and catalog."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handcart.retailers import ops as retailers
from handcart.stores import codes, ops, queries, samples
from handcart.stores.models import DELIVERY, KINDS, PICKUP, Point
from handcart.stores.postal import CANADA
from tests.support.server import LiveServer


@pytest.fixture(scope="module")
def stocked(server: LiveServer) -> tuple[LiveServer, int]:
    """A retailer as the demo makes it."""
    made = server.write(
        retailers.create_retailer,
        slug=f"samples-{server.database}",
        name="Sample Market",
        is_lenient=True,
        serves_everywhere=True,
    )
    server.write(ops.save, made.id, server.read(samples.stores))
    return server, made.id


def test_stores_are_made_then_they_are_many_at_real_places(stocked: tuple[LiveServer, int]) -> None:
    server, retailer_id = stocked
    found = server.read(queries.stores, retailer_id)
    assert len(found) >= 200
    assert len({store.number for store in found}) == len({store.location_code for store in found}) == len(found)
    assert {store.country for store in found} == {"US", "CA"}
    assert all(store.opening_hours is None and ZoneInfo(store.time_zone) for store in found)
    for kind in KINDS:
        assert sum(getattr(store, f"takes_{kind}") for store in found) >= 200


# Boxes that lie in the two countries, or in the sea next to them.
CONTIGUOUS = st.builds(Point, st.floats(25, 49), st.floats(-124.5, -67))
CANADIAN = st.builds(Point, st.floats(42, 83), st.floats(-141, -52.6))
ALASKA = st.builds(Point, st.floats(51.2, 71.4), st.floats(-179.9, -130))
HAWAII = st.builds(Point, st.floats(18.9, 22.3), st.floats(-160.3, -154.8))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=CONTIGUOUS | CANADIAN | ALASKA | HAWAII)
def test_any_place_is_asked_then_one_delivers_and_one_has_pickup(stocked: tuple[LiveServer, int], place: Point) -> None:
    server, retailer_id = stocked
    for kind in (DELIVERY, PICKUP):
        assert server.read(queries.find, retailer_id, kind, [place]).stores


def test_catalog_is_made_then_it_is_large_with_right_check_digits() -> None:
    made = list(samples.items())
    assert len(made) >= 5000
    assert made == list(samples.items())
    for unique in ("rrc", "upc", "name"):
        assert len({getattr(item, unique) for item in made}) == len(made)
    for item in made:
        assert item.upc is not None
        assert len(item.upc) == 12
        assert item.upc[-1] == codes.check_digit(item.upc[:-1])
        assert item.price_cents > 0
    assert {item.alcohol_kind for item in made} == {None, "wine", "beer", "spirits"}
    assert {item.cost_unit for item in made} == {"each", "lb"}
    assert any(item.par_weight is None for item in made if item.cost_unit == "lb")
    assert any(item.par_weight for item in made)
    assert any(item.restricted_reasons for item in made)
    assert not any(item.is_ebt_eligible and item.alcohol_kind for item in made)
    assert all(item.department and item.aisle and item.shelf for item in made)
    assert {item.temperature for item in made} == {"ambient", "cold", "frozen"}


def test_canadian_table_is_read_then_every_city_has_one_sample_store(stocked: tuple[LiveServer, int]) -> None:
    server, retailer_id = stocked
    cities = [(one.city, one.region) for one in server.read(queries.stores, retailer_id) if one.country == "CA"]
    assert sorted(cities) == sorted({(city, province) for city, province, _, _ in CANADA.values()})
