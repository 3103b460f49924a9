"""Roles x operations: every cell of the table, and where it counts."""

from itertools import product

import pytest

from handcart.core.web.browser import PageRefused
from handcart.staff.models import SYSTEM, Actor, command_line
from handcart.staff.roles import OPERATIONS, ROLES, includes, require

MAY = {
    "operator_admin": set(OPERATIONS),
    "dispatcher": {
        *("see_orders", "see_customers", "assign_orders", "cancel_orders", "reschedule_orders"),
        *("unlock_pins", "see_pictures", "see_shoppers", "invite_shoppers", "change_shoppers", "end_devices"),
        *("see_messages", "replay_messages", "see_reports", "see_shifts", "change_shifts", "see_alerts"),
        *("see_suppressions", "end_suppressions"),
        *("see_stores", "see_catalog", "see_slots", "close_stores", "change_availability", "change_slots"),
        *("see_exceptions", "tell_people", "push_orders", "return_orders"),
        *("refund_lines", "see_map", "pause_webhooks"),
    },
    "support": {
        *("see_orders", "see_customers", "cancel_orders", "reschedule_orders"),
        *("unlock_pins", "see_pictures", "see_shoppers", "end_devices", "see_messages", "replay_messages"),
        *("see_shifts", "see_alerts", "see_suppressions", "end_suppressions"),
        *("see_retailers", "see_clients", "see_stores", "see_catalog", "see_slots"),
        *("see_exceptions", "tell_people", "return_orders", "refund_lines"),
        *("see_webhooks", "replay_webhooks", "see_requests"),
        *("see_accounts", "change_accounts"),
    },
    "retailer_manager": {
        *("see_orders", "see_customers", "cancel_orders", "reschedule_orders"),
        *("see_pictures", "see_staff", "see_audit", "see_messages", "change_texts"),
        *("see_reports", "see_money", "see_exceptions"),
        *("see_retailers", "see_clients", "change_clients", "see_stores", "change_stores", "close_stores"),
        *("see_catalog", "change_catalog", "change_availability", "see_slots", "change_slots"),
        *("see_webhooks", "change_webhooks", "replay_webhooks", "see_requests"),
        *("see_webhooks", "change_webhooks", "replay_webhooks"),
        *("work_in_store", "change_tablets"),
    },
    "store_associate": {"see_orders", "see_stores", "see_catalog", "change_availability", "see_slots", "work_in_store"},
}


def is_allowed(actor: Actor, operation: str, retailer_id: int | None, store_number: int | None) -> bool:
    try:
        require(actor, operation, retailer_id, store_number)
    except PageRefused as refused:
        if refused.text_key != "forbidden":
            raise
        return False
    return True


def test_roles_are_listed_then_these_and_no_others() -> None:
    assert {name: set(role.operations) for name, role in ROLES.items()} == MAY


@pytest.mark.parametrize(("role", "operation"), list(product(MAY, OPERATIONS)))
def test_role_and_operation_then_only_what_the_table_says(role: str, operation: str) -> None:
    own = {"everywhere": (None, None), "retailer": (1, None), "store": (1, 7)}[ROLES[role].reach]
    actor = Actor("staff", 1, "Sample", role, *own)
    may = operation in MAY[role]
    assert includes(actor, operation) == may
    for place in ((None, None), (1, None), (1, 7), (1, 8), (2, None), (2, 7)):
        reaches = all(ours in (None, theirs) for ours, theirs in zip(own, place, strict=True))
        assert is_allowed(actor, operation, *place) == (may and reaches), place


@pytest.mark.parametrize("operation", OPERATIONS)
def test_command_or_system_then_everything_and_a_shopper_nothing(operation: str) -> None:
    for actor in (SYSTEM, command_line()):
        assert is_allowed(actor, operation, 1, 1)
    assert not is_allowed(Actor("shopper", 1, "Sample"), operation, None, None)
    assert not is_allowed(Actor("staff", 1, "Sample", "made_up"), operation, None, None)
