"""Reset a retailer: delete what its calls created, keep what its operator set up."""

from collections import Counter
from collections.abc import Mapping, Sequence

from handcart.core.db import Tx
from handcart.linking import ops as linking
from handcart.sandbox import state as states
from handcart.sandbox.control import clock, faults

_RETAILER = "retailer_id = $1"
# For users shared by several banners this matches no row: one banner may not delete them.
_ISOLATION = "isolation_id = $1"
_CLIENTS = "client_id IN (SELECT client_id FROM clients WHERE retailer_id = $1)"

# Accounts made by this sandbox. Accounts of an organization with several banners are kept.
_MADE = (
    "SELECT a.id FROM accounts a JOIN retailers r ON r.organization_id = a.organization_id"
    " WHERE r.id = $1 AND NOT EXISTS"
    " (SELECT 1 FROM retailers o WHERE o.organization_id = r.organization_id AND o.id <> r.id)"
)
_ACCOUNTS = f"account_id IN ({_MADE})"

# The areas that the engine and a dispatcher plan for this retailer alone.
_AREAS = (
    "area IN (SELECT 'retailer/' || slug FROM retailers WHERE id = $1"
    " UNION SELECT 'proposed/' || slug FROM retailers WHERE id = $1)"
)

# Rows of retailer $1 to delete, in an order that respects references.
REMOVED: Sequence[tuple[str, str]] = (
    ("robot_runs", _RETAILER),
    ("chat_messages", _RETAILER),
    ("message_attempts", "message_id IN (SELECT id FROM messages WHERE retailer_id = $1)"),
    ("messages", _RETAILER),
    ("attempts", _RETAILER),
    ("deliveries", _RETAILER),
    ("events", _RETAILER),
    ("request_log", _RETAILER),
    ("batch_orders", _RETAILER),
    ("batches", _RETAILER),
    ("retailer_shoppers", _RETAILER),
    ("acts", _RETAILER),
    ("order_warnings", _RETAILER),
    ("order_claims", _RETAILER),
    ("assignment_pins", _RETAILER),
    ("assignment_decisions", _RETAILER),
    ("assignment_areas", _AREAS),
    ("order_history", _RETAILER),
    ("ended_orders", _RETAILER),
    ("daily_figures", _RETAILER),
    ("daily_callbacks", _RETAILER),
    ("money_lines", _RETAILER),
    ("month_sums", _RETAILER),
    ("closed_months", _RETAILER),
    ("later_events", _RETAILER),
    ("signatures", _RETAILER),
    ("order_words", _RETAILER),
    ("orders", _RETAILER),
    ("holds", _RETAILER),
    ("slot_ledger", _RETAILER),
    ("idempotency_keys", _CLIENTS),
    ("links", f"{_RETAILER} OR {_ACCOUNTS}"),
    ("link_history", f"{_ISOLATION} OR {_ACCOUNTS}"),
    ("addresses", _ISOLATION),
    ("users", _ISOLATION),
    ("deleted_users", _ISOLATION),
    ("tokens", f"{_RETAILER} AND (user_id IS NOT NULL OR account_id IS NOT NULL) OR {_ACCOUNTS}"),
    ("authorization_codes", f"{_CLIENTS} OR {_ACCOUNTS}"),
    ("authorization_requests", _CLIENTS),
    ("sessions", f"audience = 'customer' AND person_id IN ({_MADE})"),
    ("memberships", _ACCOUNTS),
    ("accounts", "id = $1"),  # each of the accounts above
)
# Tables that are kept, and why.
KEPT: Mapping[str, str] = {
    "alembic_version": "the schema",
    "installation": "the installation itself; of this retailer's sandbox, its clock and faults go",
    "rate_limits": "nobody's in particular",
    "organizations": "set up by the operator",
    "retailers": "set up by the operator",
    "clients": "set up by the operator",
    "client_secrets": "set up by the operator",
    "client_uses": "of clients, which are kept",
    "redirect_uris": "set up by the operator",
    "webhooks": "set up by the operator; only the records of their deliveries are deleted",
    "stores": "the seed",
    "items": "the seed",
    "item_words": "the seed",
    "uploads": "expire by themselves",
    "store_items": "set up by the operator",
    "slot_plans": "the seed",
    "slot_exceptions": "the seed; slots that a fault took are there again",
    "postal_codes": "facts",
    "staff": "the operator's people",
    "staff_pins": "of the operator's people",
    "store_tablets": "set up by the operator",
    "audit_log": "never changes",
    "alerts": "about the whole installation; a sandbox has none",
    "passkeys": "of the operator's people and shoppers",
    "one_time_links": "of the operator's people and shoppers",
    "shoppers": "the operator's; only what stands for them at this retailer is deleted",
    "pictures": "expire by themselves",
    "pickup_instructions": "set up by the operator",
    "fees": "set up by the operator",
    "pay_rates": "set up by the operator",
    "message_texts": "set up by the operator",
    "suppressions": "of people, not of retailers",
    "replies": "of people, not of retailers",
    "push_subscriptions": "expire by themselves",
    "vapid_keys": "of the installation",
    "shifts": "of the operator's shoppers",
    "shopper_positions": "of the operator's shoppers; expire by themselves",
    "awaited_pictures": "expire by themselves",
}


# Accounts made by this sandbox that other retailers have data of.
_SHARED = (
    f"SELECT account_id FROM links WHERE {_ACCOUNTS} AND retailer_id <> $1"  # noqa: S608
    f" UNION SELECT account_id FROM link_history WHERE {_ACCOUNTS} AND isolation_id <> $1"
    f" UNION SELECT account_id FROM tokens WHERE {_ACCOUNTS} AND (retailer_id IS NULL OR retailer_id <> $1)"
    f" UNION SELECT account_id FROM authorization_codes WHERE {_ACCOUNTS} AND NOT {_CLIENTS}"
)


async def reset(tx: Tx, retailer_id: int) -> dict[str, int]:
    """Delete what a retailer's calls created, release its clock, switch its faults off.

    An account that another retailer has data of is closed instead of deleted: its links end with a line in their
    history, and its e-mail address can be used again.
    Returns the number of deleted rows per table.
    """
    await faults.switch_off(tx, retailer_id)
    await clock.release(tx, retailer_id)
    await states.forget(tx, retailer_id)
    for shared in await tx.all(_SHARED, retailer_id):
        account_id = shared["account_id"]
        await linking.close_account(tx, account_id)
        await tx.run(
            "UPDATE accounts SET email = $2, organization_id = NULL WHERE id = $1",
            account_id,
            f"{account_id}@closed.invalid",
        )
    accounts = [row["id"] for row in await tx.all(_MADE, retailer_id)]
    removed: Counter[str] = Counter()
    for table, where in REMOVED:
        for owner in accounts if table == "accounts" else (retailer_id,):
            removed[table] += await tx.run(f"DELETE FROM {table} WHERE {where}", owner)  # noqa: S608 (the table above)
    return dict(removed)
