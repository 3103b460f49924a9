"""Back to the seed: what a retailer's calls have made is gone, what its operator has set up is still there."""

from collections import Counter
from collections.abc import Mapping, Sequence

from handcart.core.db import Tx
from handcart.linking import ops as linking
from handcart.sandbox import clock, faults
from handcart.sandbox import state as states

_RETAILER = "retailer_id = $1"
# Users whom several banners share are not one banner's to remove: then this is another number.
_ISOLATION = "isolation_id = $1"
_CLIENTS = "client_id IN (SELECT client_id FROM clients WHERE retailer_id = $1)"

# The platform's accounts that this sandbox has made. Those of an organization of several banners stay.
_MADE = (
    "SELECT s.account_id FROM sandbox_users s JOIN retailers r ON r.organization_id = s.organization_id"
    " WHERE r.id = $1 AND NOT EXISTS"
    " (SELECT 1 FROM retailers o WHERE o.organization_id = r.organization_id AND o.id <> r.id)"
)
_ACCOUNTS = f"account_id IN ({_MADE})"

# What is removed of a retailer $1, in an order that no reference stands against.
REMOVED: Sequence[tuple[str, str]] = (
    ("robot_runs", _RETAILER),
    ("attempts", _RETAILER),
    ("deliveries", _RETAILER),
    ("events", _RETAILER),
    ("batch_orders", _RETAILER),
    ("batches", _RETAILER),
    ("shoppers", _RETAILER),
    ("order_history", _RETAILER),
    ("later_events", _RETAILER),
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
    ("sessions", _ACCOUNTS),
    ("memberships", _ACCOUNTS),
    ("sandbox_users", _ACCOUNTS),
    ("accounts", "id = $1"),  # each of those
)
# What stays, and why.
KEPT: Mapping[str, str] = {
    "alembic_version": "the schema",
    "installation": "the installation itself; of this retailer's sandbox, its clock and faults go",
    "rate_limits": "nobody's in particular",
    "organizations": "set up by the operator",
    "retailers": "set up by the operator",
    "clients": "set up by the operator",
    "client_secrets": "set up by the operator",
    "redirect_uris": "set up by the operator",
    "webhooks": "set up by the operator; of those, what became of them so far goes",
    "stores": "the seed",
    "items": "the seed",
    "slot_plans": "the seed",
    "slot_exceptions": "the seed; slots that a fault took are there again",
    "postal_codes": "facts",
}


# Made accounts of which other retailers hold anything.
_SHARED = (
    f"SELECT account_id FROM links WHERE {_ACCOUNTS} AND retailer_id <> $1"  # noqa: S608
    f" UNION SELECT account_id FROM link_history WHERE {_ACCOUNTS} AND isolation_id <> $1"
    f" UNION SELECT account_id FROM tokens WHERE {_ACCOUNTS} AND (retailer_id IS NULL OR retailer_id <> $1)"
    f" UNION SELECT account_id FROM authorization_codes WHERE {_ACCOUNTS} AND NOT {_CLIENTS}"
)


async def reset(tx: Tx, retailer_id: int) -> dict[str, int]:
    """Remove what a retailer's calls have made, release its clock, switch its faults off.

    A made account of which another retailer holds anything is closed in place of that, as its owner would close it: its
    links end with a line in their history, and its e-mail address is free again.
    Answers how many rows of each table are gone.
    """
    await faults.switch_off(tx, retailer_id)
    await clock.release(tx, retailer_id)
    await states.forget(tx, retailer_id)
    for shared in await tx.all(_SHARED, retailer_id):
        account_id = shared["account_id"]
        await linking.close_account(tx, account_id)
        await tx.run("UPDATE accounts SET email = $2 WHERE id = $1", account_id, f"{account_id}@closed.invalid")
        await tx.run("DELETE FROM sandbox_users WHERE account_id = $1", account_id)
    accounts = [row["account_id"] for row in await tx.all(_MADE, retailer_id)]
    removed: Counter[str] = Counter()
    for table, where in REMOVED:
        for owner in accounts if table == "accounts" else (retailer_id,):
            removed[table] += await tx.run(f"DELETE FROM {table} WHERE {where}", owner)  # noqa: S608 (the table above)
    return dict(removed)
