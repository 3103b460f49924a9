"""Forms whose second half comes late: the person may have been closed, demoted or signed out before it comes."""

import json
import re
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from handcart.assignment import ops as work
from handcart.console import entrance, joining
from handcart.console.browser import PersonBrowser
from handcart.console.routes import ROUTES
from handcart.sign_in import sessions
from handcart.sign_in.models import STAFF
from handcart.staff import ops
from handcart.staff.models import SYSTEM
from tests.console.test_passkeys import add, options_on
from tests.support.authenticator import Authenticator
from tests.support.console import Browser, Person
from tests.support.orders import Market
from tests.support.server import LiveServer, live_server
from tests.support.shop import PASSWORD, new_email
from tests.support.shoppers import Phone, add_shopper

OTHERS = {route.path for routes in (entrance.ROUTES, joining.ROUTES) for route in routes}
PATHS = [route.path for route in ROUTES if route.method == "POST" and route.path not in OTHERS]
SERIOUS = (
    "/console/people/invite",
    "/console/me/passkeys/add",
    "/console/orders/{slug}/{order_id}/cancel",
    "/console/shoppers/{id}/invite",
)


@pytest.fixture(scope="module")
def named_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose URL has the name of a host, as passkeys need it."""
    data = tmp_path_factory.mktemp("slow")
    with live_server(f"sqlite:///{data}/handcart.db", data, host="localhost") as running:
        yield running


def close(person: Person) -> None:
    person.server.write(ops.close, SYSTEM, person.id)


def demote(person: Person) -> None:
    person.server.write(ops.change_role, SYSTEM, person.id, "support")


def sign_out(person: Person) -> None:
    person.server.write(sessions.end, person.http.cookies[STAFF.cookie])


def keep(person: Person) -> None:
    """Nothing happens to the person."""


CHANGES = {close: 303, demote: 403, sign_out: 303}


def filled(person: Person, path: str) -> tuple[str, dict[str, str]]:
    """The form of a route: its address, and what the person has typed into it."""
    action, fields = _form_on_own_page(person, path) if path.startswith("/console/me") else _form(person, path)
    return action, {**person.form(action), **fields}


def _form_on_own_page(person: Person, path: str) -> tuple[str, dict[str, str]]:
    if path == "/console/me/password":
        person.open(path)
        return path, {"current_password": PASSWORD, "new_password": "quite another password"}
    if path == "/console/me/passkeys/remove":
        add(person)
    Browser(person.server).sign_in(person.email)
    page = person.open("/console/me").text
    if path == "/console/me/passkeys/add":
        return path, {"credential": json.dumps(Authenticator(person.server.url).create(options_on(page)))}
    return _action(page, path), {}


def _form(person: Person, path: str) -> tuple[str, dict[str, str]]:
    server = person.server
    if path in ("/console/people/invite", "/console/shoppers/add"):
        person.open(path)
        return path, {"name": "Sam", "email": new_email(), "role": "support"}
    if path.startswith("/console/orders/"):
        market = Market(server)
        order_id, shopper = market.order()["id"], add_shopper(server)
        if path.endswith("/unassign"):
            server.write(work.assign, SYSTEM, market.retailer.id, [order_id], shopper.id)
        page = person.open(f"/console/orders/{market.slug}/{order_id}").text
        slot = {} if not path.endswith("/reschedule") else {"slot": str(market.option(hour=15))}
        chosen = {"shopper": str(shopper.id), "cancellation": "retailer_driven: store early closure"}
        return _action(page, path), {"reason": "the roof leaks", **chosen, **slot}
    if path.startswith("/console/people/"):
        other = Person(server, "support")
        if "passkeys" in path:
            add(other)
        page = person.open(f"/console/people/{other.id}").text
        return _action(page, path), {"role": "dispatcher"} if path.endswith("/role") else {}
    phone = Phone(server)
    if path.endswith("/unblock"):
        server.sql(
            "UPDATE shoppers SET blocked_at = 1, blocked_reason = 'no' WHERE id = $1 RETURNING 1", phone.person.id
        )
    page = person.open(f"/console/shoppers/{phone.person.id}").text
    return _action(page, path), {"sure": "yes", "reason": "the roof leaks", "name": new_email().partition("@")[0]}


def _action(page: str, path: str) -> str:
    found = re.search('action="(' + re.sub(r"\\{\w+\\}", '[^/"]+', re.escape(path)) + ')"', page)
    assert found, (path, page)
    return found[1]


def post_slowly(
    person: Person, action: str, fields: dict[str, str], change: Callable[[Person], None], begun: Event
) -> httpx.Response:
    """Post a form whose second half is sent after its handler waits for it, and after the change of the person."""
    body = urlencode(fields).encode()

    def halves() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        assert begun.wait(30)
        change(person)
        yield body[len(body) // 2 :]

    headers = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
    return person.http.post(action, content=halves(), headers=headers)


def deeds(person: Person) -> list[str]:
    """What the person has done, by the audit log: each operation adds a row in its transaction."""
    rows = person.server.sql("SELECT operation FROM audit_log WHERE actor_id = $1 ORDER BY id", person.id)
    return [row["operation"] for row in rows]


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Event:
    """Set as soon as a handler waits for a form."""
    waits, form = Event(), PersonBrowser.form

    async def waiting(browser: PersonBrowser) -> Any:
        waits.set()
        return await form(browser)

    monkeypatch.setattr(PersonBrowser, "form", waiting)
    return waits


def attempt(server: LiveServer, path: str, change: Callable[[Person], None], begun: Event) -> tuple[int, int]:
    """The status of a slow post, and the number of things it did."""
    person = Person(server)
    action, fields = filled(person, path)
    before = len(deeds(person))
    begun.clear()
    return post_slowly(person, action, fields, change, begun).status_code, len(deeds(person)) - before


@pytest.mark.parametrize("path", PATHS)
def test_person_is_closed_before_the_form_is_whole_then_nothing(
    named_server: LiveServer, begun: Event, path: str
) -> None:
    Person(named_server)  # the last admin cannot be closed
    assert attempt(named_server, path, close, begun) == (303, 0)
    status, done = attempt(named_server, path, keep, begun)
    assert (status in (200, 303), done) == (True, 1)


@pytest.mark.parametrize("path", SERIOUS)
@pytest.mark.parametrize("change", CHANGES)
def test_person_is_changed_before_the_form_is_whole_then_nothing(
    named_server: LiveServer, begun: Event, path: str, change: Callable[[Person], None]
) -> None:
    Person(named_server)
    assert attempt(named_server, path, change, begun) == (CHANGES[change], 0)
