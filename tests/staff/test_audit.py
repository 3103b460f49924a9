"""The audit log: what is added can be read, filtered, and never changed."""

from typing import Any

import pytest

from handcart.staff import audit, queries
from handcart.staff.models import SYSTEM, Actor
from tests.support.shop import Shop

SAM = Actor("staff", 5, "Sam")


def record(shop: Shop, subject: str, **more: Any) -> None:
    given = {"actor": SAM, "operation": "cancel_orders", "retailer_id": shop.retailer.id, **more}
    shop.server.write(audit.record, subject=subject, **given)


def entries(shop: Shop, **filters: Any) -> list[str]:
    found = shop.server.read(queries.entries, retailer_id=shop.retailer.id, **filters)
    return [entry.subject for entry in found]


def test_row_is_recorded_then_it_is_read_as_it_was(shop: Shop) -> None:
    record(shop, f"order/{shop.slug}/1", reason="closed early", detail={"by": ["café"]})
    (entry,) = shop.server.read(queries.entries, subject=f"order/{shop.slug}/1")
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("staff", 5, "Sam")
    assert (entry.operation, entry.reason, entry.detail) == ("cancel_orders", "closed early", {"by": ["café"]})


def test_filters_then_newest_first_and_only_what_fits(shop: Shop) -> None:
    for number in range(5):
        record(shop, f"order/{number}", actor=SYSTEM if number == 2 else SAM)
    record(shop, "order/5", operation="assign_orders")
    assert entries(shop) == [f"order/{number}" for number in range(5, -1, -1)]
    assert entries(shop, operation="assign_orders") == ["order/5"]
    assert entries(shop, actor_name=SYSTEM.name) == ["order/2"]
    assert entries(shop, subject="order/1") == ["order/1"]
    first = shop.server.read(queries.entries, retailer_id=shop.retailer.id, limit=2)
    assert entries(shop, before=first[-1].id) == ["order/3", "order/2", "order/1", "order/0"]
    assert entries(shop, since=first[0].at + 1) == []
    assert len(entries(shop, until=first[0].at + 1)) == 6


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET reason = 'another' WHERE retailer_id = $1", "DELETE FROM audit_log WHERE retailer_id = $1"],
)
def test_row_is_changed_by_statement_then_the_database_refuses(shop: Shop, statement: str) -> None:
    record(shop, "order/1", reason="first")
    with pytest.raises(Exception, match="audit_log is append-only"):
        shop.server.sql(f"{statement} RETURNING id", shop.retailer.id)
    (entry,) = shop.server.read(queries.entries, retailer_id=shop.retailer.id)
    assert entry.reason == "first"


def test_row_is_written_over_then_the_first_stays(shop: Shop) -> None:
    record(shop, "order/1", reason="first")
    (entry,) = shop.server.read(queries.entries, retailer_id=shop.retailer.id)
    columns = "(id, at, actor_kind, actor_name, operation, subject, reason)"
    values = f"({entry.id}, 1, 'staff', 'Sam', 'cancel_orders', 'order/1', 'another')"
    if shop.server.database == "sqlite":
        shop.server.sql(f"INSERT OR REPLACE INTO audit_log {columns} VALUES {values}")
    else:
        with pytest.raises(Exception, match="audit_log is append-only"):
            shop.server.sql("TRUNCATE audit_log")
        upsert = "ON CONFLICT (id) DO UPDATE SET reason = 'another'"
        with pytest.raises(Exception, match="audit_log is append-only"):
            shop.server.sql(f"INSERT INTO audit_log {columns} VALUES {values} {upsert}")
    assert shop.server.read(queries.entries, retailer_id=shop.retailer.id) == [entry]


def test_id_is_taken_then_the_row_gets_another(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    record(shop, "order/1")
    (entry,) = shop.server.read(queries.entries, retailer_id=shop.retailer.id)
    drawn = iter([entry.id, entry.id, entry.id + 1])
    monkeypatch.setattr(audit.ids, "new_id", lambda: next(drawn))
    record(shop, "order/2")
    assert [one.id for one in shop.server.read(queries.entries, retailer_id=shop.retailer.id)] == [
        entry.id + 1,
        entry.id,
    ]
