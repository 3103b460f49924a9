from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.client.fakes import BASE_URL, Caller, FakeServer, LoopbackServer


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest.fixture(params=["sync", "async"])
def make_caller(request: pytest.FixtureRequest) -> Iterator[Callable[..., Caller]]:
    """Makes callers of the sync, then of the async client, and closes them."""
    callers: list[Caller] = []

    def make(base_url: str = BASE_URL, **options: Any) -> Caller:
        callers.append(Caller(request.param, base_url, **options))
        return callers[-1]

    yield make
    for caller in callers:
        caller.close()


@pytest.fixture
def caller(make_caller: Callable[..., Caller], fake: FakeServer) -> Caller:
    return make_caller(transport=httpx.MockTransport(fake))


@pytest.fixture
def loopback() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server
