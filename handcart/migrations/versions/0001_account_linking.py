"""Retailers, clients, accounts, memberships, tokens, users, links.

Times are integer microseconds UTC. Tenant data is keyed by `isolation_id` first. Secrets are keyed hashes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(name: str, **options: object) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=bool(options.pop("nullable", False)), **options)  # type: ignore[arg-type]


def _number(name: str, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False)


def _hash(name: str, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=nullable)


def upgrade() -> None:
    _installation()
    _retailers()
    _accounts()
    _oauth()
    _users()
    _links()


def _installation() -> None:
    op.create_table("installation", _text("name"), _text("value"), sa.PrimaryKeyConstraint("name"))
    op.create_table(
        "rate_limits",
        _text("subject"),
        _number("window_starts_at"),
        _number("hits"),
        sa.PrimaryKeyConstraint("subject", "window_starts_at"),
    )


def _retailers() -> None:
    op.create_table(
        "organizations",
        _number("id"),
        _text("slug", unique=True),
        _number("created_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "retailers",
        _number("id"),
        _number("organization_id"),
        _number("isolation_id"),
        _text("slug", unique=True),
        _text("name"),
        _flag("allows_user_deletion"),
        _number("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
    )
    op.create_index("retailers_of_organization", "retailers", ["organization_id"])
    op.create_table(
        "clients",
        _text("client_id"),
        _number("organization_id"),
        _number("retailer_id", nullable=True),
        _text("name"),
        _text("scopes"),
        _flag("require_pkce"),
        _flag("require_state"),
        _number("created_at"),
        _number("disabled_at", nullable=True),
        sa.PrimaryKeyConstraint("client_id"),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_table(
        "client_secrets",
        _text("client_id"),
        _hash("secret_hash"),
        _number("created_at"),
        _number("expires_at", nullable=True),
        sa.PrimaryKeyConstraint("client_id", "secret_hash"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.client_id"]),
    )
    op.create_table(
        "redirect_uris",
        _text("client_id"),
        _text("redirect_uri"),
        sa.PrimaryKeyConstraint("client_id", "redirect_uri"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.client_id"]),
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        _number("id"),
        _text("email", unique=True),
        _text("password_hash"),
        _number("created_at"),
        _number("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "memberships",
        _number("account_id"),
        _number("starts_at"),
        _number("ends_at"),
        sa.PrimaryKeyConstraint("account_id", "starts_at"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.CheckConstraint("starts_at <= ends_at"),
    )
    op.create_table(
        "sessions",
        _hash("session_hash"),
        _number("account_id"),
        _number("created_at"),
        _number("seen_at"),
        sa.PrimaryKeyConstraint("session_hash"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
    )
    op.create_index("sessions_of_account", "sessions", ["account_id"])


def _oauth() -> None:
    op.create_table(
        "authorization_requests",
        _text("id"),
        _hash("session_hash"),
        _text("client_id"),
        _text("redirect_uri"),
        _text("scope"),
        _text("state", nullable=True),
        _text("code_challenge", nullable=True),
        _number("step"),
        _number("created_at"),
        _number("expires_at"),
        _number("answered_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.client_id"]),
    )
    op.create_index("authorization_requests_of_session", "authorization_requests", ["session_hash"])
    op.create_index("authorization_requests_by_end", "authorization_requests", ["expires_at"])
    op.create_table(
        "authorization_codes",
        _hash("code_hash"),
        _text("client_id"),
        _number("account_id"),
        _text("redirect_uri"),
        _text("scope"),
        _text("code_challenge", nullable=True),
        _number("expires_at"),
        _number("used_at", nullable=True),
        sa.PrimaryKeyConstraint("code_hash"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.client_id"]),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
    )
    op.create_index("authorization_codes_of_account", "authorization_codes", ["account_id"])
    op.create_index("authorization_codes_by_end", "authorization_codes", ["expires_at"])
    # No foreign key: issuing a token is the hottest write, and clients are never deleted.
    op.create_table(
        "tokens",
        _hash("token_hash"),
        _text("client_id"),
        _number("organization_id"),
        _number("retailer_id", nullable=True),
        _number("isolation_id", nullable=True),
        _text("scope"),
        _text("user_id", nullable=True),
        _number("account_id", nullable=True),
        _hash("code_hash", nullable=True),
        _number("created_at"),
        _number("expires_at"),
        _number("used_at", nullable=True),
        _number("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("tokens_by_end", "tokens", ["expires_at"])
    for column in ("code_hash", "account_id", "user_id"):
        filled = sa.text(f"{column} IS NOT NULL")
        columns = ["isolation_id", column] if column == "user_id" else [column]
        op.create_index(f"tokens_by_{column}", "tokens", columns, sqlite_where=filled, postgresql_where=filled)


def _users() -> None:
    op.create_table(
        "users",
        _number("isolation_id"),
        _text("user_id"),
        _text("first_name", nullable=True),
        _text("last_name", nullable=True),
        _text("phone_number", nullable=True),
        _text("locale", nullable=True),
        _number("created_at"),
        sa.PrimaryKeyConstraint("isolation_id", "user_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "addresses",
        _number("isolation_id"),
        _text("user_id"),
        _text("address_line_1"),
        _text("address_line_2"),
        _text("postal_code"),
        _text("city", nullable=True),
        _text("address_type", nullable=True),
        _number("validated_at"),
        sa.PrimaryKeyConstraint("isolation_id", "user_id", "postal_code", "address_line_1", "address_line_2"),
        sa.ForeignKeyConstraint(["isolation_id", "user_id"], ["users.isolation_id", "users.user_id"]),
    )
    op.create_table(
        "deleted_users",
        _number("isolation_id"),
        _hash("user_id_hash"),
        _number("deleted_at"),
        sa.PrimaryKeyConstraint("isolation_id", "user_id_hash"),
    )


def _links() -> None:
    op.create_table(
        "links",
        _number("isolation_id"),
        _text("user_id"),
        _number("account_id"),
        _number("retailer_id"),
        _hash("token_hash"),
        _number("linked_at"),
        sa.PrimaryKeyConstraint("isolation_id", "user_id"),
        sa.UniqueConstraint("isolation_id", "account_id"),
        sa.ForeignKeyConstraint(["isolation_id", "user_id"], ["users.isolation_id", "users.user_id"]),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
        sqlite_with_rowid=False,
    )
    op.create_index("links_of_account", "links", ["account_id"])
    op.create_table(
        "link_history",
        _number("isolation_id"),
        _text("user_id"),
        _number("account_id"),
        _number("linked_at"),
        _number("unlinked_at"),
        _text("unlinked_by"),
        sa.PrimaryKeyConstraint("isolation_id", "user_id", "linked_at"),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"]),
    )
