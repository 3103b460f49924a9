"""Old messages are deleted with their attempts; what must stay stays."""

from typing import Any

from handcart import worker
from handcart.core import clock
from handcart.messages import inbound, ops, push, queries
from handcart.messages.models import SMS
from tests.messages.test_push import AUTH, POINT
from tests.messages.test_routes import accept
from tests.support.gateways import Remembering, drain
from tests.support.letters import write
from tests.support.server import LiveServer


def test_messages_are_old_then_deleted_with_their_attempts(
    server: LiveServer, gateway: Remembering, later: Any
) -> None:
    old = [write(server) for _ in range(3)]
    drain(server, gateway)
    waiting = write(server, due_at=clock.MOST - 1, expires_at=clock.MOST)
    server.write(ops.suppress, SMS, "+13125550150", "operator")
    server.write(inbound.take_reply, "test", "old", "+13125550151", "hello", accept)
    endpoint = "https://push.example/old"
    server.write(push.subscribe, "order/1/old", endpoint, POINT, AUTH, clock.of_process() + clock.DAY)
    with later(days=89):
        server.wait_for(worker.purge(server.app.database))
        assert server.read(queries.message, old[0]) is not None
        assert server.read(queries.subscriptions, "order/1/old") == []
    with later(days=8):
        dropped = server.wait_for(worker.purge(server.app.database, message_days=7))
    assert [server.read(queries.message, one) for one in old] == [None] * 3
    assert dropped["handcart.messages.jobs.purge_attempts"] >= 3
    assert server.read(queries.message, waiting) is not None
    assert server.read(queries.suppression, SMS, "+13125550150") is not None
    assert server.sql("SELECT 1 AS found FROM replies WHERE id = 'old'") == []
