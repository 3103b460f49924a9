"""`nothing_written` notices each kind of write on both databases."""

import pytest

from tests.support.contents import nothing_written
from tests.support.shop import Shop

WRITES = {
    "insert": "INSERT INTO users (isolation_id, user_id, created_at) VALUES ($1, 'other', 0) RETURNING user_id",
    "update": "UPDATE users SET first_name = 'Other' WHERE isolation_id = $1 RETURNING user_id",
    "delete": "DELETE FROM users WHERE isolation_id = $1 RETURNING user_id",
}


@pytest.mark.parametrize("statement", WRITES.values(), ids=WRITES)
def test_row_is_written_then_its_table_is_named(shop: Shop, statement: str) -> None:
    shop.user()
    with pytest.raises(AssertionError, match="users"), nothing_written(shop.server):
        assert shop.server.sql(statement, shop.retailer.isolation_id)


def test_row_is_only_read_or_locked_then_nothing_was_written(shop: Shop) -> None:
    shop.user()
    lock = " FOR UPDATE" if shop.server.database == "postgresql" else ""
    with nothing_written(shop.server):
        assert shop.server.sql(f"SELECT * FROM users WHERE isolation_id = $1{lock}", shop.retailer.isolation_id)
