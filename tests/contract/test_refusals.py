"""Every refusal that the OpenAPI description shows is one that the server gives, word for word.

A new refusal of a route fails here until there is a function in `provoke/` that provokes it.
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
    sandbox,
    selling,
)
from tests.support.server import on_sqlite
from tests.support.shop import Shop


def provocation(operation: Operation, name: str) -> Provocation | None:
    return PROVOCATIONS.get(f"{operation}:{name}") or PROVOCATIONS.get(name)


def cases(*, of_any_request: bool) -> list[Any]:
    """Operation, status, name and body of each refusal: those of any request, or those of the operation's own."""
    return [
        pytest.param(operation, status, name, shown, id=f"{operation}-{status}-{name}")
        for operation in OPERATIONS.values()
        for status, name, shown in operation.refusals()
        if (getattr(provocation(operation, name), "__module__", "") == any_request.__name__) is of_any_request
    ]


OF_ANY_REQUEST, OWN = cases(of_any_request=True), cases(of_any_request=False)


def check(provoked: Provoked, status: int, name: str) -> None:
    operation = provoked.operation
    found = provocation(operation, name)
    assert found, f"{operation} documents {status} {name!r}, and nothing provokes it"
    response = found(provoked)
    assert (response.status_code, response.json()) == (status, provoked.shown)
    assert response.headers["content-type"] == "application/json"
    for header, reference in resolved(operation.described["responses"][str(status)])["headers"].items():
        assert header in response.headers or not resolved(reference)["required"], header


@on_sqlite
@pytest.mark.parametrize(("operation", "status", "name", "shown"), OF_ANY_REQUEST)
def test_when_a_refusal_of_any_request_is_provoked_then_it_comes_word_for_word(
    operation: Operation,
    status: int,
    name: str,
    shown: Any,
    shop: Shop,
    later: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check(Provoked(operation, shop, shown, monkeypatch, later), status, name)


@pytest.mark.parametrize(("operation", "status", "name", "shown"), OWN)
def test_when_an_operations_own_refusal_is_provoked_then_it_comes_word_for_word(
    operation: Operation,
    status: int,
    name: str,
    shown: Any,
    shop: Shop,
    later: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    check(Provoked(operation, shop, shown, monkeypatch, later), status, name)


def test_when_a_refusal_is_no_longer_documented_then_its_provocation_goes_too() -> None:
    shown = {name for case in OF_ANY_REQUEST + OWN for name in (case.values[2], f"{case.values[0]}:{case.values[2]}")}
    assert PROVOCATIONS.keys() <= shown
