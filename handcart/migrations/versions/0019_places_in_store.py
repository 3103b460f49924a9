"""Where a product is in its store, and its picture."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    for name in ("department", "aisle", "shelf", "temperature", "image_url"):
        op.add_column("items", sa.Column(name, sa.Text, nullable=True))
