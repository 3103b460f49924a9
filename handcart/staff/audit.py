"""The audit log: who did what, when and why. Rows are only added; the database refuses to change or delete them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from handcart.core import clock, ids
from handcart.core.db import Tx
from handcart.staff.models import Actor


async def record(
    tx: Tx,
    actor: Actor,
    operation: str,
    subject: str,
    *,
    retailer_id: int | None = None,
    reason: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a row in the transaction of the change that it tells of.

    `subject`: what was changed, such as `order/<retailer's slug>/<order id>`, `shopper/<id>` or `staff/<id>`.
    `detail` has values for JSON; secrets do not belong there.
    """
    written = None if detail is None else msgspec.json.encode(detail).decode()
    while True:  # another process may have made the same id
        made = await tx.run(
            "INSERT INTO audit_log (id, at, actor_kind, actor_id, actor_name, operation, retailer_id, subject, reason,"
            " detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING",
            ids.new_id(),
            clock.of_process(),
            actor.kind,
            actor.id,
            actor.name,
            operation,
            retailer_id,
            subject,
            reason,
            written,
        )
        if made:
            return
