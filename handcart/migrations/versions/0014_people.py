"""Staff, sessions and passkeys of several audiences, one-time links, the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def _text(name: str, nullable: bool = False, **more: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, **more)  # type: ignore[arg-type]


def _number(name: str, nullable: bool = False, **more: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable, **more)  # type: ignore[arg-type]


def upgrade() -> None:
    _replace_sessions()
    op.create_table(
        "passkeys",
        _text("credential_id"),
        _text("audience"),
        _number("person_id"),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        _number("sign_count"),
        _text("name"),
        _number("created_at"),
        _number("used_at", nullable=True),
        sa.PrimaryKeyConstraint("credential_id"),
    )
    op.create_index("passkeys_of_person", "passkeys", ["audience", "person_id"])
    op.create_table(
        "one_time_links",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        _text("audience"),
        _text("purpose"),
        _number("person_id"),
        _number("created_at"),
        _number("expires_at"),
        _number("used_at", nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index("one_time_links_of_person", "one_time_links", ["audience", "person_id"])
    op.create_table(
        "staff",
        _number("id"),
        _text("email"),
        _text("name"),
        _text("role"),
        _number("retailer_id", nullable=True),
        _number("store_number", nullable=True),
        _text("password_hash", nullable=True),
        _number("created_at"),
        _number("closed_at", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "one_open_person_for_each_email",
        "staff",
        ["email"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "audit_log",
        _number("id"),
        _number("at"),
        _text("actor_kind"),
        _number("actor_id", nullable=True),
        _text("actor_name"),
        _text("operation"),
        _number("retailer_id", nullable=True),
        _text("subject"),
        _text("reason", nullable=True),
        _text("detail", nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.ForeignKeyConstraint(["retailer_id"], ["retailers.id"]),
    )
    op.create_index("audit_log_of_retailer", "audit_log", ["retailer_id", "id"])
    op.create_index("audit_log_of_subject", "audit_log", ["subject", "id"])
    _refuse_changes("audit_log")


def _replace_sessions() -> None:
    """Sessions refer to people of any audience. The sessions that exist are customers'."""
    op.create_table(
        "new_sessions",
        sa.Column("session_hash", sa.LargeBinary, nullable=False),
        _number("id"),
        _text("audience"),
        _number("person_id"),
        _text("name", server_default=""),
        _number("created_at"),
        _number("seen_at"),
        _number("unlocked_at", nullable=True),
        _number("wrong_pins", server_default="0"),
        sa.PrimaryKeyConstraint("session_hash", name="pk_sessions"),
        sa.UniqueConstraint("id", name="one_session_for_each_id"),
    )
    op.execute(
        "INSERT INTO new_sessions (session_hash, id, audience, person_id, created_at, seen_at)"
        " SELECT session_hash, row_number() OVER (ORDER BY created_at), 'customer', account_id, created_at, seen_at"
        " FROM sessions"
    )
    op.drop_table("sessions")
    op.rename_table("new_sessions", "sessions")
    op.create_index("sessions_of_person", "sessions", ["audience", "person_id"])
    op.create_index("sessions_seen", "sessions", ["seen_at"])


def _refuse_changes(table: str) -> None:
    """Make the database itself refuse to change or delete a row."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        # INSERT OR REPLACE deletes the row that is there without the trigger of DELETE.
        there = f"SELECT id FROM {table}"  # noqa: S608 (a name of ours)
        op.execute(
            f"CREATE TRIGGER {table}_keeps_rows BEFORE INSERT ON {table}"
            f" WHEN NEW.id IN ({there}) BEGIN SELECT RAISE(IGNORE); END"
        )
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_refuses BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_refuse()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_refuses_truncate BEFORE TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )
