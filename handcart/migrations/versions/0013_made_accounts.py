"""Accounts made by an organization's sandbox calls have e-mail addresses of that organization's own."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_MAKER = "(SELECT min(organization_id) FROM sandbox_users s WHERE s.account_id = accounts.id)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _replace_table()
    else:
        op.add_column("accounts", _organization())
        op.execute(f"UPDATE accounts SET organization_id = {_MAKER}")  # noqa: S608 (constant)
        op.drop_constraint("accounts_email_key", "accounts")
    op.drop_table("sandbox_users")
    # Null, of the platform's own accounts, would not be unique.
    op.create_index("accounts_by_email", "accounts", ["email", sa.text("COALESCE(organization_id, 0)")], unique=True)
    made = sa.text("organization_id IS NOT NULL")
    op.create_index(
        "accounts_of_organization", "accounts", ["organization_id"], sqlite_where=made, postgresql_where=made
    )


def _replace_table() -> None:
    """SQLite cannot drop a constraint. Foreign keys are not enforced during a migration, and refer to the name."""
    op.create_table(
        "new_accounts",
        sa.Column("id", sa.BigInteger, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=True),
        _organization(),
        sa.PrimaryKeyConstraint("id"),
    )
    columns = f"id, email, password_hash, created_at, closed_at, {_MAKER}"
    op.execute(f"INSERT INTO new_accounts SELECT {columns} FROM accounts")  # noqa: S608 (constants)
    op.drop_table("accounts")
    op.rename_table("new_accounts", "accounts")


def _organization() -> sa.Column[int]:
    return sa.Column("organization_id", sa.BigInteger, sa.ForeignKey("organizations.id"), nullable=True)
