"""Orders are found by their number, which stands in the link to their page."""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_index("orders_by_number", "orders", ["number"])
