"""Refusals of the sandbox, both documented and Handcart's own, and of the customer's choices."""

import httpx

from tests.contract.provoke import PROVOCATIONS, Provoked, provokes
from tests.support.sandbox import Shopping


@provokes(
    *("cant_be_blank_selections", "is_invalid_selections", "create_shopper:is_invalid_email"),
    *("cant_be_blank_shopper_id", "cant_be_blank_orders", "cant_be_blank_item", "is_invalid_item"),
    *("cant_be_blank_event_name", "is_invalid_event_name", "is_invalid_status"),
    *("cant_be_blank_email", "cant_be_blank_phone", "cant_be_blank_password", "is_invalid_email"),
    *("cant_be_blank_redirect_uri", "cant_be_blank_scope"),
    *("cant_be_blank_seconds", "is_invalid_seconds", "is_invalid_what", "is_invalid_at"),
    *("cant_be_blank_faults", "is_invalid_faults", "is_invalid_outcome", "is_invalid_scenario", "is_invalid_kind"),
)
def _(attempt: Provoked) -> httpx.Response:
    return PROVOCATIONS["there_were_issues_with_your_request"](attempt)


@provokes("unknown_line_num_99_selections")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(selections=[{"line_num": "99"}])


@provokes("set_item_replacements:there_were_issues_with_your_request")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(selections=[{"line_num": True, "count": 0}])


# Shoppers and batches.


@provokes("an_account_already_exists_with_this_number_phone")
def _(attempt: Provoked) -> httpx.Response:
    Shopping(attempt.market).shopper(phone="8005550101")
    return attempt.having(phone="8005550101")


@provokes("invalid_email_email")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(email="nobody")


@provokes("invalid_phone_number_phone")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(phone="12345")


@provokes("is_invalid_shopper_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(shopper_id=1)


@provokes("is_invalid_batch_type")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(batch_type="pickup")


@provokes("is_invalid_workflow_state")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(workflow_state="staged")


@provokes("is_already_in_a_batch_orders")
def _(attempt: Provoked) -> httpx.Response:
    attempt.send()
    return attempt.send()


@provokes("is_not_waiting_for_this_type_of_batch_orders")
def _(attempt: Provoked) -> httpx.Response:
    attempt.market.set_status(attempt.body["orders"][0]["id"], "completed")
    return attempt.send()


@provokes("generate_batch:resource_not_found")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(orders=[{"id": "unknown"}])


@provokes("advance_batch:resource_not_found")
def _(attempt: Provoked) -> httpx.Response:
    attempt.batch_id = "1"
    return attempt.send()


@provokes("must_come_after_the_current_state_workflow_state")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(workflow_state="acknowledged")


@provokes("batch_is_finished_workflow_state")
def _(attempt: Provoked) -> httpx.Response:
    attempt.having(workflow_state="completed")
    return attempt.send()


# Items.


@provokes("is_not_assigned_to_this_order_shopper_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.shopper_id = str(Shopping(attempt.market).shopper())
    return attempt.send()


@provokes("order_is_not_being_picked_order_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.market.set_status(attempt.order_id, "checkout")
    return attempt.send()


@provokes("is_invalid_line_num")
def _(attempt: Provoked) -> httpx.Response:
    attempt.line_num = "99"
    return attempt.send()


@provokes("is_invalid_delivered_count")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(status="to_refund", delivered_count=1)


@provokes("is_invalid_replacement_item")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(status="found", replacement_item={"rrc": "soap"})


@provokes("cant_be_blank_replacement_item")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(status="replaced", replacement_item={})


@provokes("item_must_not_be_replaced_status")
def _(attempt: Provoked) -> httpx.Response:
    items = [{"line_num": "1", "count": 1, "item": {"rrc": "soap"}, "replacement_policy": "no_replacements"}]
    attempt.order_id = attempt.market.order("delivery", attempt.user_id, items=items)["id"]
    made = Shopping(attempt.market).generate(attempt.shopper_id, attempt.order_id, workflow_state="picking")
    made.raise_for_status()
    return attempt.having(status="replaced")


# Accounts of the platform.


@provokes("an_account_already_exists_with_this_email_email")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(email=attempt.shop.account().email)


@provokes("the_password_needs_at_least_8_characters_password")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(password="short")


@provokes("create_instacart_user:is_invalid_email")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(email="nobody")


@provokes("invalid_user_id_user_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.instacart_user_id = "1"
    return attempt.send()


@provokes("is_invalid_client_id")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(client_id="nobody")


@provokes("is_invalid_redirect_uri")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(redirect_uri="https://elsewhere.example")


@provokes("is_invalid_scope")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(scope="everything")


@provokes("is_invalid_response_type")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(response_type="token")


@provokes("is_invalid_code_challenge")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(code_challenge="short", code_challenge_method="S256")


# Handcart's own.


@provokes(
    *("is_invalid_after", "is_invalid_limit", "is_invalid_refused", "is_invalid_wait", "is_invalid_canonical"),
    *("handcart_sandbox_get_requests:is_invalid_status", "is_invalid_before"),
)
def _(attempt: Provoked) -> httpx.Response:
    return attempt.send(query={attempt.shown["meta"]["key"]: "x"})


@provokes("is_unknown_what_0")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(what=["hold_expry"])


@provokes("is_unknown_faults_0_operation")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(faults=[{"fault": "internal_error", "operation": "create_usr"}])


@provokes("is_unknown_faults_0_event")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(faults=[{"fault": "callback_drop", "event": "late_delivry"}])


@provokes("cant_be_blank_faults_0_slow_ms")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(faults=[{"fault": "slow"}])


@provokes("handcart_sandbox_run_order:is_not_waiting_for_this_type_of_batch_orders")
def _(attempt: Provoked) -> httpx.Response:
    attempt.market.set_status(attempt.order_id, "completed")
    return attempt.send()


@provokes("is_unknown_scenario")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(scenario="repalced")


@provokes("does_not_fit_this_order_scenario")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(scenario="runner_not_found")


@provokes("no_store_of_the_retailer_has_a_free_kind")
def _(attempt: Provoked) -> httpx.Response:
    attempt.market.server.sql(
        "UPDATE stores SET takes_delivery = false WHERE retailer_id = $1 RETURNING number", attempt.market.retailer.id
    )
    return attempt.send()


@provokes("the_retailers_catalog_has_no_item_for_such_kind")
def _(attempt: Provoked) -> httpx.Response:
    attempt.market.server.sql("DELETE FROM item_words WHERE retailer_id = $1 RETURNING rrc", attempt.market.retailer.id)
    attempt.market.server.sql("DELETE FROM items WHERE retailer_id = $1 RETURNING rrc", attempt.market.retailer.id)
    return attempt.send()


@provokes("handcart_sandbox_set_clock:there_were_issues_with_your_request")
def _(attempt: Provoked) -> httpx.Response:
    return attempt.having(at=5, frozen=5)


@provokes("handcart_sandbox_link_account:user_already_linked_user_id")
def _(attempt: Provoked) -> httpx.Response:
    attempt.having(email=f"{attempt.user_id}@example.com")
    return attempt.having(email=f"other-{attempt.user_id}@example.com")


@provokes("handcart_sandbox_link_account:validation_failed_common_identities_can_only_have_one_linking_token")
def _(attempt: Provoked) -> httpx.Response:
    email = f"{attempt.user_id}@example.com"
    attempt.having(email=email)
    attempt.user_id = attempt.shop.user()
    return attempt.having(email=email)
