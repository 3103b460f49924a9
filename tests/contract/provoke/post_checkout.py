"""Refusals of the Post-checkout API and of Order Feedback."""

from typing import Any

import httpx

from handcart.retailers import ops as retailers
from tests.contract.provoke import PROVOCATIONS, Provoked, provokes


@provokes("user_id_not_found")
def _(attempt: Provoked) -> httpx.Response:
    attempt.order_id = str(attempt.market.order("dispatch")["id"])
    return attempt.send()


@provokes("shopper_pii")
def _(attempt: Provoked) -> httpx.Response:
    attempt.shop.server.write(retailers.change, attempt.shop.slug, {"shopper_information_removal": True})
    return attempt.send()


# Pickup. Errors of a whole body are provoked as in any other.


@provokes(
    *("cant_be_blank_schedule_pickup_eta", "is_invalid_schedule_pickup_eta", "cant_be_blank_name"),
    *("cant_be_blank_phone_number", "is_invalid_model"),
    *("cant_be_blank_rating_value", "is_invalid_rating_value"),
)
def _(attempt: Provoked) -> httpx.Response:
    return PROVOCATIONS["there_were_issues_with_your_request"](attempt)


@provokes("pickup_unavailable_for_non_pickup_orders", "no_pickup_status_found_for_order")
def _(attempt: Provoked) -> httpx.Response:
    attempt.order_id = attempt.order("delivery")
    return attempt.send()


@provokes("params_error")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send()


@provokes("is_not_available_with_a_pickup_delegate_schedule_pickup_eta")
def _(attempt: Provoked) -> httpx.Response:
    attempt.reach("staged")
    delegate = {"name": "Kim Sample", "phone_number": "+13125550199"}
    path = f"/v2/post_checkout/orders/{attempt.order_id}/pickup_delegate"
    attempt.market.put(path, delegate).raise_for_status()
    return attempt.send()


@provokes("create_update_vehicle_info:is_invalid_is_pickup_delegate")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(is_pickup_delegate=True)


@provokes("record_user_arrival:is_invalid_is_pickup_delegate")
def _(attempt: Provoked) -> httpx.Response:
    attempt.reach("staged")
    return attempt.having(is_pickup_delegate=True)


@provokes("is_not_included_in_the_list_vehicle_type")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(vehicle_type="tank")


@provokes("is_not_included_in_the_list_color")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(color="pink")


# Ratings.


@provokes("is_not_included_in_the_list_rating_value")
def _(attempt: Provoked) -> httpx.Response:
    attempt.reach("completed")
    return attempt.having(rating_value="STARS6")


@provokes("is_not_included_in_the_list_highlights")
def _(attempt: Provoked) -> httpx.Response:
    attempt.reach("completed")
    return attempt.having(highlights=["LOUD"])


@provokes("sending_a_message_is_not_allowed_at_this")
def _(attempt: Provoked) -> httpx.Response:
    attempt.order_id = attempt.order("delivery")  # nobody has it
    return attempt.send()


@provokes("is_too_long_maximum_is_1000_characters_body")
def _(attempt: Provoked) -> httpx.Response:
    attempt.body["body"] = "x" * 1001
    return attempt.send()


@provokes("is_invalid_body")
def _(attempt: Provoked) -> httpx.Response:
    attempt.body["body"] = "a\x00b"
    return attempt.send()


@provokes("cant_be_blank_body")
def _(attempt: Provoked) -> httpx.Response:
    attempt.body["body"] = " "
    return attempt.send()


# Answers to replacements.


def refusing(attempt: Provoked, **alternative: Any) -> httpx.Response:
    return attempt.having(status="REJECTED", alternative_item=alternative)


@provokes("handle_order_item_replacement:there_were_issues_with_your_request")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(status=1, alternative_item=1)


@provokes("order_item_1111_not_found")
def _(attempt: Provoked) -> httpx.Response:
    attempt.order_item_id = "1111"
    return attempt.send()


@provokes("is_not_included_in_the_list_status")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(status="PENDING")


@provokes("must_be_blank_alternative_item")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(alternative_item={"rrc": "soap", "count": 1})


@provokes("must_include_exactly_one_of_rrc_or_upc_alternative_item")
def _(attempt: Provoked) -> httpx.Response:
    return refusing(attempt, rrc="soap", upc="400000000022", count=1)


@provokes("must_include_exactly_one_of_count_or_weight_alternative_item")
def _(attempt: Provoked) -> httpx.Response:
    return refusing(attempt, rrc="soap")


@provokes("count_must_be_greater_than_0_alternative_item")
def _(attempt: Provoked) -> httpx.Response:
    return refusing(attempt, rrc="soap", count=0)


@provokes("weight_must_be_greater_than_0_alternative_item")
def _(attempt: Provoked) -> httpx.Response:
    return refusing(attempt, rrc="soap", weight=0)


@provokes("could_not_resolve_alternative_item_to_a_valid")
def _(attempt: Provoked) -> httpx.Response:
    return refusing(attempt, rrc="unknown", count=1)


@provokes("order_item_change_already_responded_to")
def _(attempt: Provoked) -> httpx.Response:
    attempt.send().raise_for_status()
    return attempt.send()


@provokes("order_item_has_no_change_to_respond_to")
def _(attempt: Provoked) -> httpx.Response:
    attempt.market.set_status(attempt.order_id, "checkout")
    return attempt.send()
