"""Where a product is in its store, and its picture; the words by which items are searched."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    for name in ("department", "aisle", "shelf", "temperature", "image_url"):
        op.add_column("items", sa.Column(name, sa.Text, nullable=True))
    _index_words()
    op.create_index("items_by_department", "items", ["retailer_id", "department"])
    # A shopper has few batches that have not ended, and thousands that have.
    op.drop_index("batches_of_shopper", "batches")
    op.create_index("batches_of_shopper", "batches", ["retailer_id", "shopper_id", "ended_at"])


def _index_words() -> None:
    # Sorted by bytes, because a search reads a range of words.
    by_bytes = "C" if op.get_bind().dialect.name == "postgresql" else None
    op.create_table(
        "item_words",
        sa.Column("retailer_id", sa.BigInteger, nullable=False),
        sa.Column("word", sa.Text(collation=by_bytes), nullable=False),
        sa.Column("rrc", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("retailer_id", "word", "rrc"),
        sa.ForeignKeyConstraint(["retailer_id", "rrc"], ["items.retailer_id", "items.rrc"]),
        sqlite_with_rowid=False,
    )
    op.create_index("item_words_of_item", "item_words", ["retailer_id", "rrc", "word"])
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT retailer_id, rrc, upc, name FROM items")).all()
    words = [
        {"retailer_id": row.retailer_id, "word": word, "rrc": row.rrc}
        for row in rows
        for word in _words(row.name, row.rrc, row.upc)
    ]
    if words:
        connection.execute(
            sa.text("INSERT INTO item_words (retailer_id, word, rrc) VALUES (:retailer_id, :word, :rrc)"), words
        )


def _words(name: str, *codes: str | None) -> list[str]:
    """As `stores.words.of_item` at the time of this migration; a stored upc has its normal form."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    ends = [f"<{code[::-1]}" for code in codes if code]
    return sorted({word[:32] for word in (*re.findall(r"\w+", letters), *ends)})
