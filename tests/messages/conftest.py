"""A gateway for each test, and no messages of other tests."""

import pytest

from tests.support.gateways import Remembering
from tests.support.server import LiveServer


@pytest.fixture
def gateway(server: LiveServer) -> Remembering:
    """A gateway that sends nothing. Messages of other tests are ended, since a sender sends for all."""
    server.sql(
        "UPDATE messages SET state = 'kept', leased_until = NULL WHERE state IN ('pending', 'sending') RETURNING id"
    )
    return Remembering()
