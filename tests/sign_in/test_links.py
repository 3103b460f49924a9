"""One-time links: used once, ended, expired, and separate for each audience and purpose."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from handcart.core import ids
from handcart.sign_in import links
from handcart.sign_in.models import CUSTOMER, SHOPPER, STAFF
from tests.support.contents import mentions
from tests.support.server import LiveServer

HOUR = 3600


def state(server: LiveServer, token: str, purpose: str = "invitation") -> str | None:
    link = server.read(links.look, STAFF, purpose, token)
    return link.state if link else None


def test_link_is_used_by_many_at_once_then_by_one(server: LiveServer) -> None:
    person = ids.new_id()
    token = server.write(links.make, STAFF, "invitation", person, HOUR)
    assert mentions(server, token) == []
    assert server.read(links.find, STAFF, "invitation", token) == person
    with ThreadPoolExecutor(8) as users:
        found = list(users.map(lambda _: server.write(links.use, STAFF, "invitation", token), range(8)))
    assert sorted(found, key=str) == [person] + [None] * 7
    assert server.read(links.find, STAFF, "invitation", token) is None
    assert state(server, token) == "used"


def test_another_audience_or_purpose_then_no_such_link(server: LiveServer) -> None:
    token = server.write(links.make, STAFF, "invitation", ids.new_id(), HOUR)
    for audience, purpose in ((CUSTOMER, "invitation"), (SHOPPER, "invitation"), (STAFF, "password")):
        assert server.write(links.use, audience, purpose, token) is None
        assert server.read(links.look, audience, purpose, token) is None
    assert state(server, token) == "open"


def test_newer_link_then_only_it_works(server: LiveServer) -> None:
    person = ids.new_id()
    older, other = (server.write(links.make, STAFF, purpose, person, HOUR) for purpose in ("invitation", "password"))
    newer = server.write(links.make, STAFF, "invitation", person, HOUR)
    assert [state(server, token) for token in (older, newer)] == ["expired", "open"]
    assert state(server, other, "password") == "open"
    server.write(links.end, STAFF, person)
    assert state(server, newer) == state(server, other, "password") == "expired"


def test_time_passes_then_the_link_ends_and_is_deleted_a_month_later(server: LiveServer, later: Any) -> None:
    token = server.write(links.make, STAFF, "invitation", ids.new_id(), HOUR)
    with later(hours=1):
        assert state(server, token) == "expired"
        assert server.write(links.use, STAFF, "invitation", token) is None
        server.write(links.purge, 1000)
    assert state(server, token) == "open"
    with later(days=31):
        server.write(links.purge, 1000)
        assert state(server, token) is None
