"""Runs a test's coroutines."""

import asyncio
from collections.abc import Iterator

import pytest
import uvloop

from tests.core.outbound.clients import Run


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs a coroutine on each event loop: they differ in what happens to a connection that is given up."""
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner.run
