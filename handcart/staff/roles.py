"""Who may do what: roles x operations, as data. docs/operations/people.md shows the table."""

from collections.abc import Mapping

from msgspec import Struct

from handcart.staff import errors
from handcart.staff.models import Actor

# What a person may do, in the order of the table. The texts say it to people.
OPERATIONS: Mapping[str, str] = {
    "see_orders": "See orders: the board, an order's page and its timeline",
    "see_customers": "See the names, phone numbers and addresses of orders' customers",
    "assign_orders": "Give an order to a shopper, and take it away",
    "cancel_orders": "Cancel an order",
    "reschedule_orders": "Move an order to another window",
    "unlock_pins": "Let a shopper try again after too many wrong PINs for an order",
    "see_exceptions": "See the orders that need a person, and say who works on one",
    "tell_people": "Tell a customer that the order is late, and write to the shopper of an order",
    "push_orders": "Push an order forward by hand, at the store",
    "return_orders": "Let an order be left at the door or brought back to the store, and say that it is back",
    "refund_lines": "Refund lines of an order",
    "see_map": "See the map with stores, orders and shoppers",
    "see_pictures": "See pictures, such as proofs of delivery",
    "see_shoppers": "See shoppers and their devices",
    "invite_shoppers": "Invite shoppers",
    "change_shoppers": "Change, block and close shoppers",
    "end_devices": "Sign a shopper's device out",
    "see_stores": "See stores: hours, areas, whether one is closed today",
    "change_stores": "Add and change stores",
    "close_stores": "Close a store for today, and open it again",
    "see_catalog": "See the catalog of items",
    "change_catalog": "Add and change items",
    "change_availability": "Say what a store has, and at what price",
    "see_slots": "See windows and their places",
    "change_slots": "Change how many orders windows take",
    "see_staff": "See people and their roles",
    "change_staff": "Invite people, change their roles, make links for new passwords, close people",
    "see_audit": "See the audit log",
    "see_alerts": "See alerts about the network",
    "see_messages": "See messages to customers, and the attempts to send them",
    "replay_messages": "Send messages, and events about an order, again",
    "see_suppressions": "See which addresses get no messages",
    "end_suppressions": "Let an address get messages again",
    "pause_webhooks": "Disable a webhook whose receiver fails",
    "change_texts": "Change the texts of messages",
    "see_shifts": "See shifts",
    "change_shifts": "Plan, change and remove shifts",
    "see_reports": "See reports",
    "see_money": "See the statements of retailers",
    "see_payouts": "See the pay and the payouts of shoppers",
    "change_money": "Set fees and pay, and close months",
    "see_retailers": "See retailers and their settings",
    "change_retailers": "Add retailers, and change their settings",
    "see_clients": "See API clients",
    "change_clients": "Make API clients and their secrets, change and disable them, revoke their tokens",
    "see_webhooks": "See webhooks, and the deliveries of their events",
    "change_webhooks": "Make, change, disable and delete webhooks, and make their secrets",
    "replay_webhooks": "Send events to a webhook again",
    "see_requests": "See the log of API calls",
    "work_in_store": "Work with the store's app: stage, hand over, bring out, take back",
    "change_tablets": "Add and end the tablets of stores, and unlock PINs for them",
    "set_up": "Set the network up: the first run, with test mails and test orders",
    "see_accounts": "Find customers' accounts, and see their links, membership and sessions",
    "change_accounts": "Change customers' accounts: membership, links, sessions, new passwords, export, deletion",
    "see_settings": "See the settings of the server, and what is unsafe",
}


class Role(Struct, frozen=True):
    """A role: where it counts (`everywhere`, `retailer` or `store`), and the operations that it includes."""

    label: str
    reach: str
    operations: frozenset[str]


ROLES: Mapping[str, Role] = {
    "operator_admin": Role("Operator admin", "everywhere", frozenset(OPERATIONS)),
    "dispatcher": Role(
        "Dispatcher",
        "everywhere",
        frozenset(
            {
                "see_orders",
                "see_stores",
                "see_catalog",
                "see_slots",
                "close_stores",
                "change_availability",
                "change_slots",
                "see_customers",
                "assign_orders",
                "cancel_orders",
                "reschedule_orders",
                "unlock_pins",
                "see_exceptions",
                "tell_people",
                "push_orders",
                "return_orders",
                "refund_lines",
                "pause_webhooks",
                "see_map",
                "see_pictures",
                "see_shoppers",
                "invite_shoppers",
                "change_shoppers",
                "end_devices",
                "see_messages",
                "see_alerts",
                "replay_messages",
                "see_suppressions",
                "end_suppressions",
                "see_reports",
                "see_shifts",
                "change_shifts",
            }
        ),
    ),
    "support": Role(
        "Support",
        "everywhere",
        frozenset(
            {
                "see_orders",
                "see_stores",
                "see_catalog",
                "see_slots",
                "see_customers",
                "cancel_orders",
                "reschedule_orders",
                "unlock_pins",
                "see_exceptions",
                "tell_people",
                "return_orders",
                "refund_lines",
                "see_pictures",
                "see_shoppers",
                "end_devices",
                "see_messages",
                "see_alerts",
                "replay_messages",
                "see_suppressions",
                "end_suppressions",
                "see_shifts",
                "see_retailers",
                "see_clients",
                "see_webhooks",
                "replay_webhooks",
                "see_requests",
                "see_accounts",
                "change_accounts",
            }
        ),
    ),
    "retailer_manager": Role(
        "Retailer manager",
        "retailer",
        frozenset(
            {
                "see_orders",
                "see_stores",
                "see_catalog",
                "see_slots",
                "change_stores",
                "close_stores",
                "change_catalog",
                "change_availability",
                "change_slots",
                "see_customers",
                "cancel_orders",
                "reschedule_orders",
                "see_exceptions",
                "see_pictures",
                "see_staff",
                "see_audit",
                "see_messages",
                "change_texts",
                "see_reports",
                "see_money",
                "see_retailers",
                "see_clients",
                "change_clients",
                "see_webhooks",
                "change_webhooks",
                "replay_webhooks",
                "see_requests",
                "work_in_store",
                "change_tablets",
            }
        ),
    ),
    "store_associate": Role(
        "Store associate",
        "store",
        frozenset({"see_orders", "see_stores", "see_catalog", "change_availability", "see_slots", "work_in_store"}),
    ),
}


def includes(actor: Actor, operation: str) -> bool:
    """Whether the actor may do an operation, at least somewhere. Commands and the system may do everything."""
    if actor.kind in ("command", "system"):
        return True
    role = ROLES.get(actor.role or "")
    return actor.kind == "staff" and role is not None and operation in role.operations


def require(actor: Actor, operation: str, retailer_id: int | None = None, store_number: int | None = None) -> None:
    """Raise `errors.forbidden` unless the actor may do an operation at a store, at a retailer, or everywhere.

    A person of a retailer may only do it at that retailer, a person of a store only at that store. To list what a
    person may see, require the operation at `actor.retailer_id` and `actor.store_number`, and list only what is there.
    """
    assert operation in OPERATIONS, operation
    if not includes(actor, operation):
        raise errors.forbidden()
    if actor.retailer_id is not None and retailer_id != actor.retailer_id:
        raise errors.forbidden()
    if actor.store_number is not None and store_number != actor.store_number:
        raise errors.forbidden()
