"""The server gives every refusal in the OpenAPI description, word for word.

For a new refusal of a route, this test fails until a function in `provoke/` provokes it.
"""

from typing import Any

import pytest

from tests.contract.operations import OPERATIONS, Operation, resolved
from tests.contract.provoke import (  # noqa: F401
    PROVOCATIONS,
    Provocation,
    Provoked,
    any_request,
    callbacks,
    customers,
    post_checkout,
    sandbox,
    selling,
)
from tests.support.server import on_sqlite
from tests.support.shop import Shop


def provocation(operation: Operation, name: str) -> Provocation | None:
    return PROVOCATIONS.get(f"{operation}:{name}") or PROVOCATIONS.get(name)


def refusals(operation: Operation, *, of_any_request: bool) -> list[tuple[int, str, Any]]:
    """Status, name and body of its refusals: those of any request, or those of its own."""
    return [
        (status, name, shown)
        for status, name, shown in operation.refusals()
        if (getattr(provocation(operation, name), "__module__", "") == any_request.__name__) is of_any_request
    ]


OWN = [
    pytest.param(operation, *refusal, id=f"{operation}-{refusal[0]}-{refusal[1]}")
    for operation in OPERATIONS.values()
    for refusal in refusals(operation, of_any_request=False)
]


def check(provoked: Provoked, status: int, name: str) -> None:
    operation = provoked.operation
    what = f"{operation}: {status} {name}"
    found = provocation(operation, name)
    assert found, f"{what} is documented, and nothing provokes it"
    response = found(provoked)
    assert (response.status_code, response.json()) == (status, provoked.shown), what
    assert response.headers["content-type"] == "application/json", what
    for header, reference in resolved(operation.described["responses"][str(status)])["headers"].items():
        assert header in response.headers or not resolved(reference)["required"], f"{what}: {header}"


@on_sqlite
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_refusals_of_any_request_provoked_then_they_come_word_for_word(
    operation: Operation, shop: Shop, later: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    provoked = Provoked(operation, shop, None, monkeypatch, later)
    for status, name, shown in refusals(operation, of_any_request=True):
        with monkeypatch.context() as patch:
            check(provoked.again(shown, patch), status, name)


@on_sqlite  # the words; that each rule holds on both databases is for the tests of its domain
@pytest.mark.parametrize(("operation", "status", "name", "shown"), OWN)
def test_operations_own_refusal_is_provoked_then_it_comes_word_for_word(
    operation: Operation,
    status: int,
    name: str,
    shown: Any,
    shop: Shop,
    later: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check(Provoked(operation, shop, shown, monkeypatch, later), status, name)


def test_refusal_is_no_longer_documented_then_its_provocation_goes_too() -> None:
    shown = {(str(operation), name) for operation in OPERATIONS.values() for _, name, _ in operation.refusals()}
    assert PROVOCATIONS.keys() <= {text for operation, name in shown for text in (name, f"{operation}:{name}")}
