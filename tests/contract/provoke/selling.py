"""Refusals of requests about stores, items, slots and orders."""

import json
from typing import Any

import httpx
from msgspec.structs import replace

from handcart.core import clock
from handcart.retailers import ops as retailers
from handcart.slots import plans
from handcart.slots.plans import Plan
from handcart.stores import ops as store_ops
from handcart.stores import queries
from tests.contract.provoke import Provoked, provokes
from tests.support.orders import GROWN_UP, PHONE

# Stores.


@provokes("is_invalid_find_by_postal_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(find_by={"postal_code": "00000"})


@provokes("is_invalid_find_by_address_line_1")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(find_by={"address_line_1": " ", "postal_code": "60610"})


@provokes("cant_be_blank_find_by_postal_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(find_by={"address_line_1": "350 W Oak St"})


@provokes("cant_be_blank_find_by_latitude")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(find_by={"longitude": -87.6})


@provokes("cant_be_blank_find_by_longitude")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(find_by={"latitude": 41.9})


@provokes("is_invalid_location_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(location_code="nowhere")


@provokes("is_invalid_address_postal_code")
def _(attempt: Provoked) -> httpx.Response:
    if "items" in attempt.body and not attempt.operation.is_about_selling:
        del attempt.body["location_code"]  # it would win over the address
    return attempt.having(address={"address_line_1": "350 W Oak St", "postal_code": "00000"})


@provokes("cant_be_blank_items_0_item")
def _(attempt: Provoked) -> httpx.Response:
    if not attempt.operation.is_about_selling:
        del attempt.body["location_code"]  # of a store that is not there
    return attempt.having(items=[{"line_num": "9", "item": {}}])


# Slots and carts.


@provokes("is_invalid_postal_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(location_code=None, postal_code="00000")


@provokes("is_invalid_desired_windows")
def _(attempt: Provoked) -> httpx.Response:
    half_past = {name: time.replace(":00:00Z", ":30:00Z") for name, time in attempt.desired_window.items()}
    return attempt.having(desired_windows=[half_past])


@provokes("is_invalid_earliest_option_start_at")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(earliest_option_start_at="soon")


@provokes("is_invalid_address")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(address={"address_line_1": "1 Rodeo Drive", "postal_code": "90210"})


@provokes("is_invalid_service_option_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.option_id = "soon"
    return attempt.having(service_option_id=attempt.market.option("pickup"))


@provokes("service_option_is_not_available_service_option_id")
def _(attempt: Provoked) -> httpx.Response:
    no_more_places(attempt)
    return attempt.having(service_option_id=attempt.market.option("last_mile", hour=17))


@provokes("service_option_is_expired_service_option_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.body["service_option_id"] = attempt.market.option("last_mile", hour=17)
    return much_later(attempt)


def change_stores(attempt: Provoked, **fields: Any) -> None:
    """Change values of all stores."""
    stores = attempt.shop.server.read(queries.stores, attempt.shop.retailer.id)
    changed = [replace(store, **fields) for store in stores]
    attempt.shop.server.write(store_ops.save, attempt.shop.retailer.id, changed)


def no_more_places(attempt: Provoked) -> None:
    """Set the capacity of every window to its current orders."""
    for kind in ("delivery", "pickup", "last_mile"):
        attempt.shop.server.write(plans.set_plan, attempt.shop.retailer.id, plans.EVERY_STORE, kind, Plan(capacity=0))


def much_later(attempt: Provoked) -> httpx.Response:
    """Send it when all its windows are over."""
    with attempt.later(days=5):
        return attempt.send(headers=attempt.token())


def second_line(attempt: Provoked, rrc: str, count: int = 1, **fields: Any) -> httpx.Response:
    """Send it with one more product."""
    first = {"line_num": "1", "count": 1, "item": {"upc": "400000000015"}}
    return attempt.having(items=[first, {"line_num": "2", "count": count, "item": {"rrc": rrc}}], **fields)


@provokes("invalid_items_items")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "unknown")


@provokes("duplicate_items_were_provided_items")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "milk")


@provokes("some_items_are_not_deliverable_items")
def _(attempt: Provoked) -> httpx.Response:
    change_stores(attempt, sells_alcohol=False)
    return second_line(attempt, "wine", user={"birthday": GROWN_UP, "phone_number": PHONE})


@provokes("maximum_total_quantity_of_items_exceeded_items")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "bread", 250)


@provokes("maximum_total_weight_of_beverage_items_exceeded_items")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "soda", 20)


@provokes("maximum_quantity_of_large_or_bulky_items_exceeded_items")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "chair", 11)


# Orders.


@provokes("is_too_large_maximum_is_16_kib_of_metadata")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(metadata={"note": "x" * (16 << 10)})


def lines(count: int, **fields: Any) -> list[dict[str, Any]]:
    """Lines of products that a lenient retailer takes though it does not know them."""
    return [{"line_num": str(n), "count": 1, "item": {"rrc": f"product {n}"}, **fields} for n in range(count)]


@provokes("is_too_large_maximum_is_16_kib_of_items_0_metadata")
def _(attempt: Provoked) -> httpx.Response:
    attempt.shop.server.write(retailers.change, attempt.shop.slug, {"is_lenient": True})
    return attempt.having(items=lines(1, metadata={"note": "x" * (16 << 10)}))


@provokes("is_too_large_maximum_is_256_kib_of_items")
def _(attempt: Provoked) -> httpx.Response:
    attempt.shop.server.write(retailers.change, attempt.shop.slug, {"is_lenient": True})
    return attempt.having(items=lines(17, metadata={"note": "x" * (15 << 10)}))


@provokes("is_too_large_maximum_is_256_kib_of_selections")
def _(attempt: Provoked) -> httpx.Response:
    details = json.dumps({"special_instructions": "x" * (256 << 10)})
    attempt.shop.server.sql("UPDATE orders SET details = $1 WHERE retailer_id = $2", details, attempt.shop.retailer.id)
    return attempt.send()


@provokes("resource_not_found")
def _(attempt: Provoked) -> httpx.Response:
    attempt.order_id = "unknown"
    attempt.shop.server.sql("UPDATE stores SET number = number + 9 WHERE retailer_id = $1", attempt.shop.retailer.id)
    return attempt.send()


@provokes("is_invalid_idempotency_key")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(headers={"Idempotency-Key": ""})


@provokes("idempotency_key_was_used_for_another_request_use_idempotency_key")
def _(attempt: Provoked) -> httpx.Response:
    key = {"Idempotency-Key": "8e03978e"}
    attempt.send(headers=key).raise_for_status()
    attempt.body["special_instructions"] = "Ring twice"
    return attempt.send(headers=key)


@provokes("has_already_been_taken_order_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.send().raise_for_status()
    return attempt.having(special_instructions="Ring twice")


@provokes("service_option_is_not_available_service_option_hold_id")
def _(attempt: Provoked) -> httpx.Response:
    market = attempt.market
    kind = attempt.kind
    attempt.body["service_option_hold_id"] = market.hold(attempt.user_id, kind, hour=17)
    with attempt.later(minutes=10, seconds=1):
        for _ in range(5):
            market.hold(market.customer(), kind, hour=17)
        return attempt.send()


@provokes("service_option_is_expired_service_option_hold_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.body["service_option_hold_id"] = attempt.market.hold(attempt.user_id, attempt.kind)
    return much_later(attempt)


@provokes("cant_be_blank_user_phone_number")
def _(attempt: Provoked) -> httpx.Response:
    attempt.user_id = attempt.shop.user()
    hold_id = attempt.market.hold(attempt.user_id, attempt.kind)
    return attempt.having(service_option_hold_id=hold_id, user=None)


@provokes("is_invalid_user_phone_number")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(user={"phone_number": "555-0188"})


@provokes("cant_be_blank_user_birthday")
def _(attempt: Provoked) -> httpx.Response:
    return second_line(attempt, "wine", user={"phone_number": PHONE})


@provokes("is_invalid_user_birthday")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(user={"birthday": "5 March 1991", "phone_number": PHONE})


@provokes("is_invalid_paid_with_ebt")
def _(attempt: Provoked) -> httpx.Response:
    change_stores(attempt, country="CA")
    return attempt.having(paid_with_ebt=True)


@provokes("invalid_zip_code_for_alcohol_items", "invalid_zip_code_for_alcohol_alcoholic")
def _(attempt: Provoked) -> httpx.Response:
    attempt.shop.server.write(retailers.change, attempt.shop.slug, {"alcohol_until_hour": 9})
    attempt.body["alcoholic"] = True
    return second_line(attempt, "wine", user={"birthday": GROWN_UP})


@provokes("too_late_order_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.market.set_status(attempt.order_id, "canceled")
    return attempt.send()


@provokes("order_is_not_completed_order_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send()


@provokes("must_be_greater_than_or_equal_to_0_tip_amount_cents")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(tip_amount_cents=-1)


@provokes("only_last_mile_orders_can_be_staged_order_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.order_id = attempt.order("pickup")
    return attempt.send()


# Orders that the retailer picks.


@provokes("cant_be_blank_start_at")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(start_at=None, end_at=attempt.desired_window["ends_at"])


@provokes("cant_be_blank_end_at")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(start_at=attempt.desired_window["starts_at"], end_at=None)


@provokes("is_invalid_start_at")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(start_at="soon", end_at=attempt.desired_window["ends_at"])


@provokes("is_invalid_end_at")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(start_at=attempt.desired_window["starts_at"], end_at="later")


@provokes("is_invalid_user_phone")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(user_phone="555-0188")


@provokes("invalid_last_name_last_name")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(last_name="Member?")


@provokes("alcohol_delivery_not_enabled_for_this_store_alcoholic")
def _(attempt: Provoked) -> httpx.Response:
    change_stores(attempt, sells_alcohol=False)
    return attempt.having(alcoholic=True)


@provokes("store_is_currently_closed_for_delivery_location_code")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(location_code="counter")


@provokes("requested_delivery_window_not_available_at_this_store_start_at")
def _(attempt: Provoked) -> httpx.Response:
    no_more_places(attempt)
    return attempt.send()


@provokes("no_delivery_windows_currently_available_start_at")
def _(attempt: Provoked) -> httpx.Response:
    no_more_places(attempt)
    return attempt.having(fallback_to_soonest_sameday=True)


@provokes("service_option_is_not_available_start_at")
def _(attempt: Provoked) -> httpx.Response:
    no_more_places(attempt)
    return attempt.having(**window_at(attempt, 17))


@provokes("service_option_is_expired_start_at")
def _(attempt: Provoked) -> httpx.Response:
    attempt.body |= window_at(attempt, 17)
    return much_later(attempt)


def window_at(attempt: Provoked, hour: int) -> dict[str, str]:
    """An hour of the day on which the slots of the market are."""
    starts_at = attempt.market.at(hour)
    return {"start_at": clock.to_wire(starts_at), "end_at": clock.to_wire(starts_at + clock.HOUR)}


@provokes("get_order_dispatch:is_invalid_user_id", "update_order_dispatch:is_invalid_user_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(query={"user_id": [attempt.user_id, "another"]})
