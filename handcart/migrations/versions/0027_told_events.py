"""Which events customers have been told of. One process at a time tells them, with the row `notifications` locked."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.execute("INSERT INTO installation (name, value) VALUES ('notifications', '')")
    # Nobody is told of events from before.
    op.add_column("events", sa.Column("is_told", sa.Boolean, nullable=False, server_default=sa.true()))
    condition = sa.text("NOT is_told")
    op.create_index(
        "events_to_tell",
        "events",
        ["retailer_id", "event_id"],
        sqlite_where=condition,
        postgresql_where=condition,
    )
