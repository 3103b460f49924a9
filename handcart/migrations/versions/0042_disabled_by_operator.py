"""Which webhooks, API clients and stores the operator disabled or closed, so that a retailer cannot undo it."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    for table, name in (
        ("webhooks", "disabled_by_operator"),
        ("clients", "disabled_by_operator"),
        ("stores", "closed_by_operator"),
    ):
        op.add_column(table, sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
    # Until now only commands disabled clients, and commands are the operator's.
    op.execute("UPDATE clients SET disabled_by_operator = true WHERE disabled_at IS NOT NULL")
    op.execute(
        "UPDATE webhooks SET disabled_by_operator = true"
        " WHERE status = 'disabled' AND status_reason = 'disabled by the operator'"
    )
