"""What operators decide about plans and exceptions; tests/cli/test_slots.py has the commands."""

import pytest

from handcart.core.errors import Refused
from handcart.slots import planning, queries
from handcart.slots.plans import EVERY_STORE, WHOLE_DAY, Plan, SlotException, StorePlan
from handcart.stores.models import DELIVERY, PICKUP
from tests.support.contents import nothing_written
from tests.support.shop import Shop
from tests.support.stores import keep, store

DAY = "2099-06-10"
WEEK = [[3.0] * 24] * 7


def test_plan_changed_then_one_kind_of_capacity_replaces_the_others(shop: Shop) -> None:
    keep(shop, store("s"))

    def change(location_code: str | None = "s", **changes: object) -> list[StorePlan]:
        return list(shop.server.write(planning.change_plans, shop.retailer.id, location_code, [DELIVERY], changes))

    assert change(None, capacity=4) == [StorePlan(EVERY_STORE, DELIVERY, Plan(capacity=4))]
    assert change(weekly=WEEK, cutoff_hour=17) == [
        StorePlan("s", DELIVERY, Plan(capacity=4, weekly=WEEK, cutoff_hour=17))
    ]
    assert change(shoppers=WEEK, cutoff_hour=24) == [StorePlan("s", DELIVERY, Plan(capacity=4, shoppers=WEEK))]
    assert change(capacity=5) == [StorePlan("s", DELIVERY, Plan(capacity=5))]
    with nothing_written(shop.server), pytest.raises(Refused, match="needs shoppers"):
        change(orders_per_hour=2)
    (left,) = shop.server.write(planning.remove_plans, shop.retailer.id, "s", [DELIVERY])
    assert left.location_code == EVERY_STORE
    with pytest.raises(Refused, match="the store 's' has no plan for delivery"):
        shop.server.write(planning.remove_plans, shop.retailer.id, "s", [DELIVERY])


def test_exceptions_changed_then_they_replace_earlier_ones_for_the_hours(shop: Shop) -> None:
    keep(shop, store("s"))
    of_day = (shop.retailer.id, "s", [PICKUP], DAY)
    shop.server.write(planning.change_exceptions, *of_day, planning.hours_of("9-11"), 2)
    found = shop.server.write(planning.change_exceptions, *of_day, planning.hours_of("10"), 3)
    assert found == [SlotException(DAY, "s", PICKUP, 9, 2), SlotException(DAY, "s", PICKUP, 10, 3)]
    assert shop.server.write(planning.change_exceptions, *of_day, [WHOLE_DAY], 0) == [
        SlotException(DAY, "s", PICKUP, WHOLE_DAY, 0)
    ]
    assert len(shop.server.read(planning.exceptions, shop.retailer.id)) == 1
    assert shop.server.write(planning.remove_exceptions, *of_day, [WHOLE_DAY]) == []
    with pytest.raises(Refused, match=f"has no such exception on {DAY}"):
        shop.server.write(planning.remove_exceptions, *of_day, [WHOLE_DAY])
    with pytest.raises(Refused, match="is in the past"):
        shop.server.write(planning.change_exceptions, shop.retailer.id, None, [PICKUP], "2001-01-01", [9], 1)


def test_occupancy_of_a_store_then_its_windows_or_a_sentence(shop: Shop) -> None:
    keep(shop, store("s", takes_pickup=False))
    found = shop.server.read(queries.occupancy, shop.retailer.id, "s", DELIVERY)
    assert found.store.location_code == "s"
    assert {(one.held, one.booked) for one in found.windows} == {(0, 0)}
    for code, kind, sentence in (("t", DELIVERY, "has no store 't'"), ("s", PICKUP, "takes no pickup orders")):
        with pytest.raises(Refused, match=sentence):
            shop.server.read(queries.occupancy, shop.retailer.id, code, kind)
