"""Every time in a request needs an offset (RFC 3339): without one, the time zone is unknown."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.operations import OPERATIONS, Attempt, Operation, resolved
from tests.support.server import on_sqlite
from tests.support.shop import Shop, error

NAIVE = "2026-12-03T15:00:00"


def times(schema: Any) -> Iterator[str]:
    """The names of the fields of a request that are times, by the description."""
    for name, field in resolved(schema).get("properties", {}).items():
        for kind in (field, *field.get("anyOf", ())):
            if resolved(kind).get("format") == "date-time":
                yield name
            if "items" in resolved(kind):
                yield from (f"{name}[0].{inner}" for inner in times(resolved(kind)["items"]))


def asked(operation: Operation) -> list[str]:
    content = operation.described.get("requestBody", {}).get("content", {}).get("application/json", {})
    return list(times(content.get("schema", {})))


WITH_TIMES = [(operation, keys) for operation in OPERATIONS.values() if (keys := asked(operation))]


@on_sqlite
@pytest.mark.parametrize(("operation", "keys"), WITH_TIMES, ids=str)
def test_time_has_no_offset_then_its_field_is_named(operation: Operation, keys: list[str], shop: Shop) -> None:
    attempt = Attempt(operation, shop)
    for key in keys:
        changed: Any = {key: NAIVE}
        if key in ("start_at", "end_at"):
            window = attempt.desired_window
            changed = {"start_at": window["starts_at"], "end_at": window["ends_at"], key: NAIVE}
        if key.startswith("desired_windows"):
            changed = {"desired_windows": [{**attempt.desired_window, key.rpartition(".")[2]: NAIVE}]}
        assert error(attempt.having(**changed)) == (400, "is invalid", 1001, key)


def test_operations_take_times_then_these_are_all() -> None:
    found = {key for _, keys in WITH_TIMES for key in keys}
    window = {"desired_windows[0].starts_at", "desired_windows[0].ends_at"}
    assert found == {"start_at", "end_at", "earliest_option_start_at", "at", "schedule_pickup_eta", *window}
    assert len(WITH_TIMES) == 13
