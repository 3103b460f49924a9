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
    "see_pictures": "See pictures, such as proofs of delivery",
    "see_shoppers": "See shoppers and their devices",
    "invite_shoppers": "Invite shoppers",
    "change_shoppers": "Change, block and close shoppers",
    "end_devices": "Sign a shopper's device out",
    "see_staff": "See people and their roles",
    "change_staff": "Invite people, change their roles, make links for new passwords, close people",
    "see_audit": "See the audit log",
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
                "see_customers",
                "assign_orders",
                "cancel_orders",
                "reschedule_orders",
                "see_pictures",
                "see_shoppers",
                "invite_shoppers",
                "change_shoppers",
                "end_devices",
            }
        ),
    ),
    "support": Role(
        "Support",
        "everywhere",
        frozenset(
            {
                "see_orders",
                "see_customers",
                "cancel_orders",
                "reschedule_orders",
                "see_pictures",
                "see_shoppers",
                "end_devices",
            }
        ),
    ),
    "retailer_manager": Role(
        "Retailer manager",
        "retailer",
        frozenset(
            {
                "see_orders",
                "see_customers",
                "cancel_orders",
                "reschedule_orders",
                "see_pictures",
                "see_staff",
                "see_audit",
            }
        ),
    ),
    "store_associate": Role("Store associate", "store", frozenset({"see_orders"})),
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
