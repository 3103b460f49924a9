"""The words of customers' names and the ends of their phone numbers, by which orders are searched."""

import json
import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"

_AT_ONCE = 1000
_ORDERS = (
    "SELECT o.retailer_id, o.number, o.details, u.first_name, u.last_name, u.phone_number FROM orders o"
    " LEFT JOIN users u ON u.isolation_id = o.isolation_id AND u.user_id = o.user_id"
    " WHERE o.number > :after ORDER BY o.number LIMIT :most"
)
_INSERT = "INSERT INTO order_words (retailer_id, word, number) VALUES (:retailer_id, :word, :number)"


def upgrade() -> None:
    # Sorted by bytes, because a search reads a range of words.
    by_bytes = "C" if op.get_bind().dialect.name == "postgresql" else None
    op.create_table(
        "order_words",
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("word", sa.Text(collation=by_bytes), nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("number", "word"),
        sqlite_with_rowid=False,
    )
    connection, after = op.get_bind(), -1
    while rows := connection.execute(sa.text(_ORDERS), {"after": after, "most": _AT_ONCE}).all():
        after = rows[-1].number
        words = [
            {"retailer_id": row.retailer_id, "word": word, "number": row.number} for row in rows for word in _words(row)
        ]
        if words:
            connection.execute(sa.text(_INSERT), words)
    op.create_index("order_words_by_word", "order_words", ["retailer_id", "word", sa.text("number DESC")])


def _words(row: sa.Row) -> list[str]:  # type: ignore[type-arg]
    """As `orders.customer_words` at the time of this migration."""
    details = json.loads(row.details)
    names = (row.first_name, row.last_name, details.get("first_name"), details.get("last_name"))
    plain = unicodedata.normalize("NFKD", " ".join(name or "" for name in names).casefold())
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    phones = [re.sub("[^0-9]", "", phone or "") for phone in (row.phone_number, details.get("phone_number"))]
    return sorted({word[:32] for word in (*re.findall(r"\w+", letters), *(f"<{one[::-1]}" for one in phones if one))})
